package io.attentivecutmix.cpu;

import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * Mean and biased variance of every channel of one image, for batch norms with statistics per image.
 *
 * <p>Sums run in double over the pixels in order, as PyTorch keeps them in double on a CPU; oneDNN's own statistics
 * are float sums, which at a mean of 100 standard deviations are wrong in the fifth digit.
 */
final class ImageStatistics {
    private final float[] pixel;
    private final double[] sum;
    private final double[] squares;

    /** For tensors of up to this many channels. */
    ImageStatistics(int channels) {
        pixel = new float[channels];
        sum = new double[channels];
        squares = new double[channels];
    }

    /**
     * @param values (pixels, channels) from index 0
     * @param mean (channels) written from index 0
     * @param variance (channels) written from index 0
     */
    void compute(FloatBuffer values, int pixels, int channels, FloatBuffer mean, FloatBuffer variance) {
        Arrays.fill(sum, 0, channels, 0);
        Arrays.fill(squares, 0, channels, 0);
        for (int p = 0; p < pixels; p++) {
            values.get(p * channels, pixel, 0, channels);
            for (int c = 0; c < channels; c++) {
                double v = pixel[c];
                sum[c] += v;
                squares[c] += v * v;
            }
        }
        for (int c = 0; c < channels; c++) {
            double m = sum[c] / pixels;
            mean.put(c, (float) m);
            // In double the difference keeps enough digits; rounding can only take it below 0 where it is 0.
            variance.put(c, (float) Math.max(0, squares[c] / pixels - m * m));
        }
    }
}
