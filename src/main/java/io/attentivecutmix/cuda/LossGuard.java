package io.attentivecutmix.cuda;

import io.attentivecutmix.engine.DeviceLostException;
import org.bytedeco.javacpp.Pointer;

/**
 * Keeps a lost device at rest: once the loss is known, every call is refused here and none reaches CUDA, where it
 * could only fail again, or hang while the process ends. What the device had goes with the process.
 */
final class LossGuard implements CudaRuntime {
    private final CudaRuntime runtime;
    /** Read by the garbage collector's threads, too. */
    private volatile DeviceLostException loss;

    LossGuard(CudaRuntime runtime) {
        this.runtime = runtime;
    }

    /** Says that the device is lost; the first reason is kept. */
    void lose(DeviceLostException why) {
        if (loss == null) {
            loss = why;
        }
    }

    @Override
    public void requireAlive() {
        if (loss != null) {
            throw new DeviceLostException("the GPU was lost in an earlier call: " + loss.getMessage(), loss);
        }
    }

    @Override
    public void useDevice(int ordinal) {
        requireAlive();
        runtime.useDevice(ordinal);
    }

    @Override
    public int currentDevice() {
        requireAlive();
        return runtime.currentDevice();
    }

    @Override
    public DeviceProperties properties(int ordinal) {
        requireAlive();
        return runtime.properties(ordinal);
    }

    @Override
    public long freeBytes() {
        requireAlive();
        return runtime.freeBytes();
    }

    @Override
    public Pointer allocate(long bytes) {
        requireAlive();
        return runtime.allocate(bytes);
    }

    @Override
    public void free(Pointer memory) {
        requireAlive();
        runtime.free(memory);
    }

    @Override
    public Pointer allocatePinned(long bytes) {
        requireAlive();
        return runtime.allocatePinned(bytes);
    }

    @Override
    public void freePinned(Pointer memory) {
        requireAlive();
        runtime.freePinned(memory);
    }

    @Override
    public Pointer createStream() {
        requireAlive();
        return runtime.createStream();
    }

    @Override
    public void destroyStream(Pointer stream) {
        requireAlive();
        runtime.destroyStream(stream);
    }

    @Override
    public Pointer foreignStream(long handle) {
        requireAlive();
        return runtime.foreignStream(handle);
    }

    @Override
    public Pointer createEvent(boolean timed) {
        requireAlive();
        return runtime.createEvent(timed);
    }

    @Override
    public void destroyEvent(Pointer event) {
        requireAlive();
        runtime.destroyEvent(event);
    }

    @Override
    public void recordEvent(Pointer event, Pointer stream) {
        requireAlive();
        runtime.recordEvent(event, stream);
    }

    @Override
    public void awaitEvent(Pointer stream, Pointer event) {
        requireAlive();
        runtime.awaitEvent(stream, event);
    }

    @Override
    public void synchronizeEvent(Pointer event) {
        requireAlive();
        runtime.synchronizeEvent(event);
    }

    @Override
    public float elapsedMillis(Pointer from, Pointer to) {
        requireAlive();
        return runtime.elapsedMillis(from, to);
    }

    @Override
    public void copyToDevice(Pointer device, Pointer host, long bytes, Pointer stream) {
        requireAlive();
        runtime.copyToDevice(device, host, bytes, stream);
    }

    @Override
    public void copyToHost(Pointer host, Pointer device, long bytes, Pointer stream) {
        requireAlive();
        runtime.copyToHost(host, device, bytes, stream);
    }

    @Override
    public void fill(Pointer device, int value, long bytes, Pointer stream) {
        requireAlive();
        runtime.fill(device, value, bytes, stream);
    }

    @Override
    public void synchronizeStream(Pointer stream) {
        requireAlive();
        runtime.synchronizeStream(stream);
    }

    @Override
    public void beginCapture(Pointer stream) {
        requireAlive();
        runtime.beginCapture(stream);
    }

    @Override
    public Pointer endCapture(Pointer stream) {
        requireAlive();
        return runtime.endCapture(stream);
    }

    @Override
    public void destroyGraph(Pointer graph) {
        requireAlive();
        runtime.destroyGraph(graph);
    }

    @Override
    public Pointer instantiate(Pointer graph) {
        requireAlive();
        return runtime.instantiate(graph);
    }

    @Override
    public void launch(Pointer executable, Pointer stream) {
        requireAlive();
        runtime.launch(executable, stream);
    }

    @Override
    public void destroyExecutable(Pointer executable) {
        requireAlive();
        runtime.destroyExecutable(executable);
    }
}
