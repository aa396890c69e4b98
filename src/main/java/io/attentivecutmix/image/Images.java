package io.attentivecutmix.image;

import java.nio.ByteBuffer;

/**
 * A batch of N RGB images in host memory, of one size or of many; read-only for whoever is handed one.
 *
 * <p>Every buffer is direct, in native byte order, starts at index 0 and keeps its memory alive; absolute reads only.
 */
public interface Images {
    /** N. */
    int count();

    /** Height H of image i in pixels. */
    int height(int i);

    /** Width W of image i in pixels. */
    int width(int i);

    /** Type of every value of the batch. */
    ElementType elementType();

    /** Layout of every image of the batch. */
    Layout layout();

    /** The values of image i, (H, W, 3) or (3, H, W), {@code 3·H·W·elementType().bytes()} bytes from index 0. */
    ByteBuffer pixels(int i);

    /** Bytes of one element of a segmentation mask: 1, 2 or 4; 0 when the batch has no masks. */
    int maskBytes();

    /** Segmentation mask of image i, (H, W) elements of {@link #maskBytes()} bytes, or null when the batch has none. */
    ByteBuffer mask(int i);
}
