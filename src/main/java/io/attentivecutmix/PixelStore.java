package io.attentivecutmix;

import io.attentivecutmix.engine.HostMemory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.ToLongFunction;

/**
 * Off-heap memory for a batch: pieces of direct buffers, handed out one after the other and reused after
 * {@link #clear}.
 *
 * <p>Direct buffers rather than freed memory: a view that a user still holds keeps its memory alive, so nothing he does
 * with it can crash the JVM. A piece never crosses the end of a chunk, so the batch may be larger than 2 GiB though a
 * piece may not. In the steady state (same sizes again) nothing is allocated, not even views.
 */
final class PixelStore {
    /** Chunks of a batch whose size is not known beforehand grow up to this. */
    private static final int LARGEST_GROWTH = 1 << 30;
    /** A chunk starts on 64 bytes, for vector loads; pieces are packed, so that equal ones form one tensor. */
    private static final int LARGEST_CHUNK = Integer.MAX_VALUE - 2 * HostMemory.ALIGNMENT;

    private final IntFunction<HostMemory> allocator;
    private final List<Chunk> chunks = new ArrayList<>();
    private final List<ByteBuffer> pieces = new ArrayList<>();
    private final List<Place> places = new ArrayList<>();
    private int used;
    private long usedBytes;
    /** Size of the first chunk, when there is none. */
    private int wanted;
    private int chunk;
    private int offset;

    /** A direct buffer, with its address once somebody has asked. */
    private static final class Chunk {
        final ByteBuffer memory;
        /** Of the first byte, once known; and whether a device made the memory. */
        long address;
        final boolean ofDevice;

        Chunk(HostMemory memory) {
            this.memory = memory.bytes();
            address = memory.address();
            ofDevice = address != 0;
        }
    }

    private record Place(int chunk, int offset, int bytes) {}

    /**
     * An empty store.
     *
     * @param allocator makes a chunk of so many bytes
     */
    PixelStore(IntFunction<HostMemory> allocator) {
        this.allocator = allocator;
    }

    /** Forgets all pieces. If they needed several chunks where one can hold as much, the next ones get one. */
    void clear() {
        if (chunks.size() > 1 && usedBytes <= LARGEST_CHUNK) {
            reset();
            wanted = (int) usedBytes;
        }
        usedBytes = 0;
        used = 0;
        chunk = 0;
        offset = 0;
    }

    private void reset() {
        chunks.clear();
        pieces.clear();
        places.clear();
    }

    /** Makes so many bytes lie in one chunk, where one can hold them; only right after {@link #clear}. */
    void expect(long bytes) {
        if (bytes > 0 && bytes <= LARGEST_CHUNK && (chunks.isEmpty() || chunks.get(0).memory.capacity() < bytes)) {
            reset();
            chunks.add(new Chunk(allocator.apply((int) bytes)));
        }
    }

    /** The next piece; it holds whatever its memory held before. */
    ByteBuffer next(int bytes) {
        int start = offset;
        while (chunk < chunks.size() && start + (long) bytes > chunks.get(chunk).memory.capacity()) {
            chunk++;
            start = 0;
        }
        if (chunk == chunks.size()) {
            // as much again as is used: no more than twice what a batch of unknown size needs
            long grown = chunks.isEmpty() ? wanted : Math.min(LARGEST_GROWTH, usedBytes);
            wanted = 0;
            chunks.add(new Chunk(allocator.apply((int) Math.max(bytes, grown))));
        }
        offset = start + bytes;
        usedBytes += bytes;
        int index = used++;
        if (index < places.size()) {
            Place old = places.get(index);
            if (old.chunk == chunk && old.offset == start && old.bytes == bytes) {
                return pieces.get(index);
            }
        }
        ByteBuffer piece = chunks.get(chunk).memory.slice(start, bytes).order(ByteOrder.nativeOrder());
        Place place = new Place(chunk, start, bytes);
        if (index < places.size()) {
            pieces.set(index, piece);
            places.set(index, place);
        } else {
            pieces.add(piece);
            places.add(place);
        }
        return piece;
    }

    /** All pieces as one buffer, or null if they do not lie side by side in one chunk. */
    ByteBuffer whole() {
        int end = 0;
        for (int i = 0; i < used; i++) {
            Place p = places.get(i);
            if (p.chunk != 0 || p.offset != end) {
                return null;
            }
            end += p.bytes;
        }
        return used == 0 ? null : chunks.get(0).memory.slice(0, end).order(ByteOrder.nativeOrder());
    }

    /**
     * Whether bytes from begin to end (exclusive) lie in this memory, as far as addresses can be had.
     *
     * @param addressOf address of a direct buffer, 0 if unknown; asked once per chunk
     */
    boolean overlaps(long begin, long end, ToLongFunction<ByteBuffer> addressOf) {
        for (Chunk c : chunks) {
            if (c.address == 0) {
                c.address = addressOf.applyAsLong(c.memory);
            }
            if (c.address != 0 && c.address < end && begin < c.address + c.memory.capacity()) {
                return true;
            }
        }
        return false;
    }

    /** Address of a piece if a device made its memory, else 0. */
    long deviceAddress(int piece) {
        Place p = places.get(piece);
        Chunk c = chunks.get(p.chunk);
        return c.ofDevice ? c.address + p.offset : 0;
    }
}
