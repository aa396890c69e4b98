package io.attentivecutmix.gpu;

import static org.bytedeco.cuda.global.cudart.*;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.SizeTPointer;

/** A card's memory through the CUDA runtime's preset, whose library needs the driver to load. */
final class CardMemory implements GpuMemory {
    private final List<Pointer> owned = new ArrayList<>();
    private final CUevent_st from = new CUevent_st();
    private final CUevent_st to = new CUevent_st();

    CardMemory() {
        check(cudaSetDevice(DeviceUnderTest.ORDINAL), "cudaSetDevice");
        check(cudaEventCreate(from), "cudaEventCreate");
        check(cudaEventCreate(to), "cudaEventCreate");
    }

    static void check(int status, String call) {
        if (status != cudaSuccess) {
            throw new IllegalStateException(call + ": " + cudaGetErrorString(status).getString() + " (status " + status
                    + ")");
        }
    }

    /** Free bytes of the card's memory; makes it the thread's current device. */
    static long freeBytes() {
        check(cudaSetDevice(DeviceUnderTest.ORDINAL), "cudaSetDevice");
        try (SizeTPointer free = new SizeTPointer(1); SizeTPointer total = new SizeTPointer(1)) {
            check(cudaMemGetInfo(free, total), "cudaMemGetInfo");
            return free.get();
        }
    }

    @Override
    public BytePointer allocate(long bytes) {
        BytePointer memory = new BytePointer();
        check(cudaMalloc(memory, bytes), "cudaMalloc of " + bytes + " bytes");
        owned.add(memory);
        return memory.capacity(bytes);
    }

    @Override
    public void copy(Pointer to, Pointer from, long bytes) {
        check(cudaMemcpy(to, from, bytes, cudaMemcpyDefault), "cudaMemcpy");
    }

    @Override
    public void enqueueCopy(Pointer to, Pointer from, long bytes) {
        check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, null), "cudaMemcpyAsync");
    }

    @Override
    public double millis(Runnable launch) {
        CUstream_st stream = null;
        check(cudaEventRecord(from, stream), "cudaEventRecord");
        launch.run();
        check(cudaEventRecord(to, stream), "cudaEventRecord");
        check(cudaEventSynchronize(to), "cudaEventSynchronize");
        float[] millis = new float[1];
        check(cudaEventElapsedTime(millis, from, to), "cudaEventElapsedTime");
        return millis[0];
    }

    @Override
    public void close() {
        owned.forEach(memory -> check(cudaFree(memory), "cudaFree"));
        owned.clear();
        check(cudaEventDestroy(from), "cudaEventDestroy");
        check(cudaEventDestroy(to), "cudaEventDestroy");
    }
}
