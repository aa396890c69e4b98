package io.attentivecutmix.quantisation;

import io.attentivecutmix.image.ResizeFilter;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.network.ResNet;
import java.util.Objects;

/**
 * What decides the numbers that enter the network, and so the ranges of everything behind.
 *
 * @param inputSide S, as {@link MixOptions#inputSide} allows it
 * @param normalisation of the image
 * @param resizeFilter for images of another size
 */
public record Preprocessing(int inputSide, Normalisation normalisation, ResizeFilter resizeFilter) {
    public Preprocessing {
        Objects.requireNonNull(normalisation, "normalisation");
        Objects.requireNonNull(resizeFilter, "resizeFilter");
        MixOptions.checkInputSide(inputSide);
    }

    /** G, cells along one side. */
    public int grid() {
        return inputSide / ResNet.STRIDE;
    }

    /** As a mixer with these options does it. */
    public static Preprocessing of(MixOptions options) {
        return new Preprocessing(options.inputSide(), options.normalisation(), options.resizeFilter());
    }
}
