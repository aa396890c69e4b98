package io.attentivecutmix.cuda.cudnn;

import static org.bytedeco.cuda.global.cudnn.*;

import io.attentivecutmix.engine.DeviceUnavailableException;
import io.attentivecutmix.engine.OutOfDeviceMemoryException;
import java.util.Map;

/**
 * What a cuDNN status means to the caller. cuDNN groups its statuses by thousands: 1 set-up, 2 wrong call, 3 not
 * supported, 4 internal, 5 execution.
 */
final class CudnnStatus {
    static final int SUCCESS = CUDNN_STATUS_SUCCESS;

    enum Kind {
        /** The libraries, their versions or their licence do not fit this machine. */
        UNAVAILABLE,
        /** This engine, graph or shape is not for this device: another candidate may be. */
        NOT_SUPPORTED,
        /** A smaller batch may fit. */
        OUT_OF_MEMORY,
        /** CUDA failed under cuDNN: CUDA knows whether the device is lost. */
        EXECUTION,
        /** A fault of this library or of cuDNN. */
        INTERNAL
    }

    private static final Map<Integer, String> NAMES = Map.ofEntries(
            Map.entry(CUDNN_STATUS_NOT_INITIALIZED, "NOT_INITIALIZED"),
            Map.entry(CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH, "SUBLIBRARY_VERSION_MISMATCH"),
            Map.entry(CUDNN_STATUS_SERIALIZATION_VERSION_MISMATCH, "SERIALIZATION_VERSION_MISMATCH"),
            Map.entry(CUDNN_STATUS_DEPRECATED, "DEPRECATED"),
            Map.entry(CUDNN_STATUS_LICENSE_ERROR, "LICENSE_ERROR"),
            Map.entry(CUDNN_STATUS_RUNTIME_IN_PROGRESS, "RUNTIME_IN_PROGRESS"),
            Map.entry(CUDNN_STATUS_RUNTIME_FP_OVERFLOW, "RUNTIME_FP_OVERFLOW"),
            Map.entry(CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED, "SUBLIBRARY_LOADING_FAILED"),
            Map.entry(CUDNN_STATUS_BAD_PARAM, "BAD_PARAM"),
            Map.entry(CUDNN_STATUS_INVALID_VALUE, "INVALID_VALUE"),
            Map.entry(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "BAD_PARAM_NULL_POINTER"),
            Map.entry(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "BAD_PARAM_MISALIGNED_POINTER"),
            Map.entry(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "BAD_PARAM_NOT_FINALIZED"),
            Map.entry(CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND, "BAD_PARAM_OUT_OF_BOUND"),
            Map.entry(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT, "BAD_PARAM_SIZE_INSUFFICIENT"),
            Map.entry(CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH, "BAD_PARAM_STREAM_MISMATCH"),
            Map.entry(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "BAD_PARAM_SHAPE_MISMATCH"),
            Map.entry(CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES, "BAD_PARAM_DUPLICATED_ENTRIES"),
            Map.entry(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "BAD_PARAM_ATTRIBUTE_TYPE"),
            Map.entry(CUDNN_STATUS_BAD_PARAM_CUDA_GRAPH_MISMATCH, "BAD_PARAM_CUDA_GRAPH_MISMATCH"),
            Map.entry(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "BAD_PARAM_DESCRIPTOR_TYPE"),
            Map.entry(CUDNN_STATUS_NOT_SUPPORTED, "NOT_SUPPORTED"),
            Map.entry(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "NOT_SUPPORTED_GRAPH_PATTERN"),
            Map.entry(CUDNN_STATUS_NOT_SUPPORTED_SHAPE, "NOT_SUPPORTED_SHAPE"),
            Map.entry(CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, "NOT_SUPPORTED_DATA_TYPE"),
            Map.entry(CUDNN_STATUS_NOT_SUPPORTED_LAYOUT, "NOT_SUPPORTED_LAYOUT"),
            Map.entry(CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDA_DRIVER, "NOT_SUPPORTED_INCOMPATIBLE_CUDA_DRIVER"),
            Map.entry(CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDART, "NOT_SUPPORTED_INCOMPATIBLE_CUDART"),
            Map.entry(CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH, "NOT_SUPPORTED_ARCH_MISMATCH"),
            Map.entry(CUDNN_STATUS_NOT_SUPPORTED_RUNTIME_PREREQUISITE_MISSING,
                    "NOT_SUPPORTED_RUNTIME_PREREQUISITE_MISSING"),
            Map.entry(CUDNN_STATUS_NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE, "NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE"),
            Map.entry(CUDNN_STATUS_NOT_SUPPORTED_SHARED_MEMORY_INSUFFICIENT,
                    "NOT_SUPPORTED_SHARED_MEMORY_INSUFFICIENT"),
            Map.entry(CUDNN_STATUS_NOT_SUPPORTED_PADDING, "NOT_SUPPORTED_PADDING"),
            Map.entry(CUDNN_STATUS_NOT_SUPPORTED_BAD_LAUNCH_PARAM, "NOT_SUPPORTED_BAD_LAUNCH_PARAM"),
            Map.entry(CUDNN_STATUS_NOT_SUPPORTED_CUDA_GRAPH_NATIVE_API, "NOT_SUPPORTED_CUDA_GRAPH_NATIVE_API"),
            Map.entry(CUDNN_STATUS_NOT_SUPPORTED_INVALID_DYNAMIC_SHAPE, "NOT_SUPPORTED_INVALID_DYNAMIC_SHAPE"),
            Map.entry(CUDNN_STATUS_INTERNAL_ERROR, "INTERNAL_ERROR"),
            Map.entry(CUDNN_STATUS_INTERNAL_ERROR_COMPILATION_FAILED, "INTERNAL_ERROR_COMPILATION_FAILED"),
            Map.entry(CUDNN_STATUS_INTERNAL_ERROR_UNEXPECTED_VALUE, "INTERNAL_ERROR_UNEXPECTED_VALUE"),
            Map.entry(CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED, "INTERNAL_ERROR_HOST_ALLOCATION_FAILED"),
            Map.entry(CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED,
                    "INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
            Map.entry(CUDNN_STATUS_INTERNAL_ERROR_BAD_LAUNCH_PARAM, "INTERNAL_ERROR_BAD_LAUNCH_PARAM"),
            Map.entry(CUDNN_STATUS_INTERNAL_ERROR_TEXTURE_CREATION_FAILED,
                    "INTERNAL_ERROR_TEXTURE_CREATION_FAILED"),
            Map.entry(CUDNN_STATUS_EXECUTION_FAILED, "EXECUTION_FAILED"),
            Map.entry(CUDNN_STATUS_EXECUTION_FAILED_CUDA_DRIVER, "EXECUTION_FAILED_CUDA_DRIVER"),
            Map.entry(CUDNN_STATUS_EXECUTION_FAILED_CUBLAS, "EXECUTION_FAILED_CUBLAS"),
            Map.entry(CUDNN_STATUS_EXECUTION_FAILED_CUDART, "EXECUTION_FAILED_CUDART"),
            Map.entry(CUDNN_STATUS_EXECUTION_FAILED_CURAND, "EXECUTION_FAILED_CURAND"));

    private CudnnStatus() {}

    static Kind kind(int status) {
        if (status == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED
                || status == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED) {
            return Kind.OUT_OF_MEMORY;
        }
        return switch (status / 1000) {
            case 1 -> Kind.UNAVAILABLE;
            case 3 -> Kind.NOT_SUPPORTED;
            case 5 -> Kind.EXECUTION;
            default -> Kind.INTERNAL;
        };
    }

    /** The status as cuDNN's header names it, without its prefix. */
    static String name(int status) {
        return NAMES.getOrDefault(status, "unknown");
    }

    /** {@code cudnnCreate returned 1002 (SUBLIBRARY_VERSION_MISMATCH: …)}. */
    static String said(String call, int status, String text) {
        return call + " returned " + status + " (" + name(status) + (text.isBlank() ? "" : ": " + text.strip()) + ")";
    }

    /**
     * The exception for a status other than success. For {@link Kind#EXECUTION} it supposes that CUDA is well: whoever
     * can, asks the runtime first.
     *
     * @param call name of the function that returned it
     * @param text cuDNN's own words; may be empty
     */
    static RuntimeException failure(String call, int status, String text) {
        String said = said(call, status, text);
        return switch (kind(status)) {
            case UNAVAILABLE -> new DeviceUnavailableException(said + advice(status));
            case OUT_OF_MEMORY -> new OutOfDeviceMemoryException(said
                    + "; use a smaller batch or input side, or free memory that other programs hold on this GPU");
            case NOT_SUPPORTED, EXECUTION, INTERNAL -> new IllegalStateException(said);
        };
    }

    private static String advice(int status) {
        return switch (status) {
            case CUDNN_STATUS_NOT_INITIALIZED -> "; cuDNN found no GPU or no driver that it can use";
            case CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH -> "; parts of two cuDNN versions were loaded into this"
                    + " process: take all cuDNN folders but one off the library path";
            case CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED -> "; a part of cuDNN, or a library that it needs, was not"
                    + " found: install cuDNN 9 whole, in one folder";
            default -> "";
        };
    }
}
