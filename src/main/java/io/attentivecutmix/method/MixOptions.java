package io.attentivecutmix.method;

import io.attentivecutmix.image.ResizeFilter;
import io.attentivecutmix.network.ResNet;
import java.util.Objects;

/**
 * Every choice the method leaves open; immutable. Start from a preset and change what you need with the {@code with}
 * methods.
 *
 * @param mode what decides which pixels come from image i
 * @param reduction how channels become heat
 * @param patches how many cells
 * @param labelWeight how image i's share of the label is counted
 * @param geometry where cells are cut
 * @param normalisation of the extractor's input and of floating outputs
 * @param batchNorm which statistics the extractor uses
 * @param resizeFilter for every resize of pixels (masks are always resized by nearest)
 * @param probability in 0..1, drawn per image: an image that is not mixed passes unchanged with sourceWeight 1
 * @param inputSide S, side of the extractor's square input: a multiple of 32, from 32 to 1024
 */
public record MixOptions(
        Mode mode,
        Reduction reduction,
        Patches patches,
        LabelWeight labelWeight,
        Geometry geometry,
        Normalisation normalisation,
        BatchNorm batchNorm,
        ResizeFilter resizeFilter,
        double probability,
        int inputSide) {

    /** Largest S: G = 32 is the largest grid that kernels and masks are made for. */
    public static final int MAX_INPUT_SIDE = 1024;

    public MixOptions {
        Objects.requireNonNull(mode, "mode");
        Objects.requireNonNull(reduction, "reduction");
        Objects.requireNonNull(patches, "patches");
        Objects.requireNonNull(labelWeight, "labelWeight");
        Objects.requireNonNull(geometry, "geometry");
        Objects.requireNonNull(normalisation, "normalisation");
        Objects.requireNonNull(batchNorm, "batchNorm");
        Objects.requireNonNull(resizeFilter, "resizeFilter");
        if (!(probability >= 0 && probability <= 1)) {
            throw new IllegalArgumentException("probability is " + probability + "; allowed: 0 to 1");
        }
        checkInputSide(inputSide);
        int cells = (inputSide / ResNet.STRIDE) * (inputSide / ResNet.STRIDE);
        if (patches instanceof Patches.Fixed fixed && fixed.k() > cells) {
            throw new IllegalArgumentException("k is " + fixed.k() + "; allowed: 1 to " + cells + " (G² at inputSide "
                    + inputSide + ")");
        }
    }

    /** Refuses an S that is not allowed. */
    public static void checkInputSide(int inputSide) {
        if (inputSide < ResNet.STRIDE || inputSide > MAX_INPUT_SIDE || inputSide % ResNet.STRIDE != 0) {
            throw new IllegalArgumentException("inputSide is " + inputSide + "; allowed: multiples of " + ResNet.STRIDE
                    + " from " + ResNet.STRIDE + " to " + MAX_INPUT_SIDE);
        }
    }

    /** The paper with the choices of this library's defaults. */
    public static MixOptions paper() {
        return new MixOptions(Mode.ATTENTIVE, Reduction.MEAN, Patches.PAPER, LabelWeight.PIXELS, Geometry.NATIVE,
                Normalisation.IMAGENET, BatchNorm.RUNNING, ResizeFilter.BICUBIC, 1, 224);
    }

    /** The published PyTorch code, with everything it does differently. */
    public static MixOptions original() {
        return new MixOptions(Mode.ATTENTIVE, Reduction.LAST, Patches.PAPER, LabelWeight.NOMINAL, Geometry.RESIZED,
                Normalisation.NONE, BatchNorm.PER_IMAGE, ResizeFilter.BICUBIC, 1, 224);
    }

    /** OpenMixup's AttentiveMix: k from Beta(α, α), drawn once per batch, area weight. */
    public static MixOptions openMixup(double alpha) {
        return paper().withPatches(new Patches.Beta(alpha, false));
    }

    /**
     * Reads what {@link #toJson} writes: one object; a key that does not come has the value of {@link #paper()}.
     * {@code patches} is {@code {"k":6}} or {@code {"alpha":2.0,"perImage":true}}; {@code normalisation} is
     * {@code {"kind":"NONE"}}, {@code {"kind":"ALREADY_NORMALISED"}}, or
     * {@code {"kind":"STANDARDISE","mean":[…],"std":[…]}}; closed choices are the constants' names.
     *
     * @throws IllegalArgumentException if the text is not such an object, has an unknown or a repeated key, or a value
     *     is not allowed
     */
    public static MixOptions fromJson(String json) {
        return MixOptionsJson.read(json);
    }

    /** These options as one JSON object, every key written; numbers read back as the same bits. */
    public String toJson() {
        return JsonWriter.write(out -> MixOptionsJson.write(this, out));
    }

    /** G, cells along one side. */
    public int grid() {
        return inputSide / ResNet.STRIDE;
    }

    public MixOptions withMode(Mode value) {
        return new MixOptions(value, reduction, patches, labelWeight, geometry, normalisation, batchNorm, resizeFilter,
                probability, inputSide);
    }

    public MixOptions withReduction(Reduction value) {
        return new MixOptions(mode, value, patches, labelWeight, geometry, normalisation, batchNorm, resizeFilter,
                probability, inputSide);
    }

    public MixOptions withPatches(Patches value) {
        return new MixOptions(mode, reduction, value, labelWeight, geometry, normalisation, batchNorm, resizeFilter,
                probability, inputSide);
    }

    public MixOptions withLabelWeight(LabelWeight value) {
        return new MixOptions(mode, reduction, patches, value, geometry, normalisation, batchNorm, resizeFilter,
                probability, inputSide);
    }

    public MixOptions withGeometry(Geometry value) {
        return new MixOptions(mode, reduction, patches, labelWeight, value, normalisation, batchNorm, resizeFilter,
                probability, inputSide);
    }

    public MixOptions withNormalisation(Normalisation value) {
        return new MixOptions(mode, reduction, patches, labelWeight, geometry, value, batchNorm, resizeFilter,
                probability, inputSide);
    }

    public MixOptions withBatchNorm(BatchNorm value) {
        return new MixOptions(mode, reduction, patches, labelWeight, geometry, normalisation, value, resizeFilter,
                probability, inputSide);
    }

    public MixOptions withResizeFilter(ResizeFilter value) {
        return new MixOptions(mode, reduction, patches, labelWeight, geometry, normalisation, batchNorm, value,
                probability, inputSide);
    }

    public MixOptions withProbability(double value) {
        return new MixOptions(mode, reduction, patches, labelWeight, geometry, normalisation, batchNorm, resizeFilter,
                value, inputSide);
    }

    public MixOptions withInputSide(int value) {
        return new MixOptions(mode, reduction, patches, labelWeight, geometry, normalisation, batchNorm, resizeFilter,
                probability, value);
    }
}
