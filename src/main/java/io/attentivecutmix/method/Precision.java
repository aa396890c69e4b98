package io.attentivecutmix.method;

/**
 * Arithmetic of the extractor's convolutions. Sums are kept in float; those of INT8, which needs a calibration, in
 * 32-bit integers.
 */
public enum Precision {
    FP32, TF32, FP16, BF16, INT8
}
