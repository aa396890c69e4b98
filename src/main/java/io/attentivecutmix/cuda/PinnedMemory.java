package io.attentivecutmix.cuda;

import io.attentivecutmix.engine.DeviceException;
import io.attentivecutmix.engine.HostMemory;
import java.lang.System.Logger.Level;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Page-locked memory for callers' batches. It lives as long as a buffer or a view of one, not as long as the engine: nothing a
 * caller does with a view can crash the JVM. Thread-safe.
 */
final class PinnedMemory {
    private static final System.Logger LOG = System.getLogger(PinnedMemory.class.getName());
    private static final Cleaner CLEANER = Cleaner.create();

    private final CudaRuntime runtime;
    private volatile boolean closed;

    PinnedMemory(CudaRuntime runtime) {
        this.runtime = runtime;
    }

    /** Memory of so many bytes; ordinary memory when the device has no more of the other kind, or is closed. */
    HostMemory allocate(int bytes) {
        if (closed) {
            return HostMemory.plain(bytes);
        }
        Pointer memory;
        try {
            memory = runtime.allocatePinned(bytes);
        } catch (DeviceException e) {
            LOG.log(Level.WARNING, "no page-locked memory for a batch of {0} bytes, which is slower: {1}", bytes,
                    e.getMessage());
            return HostMemory.plain(bytes);
        }
        ByteBuffer buffer = new BytePointer(memory).capacity(bytes).asByteBuffer();
        CLEANER.register(buffer, new Release(runtime, memory));
        return new HostMemory(buffer.slice(0, bytes).order(ByteOrder.nativeOrder()), memory.address());
    }

    /** Makes later memory ordinary; what was handed out stays. */
    void close() {
        closed = true;
    }

    /** Runs once no view of the buffer can be reached; holds the memory, never the buffer. */
    private record Release(CudaRuntime runtime, Pointer memory) implements Runnable {
        @Override
        public void run() {
            try {
                runtime.freePinned(memory);
            } catch (RuntimeException e) {
                // at the end of a process, or on a lost device; the system takes it back
                LOG.log(Level.DEBUG, "page-locked memory could not be given back: {0}", e.getMessage());
            }
        }
    }
}
