package io.attentivecutmix.network;

import io.attentivecutmix.network.ResNet.Convolution;

/**
 * Folds a batch norm with running statistics into the convolution before it.
 *
 * <p>Inference computes {@code γ·(w∗x − μ)/√(σ² + ε) + β} (Ioffe and Szegedy, arXiv 1502.03167), which is one
 * convolution with {@code w' = w·γ/√(σ² + ε)} per output channel and bias {@code b' = β − μ·γ/√(σ² + ε)}. Everything
 * is computed in double and rounded to float last, so the folded network stays within float's rounding of the
 * unfolded one.
 */
public final class BatchNormFolding {
    private BatchNormFolding() {}

    /**
     * Reads the five tensors of a convolution and its batch norm and folds them.
     *
     * @throws IllegalArgumentException if a tensor is missing or has another number of elements than the table says
     */
    public static FoldedConvolution fold(Convolution c, Tensors tensors) {
        float[] weights = read(tensors, c.name() + ".weight", c.weightSize());
        float[] gamma = read(tensors, c.batchNorm() + ".weight", c.out());
        float[] beta = read(tensors, c.batchNorm() + ".bias", c.out());
        float[] mean = read(tensors, c.batchNorm() + ".running_mean", c.out());
        float[] variance = read(tensors, c.batchNorm() + ".running_var", c.out());
        float[] bias = new float[c.out()];
        int filter = c.weightSize() / c.out();
        for (int k = 0; k < c.out(); k++) {
            double scale = gamma[k] / Math.sqrt(variance[k] + ResNet.BATCH_NORM_EPSILON);
            for (int i = k * filter; i < (k + 1) * filter; i++) {
                weights[i] = (float) (weights[i] * scale);
            }
            bias[k] = (float) (beta[k] - mean[k] * scale);
        }
        return new FoldedConvolution(weights, bias);
    }

    /** The tensor of this name, which must have {@code size} elements. */
    public static float[] read(Tensors tensors, String name, int size) {
        float[] values = tensors.tensor(name);
        if (values.length != size) {
            throw new IllegalArgumentException(
                    "tensor " + name + " has " + values.length + " elements; allowed: " + size);
        }
        return values;
    }
}
