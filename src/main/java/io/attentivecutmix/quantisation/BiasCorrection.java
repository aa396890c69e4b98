package io.attentivecutmix.quantisation;

import io.attentivecutmix.network.FoldedConvolution;
import io.attentivecutmix.network.ResNet.Convolution;
import java.util.Map;

/**
 * Takes from a convolution's bias what the rounding of its weights adds to its output on average (Nagel et al., arXiv
 * 1906.04721, section 4.2, with means that were measured):
 *
 * <pre>bias'[k] = bias[k] − Σ over i and t of (q[k,i,t]·scale[k] − w[k,i,t]) · mean[i]·2^−e[i]</pre>
 *
 * <p>for output channel k, input channels i and taps t, where w are the weights that were rounded to q, folded and
 * equalised, and mean and e are {@link Calibration#means} and, 0 without, {@link Calibration#exponents} of what the
 * convolution reads. It is summed in double, one input channel after another, and rounded to float once. Near the
 * border of a tensor, where some taps meet zeros of the padding, it is still the correction of the inside.
 */
public final class BiasCorrection {
    /** Changes nothing. */
    public static final BiasCorrection NONE = new BiasCorrection(null, Map.of(), Map.of());

    private final Activations activations;
    private final Map<String, int[]> exponents;
    private final Map<String, float[]> means;

    private BiasCorrection(Activations activations, Map<String, int[]> exponents, Map<String, float[]> means) {
        this.activations = activations;
        this.exponents = exponents;
        this.means = means;
    }

    /** Of a calibration; changes nothing where that has no means. */
    public static BiasCorrection of(Calibration calibration) {
        return new BiasCorrection(new Activations(calibration.network()), calibration.exponents(),
                calibration.means());
    }

    /**
     * The convolution with its bias corrected.
     *
     * @param c which
     * @param folded what was rounded: with its batch norm folded in, and equalised
     * @param rounded what {@link WeightQuantiser} made of it
     * @return the same weights and scales, and a bias in an array of its own if it was corrected
     * @throws IllegalArgumentException if a bias would not be finite; names the convolution
     */
    public QuantisedConvolution apply(Convolution c, FoldedConvolution folded, QuantisedConvolution rounded) {
        float[] means = this.means.isEmpty() ? null : this.means.get(activations.source(c).name());
        if (means == null) {
            return rounded;
        }
        double[] stored = stored(means, exponents.get(activations.source(c).stream()));
        int area = c.kernel() * c.kernel();
        float[] bias = new float[c.out()];
        for (int k = 0; k < c.out(); k++) {
            double scale = rounded.scales()[k];
            double shift = 0;
            for (int i = 0; i < c.in(); i++) {
                int from = (k * c.in() + i) * area;
                double difference = 0;
                for (int j = from; j < from + area; j++) {
                    difference += rounded.weights()[j] * scale - folded.weights()[j];
                }
                shift += difference * stored[i];
            }
            bias[k] = (float) (rounded.bias()[k] - shift);
            if (!Float.isFinite(bias[k])) {
                throw new IllegalArgumentException("means of " + activations.source(c).name()
                        + " make a bias of layer " + c.name() + " " + bias[k] + "; allowed: what leaves it finite");
            }
        }
        return new QuantisedConvolution(rounded.weights(), rounded.scales(), bias);
    }

    private static double[] stored(float[] means, int[] exponents) {
        double[] stored = new double[means.length];
        for (int i = 0; i < stored.length; i++) {
            stored[i] = Math.scalb((double) means[i], exponents == null ? 0 : -exponents[i]);
        }
        return stored;
    }
}
