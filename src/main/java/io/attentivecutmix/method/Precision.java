package io.attentivecutmix.method;

/** Arithmetic of the extractor's convolutions; sums are always kept in float. */
public enum Precision {
    FP32, TF32, FP16, BF16, INT8
}
