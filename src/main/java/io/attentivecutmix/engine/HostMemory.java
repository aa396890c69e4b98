package io.attentivecutmix.engine;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Host memory for batches: a direct buffer in native byte order, which keeps the memory alive.
 *
 * @param bytes starts at a multiple of {@link #ALIGNMENT}
 * @param address of its first byte if a device made it and copies from and to it without a detour, else 0
 */
public record HostMemory(ByteBuffer bytes, long address) {
    /** A cache line, and the widest vector. */
    public static final int ALIGNMENT = 64;

    /** Memory that belongs to the JVM. */
    public static HostMemory plain(int bytes) {
        // alignedSlice cuts both ends to multiples of the alignment, so up to one alignment is lost at each
        ByteBuffer buffer = ByteBuffer.allocateDirect(bytes + 2 * ALIGNMENT).alignedSlice(ALIGNMENT).slice(0, bytes)
                .order(ByteOrder.nativeOrder());
        return new HostMemory(buffer, 0);
    }
}
