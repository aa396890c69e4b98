package io.attentivecutmix.cuda;

import io.attentivecutmix.cuda.CudaDevice.Gpu;
import io.attentivecutmix.cuda.cudnn.CudnnExtractorFactory;
import io.attentivecutmix.cuda.cudnn.CudnnLibraries;
import io.attentivecutmix.cuda.kernels.AttentiveKernels;
import io.attentivecutmix.engine.DeviceEngine;
import io.attentivecutmix.engine.DeviceException;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.environment.Check;
import io.attentivecutmix.natives.NativeLibraries;
import io.attentivecutmix.natives.NativeLibraryException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Loader;

/**
 * A GPU of this machine, or the reason why there is none to use. What is found is kept: drivers and libraries do not
 * change under a running process. Thread-safe.
 */
final class InstalledGpu implements Gpu {
    /** The presets' artifact, for messages. */
    static final String PRESET = "org.bytedeco:cuda:13.1-9.19-1.5.13";

    private final int ordinal;
    private Optional<String> reason;
    private CudnnLibraries libraries;
    private CudaRuntime runtime;
    private DeviceProperties properties;

    InstalledGpu(int ordinal) {
        this.ordinal = ordinal;
    }

    @Override
    public synchronized Optional<String> unavailableReason() {
        if (reason == null) {
            reason = find();
        }
        return reason;
    }

    /**
     * The kernels' own library is asked first, since it loads anywhere; a preset's would need the driver to load at
     * all. The libraries come before the first preset, which then takes those that have been loaded.
     */
    private Optional<String> find() {
        Optional<String> missing = kernelsReason().or(InstalledGpu::driverReason);
        if (missing.isPresent()) {
            return missing;
        }
        int cards = cards();
        if (ordinal >= cards) {
            return Optional.of("CUDA sees " + cards + " GPUs, numbered from 0");
        }
        try {
            libraries = CudnnLibraries.find();
            libraries.load();
            NativeLibraries.load(org.bytedeco.cuda.global.cudart.class);
            runtime = new CudartRuntime();
            properties = runtime.properties(ordinal);
        } catch (DeviceException | NativeLibraryException e) {
            return Optional.of(e.getMessage());
        } catch (LinkageError e) {
            return Optional.of("CUDA's bindings do not load: " + e + "; they need " + PRESET + " with the classifier "
                    + Loader.getPlatform());
        }
        if (properties.major() < DeviceProperties.LEAST_MAJOR) {
            return Optional.of(properties.name() + " has compute capability " + properties.major() + "."
                    + properties.minor() + "; needed: " + DeviceProperties.LEAST_MAJOR + ".0 or later");
        }
        return Optional.empty();
    }

    /** Why the kernels' own library cannot be used; empty if it can. */
    static Optional<String> kernelsReason() {
        try {
            String natives = AttentiveKernels.class.getPackageName().replace('.', '/') + "/" + Loader.getPlatform();
            if (AttentiveKernels.class.getClassLoader().getResource(natives + "/libattentive_kernels.so") == null) {
                return Optional.of("the CUDA kernels are not on the class path; build the project with nvcc, or add"
                        + " io.attentivecutmix:attentive-cutmix with the classifier " + Loader.getPlatform()
                        + "-cuda. Use cpu");
            }
            NativeLibraries.load(AttentiveKernels.class);
            if (AttentiveKernels.acm_is_emulated() != 0) {
                return Optional.of("only the kernels' build for tests is on the class path, which"
                        + " runs on the processor");
            }
        } catch (NativeLibraryException e) {
            return Optional.of(e.getMessage());
        } catch (LinkageError e) {
            return Optional.of("the CUDA kernels do not load on this machine: " + e);
        }
        return Optional.empty();
    }

    /** Why there is no driver to use; empty if there is one. The kernels must be usable. */
    static Optional<String> driverReason() {
        try (IntPointer count = new IntPointer(1)) {
            int status = AttentiveKernels.acm_device_count(count);
            return status == CudaStatus.SUCCESS ? Optional.empty()
                    : Optional.of(CudaStatus.failure("cudaGetDeviceCount", status,
                            AttentiveKernels.acm_status_text(status).getString()).getMessage());
        }
    }

    /** How many GPUs CUDA sees. The driver must be usable. */
    static int cards() {
        try (IntPointer count = new IntPointer(1)) {
            return AttentiveKernels.acm_device_count(count) == CudaStatus.SUCCESS ? count.get() : 0;
        }
    }

    @Override
    public List<Check> checks() {
        return CudaChecks.run(ordinal);
    }

    @Override
    public synchronized Map<String, String> details() {
        Map<String, String> details = new LinkedHashMap<>();
        details.put("card", properties.name() + ", " + properties.architecture() + ", "
                + (properties.memoryBytes() >> 20) + " MiB");
        details.put("address", properties.uuid() + " at " + properties.pciBusId());
        details.put("driver", "for CUDA " + DeviceProperties.version(properties.driverVersion()));
        details.put("libraries", "CUDA runtime " + DeviceProperties.version(properties.runtimeVersion()) + ", cuDNN "
                + CudnnExtractorFactory.version(libraries) + " (" + libraries.cudnnFolder() + ")");
        return details;
    }

    @Override
    public synchronized DeviceEngine open(EngineConfig config) {
        return new CudaEngine(config, ordinal, runtime, NativeKernels::new, new CudnnExtractorFactory(libraries));
    }
}
