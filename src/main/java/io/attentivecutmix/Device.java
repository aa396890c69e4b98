package io.attentivecutmix;

import io.attentivecutmix.cpu.CpuDevice;
import io.attentivecutmix.cuda.CudaDevice;
import io.attentivecutmix.engine.DeviceUnavailableException;
import io.attentivecutmix.engine.Engine;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.environment.Check;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Precision;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Something that can run a mixer. An absent device is a value with a reason, not an error: naming one never fails, and
 * only building a mixer on it does.
 */
public abstract sealed class Device {
    private Device() {}

    /** This machine's processor, through oneDNN. */
    public static Device cpu() {
        return Cpu.INSTANCE;
    }

    /**
     * An NVIDIA GPU.
     *
     * @param ordinal its number in the CUDA runtime's order, from 0
     */
    public static Device cuda(int ordinal) {
        if (ordinal < 0) {
            throw new IllegalArgumentException("ordinal is " + ordinal + "; allowed: 0 or more");
        }
        return new Cuda(ordinal, CudaDevice.of(ordinal));
    }

    /** A GPU over other seams, for tests. */
    static Device cuda(int ordinal, CudaDevice gpu) {
        return new Cuda(ordinal, gpu);
    }

    /** The first GPU if it is usable, else the processor. */
    public static Device best() {
        Device gpu = cuda(0);
        return gpu.available() ? gpu : cpu();
    }

    /** The devices worth showing: the processor, and GPU 0 whether usable or not. */
    public static List<Device> all() {
        return List.of(cpu(), cuda(0));
    }

    /** The device of this name: {@code best}, {@code cpu}, {@code cuda} (GPU 0) or {@code cuda:N}. */
    public static Device parse(String name) {
        if (name.equals("best")) {
            return best();
        }
        if (name.equals("cpu")) {
            return cpu();
        }
        if (name.equals("cuda")) {
            return cuda(0);
        }
        if (name.matches("cuda:[0-9]{1,4}")) {
            return cuda(Integer.parseInt(name.substring(5)));
        }
        throw new IllegalArgumentException("device is " + name + "; allowed: best, cpu, cuda, cuda:N");
    }

    /** {@code cpu} or {@code cuda:N}. */
    public abstract String name();

    /** Why the device cannot be used here and what to do about it; empty if it can be used. */
    public abstract Optional<String> unavailableReason();

    /** What the extractor can compute in; empty if the device is not available. */
    public abstract Set<Precision> precisions();

    /** What a mixer with these options uses if no precision is asked for: the fastest that is native here. */
    public abstract Precision defaultPrecision(MixOptions options);

    /** Names and versions of what would run, in a fixed order; for people and manifests, not for programs. */
    public abstract Map<String, String> details();

    /**
     * What the device needs of this machine, each thing with what was found and, if that is not good, a remedy. Never
     * fails; may load the device's libraries.
     */
    public abstract List<Check> checks();

    /** What to say beside the precisions that are allowed when this one is not; may be empty. */
    String whyNot(Precision precision) {
        return precision == Precision.INT8 ? " (INT8 runs on processors only)" : "";
    }

    abstract Engine open(EngineConfig config);

    /** Address of a direct buffer's first byte; 0 if the device's libraries cannot tell. */
    long address(ByteBuffer buffer) {
        return 0;
    }

    /** Whether mixing alone, without an extractor, works here even if the device's libraries are missing. */
    boolean mixesWithoutLibraries() {
        return false;
    }

    /** Whether a mixer can be built on it. */
    public final boolean available() {
        return unavailableReason().isEmpty();
    }

    /** Refuses an absent device with its reason. */
    final void requireAvailable() {
        unavailableReason().ifPresent(reason -> {
            throw new DeviceUnavailableException("device " + name() + " cannot be used: " + reason);
        });
    }

    @Override
    public final boolean equals(Object other) {
        return other instanceof Device d && d.name().equals(name());
    }

    @Override
    public final int hashCode() {
        return name().hashCode();
    }

    @Override
    public final String toString() {
        return name();
    }

    private static final class Cpu extends Device {
        static final Cpu INSTANCE = new Cpu();

        @Override
        public String name() {
            return "cpu";
        }

        @Override
        public Optional<String> unavailableReason() {
            return CpuDevice.unavailableReason();
        }

        @Override
        public Set<Precision> precisions() {
            return CpuDevice.precisions();
        }

        @Override
        public Precision defaultPrecision(MixOptions options) {
            return CpuDevice.defaultPrecision(options);
        }

        @Override
        public Map<String, String> details() {
            Map<String, String> details = new LinkedHashMap<>();
            details.put("libraries", CpuDevice.versions());
            details.put("instruction set", CpuDevice.isa());
            return details;
        }

        @Override
        Engine open(EngineConfig config) {
            return CpuDevice.open(config);
        }

        @Override
        public List<Check> checks() {
            return CpuDevice.checks();
        }

        @Override
        String whyNot(Precision precision) {
            return precision == Precision.INT8 ? " (INT8 needs instructions that add products of bytes in 32 bits, on"
                    + " x86 VNNI; this one has " + CpuDevice.isa() + ")" : "";
        }

        @Override
        long address(ByteBuffer buffer) {
            return CpuDevice.address(buffer);
        }

        @Override
        boolean mixesWithoutLibraries() {
            return true;
        }
    }

    private static final class Cuda extends Device {
        private final int ordinal;
        private final CudaDevice gpu;

        Cuda(int ordinal, CudaDevice gpu) {
            this.ordinal = ordinal;
            this.gpu = gpu;
        }

        @Override
        public String name() {
            return "cuda:" + ordinal;
        }

        @Override
        public Optional<String> unavailableReason() {
            return gpu.unavailableReason();
        }

        @Override
        public Set<Precision> precisions() {
            return gpu.precisions();
        }

        @Override
        public Precision defaultPrecision(MixOptions options) {
            return Precision.FP16;
        }

        @Override
        public Map<String, String> details() {
            return gpu.details();
        }

        @Override
        Engine open(EngineConfig config) {
            return gpu.open(config);
        }

        @Override
        public List<Check> checks() {
            return gpu.checks();
        }

        @Override
        long address(ByteBuffer buffer) {
            return gpu.address(buffer);
        }
    }
}
