package io.attentivecutmix.weights;

/**
 * Type of a stored tensor's elements, by safetensors' names. The network's tensors are floating; others are only
 * skipped.
 */
enum DType {
    F64(8, true), F32(4, true), F16(2, true), BF16(2, true),
    I64(8, false), I32(4, false), I16(2, false), I8(1, false), U8(1, false), BOOL(1, false);

    private final int bytes;
    private final boolean floating;

    DType(int bytes, boolean floating) {
        this.bytes = bytes;
        this.floating = floating;
    }

    /** Size of one element. */
    int bytes() {
        return bytes;
    }

    boolean isFloating() {
        return floating;
    }
}
