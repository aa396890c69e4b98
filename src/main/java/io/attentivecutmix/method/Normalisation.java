package io.attentivecutmix.method;

import java.util.List;

/**
 * How the extractor's input, and a floating output, is made of pixel values.
 *
 * @param kind what is done
 * @param mean per channel R, G, B, of values in 0..1; zeros unless kind is STANDARDISE
 * @param std per channel R, G, B, finite and above 0; ones unless kind is STANDARDISE
 */
public record Normalisation(Kind kind, List<Float> mean, List<Float> std) {
    /** What is done. */
    public enum Kind {
        /** Values in 0..1 (a uint8 v is v/255 in float), then (v − mean)/std in float. */
        STANDARDISE,
        /** Values in 0..1, nothing else. */
        NONE,
        /** The batch holds floating values that were normalised before; a UINT8 batch is refused. */
        ALREADY_NORMALISED
    }

    private static final List<Float> ZEROS = List.of(0f, 0f, 0f);
    private static final List<Float> ONES = List.of(1f, 1f, 1f);

    /** Mean 0.485 0.456 0.406, standard deviation 0.229 0.224 0.225. */
    public static final Normalisation IMAGENET =
            standardise(List.of(0.485f, 0.456f, 0.406f), List.of(0.229f, 0.224f, 0.225f));
    /** Values in 0..1, nothing else. */
    public static final Normalisation NONE = new Normalisation(Kind.NONE, ZEROS, ONES);
    /** The batch was normalised by the caller. */
    public static final Normalisation ALREADY_NORMALISED = new Normalisation(Kind.ALREADY_NORMALISED, ZEROS, ONES);

    public Normalisation {
        mean = List.copyOf(mean);
        std = List.copyOf(std);
        if (mean.size() != 3 || std.size() != 3) {
            throw new IllegalArgumentException("mean and std have " + mean.size() + " and " + std.size()
                    + " values; allowed: 3 each (R, G, B)");
        }
        for (float m : mean) {
            if (!Float.isFinite(m)) {
                throw new IllegalArgumentException("mean has " + m + "; allowed: finite values");
            }
        }
        for (float s : std) {
            if (!(s > 0) || Float.isInfinite(s)) {
                throw new IllegalArgumentException("std has " + s + "; allowed: finite values above 0");
            }
        }
        if (kind != Kind.STANDARDISE && !(mean.equals(ZEROS) && std.equals(ONES))) {
            throw new IllegalArgumentException("kind " + kind + " has mean " + mean + " and std " + std
                    + "; allowed: only STANDARDISE has values of its own");
        }
    }

    /** {@code (v − mean)/std} per channel. */
    public static Normalisation standardise(List<Float> mean, List<Float> std) {
        return new Normalisation(Kind.STANDARDISE, mean, std);
    }
}
