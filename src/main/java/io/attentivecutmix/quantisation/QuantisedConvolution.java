package io.attentivecutmix.quantisation;

/**
 * A convolution with its batch norm folded in and weights of 8 bits: weight = value · scale of its output channel.
 *
 * @param weights (K, C, R, R) row-major, −127 to 127
 * @param scales (K)
 * @param bias (K) in real units
 */
public record QuantisedConvolution(byte[] weights, float[] scales, float[] bias) {}
