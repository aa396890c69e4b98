package io.attentivecutmix.cuda;

import static org.bytedeco.cuda.global.cudart.*;

import java.nio.charset.StandardCharsets;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUgraphExec_st;
import org.bytedeco.cuda.cudart.CUgraph_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.cudart.cudaDeviceProp;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.SizeTPointer;

/**
 * The CUDA runtime through its preset. Loading this class loads the preset's library, which needs the driver:
 * {@link CudaDevice} asks the kernels' library first.
 */
final class CudartRuntime implements CudaRuntime {
    private static void check(int status, String call) {
        if (status != CudaStatus.SUCCESS) {
            // clears what is not sticky, so that the next call does not report it again
            cudaGetLastError();
            throw CudaStatus.failure(call, status, cudaGetErrorString(status).getString());
        }
    }

    @Override
    public void useDevice(int ordinal) {
        check(cudaSetDevice(ordinal), "cudaSetDevice");
    }

    @Override
    public int currentDevice() {
        int[] ordinal = new int[1];
        check(cudaGetDevice(ordinal), "cudaGetDevice");
        return ordinal[0];
    }

    @Override
    public DeviceProperties properties(int ordinal) {
        try (cudaDeviceProp p = new cudaDeviceProp()) {
            check(cudaGetDeviceProperties(p, ordinal), "cudaGetDeviceProperties");
            byte[] bus = new byte[32];
            check(cudaDeviceGetPCIBusId(bus, bus.length, ordinal), "cudaDeviceGetPCIBusId");
            int[] driver = new int[1];
            check(cudaDriverGetVersion(driver), "cudaDriverGetVersion");
            int[] runtime = new int[1];
            check(cudaRuntimeGetVersion(runtime), "cudaRuntimeGetVersion");
            return new DeviceProperties(ordinal, p.name().getString(), uuid(new BytePointer(p.uuid())),
                    new String(bus, StandardCharsets.US_ASCII).trim(), p.major(), p.minor(), p.multiProcessorCount(),
                    p.totalGlobalMem(), driver[0], runtime[0]);
        }
    }

    private static String uuid(BytePointer bytes) {
        StringBuilder s = new StringBuilder("GPU-");
        for (int i = 0; i < 16; i++) {
            s.append(i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "").append(String.format("%02x", bytes.get(i)));
        }
        return s.toString();
    }

    @Override
    public long freeBytes() {
        try (SizeTPointer free = new SizeTPointer(1); SizeTPointer total = new SizeTPointer(1)) {
            check(cudaMemGetInfo(free, total), "cudaMemGetInfo");
            return free.get();
        }
    }

    @Override
    public Pointer allocate(long bytes) {
        Pointer memory = new BytePointer();
        check(cudaMalloc(memory, bytes), "cudaMalloc of " + bytes + " bytes");
        return memory;
    }

    @Override
    public void free(Pointer memory) {
        check(cudaFree(memory), "cudaFree");
    }

    @Override
    public Pointer allocatePinned(long bytes) {
        BytePointer memory = new BytePointer();
        check(cudaHostAlloc(memory, bytes, cudaHostAllocPortable), "cudaHostAlloc of " + bytes + " bytes");
        return memory.capacity(bytes);
    }

    @Override
    public void freePinned(Pointer memory) {
        check(cudaFreeHost(memory), "cudaFreeHost");
    }

    @Override
    public Pointer createStream() {
        CUstream_st stream = new CUstream_st();
        check(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
        return stream;
    }

    @Override
    public void destroyStream(Pointer stream) {
        check(cudaStreamDestroy((CUstream_st) stream), "cudaStreamDestroy");
    }

    @Override
    public Pointer foreignStream(long handle) {
        return new CUstream_st(new Address(handle));
    }

    @Override
    public Pointer createEvent(boolean timed) {
        CUevent_st event = new CUevent_st();
        check(cudaEventCreateWithFlags(event, timed ? cudaEventDefault : cudaEventDisableTiming),
                "cudaEventCreateWithFlags");
        return event;
    }

    @Override
    public void destroyEvent(Pointer event) {
        check(cudaEventDestroy((CUevent_st) event), "cudaEventDestroy");
    }

    @Override
    public void recordEvent(Pointer event, Pointer stream) {
        check(cudaEventRecord((CUevent_st) event, (CUstream_st) stream), "cudaEventRecord");
    }

    @Override
    public void awaitEvent(Pointer stream, Pointer event) {
        check(cudaStreamWaitEvent((CUstream_st) stream, (CUevent_st) event, 0), "cudaStreamWaitEvent");
    }

    @Override
    public void synchronizeEvent(Pointer event) {
        check(cudaEventSynchronize((CUevent_st) event), "cudaEventSynchronize");
    }

    @Override
    public float elapsedMillis(Pointer from, Pointer to) {
        float[] millis = new float[1];
        check(cudaEventElapsedTime(millis, (CUevent_st) from, (CUevent_st) to), "cudaEventElapsedTime");
        return millis[0];
    }

    @Override
    public void copyToDevice(Pointer device, Pointer host, long bytes, Pointer stream) {
        check(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice, (CUstream_st) stream),
                "cudaMemcpyAsync to the device");
    }

    @Override
    public void copyToHost(Pointer host, Pointer device, long bytes, Pointer stream) {
        check(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, (CUstream_st) stream),
                "cudaMemcpyAsync to the host");
    }

    @Override
    public void fill(Pointer device, int value, long bytes, Pointer stream) {
        check(cudaMemsetAsync(device, value, bytes, (CUstream_st) stream), "cudaMemsetAsync");
    }

    @Override
    public void synchronizeStream(Pointer stream) {
        check(cudaStreamSynchronize((CUstream_st) stream), "cudaStreamSynchronize");
    }

    @Override
    public void beginCapture(Pointer stream) {
        // thread-local: what other threads of the program do with CUDA meanwhile is no business of this recording
        check(cudaStreamBeginCapture((CUstream_st) stream, cudaStreamCaptureModeThreadLocal), "cudaStreamBeginCapture");
    }

    @Override
    public Pointer endCapture(Pointer stream) {
        CUgraph_st graph = new CUgraph_st();
        check(cudaStreamEndCapture((CUstream_st) stream, graph), "cudaStreamEndCapture");
        return graph;
    }

    @Override
    public void destroyGraph(Pointer graph) {
        check(cudaGraphDestroy((CUgraph_st) graph), "cudaGraphDestroy");
    }

    @Override
    public Pointer instantiate(Pointer graph) {
        CUgraphExec_st executable = new CUgraphExec_st();
        check(cudaGraphInstantiate(executable, (CUgraph_st) graph, 0), "cudaGraphInstantiate");
        return executable;
    }

    @Override
    public void launch(Pointer executable, Pointer stream) {
        check(cudaGraphLaunch((CUgraphExec_st) executable, (CUstream_st) stream), "cudaGraphLaunch");
    }

    @Override
    public void destroyExecutable(Pointer executable) {
        check(cudaGraphExecDestroy((CUgraphExec_st) executable), "cudaGraphExecDestroy");
    }
}
