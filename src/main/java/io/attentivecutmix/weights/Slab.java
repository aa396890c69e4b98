package io.attentivecutmix.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;

/**
 * Memory for many tensors in few large arrays. The default garbage collector gives an array above half a region whole
 * regions to itself: one array per tensor would take up to twice the tensors' size.
 */
final class Slab {
    private static final int LARGEST = 1 << 30;
    /** The JDK reads through a direct buffer as large as what is asked for, and keeps it; so never ask for much. */
    private static final int PIECE = 1 << 20;

    private ByteBuffer array = ByteBuffer.allocate(0);
    private long left;

    /** @param total how many bytes will be taken */
    Slab(long total) {
        left = total;
    }

    /** The next bytes, zero, little-endian. */
    ByteBuffer take(int size) {
        if (array.remaining() < size) {
            array = ByteBuffer.allocate((int) Math.max(size, Math.min(left, LARGEST)));
        }
        left -= size;
        ByteBuffer slice = array.slice(array.position(), size).order(ByteOrder.LITTLE_ENDIAN);
        array.position(array.position() + size);
        return slice;
    }

    /**
     * Fills a buffer up to its limit from a position of a file, then flips it.
     *
     * @return whether the file was long enough
     */
    static boolean fill(FileChannel channel, ByteBuffer buffer, long position) throws IOException {
        int end = buffer.limit();
        boolean whole = true;
        while (whole && buffer.position() < end) {
            buffer.limit(Math.min(end, buffer.position() + PIECE));
            whole = channel.read(buffer, position + buffer.position()) >= 0;
        }
        buffer.flip();
        return whole;
    }
}
