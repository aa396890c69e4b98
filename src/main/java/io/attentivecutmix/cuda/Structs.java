package io.attentivecutmix.cuda;

import io.attentivecutmix.engine.OutOfDeviceMemoryException;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;

/**
 * Host memory for the kernels' structs, from malloc: nothing is left to the garbage collector, and nothing counts
 * against JavaCPP's limit, which compares the memory of the whole process with the Java heap's.
 */
final class Structs implements AutoCloseable {
    private final Scope scope = new Scope();

    /** Zeroed memory for one struct of a generated class. */
    Pointer allocate(Class<? extends Pointer> struct) {
        return allocate(Loader.sizeof(struct));
    }

    /** Zeroed memory of so many bytes, on 16 bytes. */
    Pointer allocate(long bytes) {
        Pointer memory = Pointer.calloc(1, bytes);
        if (memory == null || memory.isNull()) {
            throw new OutOfDeviceMemoryException("no " + bytes + " bytes of native host memory");
        }
        scope.own(() -> Pointer.free(memory));
        return memory;
    }

    @Override
    public void close() {
        scope.close();
    }
}
