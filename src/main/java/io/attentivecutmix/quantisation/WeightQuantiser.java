package io.attentivecutmix.quantisation;

import io.attentivecutmix.network.FoldedConvolution;

/**
 * Rounds a convolution's weights to 8 bits, with a scale for each output channel.
 *
 * <p>The scale is the largest magnitude of the channel over 127, so nothing is cut off. A search for the scale of least
 * error was tried and changed no agreement beyond its noise.
 */
public final class WeightQuantiser {
    private static final int LIMIT = 127;

    private WeightQuantiser() {}

    /** Rounds halves to even; a channel of zeros has scale 1. */
    public static QuantisedConvolution quantise(FoldedConvolution c) {
        int channels = c.bias().length;
        int filter = c.weights().length / channels;
        byte[] q = new byte[c.weights().length];
        float[] scales = new float[channels];
        for (int k = 0; k < channels; k++) {
            float max = 0;
            for (int i = k * filter; i < (k + 1) * filter; i++) {
                max = Math.max(max, Math.abs(c.weights()[i]));
            }
            float scale = max / LIMIT;
            // of a channel too small for a float scale nothing would be left anyway
            scales[k] = scale == 0 ? 1 : scale;
            for (int i = k * filter; i < (k + 1) * filter; i++) {
                q[i] = (byte) Math.max(-LIMIT, Math.min(LIMIT, Math.rint(c.weights()[i] / scales[k])));
            }
        }
        return new QuantisedConvolution(q, scales, c.bias());
    }
}
