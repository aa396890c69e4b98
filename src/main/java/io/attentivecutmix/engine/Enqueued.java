package io.attentivecutmix.engine;

/** A step that was enqueued on a device and may still be under way. */
public interface Enqueued {
    /** Raw handle (cudaEvent_t) of the event that happens when everything the step writes is complete; the engine owns it. */
    long event();

    /** Device address of the selected cells, (N, words) longs; contents hold until the second step after this one begins. */
    long cells();

    /** Device address of the source weights, (N) floats; as {@link #cells}. */
    long sourceWeights();

    /** Waits until the step is complete and its plan holds cells, nonFinite and source weights; again: does nothing. */
    void await();
}
