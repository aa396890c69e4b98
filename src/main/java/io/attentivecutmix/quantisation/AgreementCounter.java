package io.attentivecutmix.quantisation;

import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.method.Selection;
import java.util.Arrays;

/**
 * Measures how far heat maps found in 8 bits agree with those found in float, image by image. The result does not
 * depend on the order in which images are added, to the last bit. Not for several threads at once.
 */
public final class AgreementCounter {
    private final Reduction reduction;
    private final int k;
    private int images;
    private long overlap;
    private int least = Integer.MAX_VALUE;
    private int identical;
    private final Values errors = new Values();
    private final Values correlations = new Values();

    /**
     * @param reduction how channels became heat
     * @param k hot cells of each image, 1 or more
     */
    public AgreementCounter(Reduction reduction, int k) {
        this.reduction = reduction;
        this.k = k;
    }

    /** Numbers whose mean does not depend on their order. */
    private static final class Values {
        private double[] values = new double[64];
        private int count;

        void add(double value) {
            if (count == values.length) {
                values = Arrays.copyOf(values, 2 * count);
            }
            values[count++] = value;
        }

        double mean() {
            double[] sorted = Arrays.copyOf(values, count);
            Arrays.sort(sorted);
            double sum = 0;
            for (double v : sorted) {
                sum += v;
            }
            return count == 0 ? 0 : sum / count;
        }
    }

    /**
     * Adds one image. Its k cells are chosen in both maps as {@link Selection} does.
     *
     * @param reference the map found in float: {@code cells} values from {@code offset}
     * @param quantised the map found in 8 bits: {@code cells} values from {@code quantisedOffset}
     * @param cells G², at least k
     */
    public void add(float[] reference, int offset, float[] quantised, int quantisedOffset, int cells) {
        long[] wanted = new long[(cells + 63) / 64];
        long[] found = new long[wanted.length];
        Selection.select(reference, offset, cells, k, wanted, 0);
        Selection.select(quantised, quantisedOffset, cells, k, found, 0);
        int both = 0;
        for (int i = 0; i < wanted.length; i++) {
            both += Long.bitCount(wanted[i] & found[i]);
        }
        images++;
        overlap += both;
        least = Math.min(least, both);
        identical += both == k ? 1 : 0;
        int[] ranks = ranks(reference, offset, cells);
        if (isConstant(ranks)) {
            return;
        }
        correlations.add(correlation(ranks, ranks(quantised, quantisedOffset, cells)));
        double error = error(reference, offset, quantised, quantisedOffset, cells);
        if (Double.isFinite(error)) {
            errors.add(error);
        }
    }

    /** ‖b − mean(b) − (a − mean(a))‖ / ‖a − mean(a)‖; not finite if a map is not. */
    private static double error(float[] a, int aOffset, float[] b, int bOffset, int cells) {
        double mean = 0;
        double shift = 0;
        for (int c = 0; c < cells; c++) {
            mean += a[aOffset + c];
            shift += (double) b[bOffset + c] - a[aOffset + c];
        }
        mean /= cells;
        shift /= cells;
        double difference = 0;
        double spread = 0;
        for (int c = 0; c < cells; c++) {
            double d = (double) b[bOffset + c] - a[aOffset + c] - shift;
            double s = a[aOffset + c] - mean;
            difference += d * d;
            spread += s * s;
        }
        return Math.sqrt(difference) / Math.sqrt(spread);
    }

    /**
     * Twice the mean rank of every cell, an integer: a run of equal values at sorted places i to j has i + j each. NaN
     * is one value, below all others.
     */
    private static int[] ranks(float[] heat, int offset, int cells) {
        int[] place = new int[cells];
        Selection.ranks(heat, offset, cells, place, 0);
        int[] sorted = new int[cells];
        for (int c = 0; c < cells; c++) {
            sorted[place[c]] = c;
        }
        int[] ranks = new int[cells];
        for (int i = 0; i < cells;) {
            int end = i + 1;
            while (end < cells && same(heat[offset + sorted[i]], heat[offset + sorted[end]])) {
                end++;
            }
            for (int j = i; j < end; j++) {
                ranks[sorted[j]] = i + end - 1;
            }
            i = end;
        }
        return ranks;
    }

    private static boolean same(float a, float b) {
        return a == b || a != a && b != b;
    }

    /** All ranks are equal only if all values are. */
    private static boolean isConstant(int[] ranks) {
        return Arrays.stream(ranks).allMatch(r -> r == ranks[0]);
    }

    /**
     * Pearson's correlation of two rankings, which is Spearman's of the values; 0 if the second is constant. The sums
     * are exact: at most 1024 cells of ranks up to 2046.
     */
    private static double correlation(int[] a, int[] b) {
        long n = a.length;
        long mean = n - 1; // of doubled ranks 0 to 2(n − 1), whatever the ties
        long ab = 0;
        long aa = 0;
        long bb = 0;
        for (int c = 0; c < n; c++) {
            ab += (a[c] - mean) * (b[c] - mean);
            aa += (a[c] - mean) * (a[c] - mean);
            bb += (b[c] - mean) * (b[c] - mean);
        }
        return bb == 0 ? 0 : Math.max(-1, Math.min(1, ab / Math.sqrt((double) aa * bb)));
    }

    /**
     * What was found so far.
     *
     * @throws IllegalStateException if no image was added
     */
    public Agreement result() {
        if (images == 0) {
            throw new IllegalStateException("no image was compared; needed: 1 or more");
        }
        return new Agreement(reduction, images, k, (double) overlap / images, least, (double) identical / images,
                errors.mean(), correlations.mean());
    }
}
