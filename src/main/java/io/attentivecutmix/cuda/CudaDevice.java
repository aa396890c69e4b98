package io.attentivecutmix.cuda;

import io.attentivecutmix.engine.DeviceEngine;
import io.attentivecutmix.engine.DeviceUnavailableException;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.environment.Check;
import io.attentivecutmix.method.Precision;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.bytedeco.javacpp.BytePointer;

/** One GPU: whether it can be used, what it can do, and its engines. */
public final class CudaDevice {
    /** What the extractor can compute in. */
    static final Set<Precision> PRECISIONS =
            Collections.unmodifiableSet(EnumSet.of(Precision.FP32, Precision.TF32, Precision.FP16, Precision.BF16));

    private final Gpu gpu;

    /** A device over other seams is for tests. */
    CudaDevice(Gpu gpu) {
        this.gpu = gpu;
    }

    /** The GPU of this number in the CUDA runtime's order, from 0, whether there is one or not. */
    public static CudaDevice of(int ordinal) {
        return new CudaDevice(new InstalledGpu(ordinal));
    }

    /** What a device is made of; a seam for tests. */
    interface Gpu {
        /** Why it cannot be used; empty if it can. */
        Optional<String> unavailableReason();

        /** Names and versions, in a fixed order; only of a device that can be used. */
        Map<String, String> details();

        /** What it needs of the machine. */
        default List<Check> checks() {
            return List.of();
        }

        /** Builds an engine; only of a device that can be used. */
        DeviceEngine open(EngineConfig config);
    }

    /** Why the GPU cannot run a mixer, and what to do; empty if it can. */
    public Optional<String> unavailableReason() {
        return gpu.unavailableReason();
    }

    /** The precisions of the extractor; empty if unavailable. */
    public Set<Precision> precisions() {
        return unavailableReason().isEmpty() ? PRECISIONS : Set.of();
    }

    /** Names and versions of what would run, in a fixed order; empty if unavailable. */
    public Map<String, String> details() {
        return unavailableReason().isEmpty() ? gpu.details() : Map.of();
    }

    /** What the GPU needs of this machine, each thing with what was found and a remedy; fails never. */
    public List<Check> checks() {
        return gpu.checks();
    }

    /** Address of a direct buffer's first byte. */
    public long address(ByteBuffer buffer) {
        return new BytePointer(buffer).address();
    }

    /**
     * Builds an engine. Its weights are read during this call.
     *
     * @throws DeviceUnavailableException with the reason if the GPU cannot be used
     * @throws io.attentivecutmix.engine.OutOfDeviceMemoryException if its memory does not suffice
     * @throws IllegalArgumentException if the configuration is not allowed
     */
    public DeviceEngine open(EngineConfig config) {
        unavailableReason().ifPresent(r -> {
            throw new DeviceUnavailableException(r);
        });
        return gpu.open(config);
    }
}
