package io.attentivecutmix.cuda;

import io.attentivecutmix.engine.OutOfDeviceMemoryException;
import java.util.function.Consumer;
import java.util.function.LongFunction;
import java.util.function.LongSupplier;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * One block of memory that grows: the whole block is given back and a larger one taken, so its contents and its address
 * change. Grows in steps, so that batches whose images differ a little in size do not each take a new one. Not
 * thread-safe.
 */
final class Arena implements AutoCloseable {
    private static final long STEP = 2L << 20;

    private final String what;
    private final LongFunction<Pointer> allocate;
    private final Consumer<Pointer> free;
    private final LongSupplier left;
    private final Runnable beforeReplacing;
    private Pointer memory;
    private long capacity;

    /**
     * An empty arena; see {@link Memory}.
     *
     * @param left free bytes, for messages; below 0 where unknown
     * @param beforeReplacing runs before a block is given back for a larger one
     */
    Arena(String what, LongFunction<Pointer> allocate, Consumer<Pointer> free, LongSupplier left,
            Runnable beforeReplacing) {
        this.what = what;
        this.allocate = allocate;
        this.free = free;
        this.left = left;
        this.beforeReplacing = beforeReplacing;
    }

    /** Makes room for so many bytes; what the block held is lost when it is replaced. */
    void grow(long bytes) {
        if (bytes <= capacity) {
            return;
        }
        if (memory != null) {
            beforeReplacing.run();
            close();
        }
        long wanted = Math.addExact(bytes, STEP - 1) / STEP * STEP;
        try {
            memory = allocate.apply(wanted);
        } catch (OutOfDeviceMemoryException e) {
            long free = left.getAsLong();
            throw new OutOfDeviceMemoryException(wanted + " bytes for " + what + " could not be had"
                    + (free < 0 ? "" : ", " + free + " bytes of the GPU's memory are free") + ": " + e.getMessage(), e);
        }
        capacity = wanted;
    }

    /** Address of the first byte, on 256 bytes; 0 when empty. */
    long address() {
        return memory == null ? 0 : memory.address();
    }

    /** A pointer to a byte of the block, valid until it grows. */
    BytePointer at(long offset) {
        return new Address(memory.address() + offset);
    }

    /** The block, null when empty. */
    Pointer memory() {
        return memory;
    }

    long capacity() {
        return capacity;
    }

    /** Gives the block back; the arena can grow again. */
    @Override
    public void close() {
        if (memory != null) {
            Pointer old = memory;
            memory = null;
            capacity = 0;
            free.accept(old);
        }
    }
}
