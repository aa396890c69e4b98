package io.attentivecutmix.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;
import java.awt.image.IndexColorModel;
import java.awt.image.WritableRaster;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Expected values are worked out from what is put into the rasters, without any of Java's colour conversion. */
class RgbImageTest {
    private static final int H = 5;
    private static final int W = 7;

    private static byte[] rgb(BufferedImage image) {
        RgbImage result = RgbImage.of(image);
        assertEquals(H, result.height());
        assertEquals(W, result.width());
        return result.rgb();
    }

    private static byte[] filled(BufferedImage image, int[] most, long seed,
            java.util.function.Function<int[], int[]> toRgb) {
        Random random = new Random(seed);
        byte[] expected = new byte[H * W * 3];
        for (int y = 0, to = 0; y < H; y++) {
            for (int x = 0; x < W; x++) {
                int[] bands = new int[most.length];
                for (int b = 0; b < bands.length; b++) {
                    bands[b] = random.nextInt(most[b] + 1);
                }
                image.getRaster().setPixel(x, y, bands);
                for (int value : toRgb.apply(bands)) {
                    expected[to++] = (byte) value;
                }
            }
        }
        return expected;
    }

    @Test
    void everyStandardTypeIsReadFromItsRaster() {
        int[] three = {255, 255, 255};
        int[] four = {255, 255, 255, 255};
        for (int type : new int[] {BufferedImage.TYPE_INT_RGB, BufferedImage.TYPE_INT_BGR,
            BufferedImage.TYPE_3BYTE_BGR}) {
            BufferedImage image = new BufferedImage(W, H, type);
            assertArrayEquals(filled(image, three, type, v -> v), rgb(image), "type " + type);
        }
        for (int type : new int[] {BufferedImage.TYPE_INT_ARGB, BufferedImage.TYPE_4BYTE_ABGR}) {
            BufferedImage image = new BufferedImage(W, H, type);
            assertArrayEquals(filled(image, four, type, v -> new int[] {v[0], v[1], v[2]}), rgb(image), "type " + type);
        }
        for (int type : new int[] {BufferedImage.TYPE_INT_ARGB_PRE, BufferedImage.TYPE_4BYTE_ABGR_PRE}) {
            BufferedImage image = new BufferedImage(W, H, type);
            byte[] expected = filled(image, four, type, v -> new int[] {divided(v[0], v[3]), divided(v[1], v[3]),
                divided(v[2], v[3])});
            assertArrayEquals(expected, rgb(image), "type " + type);
        }
        BufferedImage grey = new BufferedImage(W, H, BufferedImage.TYPE_BYTE_GRAY);
        assertArrayEquals(filled(grey, new int[] {255}, 1, v -> new int[] {v[0], v[0], v[0]}), rgb(grey));
        BufferedImage grey16 = new BufferedImage(W, H, BufferedImage.TYPE_USHORT_GRAY);
        assertArrayEquals(filled(grey16, new int[] {600}, 2, v -> {
            int value = Math.min(v[0], 255);
            return new int[] {value, value, value};
        }), rgb(grey16));
        BufferedImage r565 = new BufferedImage(W, H, BufferedImage.TYPE_USHORT_565_RGB);
        assertArrayEquals(filled(r565, new int[] {31, 63, 31}, 3,
                v -> new int[] {v[0] * 255 / 31, v[1] * 255 / 63, v[2] * 255 / 31}), rgb(r565));
        BufferedImage r555 = new BufferedImage(W, H, BufferedImage.TYPE_USHORT_555_RGB);
        assertArrayEquals(filled(r555, new int[] {31, 31, 31}, 4,
                v -> new int[] {v[0] * 255 / 31, v[1] * 255 / 31, v[2] * 255 / 31}), rgb(r555));
        BufferedImage binary = new BufferedImage(W, H, BufferedImage.TYPE_BYTE_BINARY);
        assertArrayEquals(filled(binary, new int[] {1}, 5, v -> new int[] {255 * v[0], 255 * v[0], 255 * v[0]}),
                rgb(binary));
    }

    /** Pillow's RGBa to RGBA. */
    private static int divided(int value, int alpha) {
        return alpha == 0 || alpha == 255 ? value : Math.min(255, 255 * value / alpha);
    }

    @Test
    void palettesOfEveryDepth() {
        for (int bits : new int[] {1, 2, 4, 8}) {
            int size = bits == 8 ? 200 : 1 << bits;
            byte[] r = new byte[size];
            byte[] g = new byte[size];
            byte[] b = new byte[size];
            byte[] a = new byte[size];
            new Random(bits).nextBytes(r);
            new Random(bits + 10).nextBytes(g);
            new Random(bits + 20).nextBytes(b);
            new Random(bits + 30).nextBytes(a);
            var model = new IndexColorModel(bits, size, r, g, b, a);
            BufferedImage image = new BufferedImage(W, H,
                    bits < 8 ? BufferedImage.TYPE_BYTE_BINARY : BufferedImage.TYPE_BYTE_INDEXED, model);
            byte[] expected = filled(image, new int[] {size - 1}, bits,
                    v -> new int[] {r[v[0]], g[v[0]], b[v[0]]});
            assertArrayEquals(expected, rgb(image), bits + " bits");
        }
    }

    @Test
    void partsOfAnImageAreReadWhereTheyLie() {
        for (int type : new int[] {BufferedImage.TYPE_3BYTE_BGR, BufferedImage.TYPE_INT_RGB,
            BufferedImage.TYPE_BYTE_GRAY}) {
            BufferedImage whole = new BufferedImage(20, 15, type);
            WritableRaster raster = whole.getRaster();
            for (int y = 0; y < 15; y++) {
                for (int x = 0; x < 20; x++) {
                    for (int band = 0; band < raster.getNumBands(); band++) {
                        raster.setSample(x, y, band, y * 16 + x + band * 3);
                    }
                }
            }
            byte[] part = rgb(whole.getSubimage(6, 4, W, H).getSubimage(0, 0, W, H));
            int last = raster.getNumBands() - 1;
            for (int y = 0, at = 0; y < H; y++) {
                for (int x = 0; x < W; x++) {
                    for (int c = 0; c < 3; c++, at++) {
                        int expected = (y + 4) * 16 + x + 6 + Math.min(c, last) * 3;
                        assertEquals(expected, part[at] & 0xff, "type " + type + " at " + y + ", " + x);
                    }
                }
            }
        }
    }

    @Test
    void theImageIsNotChanged() {
        BufferedImage image = new BufferedImage(W, H, BufferedImage.TYPE_3BYTE_BGR);
        image.getRaster().setPixel(0, 0, new int[] {1, 2, 3});
        byte[] before = ((DataBufferByte) image.getRaster().getDataBuffer()).getData().clone();
        rgb(image)[0] = 9;
        assertArrayEquals(before, ((DataBufferByte) image.getRaster().getDataBuffer()).getData());
    }

    @Test
    void lengthsAreChecked() {
        var error = assertThrows(IllegalArgumentException.class, () -> new RgbImage(2, 3, new byte[17]));
        assertEquals("height, width and rgb.length are 2, 3 and 17; allowed: sizes from 1, length 3·height·width",
                error.getMessage());
        assertThrows(IllegalArgumentException.class, () -> new RgbImage(0, 3, new byte[0]));
    }
}
