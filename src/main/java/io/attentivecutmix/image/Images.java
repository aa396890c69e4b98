package io.attentivecutmix.image;

import java.nio.ByteBuffer;

/**
 * A batch of N RGB images in host memory, of one size or of many; read-only for whoever is handed one.
 *
 * <p>Every buffer is direct, in native byte order, starts at index 0 and keeps its memory alive; absolute reads only.
 */
public interface Images extends BatchForm {
    /** The values of image i, (H, W, 3) or (3, H, W), {@code 3·H·W·elementType().bytes()} bytes from index 0. */
    ByteBuffer pixels(int i);

    /** Segmentation mask of image i, (H, W) elements of {@link #maskBytes()} bytes, or null when the batch has none. */
    ByteBuffer mask(int i);

    /**
     * Address of the first byte of {@link #pixels} if it lies in memory that a device made for batches (page-locked,
     * which it copies from and to without a detour), else 0.
     */
    default long address(int i) {
        return 0;
    }

    /** As {@link #address}, of {@link #mask}. */
    default long maskAddress(int i) {
        return 0;
    }
}
