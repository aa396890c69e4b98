package io.attentivecutmix.cpu;

import io.attentivecutmix.method.Reduction;
import java.nio.FloatBuffer;

/**
 * Reduces a feature map (G, G, C) over its channels to a heat map (G, G). One per worker.
 *
 * <p>Sums run in double, in four partial sums of every fourth channel that are added in order at the end, and are
 * rounded to float once: the order is fixed, so a heat map depends on nothing but its feature map. C is a multiple of
 * 4 in every network. A NaN among the channels gives NaN.
 */
final class HeatMap {
    private final Reduction reduction;
    private final float[][] classifier;
    private final float[] channels;

    /**
     * @param channels C
     * @param classifier (classes, C), needed for CLASS only
     */
    HeatMap(Reduction reduction, int channels, float[][] classifier) {
        this.reduction = reduction;
        this.channels = new float[channels];
        this.classifier = classifier;
    }

    /**
     * @param features (G, G, C) from index 0
     * @param label of the image; read for CLASS only
     * @param heat (cells) written from {@code offset}
     */
    void reduce(FloatBuffer features, int cells, int label, float[] heat, int offset) {
        int c = channels.length;
        if (reduction == Reduction.LAST) {
            for (int cell = 0; cell < cells; cell++) {
                heat[offset + cell] = features.get(cell * c + c - 1);
            }
            return;
        }
        for (int cell = 0; cell < cells; cell++) {
            features.get(cell * c, channels);
            heat[offset + cell] = switch (reduction) {
                case MEAN -> (float) (sum(channels) / c);
                case MAX -> max(channels);
                case L2 -> (float) Math.sqrt(dot(channels, channels));
                case CLASS -> (float) dot(channels, classifier[label]);
                case LAST -> throw new AssertionError(reduction);
            };
        }
    }

    private static double sum(float[] v) {
        double a = 0;
        double b = 0;
        double c = 0;
        double d = 0;
        for (int i = 0; i < v.length; i += 4) {
            a += v[i];
            b += v[i + 1];
            c += v[i + 2];
            d += v[i + 3];
        }
        return a + b + (c + d);
    }

    private static double dot(float[] v, float[] w) {
        double a = 0;
        double b = 0;
        double c = 0;
        double d = 0;
        for (int i = 0; i < v.length; i += 4) {
            a += (double) v[i] * w[i];
            b += (double) v[i + 1] * w[i + 1];
            c += (double) v[i + 2] * w[i + 2];
            d += (double) v[i + 3] * w[i + 3];
        }
        return a + b + (c + d);
    }

    private static float max(float[] v) {
        float max = v[0];
        for (float x : v) {
            max = Math.max(max, x);
        }
        return max;
    }
}
