package io.attentivecutmix.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/** The inputs of src/test/python/resize_goldens.py, value for value. */
final class Noise {
    private Noise() {
    }

    private static int hash(int i, int seed) {
        int x = i * 0x9E3779B1 + seed * 40503;
        x ^= x >>> 15;
        x *= 0x85EBCA6B;
        x ^= x >>> 13;
        x *= 0xC2B2AE35;
        return x ^ x >>> 16;
    }

    static ByteBuffer uint8(int h, int w) {
        ByteBuffer image = ByteBuffer.allocateDirect(h * w * 3).order(ByteOrder.nativeOrder());
        int seed = h * 31 + w;
        for (int y = 0, i = 0; y < h; y++) {
            for (int x = 0; x < w; x++) {
                for (int c = 0; c < 3; c++, i++) {
                    int value = hash(i, seed) >>> 24;
                    boolean plain = ((y >> 4) + (x >> 4) & 1) == 1;
                    image.put(i, (byte) (plain ? value : value >= 128 ? 255 : 0));
                }
            }
        }
        return image;
    }

    static FloatBuffer float32(int h, int w) {
        FloatBuffer image = FloatBuffer.allocate(h * w * 3);
        for (int i = 0; i < h * w * 3; i++) {
            image.put(i, (float) ((hash(i, h * 31 + w) >>> 8) * 0x1p-22 - 2));
        }
        return image;
    }
}
