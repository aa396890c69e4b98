package io.attentivecutmix.cuda;

import io.attentivecutmix.cuda.kernels.AttentiveKernels;
import io.attentivecutmix.engine.DeviceEngine;
import io.attentivecutmix.engine.DeviceUnavailableException;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.method.Precision;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Loader;

/** One GPU: whether it can be used, what it can do, and its engines. */
public final class CudaDevice {
    /** What the extractor can compute in. */
    static final Set<Precision> PRECISIONS =
            Collections.unmodifiableSet(EnumSet.of(Precision.FP32, Precision.TF32, Precision.FP16, Precision.BF16));

    private final Supplier<Optional<String>> reason;
    private final Function<EngineConfig, DeviceEngine> opener;

    /**
     * A device over other seams, for tests.
     *
     * @param reason why it cannot be used, if so
     * @param opener makes its engines
     */
    CudaDevice(Supplier<Optional<String>> reason, Function<EngineConfig, DeviceEngine> opener) {
        this.reason = reason;
        this.opener = opener;
    }

    /** The GPU of this number in the CUDA runtime's order, from 0, whether there is one or not. */
    public static CudaDevice of(int ordinal) {
        return new CudaDevice(() -> reason(ordinal), config -> {
            throw new AssertionError("the device has a reason");
        });
    }

    /** Why the GPU cannot run a mixer, and what to do; empty if it can. */
    public Optional<String> unavailableReason() {
        return reason.get();
    }

    /** The precisions of the extractor; empty if unavailable. */
    public Set<Precision> precisions() {
        return unavailableReason().isEmpty() ? PRECISIONS : Set.of();
    }

    /** Names and versions of what would run, in a fixed order; empty if unavailable. */
    public Map<String, String> details() {
        return Map.of();
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
        return opener.apply(config);
    }

    /**
     * The kernels' own library is asked first, since it loads anywhere; a preset's would need the driver to load at all.
     */
    private static Optional<String> reason(int ordinal) {
        try {
            Loader.load(AttentiveKernels.class);
            if (AttentiveKernels.acm_is_emulated() != 0) {
                return Optional.of("only the kernels' build for tests is on the class path, which runs on the processor");
            }
            return driver(ordinal);
        } catch (LinkageError e) {
            return Optional.of("the CUDA kernels are not on the class path; build the project with nvcc, or add"
                    + " io.attentivecutmix:attentive-cutmix with the classifier " + Loader.getPlatform() + "-cuda. Use cpu");
        }
    }

    private static Optional<String> driver(int ordinal) {
        try (IntPointer count = new IntPointer(1)) {
            int status = AttentiveKernels.acm_device_count(count);
            if (status == CudaStatus.INSUFFICIENT_DRIVER || status == CudaStatus.NO_DEVICE) {
                return Optional.of("there is no NVIDIA driver that CUDA 13.0 can use, or no GPU (CUDA status " + status + ")");
            }
            if (status != CudaStatus.SUCCESS) {
                return Optional.of("CUDA says: " + AttentiveKernels.acm_status_text(status).getString() + " (status " + status
                        + ")");
            }
            if (ordinal >= count.get()) {
                return Optional.of("CUDA sees " + count.get() + " GPUs, numbered from 0");
            }
        }
        return Optional.of("this version has kernels but no extractor for CUDA; use cpu");
    }
}
