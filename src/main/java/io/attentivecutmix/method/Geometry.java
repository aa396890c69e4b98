package io.attentivecutmix.method;

/** Where cells are cut. */
public enum Geometry {
    /**
     * In the image's own pixels, boundaries floor(j·H/G); image i is first resized to the background's size if they
     * differ.
     */
    NATIVE,
    /** Both images resized to S×S, mixed there, the result resized to image i's size (as the original code does). */
    RESIZED
}
