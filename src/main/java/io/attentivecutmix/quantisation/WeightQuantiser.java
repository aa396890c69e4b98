package io.attentivecutmix.quantisation;

import io.attentivecutmix.network.FoldedConvolution;

/** Rounds a convolution's weights to 8 bits, with a scale for each output channel. */
public final class WeightQuantiser {
    private WeightQuantiser() {}

    public static QuantisedConvolution quantise(FoldedConvolution c, boolean search) {
        int channels = c.bias().length;
        int filter = c.weights().length / channels;
        byte[] q = new byte[c.weights().length];
        float[] scales = new float[channels];
        for (int k = 0; k < channels; k++) {
            float max = 0;
            for (int i = k * filter; i < (k + 1) * filter; i++) {
                max = Math.max(max, Math.abs(c.weights()[i]));
            }
            float scale = max == 0 ? 1 : max / 127;
            if (search && max > 0) {
                double best = Double.MAX_VALUE;
                float chosen = scale;
                for (int step = 0; step < 16; step++) {
                    float s = max * (1 - 0.02f * step) / 127;
                    double e = error(c.weights(), k * filter, filter, s);
                    if (e < best) {
                        best = e;
                        chosen = s;
                    }
                }
                scale = chosen;
            }
            scales[k] = scale;
            for (int i = k * filter; i < (k + 1) * filter; i++) {
                q[i] = (byte) Math.max(-127, Math.min(127, Math.rint(c.weights()[i] / scale)));
            }
        }
        return new QuantisedConvolution(q, scales, c.bias());
    }

    private static double error(float[] w, int from, int n, float s) {
        double e = 0;
        for (int i = from; i < from + n; i++) {
            double r = Math.max(-127, Math.min(127, Math.rint(w[i] / s))) * s - w[i];
            e += r * r;
        }
        return e;
    }
}
