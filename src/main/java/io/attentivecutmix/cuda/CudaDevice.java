package io.attentivecutmix.cuda;

import io.attentivecutmix.cuda.kernels.AttentiveKernels;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Loader;

/** What this machine and this version can do with CUDA. */
public final class CudaDevice {
    /** cudaErrorInsufficientDriver: no libcuda.so.1 at all reads as driver 0, so this too means that there is none. */
    private static final int INSUFFICIENT_DRIVER = 35;
    private static final int NO_DEVICE = 100;

    private CudaDevice() {}

    /**
     * Why GPU {@code ordinal} cannot run a mixer, and what to do. The kernels' own library is asked, since it loads anywhere; a
     * preset's would need the driver to load at all.
     */
    public static String unavailableReason(int ordinal) {
        try {
            Loader.load(AttentiveKernels.class);
            if (AttentiveKernels.acm_is_emulated() != 0) {
                return "only the kernels' build for tests is on the class path, which runs on the processor";
            }
            return reason(ordinal);
        } catch (LinkageError e) {
            return "the CUDA kernels are not on the class path; build the project with nvcc, or add"
                    + " io.attentivecutmix:attentive-cutmix with the classifier " + Loader.getPlatform() + "-cuda. Use cpu";
        }
    }

    private static String reason(int ordinal) {
        try (IntPointer count = new IntPointer(1)) {
            int status = AttentiveKernels.acm_device_count(count);
            if (status == INSUFFICIENT_DRIVER || status == NO_DEVICE) {
                return "there is no NVIDIA driver that CUDA 13.0 can use, or no GPU (CUDA status " + status + ")";
            }
            if (status != 0) {
                return "CUDA says: " + AttentiveKernels.acm_status_text(status).getString() + " (status " + status + ")";
            }
            if (ordinal >= count.get()) {
                return "CUDA sees " + count.get() + " GPUs, numbered from 0";
            }
        }
        return "this version has kernels but no extractor for CUDA; use cpu";
    }
}
