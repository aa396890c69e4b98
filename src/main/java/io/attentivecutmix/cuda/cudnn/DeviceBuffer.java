package io.attentivecutmix.cuda.cudnn;

import io.attentivecutmix.cuda.CudaRuntime;
import org.bytedeco.javacpp.Pointer;

/** Owns device memory that grows when asked, and moves then; its contents do not. Freed once. */
final class DeviceBuffer implements AutoCloseable {
    private final CudaRuntime runtime;
    private Pointer memory;
    private long bytes;

    DeviceBuffer(CudaRuntime runtime) {
        this.runtime = runtime;
    }

    /**
     * Makes it hold at least so many bytes; whether it moved.
     *
     * <p>The new memory comes before the old one goes: if there is not enough, everything stays as it was.
     */
    boolean ensure(long wanted) {
        if (wanted <= bytes) {
            return false;
        }
        Pointer larger = runtime.allocate(wanted);
        Pointer old = memory;
        memory = larger;
        bytes = wanted;
        if (old != null) {
            runtime.free(old);
        }
        return true;
    }

    /** 0 while it is empty. */
    long address() {
        return memory == null ? 0 : memory.address();
    }

    long bytes() {
        return bytes;
    }

    /** Its memory; null while it is empty. */
    Pointer memory() {
        return memory;
    }

    @Override
    public void close() {
        Pointer old = memory;
        memory = null;
        bytes = 0;
        if (old != null) {
            runtime.free(old);
        }
    }
}
