package io.attentivecutmix.network;

/**
 * A convolution with its batch norm folded in: the convolution's output plus {@code bias} is what the pair would have
 * given.
 *
 * @param weights (K, C, R, R) row-major
 * @param bias (K)
 */
public record FoldedConvolution(float[] weights, float[] bias) {}
