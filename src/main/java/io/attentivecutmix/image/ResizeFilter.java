package io.attentivecutmix.image;

/** How an image is resized. All three give Pillow's values bit for bit. */
public enum ResizeFilter {
    /** Pillow's antialiased bicubic (a = −0.5), what Pillow does when no filter is named. */
    BICUBIC,
    /** Pillow's antialiased bilinear (a triangle stretched by the scale). */
    BILINEAR,
    /**
     * The nearest pixel: source index {@code (int) s}, where s starts at 0.5·(in/out) and in/out is added per step.
     * That running sum is Pillow's; floor((x + 0.5)·in/out) is another index for some sizes.
     */
    NEAREST
}
