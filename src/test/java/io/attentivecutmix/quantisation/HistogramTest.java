package io.attentivecutmix.quantisation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class HistogramTest {
    private static final RangeChoice MAXIMUM = new RangeChoice.Maximum();
    private static final RangeChoice LEAST_ERROR = new RangeChoice.MinimumError();

    private static Histogram of(float... values) {
        Histogram h = new Histogram();
        for (float v : values) {
            h.add(v);
        }
        return h;
    }

    @Test
    void theMaximumIsOfMagnitudes() {
        assertEquals(7.5f, of(1, -7.5f, 3).limit(MAXIMUM, true));
        assertEquals(1e-9f, of(1e-9f).limit(MAXIMUM, false));
        assertEquals(1e20f, of(1e20f, 1).limit(MAXIMUM, false));
    }

    @Test
    void whereEverythingIsZeroAnyLimitDoes() {
        assertEquals(1, of(0, 0, -0f).limit(MAXIMUM, true));
        assertEquals(1, of().limit(LEAST_ERROR, true));
    }

    /** Of 1 to 1000, bins are half wide, so a percentile is exact up to the bin's upper edge. */
    @Test
    void aPercentileKeepsItsShare() {
        Histogram h = new Histogram();
        for (int i = 1; i <= 1000; i++) {
            h.add(i);
        }
        assertEquals(900.25f, h.limit(new RangeChoice.Percentile(0.9), false), 0.25f);
        assertEquals(990.25f, h.limit(new RangeChoice.Percentile(0.99), false), 0.25f);
        assertEquals(1000, h.limit(new RangeChoice.Percentile(1), false));
    }

    @Test
    void sharesAreChecked() {
        assertEquals("share is 0.5; allowed: above 0.5, to 1",
                assertThrows(IllegalArgumentException.class, () -> new RangeChoice.Percentile(0.5)).getMessage());
        assertThrows(IllegalArgumentException.class, () -> new RangeChoice.Percentile(Double.NaN));
        assertThrows(IllegalArgumentException.class, () -> new RangeChoice.Percentile(1.1));
    }

    /**
     * n small values and one outlier at M: a limit L costs n·L²/(255²·12) for rounding the small ones and (M − L)² for
     * cutting the outlier, least at L = M / (1 + n/780300). Tried are 64 equal steps.
     */
    @Test
    void theLimitOfLeastErrorWeighsOutliersAgainstSteps() {
        double keep = limitOfOutlier(100_000, 100);
        double cut = limitOfOutlier(3_000_000, 4);
        assertEquals(100 / (1 + 100_000 / 780_300.0), keep, 100 / 64.0);
        assertEquals(4 / (1 + 3_000_000 / 780_300.0), cut, 0.25);
    }

    private static double limitOfOutlier(int count, float outlier) {
        SplittableRandom random = new SplittableRandom(5);
        Histogram h = new Histogram();
        for (int i = 0; i < count; i++) {
            h.add((float) random.nextDouble() * outlier / 400 + outlier / 1000);
        }
        h.add(outlier);
        return h.limit(LEAST_ERROR, false);
    }

    /** One value a thousand times as large as all others: kept, it would round them to 0. */
    @Test
    void anOutlierBeyondAllBinsIsCutOff() {
        SplittableRandom random = new SplittableRandom(7);
        Histogram h = new Histogram();
        for (int i = 0; i < 10_000_000; i++) {
            h.add((float) random.nextDouble() * 0.9f + 0.1f);
        }
        h.add(1000);
        float limit = h.limit(LEAST_ERROR, false);
        // n/3 = 3.7e6 if all become 0, (1000 − L)² = 1e6 if the outlier is cut to L
        assertTrue(limit < 200, "limit is " + limit);
        Histogram zeros = new Histogram();
        for (int i = 0; i < 1_000_000; i++) {
            zeros.add(0);
        }
        zeros.add(3);
        assertEquals(3, zeros.limit(LEAST_ERROR, false), "zeros are exact with any limit");
    }

    @Test
    void neitherOrderNorSplitMatters() {
        SplittableRandom random = new SplittableRandom(6);
        float[] values = new float[10_000];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) Math.exp(20 * random.nextDouble() - 10);
        }
        Histogram forwards = of(values);
        Histogram backwards = new Histogram();
        Histogram evens = new Histogram();
        Histogram odds = new Histogram();
        for (int i = values.length - 1; i >= 0; i--) {
            backwards.add(-values[i]);
            (i % 2 == 0 ? evens : odds).add(values[i]);
        }
        Histogram small = of(1e-12f);
        small.add(evens);
        evens.add(odds);
        for (RangeChoice choice : new RangeChoice[] {MAXIMUM, LEAST_ERROR, new RangeChoice.Percentile(0.99)}) {
            assertEquals(forwards.limit(choice, true), backwards.limit(choice, true));
            assertEquals(forwards.limit(choice, true), evens.limit(choice, true));
        }
        assertTrue(small.limit(MAXIMUM, true) <= forwards.limit(MAXIMUM, true));
    }
}
