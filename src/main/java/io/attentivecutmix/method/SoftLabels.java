package io.attentivecutmix.method;

import java.nio.FloatBuffer;

/** Mixed labels as rows of class values, and how right a prediction is about them. */
public final class SoftLabels {
    private SoftLabels() {}

    /**
     * Writes the mixed label row of every image: {@code v[c] = w·y_i[c] + (1 − w)·y_b[c]}, then
     * {@code (1 − ε)·v[c] + ε/numClasses}. Both labels accumulate, so two images of one class give exactly 1 before
     * smoothing. Float arithmetic in that order, no fused operations.
     *
     * @param labels N labels as they were before mixing
     * @param partner (N) at least, background image of each image
     * @param sourceWeight (N) at least, w of each image, in 0..1
     * @param numClasses length of a row; above every class id; the length of the labels' rows if they are rows
     * @param smoothing ε, 0 to 1: label smoothing (Szegedy et al., arXiv 1512.00567)
     * @param out (N, numClasses) written from index 0, whatever its position
     * @throws IllegalArgumentException if a label, a weight or a size is not allowed
     */
    public static void fill(Labels labels, int[] partner, float[] sourceWeight, int numClasses, float smoothing,
            FloatBuffer out) {
        labels.checkClasses(numClasses);
        int n = labels.count();
        checkMix(n, partner, sourceWeight);
        if (!(smoothing >= 0 && smoothing <= 1)) {
            throw new IllegalArgumentException("smoothing is " + smoothing + "; allowed: 0 to 1");
        }
        if (out.limit() < (long) n * numClasses) {
            throw new IllegalArgumentException("out has room for " + out.limit() + " values; needed: "
                    + (long) n * numClasses + " (N times numClasses)");
        }
        float keep = 1 - smoothing;
        float spread = smoothing / numClasses;
        for (int i = 0; i < n; i++) {
            int at = i * numClasses;
            float w = sourceWeight[i];
            float rest = 1 - w;
            int b = partner[i];
            if (labels.isRows()) {
                for (int c = 0; c < numClasses; c++) {
                    out.put(at + c, keep * (w * labels.value(i, c) + rest * labels.value(b, c)) + spread);
                }
                continue;
            }
            for (int c = 0; c < numClasses; c++) {
                out.put(at + c, spread);
            }
            int source = labels.id(i);
            int background = labels.id(b);
            if (source == background) {
                out.put(at + source, keep * (w + rest) + spread);
            } else {
                out.put(at + source, keep * w + spread);
                out.put(at + background, keep * rest + spread);
            }
        }
    }

    /** As the other, into an array. */
    public static void fill(Labels labels, int[] partner, float[] sourceWeight, int numClasses, float smoothing,
            float[] out) {
        fill(labels, partner, sourceWeight, numClasses, smoothing, FloatBuffer.wrap(out));
    }

    /**
     * Accuracy about both labels of mixed images: the mean of {@code w·[predicted = y_i] + (1 − w)·[predicted = y_b]}.
     *
     * @param labels N class ids as they were before mixing, N at least 1
     * @param partner (N) at least
     * @param sourceWeight (N) at least
     * @param predicted (N) predicted class ids
     * @return 0 to 1; NaN never
     */
    public static double accuracy(Labels labels, int[] partner, float[] sourceWeight, int[] predicted) {
        int n = labels.count();
        checkMix(n, partner, sourceWeight);
        if (n < 1 || predicted.length != n) {
            throw new IllegalArgumentException("predicted has " + predicted.length + " values for " + n
                    + " labels; allowed: one for each, and 1 at least");
        }
        double sum = 0;
        for (int i = 0; i < n; i++) {
            double w = sourceWeight[i];
            boolean source = predicted[i] == labels.id(i);
            boolean background = predicted[i] == labels.id(partner[i]);
            sum += source && background ? 1 : source ? w : background ? 1 - w : 0;
        }
        return sum / n;
    }

    private static void checkMix(int n, int[] partner, float[] sourceWeight) {
        if (partner.length < n || sourceWeight.length < n) {
            throw new IllegalArgumentException("partner and sourceWeight have " + partner.length + " and "
                    + sourceWeight.length + " values; needed: " + n + ", one for each label");
        }
        for (int i = 0; i < n; i++) {
            if (partner[i] < 0 || partner[i] >= n) {
                throw new IllegalArgumentException("partner[" + i + "] is " + partner[i] + "; allowed: 0 to "
                        + (n - 1));
            }
            if (!(sourceWeight[i] >= 0 && sourceWeight[i] <= 1)) {
                throw new IllegalArgumentException("sourceWeight[" + i + "] is " + sourceWeight[i]
                        + "; allowed: 0 to 1");
            }
        }
    }
}
