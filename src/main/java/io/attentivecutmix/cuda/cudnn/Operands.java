package io.attentivecutmix.cuda.cudnn;

/**
 * Device addresses that a convolution works on.
 *
 * @param bias (K) of the tensors' type
 * @param floatBias (K) in float, for our kernel
 * @param residual 0 where there is none
 */
record Operands(long x, long weights, long bias, long floatBias, long residual, long y) {
    long of(long tensor) {
        if (tensor == ConvolutionGraph.X) {
            return x;
        }
        if (tensor == ConvolutionGraph.W) {
            return weights;
        }
        if (tensor == ConvolutionGraph.BIAS) {
            return bias;
        }
        if (tensor == ConvolutionGraph.RESIDUAL) {
            return residual;
        }
        if (tensor == ConvolutionGraph.Y) {
            return y;
        }
        throw new IllegalArgumentException("tensor " + tensor + " has no address");
    }
}
