package io.attentivecutmix.cuda.cudnn;

import static org.bytedeco.cuda.global.cudnn.*;

import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.method.Precision;

/**
 * Which engines compute what a precision promises, by cuDNN's own notes.
 *
 * @param deterministic whether to refuse engines whose result differs from run to run
 */
record Numerics(Precision precision, boolean deterministic) {
    ElementType type() {
        return switch (precision) {
            case FP32, TF32 -> ElementType.FLOAT32;
            case FP16 -> ElementType.FLOAT16;
            case BF16 -> ElementType.BFLOAT16;
            case INT8 -> throw new IllegalArgumentException(
                    "precision is INT8; allowed with cuDNN: FP32, TF32, FP16, BF16");
        };
    }

    boolean allows(Candidate c) {
        // sums are kept in float in every precision
        int refused = 1 << CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION;
        if (precision == Precision.FP32) {
            // TF32 is a tensor core's rounding of float inputs
            refused |= 1 << CUDNN_NUMERICAL_NOTE_TENSOR_CORE | 1 << CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS;
        }
        if (type() != ElementType.FLOAT32) {
            // transformed inputs are rounded to 16 bits a second time, and may overflow in FP16
            refused |= 1 << CUDNN_NUMERICAL_NOTE_WINOGRAD | 1 << CUDNN_NUMERICAL_NOTE_FFT;
        }
        if (deterministic) {
            refused |= 1 << CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC;
        }
        return (c.numericalNotes() & refused) == 0 && !c.reorders();
    }
}
