package io.attentivecutmix.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.EnumMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Against what Pillow gave for the same pixels; see src/test/resources/golden/resize. */
class ResizerTest {
    private record Golden(ResizeFilter filter, int h, int w, int outH, int outW, String expected) {
        String name() {
            return filter + " " + h + "x" + w + " to " + outH + "x" + outW;
        }
    }

    private final Map<ResizeFilter, Resizer> resizers = new EnumMap<>(ResizeFilter.class);

    private Resizer resizer(ResizeFilter filter) {
        return resizers.computeIfAbsent(filter, Resizer::new);
    }

    private static List<Golden> goldens(String file) throws IOException {
        var stream = ResizerTest.class.getResourceAsStream("/golden/resize/" + file);
        try (var reader = new BufferedReader(new InputStreamReader(stream, StandardCharsets.US_ASCII))) {
            return reader.lines().map(line -> line.split(" ")).map(f -> new Golden(ResizeFilter.valueOf(f[0]),
                    Integer.parseInt(f[1]), Integer.parseInt(f[2]), Integer.parseInt(f[3]), Integer.parseInt(f[4]),
                    f[5])).toList();
        }
    }

    private static String sha256(ByteBuffer bytes) throws NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        digest.update(bytes.duplicate());
        return HexFormat.of().formatHex(digest.digest());
    }

    @Test
    void uint8EqualsPillow() throws Exception {
        List<Golden> all = goldens("uint8.txt");
        assertTrue(all.size() > 150, all.size() + " golden lines");
        ByteBuffer src = ByteBuffer.allocate(0);
        String made = "";
        for (Golden g : all) {
            if (!made.equals(g.h + "x" + g.w)) {
                src = Noise.uint8(g.h, g.w);
                made = g.h + "x" + g.w;
            }
            ByteBuffer dst = ByteBuffer.allocateDirect(g.outH * g.outW * 3);
            resizer(g.filter).resize(src, 0, g.h, g.w, dst, 0, g.outH, g.outW);
            assertEquals(g.expected, sha256(dst), g.name());
        }
    }

    @Test
    void smallResultsEqualPillow() throws Exception {
        for (Golden g : goldens("small.txt")) {
            ByteBuffer dst = ByteBuffer.allocate(g.outH * g.outW * 3);
            resizer(g.filter).resize(Noise.uint8(g.h, g.w), 0, g.h, g.w, dst, 0, g.outH, g.outW);
            assertEquals(g.expected, HexFormat.of().formatHex(dst.array()), g.name());
        }
    }

    @Test
    void floatEqualsPillowInBothLayouts() throws Exception {
        List<Golden> all = goldens("float.txt");
        assertTrue(all.size() > 100, all.size() + " golden lines");
        for (Golden g : all) {
            FloatBuffer nhwc = Noise.float32(g.h, g.w);
            ByteBuffer bytes = ByteBuffer.allocateDirect(g.outH * g.outW * 12).order(ByteOrder.LITTLE_ENDIAN);
            FloatBuffer out = bytes.asFloatBuffer();
            resizer(g.filter).resizeFloat(nhwc, 0, g.h, g.w, out, 0, g.outH, g.outW, Layout.NHWC);
            assertEquals(g.expected, sha256(bytes), g.name());
            FloatBuffer planes = FloatBuffer.allocate(g.outH * g.outW * 3);
            resizer(g.filter).resizeFloat(planes(nhwc, g.h, g.w), 0, g.h, g.w, planes, 0, g.outH, g.outW, Layout.NCHW);
            assertEquals(0, planes(out, g.outH, g.outW).mismatch(planes) + 1, g.name() + " NCHW");
        }
    }

    private static FloatBuffer planes(FloatBuffer nhwc, int h, int w) {
        FloatBuffer planes = FloatBuffer.allocate(3 * h * w);
        for (int i = 0; i < h * w; i++) {
            for (int c = 0; c < 3; c++) {
                planes.put(c * h * w + i, nhwc.get(i * 3 + c));
            }
        }
        return planes;
    }

    /** One pass along the first direction, written as plainly as can be; the image is (n, rest) of bytes. */
    private static int[][] pass(int[][] image, int out, ResizeFilter filter) {
        int in = image.length;
        double scale = (double) in / out;
        double stretch = Math.max(scale, 1);
        double support = (filter == ResizeFilter.BICUBIC ? 2 : 1) * stretch;
        int[][] result = new int[out][image[0].length];
        for (int o = 0; o < out; o++) {
            double centre = (o + 0.5) * scale;
            int from = Math.max(0, (int) (centre - support + 0.5));
            int to = Math.min(in, (int) (centre + support + 0.5));
            double[] weights = new double[to - from];
            double sum = 0;
            for (int i = from; i < to; i++) {
                double d = Math.abs((i - centre + 0.5) * (1 / stretch));
                weights[i - from] = filter == ResizeFilter.BILINEAR ? Math.max(0, 1 - d)
                        : d < 1 ? (1.5 * d - 2.5) * d * d + 1 : d < 2 ? (((d - 5) * d + 8) * d - 4) * -0.5 : 0;
                sum += weights[i - from];
            }
            for (int x = 0; x < image[0].length; x++) {
                int value = 1 << 21;
                for (int i = from; i < to; i++) {
                    double weight = weights[i - from] / sum * (1 << 22);
                    value += image[i][x] * (int) (weight < 0 ? weight - 0.5 : weight + 0.5);
                }
                result[o][x] = Math.max(0, Math.min(255, value >> 22));
            }
        }
        return result;
    }

    private static int[][] exchange(int[][] image) {
        int w = image[0].length / 3;
        int[][] result = new int[w][image.length * 3];
        for (int y = 0; y < image.length; y++) {
            for (int x = 0; x < w * 3; x++) {
                result[x / 3][y * 3 + x % 3] = image[y][x];
            }
        }
        return result;
    }

    /** Any size, one resizer for all: the two passes in Pillow's order. */
    @Test
    void anySizeEqualsThePlainPasses() {
        Random random = new Random(11);
        for (int trial = 0; trial < 1500; trial++) {
            int most = trial % 3 == 0 ? 12 : 110;
            int h = 1 + random.nextInt(most);
            int w = 1 + random.nextInt(most);
            int outH = random.nextInt(8) == 0 ? h : 1 + random.nextInt(most);
            int outW = random.nextInt(8) == 0 ? w : 1 + random.nextInt(most);
            ResizeFilter filter = random.nextBoolean() ? ResizeFilter.BICUBIC : ResizeFilter.BILINEAR;
            ByteBuffer src = Noise.uint8(h, w);
            int[][] image = new int[h][w * 3];
            for (int i = 0; i < h * w * 3; i++) {
                image[i / (w * 3)][i % (w * 3)] = src.get(i) & 0xff;
            }
            boolean columnsFirst = h > outH && h - outH > 2 * (w - outW);
            if (columnsFirst) {
                image = pass(image, outH, filter);
            }
            if (w != outW) {
                image = exchange(pass(exchange(image), outW, filter));
            }
            if (!columnsFirst && h != outH) {
                image = pass(image, outH, filter);
            }
            ByteBuffer dst = ByteBuffer.allocate(outH * outW * 3);
            resizer(filter).resize(src, 0, h, w, dst, 0, outH, outW);
            for (int i = 0; i < outH * outW * 3; i++) {
                assertEquals(image[i / (outW * 3)][i % (outW * 3)], dst.get(i) & 0xff, "trial " + trial
                        + " of seed 11: " + filter + " " + h + "x" + w + " to " + outH + "x" + outW + ", value " + i);
            }
        }
    }

    @Test
    void aRepeatedSizeAllocatesNothing() {
        var bean = (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
        long thread = Thread.currentThread().getId();
        int[][] sizes = {{60, 80, 32, 32}, {90, 40, 10, 30}, {20, 20, 50, 70}};
        for (ResizeFilter filter : ResizeFilter.values()) {
            for (int[] s : sizes) {
                ByteBuffer src = Noise.uint8(s[0], s[1]);
                ByteBuffer dst = ByteBuffer.allocateDirect(s[2] * s[3] * 3);
                FloatBuffer floats = Noise.float32(s[0], s[1]);
                FloatBuffer floatDst = FloatBuffer.allocate(s[2] * s[3] * 3);
                long least = Long.MAX_VALUE;
                for (int run = 0; run < 5; run++) {
                    long before = bean.getThreadAllocatedBytes(thread);
                    for (int i = 0; i < 20; i++) {
                        resizer(filter).resize(src, 0, s[0], s[1], dst, 0, s[2], s[3]);
                        resizer(filter).resizeFloat(floats, 0, s[0], s[1], floatDst, 0, s[2], s[3], Layout.NHWC);
                        Resizer.resizeMask(src, s[0], s[1], 1, dst, s[2], s[3]);
                    }
                    least = Math.min(least, bean.getThreadAllocatedBytes(thread) - before);
                }
                // The measuring itself allocates a little
                assertTrue(least < 600, filter + " allocates " + least + " bytes in 60 calls");
            }
        }
    }

    @Test
    void masksFollowTheNearestFilter() {
        Random random = new Random(5);
        for (int trial = 0; trial < 200; trial++) {
            int h = 1 + random.nextInt(60);
            int w = 1 + random.nextInt(60);
            int outH = 1 + random.nextInt(90);
            int outW = 1 + random.nextInt(90);
            String name = "trial " + trial + " of seed 5: " + h + "x" + w + " to " + outH + "x" + outW;
            for (int bytes : new int[] {1, 2, 4}) {
                ByteOrder order = trial % 2 == 0 ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
                ByteBuffer mask = ByteBuffer.allocate(h * w * bytes).order(order);
                ByteBuffer pixels = ByteBuffer.allocate(h * w * 3);
                for (int i = 0; i < h * w; i++) {
                    for (int b = 0; b < bytes; b++) {
                        mask.put(i * bytes + b, (byte) (i * 31 + b * 7));
                    }
                    pixels.put(i * 3, (byte) (i * 31)).put(i * 3 + 1, (byte) (i * 31 + 7));
                }
                ByteBuffer outMask = ByteBuffer.allocate(outH * outW * bytes);
                ByteBuffer outPixels = ByteBuffer.allocate(outH * outW * 3);
                Resizer.resizeMask(mask, h, w, bytes, outMask, outH, outW);
                resizer(ResizeFilter.NEAREST).resize(pixels, 0, h, w, outPixels, 0, outH, outW);
                for (int i = 0; i < outH * outW; i++) {
                    assertEquals(outPixels.get(i * 3), outMask.get(i * bytes), name);
                    if (bytes > 1) {
                        assertEquals(outPixels.get(i * 3 + 1), outMask.get(i * bytes + 1), name);
                    }
                }
            }
        }
    }

    @Test
    void offsetsAreKeptAndNothingElseIsTouched() {
        ByteBuffer src = ByteBuffer.allocate(1000);
        src.put(13, Noise.uint8(9, 8), 0, 9 * 8 * 3);
        for (ResizeFilter filter : ResizeFilter.values()) {
            for (int[] size : new int[][] {{9, 8}, {9, 5}, {4, 8}, {12, 11}}) {
                ByteBuffer plain = ByteBuffer.allocate(size[0] * size[1] * 3);
                resizer(filter).resize(Noise.uint8(9, 8), 0, 9, 8, plain, 0, size[0], size[1]);
                ByteBuffer dst = ByteBuffer.allocateDirect(plain.limit() + 20);
                for (int i = 0; i < dst.limit(); i++) {
                    dst.put(i, (byte) 0x5a);
                }
                resizer(filter).resize(src, 13, 9, 8, dst, 7, size[0], size[1]);
                byte[] expected = new byte[dst.limit()];
                java.util.Arrays.fill(expected, (byte) 0x5a);
                plain.get(0, expected, 7, plain.limit());
                byte[] actual = new byte[dst.limit()];
                dst.get(0, actual);
                assertArrayEquals(expected, actual, filter + " to " + size[0] + "x" + size[1]);
            }
        }
    }

    @Test
    void badSizesAreRefused() {
        Resizer resizer = resizer(ResizeFilter.BICUBIC);
        ByteBuffer small = ByteBuffer.allocate(11);
        ByteBuffer big = ByteBuffer.allocate(300);
        var error = assertThrows(IllegalArgumentException.class, () -> resizer.resize(small, 0, 2, 2, big, 0, 3, 3));
        assertEquals("src holds 11 values from offset 0; needed: 2·2·3", error.getMessage());
        assertThrows(IllegalArgumentException.class, () -> resizer.resize(big, 0, 2, 2, small, 0, 2, 2));
        assertThrows(IllegalArgumentException.class, () -> resizer.resize(big, 0, 0, 2, big, 0, 2, 2));
        assertThrows(IllegalArgumentException.class, () -> resizer.resize(big, -1, 2, 2, big, 0, 2, 2));
        assertThrows(IllegalArgumentException.class, () -> resizer.resize(big, 0, 65536, 65536, big, 0, 2, 2));
        error = assertThrows(IllegalArgumentException.class, () -> Resizer.resizeMask(big, 2, 2, 3, big, 2, 2));
        assertEquals("elementBytes is 3; allowed: 1, 2 or 4", error.getMessage());
    }
}
