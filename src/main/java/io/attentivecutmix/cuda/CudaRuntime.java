package io.attentivecutmix.cuda;

import org.bytedeco.javacpp.Pointer;

/**
 * What the CUDA device needs of CUDA's runtime, one method for one call: a seam. The product runs
 * {@link CudartRuntime}; tests run the device on host memory, and make each call fail in turn.
 *
 * <p>Every failure is thrown as {@link CudaStatus#failure} says. CUDA reports faults of work under way late, so any
 * method may throw what an earlier launch caused. Handles are made once and passed back as they came. Calls act on the
 * thread's current device: {@link #useDevice} comes first on every thread.
 */
public interface CudaRuntime {
    /**
     * Asks nobody: refuses if the device is known to be lost.
     *
     * @throws io.attentivecutmix.engine.DeviceLostException with what was thrown first
     */
    default void requireAlive() {}

    /** Makes a device the calling thread's current one. */
    void useDevice(int ordinal);

    /** The calling thread's current device. */
    int currentDevice();

    /** What is known of a device. */
    DeviceProperties properties(int ordinal);

    /** Free bytes of the current device's memory; a snapshot, for messages. */
    long freeBytes();

    /** Device memory of so many bytes, 1 or more, on 256 bytes at least; undefined contents. */
    Pointer allocate(long bytes);

    void free(Pointer memory);

    /** Page-locked host memory of so many bytes, 1 or more, which the device copies from and to at full speed. */
    Pointer allocatePinned(long bytes);

    void freePinned(Pointer memory);

    /** A stream that does not wait for the default stream. */
    Pointer createStream();

    void destroyStream(Pointer stream);

    /** A caller's stream, from its raw handle; 0 is the default stream. Nothing to destroy. */
    Pointer foreignStream(long handle);

    /** An event; {@link #elapsedMillis} needs one that is timed. */
    Pointer createEvent(boolean timed);

    void destroyEvent(Pointer event);

    void recordEvent(Pointer event, Pointer stream);

    /** Lets later work on the stream begin after the event. */
    void awaitEvent(Pointer stream, Pointer event);

    /** Waits on the host until the event has happened. */
    void synchronizeEvent(Pointer event);

    /** Milliseconds between two timed events that have happened. */
    float elapsedMillis(Pointer from, Pointer to);

    /** Enqueues a copy from host memory; asynchronous if that is pinned. */
    void copyToDevice(Pointer device, Pointer host, long bytes, Pointer stream);

    /** Enqueues a copy to host memory; asynchronous if that is pinned. */
    void copyToHost(Pointer host, Pointer device, long bytes, Pointer stream);

    /** Enqueues setting every byte to {@code value}. */
    void fill(Pointer device, int value, long bytes, Pointer stream);

    /** Waits on the host until all work of the stream is done. */
    void synchronizeStream(Pointer stream);

    /**
     * From here on, work on the stream is recorded rather than run. Memory must not be allocated or freed meanwhile.
     */
    void beginCapture(Pointer stream);

    /** Ends the recording: a graph. After a failure nothing is being recorded any more and there is no graph. */
    Pointer endCapture(Pointer stream);

    void destroyGraph(Pointer graph);

    /** Makes a graph ready to run; it is independent of the graph then. */
    Pointer instantiate(Pointer graph);

    /** Enqueues all work of a graph. */
    void launch(Pointer executable, Pointer stream);

    void destroyExecutable(Pointer executable);
}
