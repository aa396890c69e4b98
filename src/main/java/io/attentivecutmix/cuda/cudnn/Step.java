package io.attentivecutmix.cuda.cudnn;

import org.bytedeco.javacpp.Pointer;

/** One launch with everything about it decided before. */
@FunctionalInterface
interface Step {
    /** Enqueues it; allocates nothing. cuDNN's stream has been set to the same one. */
    void enqueue(Pointer stream);
}
