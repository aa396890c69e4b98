package io.attentivecutmix.cuda;

import io.attentivecutmix.engine.DeviceLostException;
import io.attentivecutmix.engine.DeviceUnavailableException;
import io.attentivecutmix.engine.OutOfDeviceMemoryException;
import java.util.Map;

/**
 * What a status of the CUDA runtime means to the caller. The grouping follows the texts of {@code driver_types.h}:
 * where it says that the process must be terminated, the device is lost.
 */
final class CudaStatus {
    static final int SUCCESS = 0;
    static final int MEMORY_ALLOCATION = 2;
    static final int INSUFFICIENT_DRIVER = 35;
    static final int NO_DEVICE = 100;

    enum Kind {
        /** A smaller batch may fit; the device stays usable. */
        OUT_OF_MEMORY,
        /** This machine, or its set-up, has no device for us. */
        UNAVAILABLE,
        /** Every later call of this process fails too. */
        LOST,
        /** The process is ending and CUDA ended first: nothing is left to free. */
        ENDING,
        /** Not allowed while a stream is recorded, or the recording is broken; what was recorded is dropped. */
        CAPTURE,
        /** A fault of this library; the device stays usable. */
        INTERNAL
    }

    private static final Map<Integer, Kind> KINDS = Map.ofEntries(
            Map.entry(MEMORY_ALLOCATION, Kind.OUT_OF_MEMORY),
            Map.entry(4, Kind.ENDING),
            Map.entry(709, Kind.ENDING),
            Map.entry(3, Kind.UNAVAILABLE),
            Map.entry(34, Kind.UNAVAILABLE),
            Map.entry(INSUFFICIENT_DRIVER, Kind.UNAVAILABLE),
            Map.entry(46, Kind.UNAVAILABLE),
            Map.entry(NO_DEVICE, Kind.UNAVAILABLE),
            Map.entry(101, Kind.UNAVAILABLE),
            Map.entry(127, Kind.UNAVAILABLE),
            Map.entry(209, Kind.UNAVAILABLE),
            Map.entry(802, Kind.UNAVAILABLE),
            Map.entry(803, Kind.UNAVAILABLE),
            Map.entry(804, Kind.UNAVAILABLE),
            Map.entry(805, Kind.UNAVAILABLE),
            Map.entry(806, Kind.UNAVAILABLE),
            Map.entry(807, Kind.UNAVAILABLE),
            Map.entry(808, Kind.UNAVAILABLE),
            Map.entry(809, Kind.UNAVAILABLE),
            Map.entry(214, Kind.LOST),
            Map.entry(220, Kind.LOST),
            Map.entry(226, Kind.LOST),
            Map.entry(700, Kind.LOST),
            Map.entry(702, Kind.LOST),
            Map.entry(710, Kind.LOST),
            Map.entry(714, Kind.LOST),
            Map.entry(715, Kind.LOST),
            Map.entry(716, Kind.LOST),
            Map.entry(717, Kind.LOST),
            Map.entry(718, Kind.LOST),
            Map.entry(719, Kind.LOST),
            Map.entry(721, Kind.LOST),
            Map.entry(810, Kind.LOST),
            Map.entry(911, Kind.LOST),
            Map.entry(999, Kind.LOST),
            Map.entry(900, Kind.CAPTURE),
            Map.entry(901, Kind.CAPTURE),
            Map.entry(902, Kind.CAPTURE),
            Map.entry(904, Kind.CAPTURE),
            Map.entry(905, Kind.CAPTURE),
            Map.entry(906, Kind.CAPTURE),
            Map.entry(907, Kind.CAPTURE),
            Map.entry(908, Kind.CAPTURE));

    private CudaStatus() {}

    static Kind kind(int status) {
        return KINDS.getOrDefault(status, Kind.INTERNAL);
    }

    /** A fault that only says that there is nothing more to record or to free; see {@link Kind}. */
    static final class Failure extends IllegalStateException {
        private final Kind kind;

        Failure(String message, Kind kind) {
            super(message);
            this.kind = kind;
        }

        Kind kind() {
            return kind;
        }
    }

    /**
     * The exception for a status other than success.
     *
     * @param call name of the function that returned it
     * @param status of the CUDA runtime
     * @param text CUDA's own words
     */
    static RuntimeException failure(String call, int status, String text) {
        String said = call + " returned " + status + " (" + text + ")";
        Kind kind = kind(status);
        return switch (kind) {
            case OUT_OF_MEMORY -> new OutOfDeviceMemoryException(said
                    + "; use a smaller batch or input side, or free memory that other programs hold on this GPU");
            case UNAVAILABLE -> new DeviceUnavailableException(said + advice(status));
            case LOST -> new DeviceLostException(said
                    + "; the GPU's state of this process is lost: end the process. The fault may"
                    + " have been caused by an earlier call, also of another library in this process");
            case ENDING, CAPTURE, INTERNAL -> new Failure(said, kind);
        };
    }

    private static String advice(int status) {
        return switch (status) {
            case 34 -> "; a stub of libcuda.so.1 is loaded, which CUDA's toolkit has for linking: take its folder off"
                    + " the library path";
            case INSUFFICIENT_DRIVER -> "; there is no NVIDIA driver, or one older than CUDA 13.0 needs (580)";
            case NO_DEVICE -> "; no GPU is visible (CUDA_VISIBLE_DEVICES may hide it)";
            case 46 -> "; another process has the GPU for itself";
            case 209 -> "; the kernels are built for compute capability 8.0 and later";
            case 803 -> "; the driver's library and its kernel module differ in version: restart the machine"
                    + " after an update";
            case 804 -> "; the forward-compatibility package does not support this GPU: take it off the library path";
            default -> "";
        };
    }
}
