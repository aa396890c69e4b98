package io.attentivecutmix.quantisation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.attentivecutmix.method.Reduction;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AgreementCounterTest {
    private static final float NAN = Float.NaN;
    /** Of doubles in a handful of operations on small numbers. */
    private static final double ROUNDING = 1e-15;

    private static Agreement of(int k, float[] reference, float[] quantised) {
        AgreementCounter counter = new AgreementCounter(Reduction.MEAN, k);
        counter.add(reference, 0, quantised, 0, reference.length);
        return counter.result();
    }

    private static float[] map(float... values) {
        return values;
    }

    @Test
    void oneImageByHand() {
        // h8 − h = 0 0 0 1 −2, less its mean 0.2 0.2 0.2 1.2 −1.8: √4.8; h − mean = −2 −1 0 1 2: √10
        // hot cells {4, 3} and {3, 2}, the first of the two 3s
        Agreement a = of(2, map(1, 2, 3, 4, 5), map(1, 2, 3, 5, 3));
        assertEquals(1, a.meanOverlap());
        assertEquals(1, a.leastOverlap());
        assertEquals(0, a.identical());
        assertEquals(Math.sqrt(0.48), a.heatError(), ROUNDING);
        // ranks 0 1 2 3 4 and 0 1 2.5 4 2.5: Σ(a−2)(b−2) = 4+1+0+2+1 = 8, Σ(a−2)² = 10, Σ(b−2)² = 4+1+.25+4+.25 = 9.5
        assertEquals(8 / Math.sqrt(95), a.rankCorrelation(), ROUNDING);
    }

    @Test
    void aShiftOfTheWholeMapIsNoError() {
        Agreement a = of(2, map(1, 2, 3, 4, 5), map(3, 4, 5, 6, 7));
        assertEquals(0, a.heatError(), ROUNDING);
        assertEquals(1, a.identical());
    }

    @Test
    void severalImagesByHand() {
        AgreementCounter counter = new AgreementCounter(Reduction.LAST, 1);
        float[] maps = {9, 0, 0, 1, 2, 3, 9};
        counter.add(maps, 1, maps, 1, 4); // the same: 0 0 1 2
        counter.add(maps, 2, map(7, 3, 2, 1, 0), 1, 4); // 0 1 2 3 against its reverse: √20 / √5
        Agreement a = counter.result();
        assertEquals(new Agreement(Reduction.LAST, 2, 1, 0.5, 0, 0.5, 1, 0), a);
    }

    @Test
    void cellsAreChosenAsEverywhere() {
        // both zeros are equal, so the lower index wins; NaN comes last
        Agreement a = of(2, map(-0f, 0f, 0f, NAN), map(0f, -0f, 0f, 0f));
        assertEquals(2, a.leastOverlap());
        assertEquals(1, a.identical());
        Agreement b = of(3, map(NAN, 1, NAN, 2), map(1, 2, NAN, 3));
        assertEquals(3, b.leastOverlap());
        Agreement c = of(3, map(NAN, 1, NAN, 2), map(NAN, 2, 1, 3));
        assertEquals(2, c.leastOverlap());
    }

    @Test
    void tiesHaveTheirMeanRank() {
        // ranks 0.5 0.5 2.5 2.5 and 0 1 2 3: Σ = 4, Σ² = 4 and 5
        assertEquals(4 / Math.sqrt(20), of(1, map(1, 1, 2, 2), map(1, 2, 3, 4)).rankCorrelation(), ROUNDING);
        // two NaN tie below everything: the same ranks
        assertEquals(4 / Math.sqrt(20), of(1, map(NAN, NAN, 2, 2), map(-9, 2, 3, 4)).rankCorrelation(), ROUNDING);
        assertEquals(1, of(1, map(1, 1, 2, 2), map(-3, -3, 7, 7)).rankCorrelation());
        assertEquals(-1, of(1, map(1, 1, 2, 2), map(7, 7, -3, -3)).rankCorrelation());
    }

    @Test
    void mapsThatTellNothing() {
        Agreement constant = of(2, map(4, 4, 4), map(4, 5, 6));
        assertEquals(new Agreement(Reduction.MEAN, 1, 2, 1, 1, 0, 0, 0), constant);
        Agreement flattened = of(1, map(1, 2, 3), map(2, 2, 2));
        assertEquals(0, flattened.rankCorrelation());
        assertEquals(1, flattened.heatError());
        AgreementCounter counter = new AgreementCounter(Reduction.MAX, 1);
        counter.add(map(4, 4, 4), 0, map(4, 5, 6), 0, 3);
        counter.add(map(1, 2, 3), 0, map(1, 2, 3), 0, 3);
        counter.add(map(1, NAN, 3), 0, map(1, 2, 3), 0, 3);
        counter.add(map(1, 2, 3), 0, map(1, 2, Float.POSITIVE_INFINITY), 0, 3);
        // ranks 1 0 2 against 0 1 2: Σ = 0·(−1) + (−1)·0 + 1 = 1 of 2
        assertEquals(new Agreement(Reduction.MAX, 4, 1, 0.75, 0, 0.75, 0, 2.5 / 3), counter.result());
    }

    @Test
    void orderChangesNoBit() {
        long seed = 23;
        Random random = new Random(seed);
        List<float[][]> images = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            float[] reference = new float[49];
            float[] quantised = new float[49];
            float scale = (float) Math.exp(4 * random.nextGaussian());
            for (int c = 0; c < 49; c++) {
                reference[c] = (float) random.nextGaussian();
                quantised[c] = reference[c] + scale * (float) random.nextGaussian();
            }
            images.add(new float[][] {reference, quantised});
        }
        Agreement first = null;
        for (int run = 0; run < 20; run++) {
            AgreementCounter counter = new AgreementCounter(Reduction.L2, 6);
            images.forEach(i -> counter.add(i[0], 0, i[1], 0, 49));
            first = first == null ? counter.result() : first;
            assertEquals(first, counter.result(), "seed " + seed);
            Collections.shuffle(images, random);
        }
        assertEquals(300, first.images());
    }

    @Test
    void wrongCountsAreRefused() {
        AgreementCounter counter = new AgreementCounter(Reduction.MEAN, 4);
        assertEquals("no image was compared; needed: 1 or more",
                assertThrows(IllegalStateException.class, counter::result).getMessage());
        assertEquals("k is 4; allowed: 1 to 3", assertThrows(IllegalArgumentException.class,
                () -> counter.add(map(1, 2, 3), 0, map(1, 2, 3), 0, 3)).getMessage());
        assertThrows(IllegalStateException.class, counter::result);
    }
}
