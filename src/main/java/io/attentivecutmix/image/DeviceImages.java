package io.attentivecutmix.image;

import java.util.Objects;

/**
 * A batch of N RGB images of one size in a GPU's memory, which the caller owns: a tensor (N, H, W, 3) or (N, 3, H, W).
 *
 * @param address of the first value, a multiple of the type's size; 16 bytes are fastest
 * @param count N, 1 or more
 * @param height H in pixels, 1 or more
 * @param width W in pixels, 1 or more
 * @param elementType of every value
 * @param layout of every image
 */
public record DeviceImages(long address, int count, int height, int width, ElementType elementType, Layout layout)
        implements BatchForm {
    public DeviceImages {
        Objects.requireNonNull(elementType, "elementType");
        Objects.requireNonNull(layout, "layout");
        if (address == 0 || address % elementType.bytes() != 0) {
            throw new IllegalArgumentException("address is 0x" + Long.toHexString(address) + "; allowed: a multiple of "
                    + elementType.bytes() + " other than 0 (" + elementType + ")");
        }
        if (count < 1) {
            throw new IllegalArgumentException("count is " + count + "; allowed: 1 or more");
        }
        if (height < 1 || width < 1) {
            throw new IllegalArgumentException("size is " + height + " by " + width
                    + " pixels (H by W); allowed: 1 or more");
        }
        if ((long) height * width > Integer.MAX_VALUE / (3 * Float.BYTES)) {
            throw new IllegalArgumentException("size is " + height + " by " + width
                    + " pixels (H by W); allowed: up to " + Integer.MAX_VALUE / (3 * Float.BYTES) + " pixels");
        }
    }

    /** Bytes of the whole tensor. */
    public long bytes() {
        return 3L * elementType.bytes() * count * height * width;
    }

    /** Whether the two tensors share memory. */
    public boolean overlaps(DeviceImages other) {
        return address < other.address + other.bytes() && other.address < address + bytes();
    }

    @Override
    public int height(int i) {
        Objects.checkIndex(i, count);
        return height;
    }

    @Override
    public int width(int i) {
        Objects.checkIndex(i, count);
        return width;
    }

    /** 0: masks are mixed in host batches only. */
    @Override
    public int maskBytes() {
        return 0;
    }
}
