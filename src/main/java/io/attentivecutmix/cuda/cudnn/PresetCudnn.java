package io.attentivecutmix.cuda.cudnn;

import static org.bytedeco.cuda.global.cudnn.*;

import io.attentivecutmix.engine.DeviceUnavailableException;
import io.attentivecutmix.natives.NativeLibraries;
import io.attentivecutmix.natives.NativeLibraryException;
import java.nio.charset.StandardCharsets;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.cudnn.cudnnBackendDescriptor_t;
import org.bytedeco.cuda.cudnn.cudnnContext;
import org.bytedeco.javacpp.Pointer;

/**
 * cuDNN through its preset. Loading this class's calls loads the preset's library: {@link CudnnLibraries#load} comes
 * first.
 */
final class PresetCudnn implements Cudnn {
    /** The graph API as it is used here is that of version 9. */
    private static final long LEAST_VERSION = 90000;

    private PresetCudnn() {}

    /**
     * cuDNN from libraries that have been loaded.
     *
     * @throws DeviceUnavailableException if it is too old, mixed of several versions, or its preset does not load
     */
    static PresetCudnn open() {
        try {
            NativeLibraries.load(org.bytedeco.cuda.global.cudnn.class);
            PresetCudnn cudnn = new PresetCudnn();
            requireVersion(cudnn.version());
            cudnn.requireOneVersion(cudnnGraphVersionCheck(), "cudnnGraphVersionCheck");
            cudnn.requireOneVersion(cudnnOpsVersionCheck(), "cudnnOpsVersionCheck");
            cudnn.requireOneVersion(cudnnCnnVersionCheck(), "cudnnCnnVersionCheck");
            cudnn.requireOneVersion(cudnnAdvVersionCheck(), "cudnnAdvVersionCheck");
            return cudnn;
        } catch (NativeLibraryException e) {
            throw new DeviceUnavailableException(e.getMessage(), e);
        } catch (LinkageError e) {
            throw new DeviceUnavailableException("cuDNN's binding does not load: " + e.getMessage()
                    + "; it needs the driver (libcuda.so.1) and org.bytedeco:cuda with the platform's classifier", e);
        }
    }

    static void requireVersion(long version) {
        if (version < LEAST_VERSION) {
            throw new DeviceUnavailableException("cuDNN is version " + text(version) + "; needed: 9.0 or later");
        }
    }

    private void requireOneVersion(int status, String call) {
        if (status != CudnnStatus.SUCCESS) {
            throw CudnnStatus.failure(call, status, lastError());
        }
    }

    /** A version as people write it, for example 9.19.0. */
    static String text(long version) {
        // before 9 it was 1000·major + 100·minor + patch
        long major = version < LEAST_VERSION ? version / 1000 : version / 10000;
        long minor = version / 100 % (version < LEAST_VERSION ? 10 : 100);
        return major + "." + minor + "." + version % 100;
    }

    @Override
    public long version() {
        return cudnnGetVersion();
    }

    @Override
    public String lastError() {
        byte[] text = new byte[1024];
        cudnnGetLastErrorString(text, text.length);
        int length = 0;
        while (length < text.length && text[length] != 0) {
            length++;
        }
        return new String(text, 0, length, StandardCharsets.UTF_8);
    }

    @Override
    public int createHandle(Pointer[] handle) {
        cudnnContext made = new cudnnContext();
        handle[0] = made;
        return cudnnCreate(made);
    }

    @Override
    public int destroyHandle(Pointer handle) {
        return cudnnDestroy((cudnnContext) handle);
    }

    @Override
    public int setStream(Pointer handle, Pointer stream) {
        return cudnnSetStream((cudnnContext) handle, (CUstream_st) stream);
    }

    @Override
    public int createDescriptor(int type, Pointer[] descriptor) {
        cudnnBackendDescriptor_t made = new cudnnBackendDescriptor_t();
        descriptor[0] = made;
        return cudnnBackendCreateDescriptor(type, made);
    }

    @Override
    public int destroyDescriptor(Pointer descriptor) {
        return cudnnBackendDestroyDescriptor((cudnnBackendDescriptor_t) descriptor);
    }

    @Override
    public int finalizeDescriptor(Pointer descriptor) {
        return cudnnBackendFinalize((cudnnBackendDescriptor_t) descriptor);
    }

    @Override
    public int setAttribute(Pointer descriptor, int attribute, int type, long count, Pointer values) {
        return cudnnBackendSetAttribute((cudnnBackendDescriptor_t) descriptor, attribute, type, count, values);
    }

    @Override
    public int getAttribute(Pointer descriptor, int attribute, int type, long capacity, long[] count, Pointer values) {
        return cudnnBackendGetAttribute((cudnnBackendDescriptor_t) descriptor, attribute, type, capacity, count,
                values);
    }

    @Override
    public int execute(Pointer handle, Pointer plan, Pointer variantPack) {
        return cudnnBackendExecute((cudnnContext) handle, (cudnnBackendDescriptor_t) plan,
                (cudnnBackendDescriptor_t) variantPack);
    }
}
