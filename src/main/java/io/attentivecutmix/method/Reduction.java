package io.attentivecutmix.method;

/** How the C channels of the last feature map become one heat value per cell. */
public enum Reduction {
    /** Mean over all channels (OpenMixup, and the default). */
    MEAN,
    /** Channel C−1 alone (the original code). */
    LAST,
    /** Largest channel. */
    MAX,
    /** Square root of the sum of squares. */
    L2,
    /** Class activation map: channels weighted by the classifier's row of the image's own label; needs {@code fc}. */
    CLASS
}
