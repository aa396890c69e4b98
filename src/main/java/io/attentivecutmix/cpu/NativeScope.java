package io.attentivecutmix.cpu;

import io.attentivecutmix.engine.OutOfDeviceMemoryException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.function.ToIntFunction;
import org.bytedeco.javacpp.Pointer;

/**
 * Owns native objects and destroys them in reverse order of making, once.
 *
 * <p>Everything comes from oneDNN's C interface or from malloc, so that no JavaCPP object here has a deallocator:
 * nothing is freed by the garbage collector, and nothing counts against JavaCPP's limits, which compare the memory of
 * the whole process with the Java heap's maximum and would fail in an application that uses much memory itself. Not
 * thread-safe.
 */
final class NativeScope implements AutoCloseable {
    private static final AtomicLong LIVE = new AtomicLong();
    private static final AtomicLong BYTES = new AtomicLong();

    /** Says of a call, by its name, whether it is to fail; for tests, null otherwise. */
    static volatile Predicate<String> fault;

    private final List<Runnable> destroyers = new ArrayList<>();

    /** How many native objects exist in the process: 0 when every engine is closed. */
    static long live() {
        return LIVE.get();
    }

    /** How many bytes of native memory the process has allocated here: 0 when every engine is closed. */
    static long bytes() {
        return BYTES.get();
    }

    /** Whether a test wants this call to fail. */
    static boolean fails(String call) {
        Predicate<String> wanted = fault;
        return wanted != null && wanted.test(call);
    }

    /** Takes over an object that a oneDNN call made. */
    <P extends Pointer> P own(P object, ToIntFunction<P> destroy, String call) {
        if (fails(call + " of a new object")) {
            // as if it had never been made
            destroy.applyAsInt(object);
            throw OneDnnException.of("the call before " + call, OneDnnException.OUT_OF_MEMORY);
        }
        add(() -> OneDnn.check(destroy.applyAsInt(object), call));
        return object;
    }

    /**
     * Memory of {@code bytes} bytes that starts at a multiple of 64, a cache line and the widest vector.
     *
     * @throws OutOfDeviceMemoryException if there is not as much
     */
    Pointer allocate(long bytes, String what) {
        Pointer block = fails("malloc") ? null : Pointer.malloc(Math.addExact(bytes, 64));
        if (block == null || block.isNull()) {
            throw new OutOfDeviceMemoryException("no " + bytes + " bytes of native memory for " + what
                    + "; fewer threads or a smaller inputSide need less");
        }
        BYTES.addAndGet(bytes);
        add(() -> {
            Pointer.free(block);
            BYTES.addAndGet(-bytes);
        });
        long aligned = block.address() + 63 & -64;
        return new Address(aligned).capacity(bytes);
    }

    private void add(Runnable destroyer) {
        destroyers.add(destroyer);
        LIVE.incrementAndGet();
    }

    @Override
    public void close() {
        RuntimeException failure = null;
        for (int i = destroyers.size() - 1; i >= 0; i--) {
            try {
                destroyers.get(i).run();
            } catch (RuntimeException e) {
                if (failure == null) {
                    failure = e;
                } else {
                    failure.addSuppressed(e);
                }
            } finally {
                LIVE.decrementAndGet();
            }
        }
        destroyers.clear();
        if (failure != null) {
            throw failure;
        }
    }

    /**
     * Gives freed memory back to the system. glibc keeps what a thread has freed for that thread's next allocation,
     * and the worker threads are gone: without this, every engine that was opened and closed left about half its
     * weights resident.
     */
    static void trim() {
        Pointer.trimMemory();
    }

    /** A pointer to an address; owns nothing. */
    static final class Address extends Pointer {
        Address(long address) {
            super((Pointer) null);
            this.address = address;
        }
    }
}
