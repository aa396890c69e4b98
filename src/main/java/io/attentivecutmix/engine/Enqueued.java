package io.attentivecutmix.engine;

/** A step that was enqueued on a device and may still be under way. */
public interface Enqueued {
    /**
     * Raw handle (cudaEvent_t) of the event that happens when everything the step writes is complete; the engine owns
     * it.
     */
    long event();

    /**
     * Device address of the selected cells, (N, words) longs; contents hold until the second step after this one
     * begins.
     */
    long cells();

    /** Device address of the source weights, (N) floats; as {@link #cells}. */
    long sourceWeights();

    /**
     * Enqueues the mixed label rows of the step, which came with a class for every image.
     *
     * @param classes length of a row, above every class
     * @param smoothing 0 to 1
     * @param address device memory of the caller's, (N, classes) floats, written
     * @param stream raw handle (cudaStream_t), 0 for the default stream
     * @throws IllegalStateException if the second step after this one has begun, which uses the same tables
     */
    void softLabels(int classes, float smoothing, long address, long stream);

    /** Waits until the step is complete and its plan holds cells, nonFinite and source weights; again: does nothing. */
    void await();
}
