package io.attentivecutmix.quantisation;

import io.attentivecutmix.network.FoldedConvolution;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.ResNet.Convolution;
import java.util.Map;

/**
 * Brings the channels of a tensor to similar ranges before they share a scale, by powers of two that the convolutions
 * on both sides absorb: ReLU, max-pool and sums commute with a positive factor (Nagel et al., arXiv 1906.04721, section
 * 4.1). In float the network computes the same bits as before, short of overflow.
 */
public final class Equalisation {
    /** Changes nothing. */
    public static final Equalisation NONE = new Equalisation(null, Map.of());

    private final Activations activations;
    private final Map<String, int[]> exponents;

    private Equalisation(Activations activations, Map<String, int[]> exponents) {
        this.activations = activations;
        this.exponents = exponents;
    }

    /** Of a network, with exponents as {@link Calibration} describes them. */
    public static Equalisation of(ResNet network, Map<String, int[]> exponents) {
        return new Equalisation(new Activations(network), exponents);
    }

    /** Of a calibration. */
    public static Equalisation of(Calibration calibration) {
        return of(calibration.network(), calibration.exponents());
    }

    /** The convolution between scaled tensors; changes and returns the arrays that were given. */
    public FoldedConvolution apply(Convolution c, FoldedConvolution folded) {
        if (exponents.isEmpty()) {
            return folded;
        }
        int[] in = exponents.get(activations.source(c).stream());
        int[] out = exponents.get(activations.destination(c).stream());
        int area = c.kernel() * c.kernel();
        float[] weights = folded.weights();
        for (int k = 0; k < c.out(); k++) {
            int down = out == null ? 0 : out[k];
            for (int i = 0; i < c.in(); i++) {
                int up = in == null ? 0 : in[i];
                int from = (k * c.in() + i) * area;
                for (int j = from; j < from + area; j++) {
                    weights[j] = Math.scalb(weights[j], up - down);
                }
            }
            folded.bias()[k] = Math.scalb(folded.bias()[k], -down);
        }
        return folded;
    }
}
