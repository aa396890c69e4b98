package io.attentivecutmix.image;

/** Order of an image's values in memory: N images, H rows, W columns, C = 3 channels (R, G, B). */
public enum Layout {
    /** Channels last: R, G, B of one pixel lie side by side. */
    NHWC,
    /** Planes: all R of an image, then all G, then all B. */
    NCHW
}
