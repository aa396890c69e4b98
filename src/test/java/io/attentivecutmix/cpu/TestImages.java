package io.attentivecutmix.cpu;

import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Images;
import io.attentivecutmix.image.Layout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Batches for tests. {@link #structured} draws the pictures that src/test/python/test_images.py draws too: gradients,
 * three discs, a chequered quarter and a little noise, all in integer arithmetic.
 */
public record TestImages(ElementType elementType, Layout layout, List<Image> images) implements Images {
    /** One image of height h and width w. */
    public record Image(int h, int w, ByteBuffer pixels) {}

    public static TestImages bytes(Image... images) {
        return new TestImages(ElementType.UINT8, Layout.NHWC, List.of(images));
    }

    /** A direct buffer in native order of this many bytes. */
    public static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    /** Image number n of the generator, (h, w, 3) uint8. */
    public static Image structured(int n, int h, int w) {
        ByteBuffer pixels = buffer(h * w * 3);
        for (int y = 0; y < h; y++) {
            for (int x = 0; x < w; x++) {
                for (int c = 0; c < 3; c++) {
                    pixels.put((y * w + x) * 3 + c, (byte) value(n, h, w, y, x, c));
                }
            }
        }
        return new Image(h, w, pixels);
    }

    private static int value(int n, int h, int w, int y, int x, int c) {
        int v = (x * (40 + 30 * c) / w + y * (90 - 30 * c) / h + 16 * n) % 128;
        for (int d = 0; d < 3; d++) {
            long cy = hash(n, d, 1) % h;
            long cx = hash(n, d, 2) % w;
            long r = 1 + Math.min(h, w) / 10 + hash(n, d, 3) % (1 + Math.min(h, w) / 5);
            if ((y - cy) * (y - cy) + (x - cx) * (x - cx) <= r * r) {
                v = (int) (hash(n, d, 4 + c) % 256);
            }
        }
        long quarter = hash(n, 9, 9) % 4;
        if ((y * 2 / h) * 2 + x * 2 / w == quarter && (y * 14 / h + x * 14 / w) % 2 == 0) {
            v = 255 - v;
        }
        return (int) Math.min(255, v + hash(n, y, x * 3 + c) % 16);
    }

    /** 32 bits from three numbers below 2^31. */
    private static long hash(long a, long b, long c) {
        long h = (a * 73856093 ^ b * 19349663 ^ c * 83492791) & 0xffffffffL;
        h = ((h ^ h >> 15) * 2246822519L) & 0xffffffffL;
        h = ((h ^ h >> 13) * 3266489917L) & 0xffffffffL;
        return h ^ h >> 16;
    }

    @Override
    public int count() {
        return images.size();
    }

    @Override
    public int height(int i) {
        return images.get(i).h();
    }

    @Override
    public int width(int i) {
        return images.get(i).w();
    }

    @Override
    public ByteBuffer pixels(int i) {
        return images.get(i).pixels();
    }

    @Override
    public int maskBytes() {
        return 0;
    }

    @Override
    public ByteBuffer mask(int i) {
        return null;
    }
}
