package io.attentivecutmix.quantisation;

import io.attentivecutmix.network.FoldedConvolution;
import io.attentivecutmix.network.ResNet.Convolution;
import java.util.Map;

/** Applies per-channel powers of two. */
public final class Equalisation {
    private Equalisation() {}

    public static FoldedConvolution apply(FoldedConvolution folded, Convolution c, Activations activations,
            Map<String, int[]> exponents) {
        int[] in = exponents.get(activations.source(c).stream());
        int[] out = exponents.get(activations.destination(c).stream());
        if (in == null && out == null) {
            return folded;
        }
        float[] w = folded.weights();
        float[] bias = folded.bias();
        int area = c.kernel() * c.kernel();
        for (int k = 0; k < c.out(); k++) {
            int down = out == null ? 0 : out[k];
            for (int i = 0; i < c.in(); i++) {
                int e = (in == null ? 0 : in[i]) - down;
                int from = (k * c.in() + i) * area;
                for (int j = from; j < from + area; j++) {
                    w[j] = Math.scalb(w[j], e);
                }
            }
            bias[k] = Math.scalb(bias[k], -down);
        }
        return new FoldedConvolution(w, bias);
    }
}
