package io.attentivecutmix.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;

/** A file in memory, read by position only: a sweep over thousands of small files need not touch the disk. */
class MemoryChannel extends FileChannel {
    private final byte[] bytes;
    private final long claimedSize;
    private final int mostPerRead;

    MemoryChannel(byte[] bytes) {
        this(bytes, bytes.length, Integer.MAX_VALUE);
    }

    /**
     * @param claimedSize what {@link #size} says; larger than the bytes for a file that becomes shorter while it is
     * read
     * @param mostPerRead bytes that one read gives at most, as a network file system may
     */
    MemoryChannel(byte[] bytes, long claimedSize, int mostPerRead) {
        this.bytes = bytes;
        this.claimedSize = claimedSize;
        this.mostPerRead = mostPerRead;
    }

    @Override
    public int read(ByteBuffer to, long position) throws IOException {
        if (position >= bytes.length) {
            return -1;
        }
        int n = Math.min(Math.min(to.remaining(), mostPerRead), bytes.length - (int) position);
        to.put(bytes, (int) position, n);
        return n;
    }

    @Override
    public long size() {
        return claimedSize;
    }

    @Override
    public int read(ByteBuffer to) {
        throw new UnsupportedOperationException();
    }

    @Override
    public long read(ByteBuffer[] to, int offset, int length) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int write(ByteBuffer from) {
        throw new UnsupportedOperationException();
    }

    @Override
    public long write(ByteBuffer[] from, int offset, int length) {
        throw new UnsupportedOperationException();
    }

    @Override
    public int write(ByteBuffer from, long position) {
        throw new UnsupportedOperationException();
    }

    @Override
    public long position() {
        throw new UnsupportedOperationException();
    }

    @Override
    public FileChannel position(long newPosition) {
        throw new UnsupportedOperationException();
    }

    @Override
    public FileChannel truncate(long size) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void force(boolean metaData) {
        throw new UnsupportedOperationException();
    }

    @Override
    public long transferTo(long position, long count, WritableByteChannel target) {
        throw new UnsupportedOperationException();
    }

    @Override
    public long transferFrom(ReadableByteChannel from, long position, long count) {
        throw new UnsupportedOperationException();
    }

    @Override
    public MappedByteBuffer map(MapMode mode, long position, long size) {
        throw new UnsupportedOperationException();
    }

    @Override
    public FileLock lock(long position, long size, boolean shared) {
        throw new UnsupportedOperationException();
    }

    @Override
    public FileLock tryLock(long position, long size, boolean shared) {
        throw new UnsupportedOperationException();
    }

    @Override
    protected void implCloseChannel() { }
}
