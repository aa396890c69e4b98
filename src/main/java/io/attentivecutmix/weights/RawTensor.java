package io.attentivecutmix.weights;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;

/**
 * A tensor as its file holds it.
 *
 * @param type of the elements
 * @param shape sides, outermost first; empty for a scalar
 * @param data the elements from index 0 to the limit: contiguous, row-major, little-endian
 */
record RawTensor(DType type, int[] shape, ByteBuffer data) {
    private static final int BLOCK = 4096;

    /** Number of elements. */
    int elements() {
        return data.limit() / type.bytes();
    }

    /** The elements as float; doubles are rounded to nearest. For floating types only. */
    float[] toFloats() {
        float[] values = new float[elements()];
        toFloats(littleEndian(), 0, values, values.length);
        return values;
    }

    private void toFloats(ByteBuffer bytes, int from, float[] values, int length) {
        if (type == DType.F32) {
            bytes.asFloatBuffer().get(from, values, 0, length);
            return;
        }
        for (int i = 0; i < length; i++) {
            values[i] = value(bytes, from + i);
        }
    }

    /**
     * Index of the first element that is not finite, or that is below 0 where that is not allowed; −1 if there is none.
     */
    int firstUnusable(boolean negativeAllowed) {
        ByteBuffer bytes = littleEndian();
        float lowest = negativeAllowed ? -Float.MAX_VALUE : 0;
        float[] block = new float[Math.min(BLOCK, elements())];
        for (int from = 0; from < elements(); from += block.length) {
            int length = Math.min(block.length, elements() - from);
            toFloats(bytes, from, block, length);
            for (int i = 0; i < length; i++) {
                // false for NaN too
                if (!(block[i] >= lowest && block[i] <= Float.MAX_VALUE)) {
                    return from + i;
                }
            }
        }
        return -1;
    }

    /** Hashes the elements as little-endian binary32. For floating types only. */
    void digestFloats(MessageDigest digest) {
        if (type == DType.F32) {
            digest.update(data.duplicate());
            return;
        }
        ByteBuffer bytes = littleEndian();
        ByteBuffer block = ByteBuffer.allocate(Float.BYTES * BLOCK).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < elements(); i++) {
            block.putFloat(value(bytes, i));
            if (!block.hasRemaining() || i == elements() - 1) {
                digest.update(block.flip());
                block.clear();
            }
        }
    }

    /** Element i as float. */
    float value(int i) {
        return value(littleEndian(), i);
    }

    private ByteBuffer littleEndian() {
        return data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    private float value(ByteBuffer bytes, int i) {
        return switch (type) {
            case F32 -> bytes.getFloat(4 * i);
            case F64 -> (float) bytes.getDouble(8 * i);
            case BF16 -> Float.intBitsToFloat(bytes.getShort(2 * i) << 16);
            case F16 -> halfToFloat(bytes.getShort(2 * i));
            default -> throw new IllegalStateException("a tensor of " + type + " has no floats");
        };
    }

    /** IEEE 754 binary16, exactly. */
    static float halfToFloat(short half) {
        int exponent = half >> 10 & 0x1F;
        int fraction = half & 0x3FF;
        float magnitude;
        if (exponent == 0) {
            magnitude = fraction * 0x1p-24f;
        } else if (exponent == 0x1F) {
            magnitude = Float.intBitsToFloat(0x7F800000 | fraction << 13);
        } else {
            magnitude = Float.intBitsToFloat(exponent + 112 << 23 | fraction << 13);
        }
        return half < 0 ? -magnitude : magnitude;
    }
}
