package io.attentivecutmix.cuda.cudnn;

import io.attentivecutmix.engine.OutOfDeviceMemoryException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Host memory from malloc: JavaCPP's own allocations count against limits that compare the whole process's memory with
 * the Java heap. Freed once.
 */
final class Scratch implements AutoCloseable {
    private Pointer block;
    private ByteBuffer view;

    private Scratch(Pointer block, ByteBuffer view) {
        this.block = block;
        this.view = view;
    }

    static Scratch allocate(int bytes) {
        Pointer block = Pointer.malloc(bytes);
        if (block == null || block.isNull()) {
            throw new OutOfDeviceMemoryException("no " + bytes + " bytes of host memory");
        }
        // a ByteBuffer of memory that it does not own
        BytePointer bytePointer = new BytePointer(block).capacity(bytes);
        return new Scratch(block, bytePointer.asByteBuffer().order(ByteOrder.nativeOrder()));
    }

    Pointer pointer() {
        return block;
    }

    /** The same memory; must not be used after {@link #close}. */
    ByteBuffer view() {
        return view;
    }

    @Override
    public void close() {
        Pointer old = block;
        block = null;
        view = null;
        if (old != null) {
            Pointer.free(old);
        }
    }
}
