package io.attentivecutmix.gpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.Attention;
import io.attentivecutmix.ImageBatch;
import io.attentivecutmix.MixedBatch;
import io.attentivecutmix.cpu.TestImages;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;

/** What the contract tests compare, and the batches they do it on. */
final class Compare {
    /**
     * Two cells whose heat differs by less than this part of the map's range may change places: float sums in another
     * order move a value by about 1e-6 of it, and cuDNN's transformed convolutions by up to ten times that.
     */
    static final double NEAR_TIE = 1e-4;
    /**
     * Relative L2 of a heat map or feature map in FP32. The CPU device is within 1e-5 of PyTorch; the rest is for
     * cuDNN's transformed (Winograd, FFT) convolutions, whose sums lose about one digit more.
     */
    static final double FP32_RELATIVE_L2 = 1e-4;

    private Compare() {}

    /** Images number first, first + 1, … of the generator, of these heights and widths in turn. */
    static ImageBatch batch(int first, int... sizes) {
        ImageBatch batch = new ImageBatch();
        for (int i = 0; i < sizes.length; i += 2) {
            batch.add(TestImages.structured(first + i / 2, sizes[i], sizes[i + 1]).pixels(), sizes[i], sizes[i + 1]);
        }
        return batch;
    }

    /** n images of one size. */
    static ImageBatch uniform(int first, int n, int height, int width) {
        int[] sizes = new int[2 * n];
        for (int i = 0; i < n; i++) {
            sizes[2 * i] = height;
            sizes[2 * i + 1] = width;
        }
        return batch(first, sizes);
    }

    static byte[] bytes(ByteBuffer view) {
        byte[] out = new byte[view.capacity()];
        view.get(0, out);
        return out;
    }

    static double relativeL2(float[] actual, float[] expected) {
        assertEquals(expected.length, actual.length);
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += ((double) actual[i] - expected[i]) * ((double) actual[i] - expected[i]);
            norm += (double) expected[i] * expected[i];
        }
        return Math.sqrt(difference / norm);
    }

    /** How far the k-th largest value lies above the next, as part of the range. */
    static double margin(float[] heat, int k) {
        float[] sorted = heat.clone();
        Arrays.sort(sorted);
        double range = sorted[sorted.length - 1] - sorted[0];
        return (sorted[sorted.length - k] - sorted[sorted.length - k - 1]) / range;
    }

    /** FP32: heat maps within the tolerance; cells equal but for near ties, which must be few. */
    static void sameCells(String what, Attention expected, Attention actual, int k) {
        int open = 0;
        for (int i = 0; i < expected.count(); i++) {
            double error = relativeL2(actual.heat(i), expected.heat(i));
            assertTrue(error <= FP32_RELATIVE_L2, what + ": heat map of image " + i + ": relative L2 is " + error);
            if (margin(expected.heat(i), k) <= NEAR_TIE) {
                open++;
            } else {
                assertArrayEquals(expected.cells(i), actual.cells(i), what + ": cells of image " + i);
            }
        }
        assertTrue(open * 10 <= expected.count(), what + ": " + open + " of " + expected.count() + " are near ties");
    }

    /** How many of the expected cells were selected, on average over the images. */
    static double overlap(Attention expected, Attention actual) {
        long common = 0;
        for (int i = 0; i < expected.count(); i++) {
            int[] cells = actual.cells(i);
            common += Arrays.stream(expected.cells(i)).filter(c -> Arrays.binarySearch(cells, c) >= 0).count();
        }
        return (double) common / expected.count();
    }

    /** Everything that a mixed batch says, bit for bit. */
    static void same(String what, MixedBatch expected, MixedBatch actual) {
        assertEquals(expected.count(), actual.count(), what);
        assertEquals(expected.format(), actual.format(), what);
        for (int i = 0; i < expected.count(); i++) {
            String image = what + ": image " + i;
            assertEquals(expected.height(i), actual.height(i), image);
            assertEquals(expected.width(i), actual.width(i), image);
            assertEquals(expected.mixed(i), actual.mixed(i), image);
            assertEquals(expected.partner(i), actual.partner(i), image);
            assertArrayEquals(expected.cells(i), actual.cells(i), image);
            assertEquals(expected.sourceWeight(i), actual.sourceWeight(i), image);
            // mismatch first: a message about 150,000 bytes helps nobody
            int at = expected.pixels(i).mismatch(actual.pixels(i));
            assertEquals(-1, at, image + " differs first at byte " + at);
            if (expected.maskBytes() > 0) {
                assertArrayEquals(bytes(expected.mask(i)), bytes(actual.mask(i)), image + ", mask");
            }
        }
        assertEquals(expected.maskBytes(), actual.maskBytes(), what);
    }

    /** Labels of both sides and their rows, with and without smoothing, bit for bit. */
    static void sameLabels(String what, MixedBatch expected, MixedBatch actual, int classes) {
        for (int i = 0; i < expected.count(); i++) {
            assertEquals(expected.sourceLabel(i), actual.sourceLabel(i), what);
            assertEquals(expected.backgroundLabel(i), actual.backgroundLabel(i), what);
        }
        for (float smoothing : new float[] {0, 0.1f}) {
            FloatBuffer a = expected.softLabels(classes, smoothing);
            FloatBuffer b = actual.softLabels(classes, smoothing);
            assertEquals(-1, a.mismatch(b), what + ": label rows, smoothing " + smoothing);
        }
    }
}
