package io.attentivecutmix.method;

import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.HalfFloats;
import io.attentivecutmix.image.Images;
import io.attentivecutmix.image.Layout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/** A batch in direct buffers, for tests; every buffer ends in a guard band that {@link #checkGuards} looks at. */
public final class HostImages implements Images {
    private static final int GUARD = 16;
    private static final byte GUARD_BYTE = 0x5a;

    private final int[][] sizes;
    private final ElementType type;
    private final Layout layout;
    private final int maskBytes;
    private final ByteBuffer[] pixels;
    private final ByteBuffer[] masks;

    /** Zeros. @param sizes (N, 2) height, width */
    public HostImages(int[][] sizes, ElementType type, Layout layout, int maskBytes) {
        this.sizes = sizes;
        this.type = type;
        this.layout = layout;
        this.maskBytes = maskBytes;
        pixels = new ByteBuffer[sizes.length];
        masks = new ByteBuffer[sizes.length];
        for (int i = 0; i < sizes.length; i++) {
            pixels[i] = guarded(sizes[i][0] * sizes[i][1] * 3 * type.bytes());
            masks[i] = guarded(sizes[i][0] * sizes[i][1] * maskBytes);
        }
    }

    private static ByteBuffer guarded(int bytes) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(bytes + GUARD).order(ByteOrder.nativeOrder());
        for (int at = bytes; at < bytes + GUARD; at++) {
            buffer.put(at, GUARD_BYTE);
        }
        return buffer;
    }

    /** Random pixels (floats in −3..3) and random masks. */
    public HostImages fill(Random random) {
        for (int i = 0; i < sizes.length; i++) {
            for (int at = 0; at < sizes[i][0] * sizes[i][1] * 3; at++) {
                float value = random.nextFloat() * 6 - 3;
                switch (type) {
                    case UINT8 -> pixels[i].put(at, (byte) random.nextInt());
                    case FLOAT32 -> pixels[i].putFloat(4 * at, value);
                    case FLOAT16 -> pixels[i].putShort(2 * at, HalfFloats.toFloat16(value));
                    case BFLOAT16 -> pixels[i].putShort(2 * at, HalfFloats.toBfloat16(value));
                }
            }
            for (int at = 0; at < sizes[i][0] * sizes[i][1] * maskBytes; at++) {
                masks[i].put(at, (byte) random.nextInt());
            }
        }
        return this;
    }

    /** Index of one value in its image. */
    public int index(int i, int y, int x, int c) {
        return layout == Layout.NHWC ? (y * width(i) + x) * 3 + c : (c * height(i) + y) * width(i) + x;
    }

    /** The bits of one value. */
    public int bits(int i, int y, int x, int c) {
        int at = index(i, y, x, c);
        return switch (type) {
            case UINT8 -> pixels[i].get(at) & 0xff;
            case FLOAT32 -> pixels[i].getInt(4 * at);
            case FLOAT16, BFLOAT16 -> pixels[i].getShort(2 * at) & 0xffff;
        };
    }

    /** One value of a floating batch. */
    public float value(int i, int y, int x, int c) {
        int bits = bits(i, y, x, c);
        return switch (type) {
            case UINT8 -> bits;
            case FLOAT32 -> Float.intBitsToFloat(bits);
            case FLOAT16 -> HalfFloats.fromFloat16((short) bits);
            case BFLOAT16 -> HalfFloats.fromBfloat16((short) bits);
        };
    }

    /** One element of a mask. */
    public int maskBits(int i, int y, int x) {
        int at = (y * width(i) + x) * maskBytes;
        return switch (maskBytes) {
            case 1 -> masks[i].get(at) & 0xff;
            case 2 -> masks[i].getShort(at) & 0xffff;
            default -> masks[i].getInt(at);
        };
    }

    /** Fails if a guard band was written. */
    public void checkGuards() {
        for (int i = 0; i < sizes.length; i++) {
            for (ByteBuffer buffer : new ByteBuffer[] {pixels[i], masks[i]}) {
                for (int at = buffer.capacity() - GUARD; at < buffer.capacity(); at++) {
                    if (buffer.get(at) != GUARD_BYTE) {
                        throw new AssertionError("guard band of image " + i + " was written");
                    }
                }
            }
        }
    }

    @Override
    public int count() {
        return sizes.length;
    }

    @Override
    public int height(int i) {
        return sizes[i][0];
    }

    @Override
    public int width(int i) {
        return sizes[i][1];
    }

    @Override
    public ElementType elementType() {
        return type;
    }

    @Override
    public Layout layout() {
        return layout;
    }

    @Override
    public ByteBuffer pixels(int i) {
        return pixels[i];
    }

    @Override
    public int maskBytes() {
        return maskBytes;
    }

    @Override
    public ByteBuffer mask(int i) {
        return maskBytes == 0 ? null : masks[i];
    }
}
