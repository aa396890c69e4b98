package io.attentivecutmix.gpu;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/** For the kernels' build for the CPU, whose calls have finished when they return. */
final class HostMemory implements GpuMemory {
    private static final int ALIGNMENT = 256;
    private final List<Pointer> owned = new ArrayList<>();

    @Override
    public BytePointer allocate(long bytes) {
        BytePointer raw = new BytePointer(bytes + ALIGNMENT);
        owned.add(raw);
        return raw.getPointer((ALIGNMENT - raw.address() % ALIGNMENT) % ALIGNMENT).capacity(bytes);
    }

    @Override
    public void copy(Pointer to, Pointer from, long bytes) {
        Pointer.memcpy(to, from, bytes);
    }

    @Override
    public void enqueueCopy(Pointer to, Pointer from, long bytes) {
        Pointer.memcpy(to, from, bytes);
    }

    @Override
    public double millis(Runnable launch) {
        long start = System.nanoTime();
        launch.run();
        return (System.nanoTime() - start) / 1e6;
    }

    @Override
    public void close() {
        owned.forEach(Pointer::close);
        owned.clear();
    }
}
