package io.attentivecutmix.cuda.cudnn;

import static org.bytedeco.cuda.global.cudnn.*;

/**
 * An engine that the heuristics name.
 *
 * @param numericalNotes bit i: cuDNN notes {@code CUDNN_NUMERICAL_NOTE} i
 * @param behaviourNotes bit i: cuDNN notes {@code CUDNN_BEHAVIOR_NOTE} i
 */
record Candidate(EngineChoice choice, int numericalNotes, int behaviourNotes) {
    /** Whether building it compiles a kernel, which takes more than a second. */
    boolean compiles() {
        return (behaviourNotes & 1 << CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION) != 0;
    }

    /** Whether it wants weights in an order that is not KRSC. */
    boolean reorders() {
        return (behaviourNotes & (1 << CUDNN_BEHAVIOR_NOTE_REQUIRES_FILTER_INT8x32_REORDER
                | 1 << CUDNN_BEHAVIOR_NOTE_REQUIRES_BIAS_INT8x32_REORDER)) != 0;
    }
}
