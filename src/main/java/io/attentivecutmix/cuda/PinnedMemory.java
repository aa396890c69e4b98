package io.attentivecutmix.cuda;

import io.attentivecutmix.engine.DeviceException;
import io.attentivecutmix.engine.HostMemory;
import java.lang.System.Logger.Level;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Page-locked memory for callers' batches. It lives as long as a buffer or a view of one, not as long as the engine:
 * nothing a caller does with a view can crash the JVM. So only the garbage collector knows when it can go, and as for
 * the JVM's own direct buffers there is a limit at which it is asked: the largest heap. Beyond that, batches get
 * ordinary memory. Thread-safe.
 */
final class PinnedMemory {
    private static final System.Logger LOG = System.getLogger(PinnedMemory.class.getName());
    private static final Cleaner CLEANER = Cleaner.create();
    /** Of the whole process: the system's memory is one. */
    private static final AtomicLong IN_USE = new AtomicLong();
    private static final int WAITS = 10;
    private static final long WAIT_MILLIS = 10;

    private final CudaRuntime runtime;
    private final int ordinal;
    private final long limit;
    private final AtomicLong inUse;
    private volatile boolean closed;

    PinnedMemory(CudaRuntime runtime, int ordinal) {
        this(runtime, ordinal, Runtime.getRuntime().maxMemory(), IN_USE);
    }

    /**
     * @param limit most bytes that all batches have together
     * @param inUse what they have
     */
    PinnedMemory(CudaRuntime runtime, int ordinal, long limit, AtomicLong inUse) {
        this.runtime = runtime;
        this.ordinal = ordinal;
        this.limit = limit;
        this.inUse = inUse;
    }

    /** Memory of so many bytes; ordinary memory when there is no more of the other kind, or the engine is closed. */
    HostMemory allocate(int bytes) {
        if (closed) {
            return HostMemory.plain(bytes);
        }
        // blocks never touch: what lies side by side lies in one, and one copy may take it
        long size = (long) bytes + HostMemory.ALIGNMENT;
        if (!reserve(size)) {
            LOG.log(Level.DEBUG, "batches hold {0} bytes of page-locked memory; one of {1} bytes gets ordinary memory,"
                    + " which is slower", inUse.get(), bytes);
            return HostMemory.plain(bytes);
        }
        Pointer memory;
        try {
            memory = onDevice(runtime, ordinal, () -> runtime.allocatePinned(size));
        } catch (DeviceException e) {
            inUse.addAndGet(-size);
            LOG.log(Level.WARNING, "no page-locked memory for a batch of {0} bytes, which is slower: {1}", bytes,
                    e.getMessage());
            return HostMemory.plain(bytes);
        } catch (RuntimeException | Error e) {
            inUse.addAndGet(-size);
            throw e;
        }
        ByteBuffer buffer = new BytePointer(memory).capacity(bytes).asByteBuffer();
        CLEANER.register(buffer, new Release(runtime, ordinal, memory, size, inUse));
        return new HostMemory(buffer.slice(0, bytes).order(ByteOrder.nativeOrder()), memory.address());
    }

    /** Counts so many bytes; asks the garbage collector for what nobody uses any more before it gives up. */
    private boolean reserve(long size) {
        for (int attempt = 0; inUse.addAndGet(size) > limit; attempt++) {
            inUse.addAndGet(-size);
            if (attempt == WAITS || size > limit) {
                return false;
            }
            if (attempt == 0) {
                System.gc();
            }
            try {
                Thread.sleep(WAIT_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }
        return true;
    }

    /** Does something with a device as the current one, on a thread that may never have seen CUDA. */
    private static Pointer onDevice(CudaRuntime runtime, int ordinal, Supplier<Pointer> call) {
        int previous = runtime.currentDevice();
        if (previous != ordinal) {
            runtime.useDevice(ordinal);
        }
        try {
            return call.get();
        } finally {
            if (previous != ordinal) {
                runtime.useDevice(previous);
            }
        }
    }

    /** Makes later memory ordinary; what was handed out stays. */
    void close() {
        closed = true;
    }

    /** Runs once no view of the buffer can be reached; holds the memory, never the buffer. */
    private record Release(CudaRuntime runtime, int ordinal, Pointer memory, long size, AtomicLong inUse)
            implements Runnable {
        @Override
        public void run() {
            try {
                onDevice(runtime, ordinal, () -> {
                    runtime.freePinned(memory);
                    return memory;
                });
            } catch (RuntimeException e) {
                // at the end of a process, or on a lost device; the system takes it back
                LOG.log(Level.DEBUG, "page-locked memory could not be given back: {0}", e.getMessage());
            } finally {
                inUse.addAndGet(-size);
            }
        }
    }
}
