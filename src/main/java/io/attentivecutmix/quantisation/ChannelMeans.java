package io.attentivecutmix.quantisation;

import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.ResNet.Convolution;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Means of the channels of every tensor that a convolution reads. Each image's mean is rounded to a multiple of 2^−40
 * of a power of two above the channel's maximum, and these integers are summed: the result does not depend on which
 * image was added where or when, to the last bit. Not thread-safe.
 */
final class ChannelMeans {
    /** A sum of 2^22 images, far more than memory has room for, is within a long. */
    private static final int FRACTION_BITS = 40;
    /** The mean over some hundred images is not known better. */
    private static final MathContext DIGITS = new MathContext(3, RoundingMode.HALF_EVEN);

    /** Of one tensor: sums in units of 2^exponent; row and image are for what is being added. */
    private record Sums(long[] sums, int[] exponents, float[] row, double[] image) {}

    /** By the name that an observer is told. */
    private final Map<String, Sums> tensors = new HashMap<>();
    /** The same by the name of the tensor, in the network's order. */
    private final Map<String, Sums> bySource = new LinkedHashMap<>();

    /** @param maxima largest magnitude of every channel of every tensor, over the images that will be added */
    ChannelMeans(ResNet network, Map<String, float[]> maxima) {
        Activations activations = new Activations(network);
        for (Convolution c : network.convolutions()) {
            String source = activations.source(c).name();
            if (!bySource.containsKey(source)) {
                Sums s = sums(maxima.get(source));
                bySource.put(source, s);
                tensors.put(source.equals(network.stem().name()) ? Activations.POOLED : source, s);
            }
        }
    }

    private static Sums sums(float[] max) {
        int[] exponents = new int[max.length];
        for (int c = 0; c < max.length; c++) {
            exponents[c] = Math.getExponent(max[c]) + 1 - FRACTION_BITS;
        }
        return new Sums(new long[max.length], exponents, new float[max.length], new double[max.length]);
    }

    /** Adds one image's tensor, as an {@link ActivationObserver} is shown it; what no convolution reads is left out. */
    void add(String tensor, FloatBuffer values, int positions, int channels) {
        Sums s = tensors.get(tensor);
        if (s == null) {
            return;
        }
        double[] image = s.image();
        Arrays.fill(image, 0);
        for (int p = 0; p < positions; p++) {
            values.get(p * channels, s.row(), 0, channels);
            for (int c = 0; c < channels; c++) {
                image[c] += s.row()[c];
            }
        }
        for (int c = 0; c < channels; c++) {
            s.sums()[c] += Math.round(Math.scalb(image[c] / positions, -s.exponents()[c]));
        }
    }

    /** Adds what another has summed, of the same network and maxima. */
    void add(ChannelMeans other) {
        bySource.forEach((source, s) -> {
            long[] others = other.bySource.get(source).sums();
            for (int c = 0; c < others.length; c++) {
                s.sums()[c] += others[c];
            }
        });
    }

    /** By tensor, rounded to three decimal digits so that a file of them is short. */
    Map<String, float[]> means(int images) {
        Map<String, float[]> means = new LinkedHashMap<>();
        bySource.forEach((source, s) -> {
            float[] m = new float[s.sums().length];
            for (int c = 0; c < m.length; c++) {
                double mean = Math.scalb((double) s.sums()[c] / images, s.exponents()[c]);
                m[c] = new BigDecimal(mean).round(DIGITS).floatValue();
            }
            means.put(source, m);
        });
        return means;
    }
}
