package io.attentivecutmix.method;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.Trials;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LabelsTest {
    private static String refusal(Runnable call) {
        return assertThrows(IllegalArgumentException.class, call::run).getMessage();
    }

    @Test
    void holdsIdsAndRows() {
        Labels ids = Labels.of(3, 0, 2049);
        assertEquals(3, ids.count());
        assertFalse(ids.isRows());
        assertEquals(2049, ids.id(2));
        assertEquals(1, ids.value(0, 3));
        assertEquals(0, ids.value(0, 2));
        int[] copy = new int[4];
        ids.ids(copy);
        assertArrayEquals(new int[] {3, 0, 2049, 0}, copy);
        Labels rows = Labels.rows(2, 1, 0, 0.25f, 0.75f);
        assertTrue(rows.isRows());
        assertEquals(2, rows.count());
        assertEquals(2, rows.classes());
        assertEquals(0.75f, rows.value(1, 1));
        assertThrows(IllegalStateException.class, () -> rows.id(0));
        assertThrows(IllegalStateException.class, () -> rows.ids(copy));
        assertThrows(IllegalStateException.class, () -> rows.set(copy, 1));
        assertThrows(IllegalStateException.class, () -> ids.setRows(new float[1], 1));
        assertThrows(IndexOutOfBoundsException.class, () -> ids.id(3));
    }

    /** Rows of a multi-label task, or scaled by somebody else, need not sum to one: they are mixed as they are. */
    @Test
    void rowsAreMixedAsTheyAre() {
        Labels labels = Labels.rows(3, 0.5f, 0.5f, 0.5f, Float.MIN_VALUE, -0f, 2);
        float[] out = new float[6];
        SoftLabels.fill(labels, new int[] {1, 0}, new float[] {0.5f, 1}, 3, 0, out);
        assertArrayEquals(new float[] {0.25f, 0.25f, 1.25f, Float.MIN_VALUE, 0, 2}, out);
        assertEquals("label 0 has -1.4E-45 for class 1; allowed: finite values of 0 or more",
                refusal(() -> Labels.rows(2, 1, -Float.MIN_VALUE)));
        assertEquals("rows has 5 values; allowed: multiples of 3 (classes)",
                refusal(() -> Labels.rows(3, 1, 0, 0, 1, 0)));
        labels.setRows(new float[] {1, 0, 0}, 1);
        assertEquals("numClasses is 4; allowed: 3, the length of the labels' rows",
                refusal(() -> SoftLabels.fill(labels, new int[] {0}, new float[] {1}, 4, 0, new float[4])));
    }

    @Test
    void isReusable() {
        Labels labels = Labels.of(1, 2, 3);
        assertSame(labels, labels.set(new int[] {9, 8}, 1));
        assertEquals(1, labels.count());
        assertEquals(9, labels.id(0));
        assertThrows(IndexOutOfBoundsException.class, () -> labels.id(1));
        labels.set(new int[] {1, 2, 3, 4, 5}, 5);
        assertEquals(5, labels.id(4));
        Labels rows = Labels.rows(2, 1, 0);
        rows.setRows(new float[] {0, 1, 1, 0}, 2);
        assertEquals(1, rows.value(1, 0));
    }

    @Test
    void refusesWhatIsNoLabel() {
        assertEquals("label 1 is class -1; allowed: 0 or more", refusal(() -> Labels.of(0, -1)));
        assertEquals("label 1 has NaN for class 0; allowed: finite values of 0 or more",
                refusal(() -> Labels.rows(2, 1, 0, Float.NaN, 1)));
        assertEquals("label 0 has Infinity for class 1; allowed: finite values of 0 or more",
                refusal(() -> Labels.rows(2, 1, Float.POSITIVE_INFINITY)));
        assertEquals("label 0 has -0.5 for class 0; allowed: finite values of 0 or more",
                refusal(() -> Labels.rows(2, -0.5f, 1)));
        assertEquals("rows has 3 values; allowed: multiples of 2 (classes)", refusal(() -> Labels.rows(2, 1, 0, 1)));
        assertEquals("classes is 0; allowed: 1 or more", refusal(() -> Labels.rows(0)));
    }

    /** w + (1 − w) is exactly 1 in float for every w: a sweep over 1/4 to 1, and over 0 to 2^−96 and below. */
    @Test
    void sameClassAddsUpToExactlyOne() {
        int[] partner = {1, 0};
        float[] weights = new float[2];
        Labels labels = Labels.of(2, 2);
        float[] out = new float[8];
        for (int bits = Float.floatToIntBits(0.25f); bits <= Float.floatToIntBits(1f); bits += 97) {
            weights[0] = Float.intBitsToFloat(bits);
            weights[1] = Float.intBitsToFloat(bits - Float.floatToIntBits(0.25f));
            SoftLabels.fill(labels, partner, weights, 4, 0, out);
            assertEquals(1f, out[2], "w " + weights[0]);
            assertEquals(1f, out[6], "w " + weights[1]);
        }
    }

    /**
     * Rows sum to one and hold w and 1 − w where they must. Tolerance: K + 3 roundings of values up to 1, each at most
     * 2^−24, summed here in double.
     */
    @Test
    void rowsSumToOne() {
        Trials.run(300, (seed, random) -> rowsSumToOne(seed, Trials.between(random, 1, 1000), Trials.share(random)));
    }

    private static void rowsSumToOne(long seed, int classes, float smoothing) {
        Random random = new Random(seed);
        int n = 1 + random.nextInt(6);
        int[] ids = random.ints(n, 0, classes).toArray();
        int[] partner = random.ints(n, 0, n).toArray();
        float[] weights = new float[n];
        float[] oneHot = new float[n * classes];
        for (int i = 0; i < n; i++) {
            weights[i] = random.nextFloat();
            oneHot[i * classes + ids[i]] = 1;
        }
        float[] out = new float[n * classes];
        SoftLabels.fill(Labels.of(ids), partner, weights, classes, smoothing, out);
        for (int i = 0; i < n; i++) {
            double sum = 0;
            for (int c = 0; c < classes; c++) {
                double expected = (ids[i] == c ? weights[i] : 0.0) + (ids[partner[i]] == c ? 1.0 - weights[i] : 0.0);
                assertEquals((1.0 - smoothing) * expected + (double) smoothing / classes, out[i * classes + c], 0x1p-22,
                        "seed " + seed);
                sum += out[i * classes + c];
            }
            assertEquals(1, sum, (classes + 3) * 0x1p-24, "seed " + seed);
        }
        float[] fromRows = new float[n * classes];
        SoftLabels.fill(Labels.rows(classes, oneHot), partner, weights, classes, smoothing, fromRows);
        assertArrayEquals(out, fromRows, "one-hot rows differ from class ids, seed " + seed);
    }

    @Test
    void multiLabelRowsMixLinearly() {
        Labels labels = Labels.rows(3, 1, 1, 0, 0, 0.5f, 2);
        float[] out = new float[6];
        SoftLabels.fill(labels, new int[] {1, 0}, new float[] {0.25f, 1}, 3, 0, out);
        assertArrayEquals(new float[] {0.25f, 0.625f, 1.5f, 0, 0.5f, 2}, out);
    }

    @Test
    void writesAbsolutelyIntoDirectBuffers() {
        FloatBuffer out = ByteBuffer.allocateDirect(4 * 5).order(ByteOrder.nativeOrder()).asFloatBuffer();
        out.put(4, 7).position(3);
        SoftLabels.fill(Labels.of(0, 1), new int[] {1, 0}, new float[] {0.25f, 0.25f}, 2, 0, out);
        assertEquals(3, out.position());
        assertEquals(0.25f, out.get(0));
        assertEquals(0.75f, out.get(1));
        assertEquals(0.75f, out.get(2));
        assertEquals(0.25f, out.get(3));
        assertEquals(7, out.get(4));
    }

    @Test
    void softLabelsRefuseWhatDoesNotFit() {
        Labels labels = Labels.of(0, 5);
        int[] partner = {1, 0};
        float[] weights = {0.1f, 0.2f};
        float[] out = new float[12];
        assertEquals("label 1 is class 5; allowed: 0 to 4 (numClasses 5)",
                refusal(() -> SoftLabels.fill(labels, partner, weights, 5, 0, out)));
        assertEquals("numClasses is 0; allowed: 1 or more",
                refusal(() -> SoftLabels.fill(labels, partner, weights, 0, 0, out)));
        assertEquals("numClasses is 6; allowed: 2, the length of the labels' rows",
                refusal(() -> SoftLabels.fill(Labels.rows(2, 0, 1), partner, weights, 6, 0, out)));
        assertEquals("out has room for 12 values; needed: 14 (N times numClasses)",
                refusal(() -> SoftLabels.fill(labels, partner, weights, 7, 0, out)));
        assertEquals("smoothing is -0.1; allowed: 0 to 1",
                refusal(() -> SoftLabels.fill(labels, partner, weights, 6, -0.1f, out)));
        assertEquals("smoothing is NaN; allowed: 0 to 1",
                refusal(() -> SoftLabels.fill(labels, partner, weights, 6, Float.NaN, out)));
        assertEquals("partner[1] is 2; allowed: 0 to 1",
                refusal(() -> SoftLabels.fill(labels, new int[] {0, 2}, weights, 6, 0, out)));
        assertEquals("sourceWeight[0] is NaN; allowed: 0 to 1",
                refusal(() -> SoftLabels.fill(labels, partner, new float[] {Float.NaN, 0}, 6, 0, out)));
        assertEquals("partner and sourceWeight have 2 and 1 values; needed: 2, one for each label",
                refusal(() -> SoftLabels.fill(labels, partner, new float[1], 6, 0, out)));
    }

    @Test
    void accuracyWeighsBothLabels() {
        Labels labels = Labels.of(4, 5, 5);
        int[] partner = {1, 0, 1};
        float[] weights = {0.25f, 0.25f, 0.25f};
        assertEquals((0.25 + 0.75 + 1) / 3, SoftLabels.accuracy(labels, partner, weights, new int[] {4, 4, 5}));
        assertEquals((0.75 + 0.25 + 0) / 3, SoftLabels.accuracy(labels, partner, weights, new int[] {5, 5, 4}));
        assertEquals("predicted has 2 values for 3 labels; allowed: one for each, and 1 at least",
                refusal(() -> SoftLabels.accuracy(labels, partner, weights, new int[2])));
    }
}
