package io.attentivecutmix.cuda;

import io.attentivecutmix.cpu.OneDnnExtractor;
import io.attentivecutmix.engine.DeviceEngine;
import io.attentivecutmix.engine.EngineConfig;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Assumptions;

/** The CUDA device over the three seams: host memory, the kernels' build for the CPU, oneDNN. */
public final class TestCuda {
    private static final String KERNELS = "/io/attentivecutmix/cuda/kernels/linux-x86_64/libattentive_kernels.so";

    private TestCuda() {}

    /** Whether the kernels were built for the CPU. */
    public static boolean hasKernels() {
        return TestCuda.class.getResource(KERNELS) != null;
    }

    /** Skips a test where there was no C++ compiler to build the kernels for the CPU. */
    public static void assumeKernels() {
        Assumptions.assumeTrue(hasKernels(),
                "Skipped: the kernels' build for the CPU is not there (no g++ or CMake on this machine)");
    }

    /** An engine on these seams; each may be a wrapper that fails. */
    static CudaEngine open(EngineConfig config, HostRuntime queues, CudaRuntime runtime,
            UnaryOperator<Kernels> wrapper) {
        return new CudaEngine(config, 0, runtime,
                structs -> wrapper.apply(new QueuedKernels(queues, new NativeKernels(structs))),
                (c, device, r, kernels, stream) -> new OneDnnExtractor(c, r, queues));
    }

    /** As {@link #open}, with sums of pixels in the network's place: opens in no time. */
    static CudaEngine openSimple(EngineConfig config, HostRuntime queues, CudaRuntime runtime,
            UnaryOperator<Kernels> wrapper) {
        return openSimple(config, false, queues, runtime, wrapper);
    }

    /** As above, with a network that takes uint8 pixels itself or not. */
    static CudaEngine openSimple(EngineConfig config, boolean takesPixels, HostRuntime queues, CudaRuntime runtime,
            UnaryOperator<Kernels> wrapper) {
        return new CudaEngine(config, 0, runtime,
                structs -> wrapper.apply(new QueuedKernels(queues, new NativeKernels(structs))),
                (c, device, r, kernels, stream) ->
                        new SimpleExtractor(c.options().inputSide(), c.network().channels(), takesPixels, r, queues));
    }

    /** A device whose engines work on this memory. */
    public static CudaDevice device(HostRuntime runtime) {
        return new CudaDevice(new CudaDevice.Gpu() {
            @Override
            public Optional<String> unavailableReason() {
                return Optional.empty();
            }

            @Override
            public Map<String, String> details() {
                return Map.of("card", "host memory");
            }

            @Override
            public DeviceEngine open(EngineConfig config) {
                return TestCuda.open(config, runtime, runtime, k -> k);
            }
        });
    }

    /**
     * A device without a network: sums of pixels in its place, and for each engine memory of its own.
     *
     * @param memories where that of every engine is put
     */
    public static CudaDevice deviceWithout(List<HostRuntime> memories) {
        return new CudaDevice(new CudaDevice.Gpu() {
            @Override
            public Optional<String> unavailableReason() {
                return Optional.empty();
            }

            @Override
            public Map<String, String> details() {
                return Map.of("card", "host memory");
            }

            @Override
            public DeviceEngine open(EngineConfig config) {
                HostRuntime memory = new HostRuntime();
                synchronized (memories) {
                    memories.add(memory);
                }
                return openSimple(config, memory, memory, k -> k);
            }
        });
    }
}
