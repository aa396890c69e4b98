package io.attentivecutmix.engine;

import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.Tensors;
import io.attentivecutmix.quantisation.Calibration;

/**
 * What an engine is built from.
 *
 * @param network the extractor's table, or null for an engine that only mixes (no weights were given)
 * @param tensors the extractor's tensors, read during construction only; null with network
 * @param classifier (classes, C) rows of {@code fc.weight}, or null
 * @param options the method's choices
 * @param precision of the extractor; one that the device supports
 * @param threads number of worker threads, 1 or more; a GPU has none
 * @param calibration for INT8, checked against the weights; null for every other precision
 * @param tuning how a device that has a choice of implementations chooses
 */
public record EngineConfig(
        ResNet network,
        Tensors tensors,
        float[][] classifier,
        MixOptions options,
        Precision precision,
        int threads,
        Calibration calibration,
        Tuning tuning) {
    /** Without a calibration. */
    public EngineConfig(
            ResNet network, Tensors tensors, float[][] classifier, MixOptions options, Precision precision,
            int threads, Tuning tuning) {
        this(network, tensors, classifier, options, precision, threads, null, tuning);
    }

    /** Without a calibration, with {@link Tuning#DEFAULT}. */
    public EngineConfig(
            ResNet network, Tensors tensors, float[][] classifier, MixOptions options, Precision precision,
            int threads) {
        this(network, tensors, classifier, options, precision, threads, Tuning.DEFAULT);
    }
}
