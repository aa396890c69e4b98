package io.attentivecutmix.cuda.cudnn;

import io.attentivecutmix.cuda.CudaRuntime;
import io.attentivecutmix.engine.DeviceLostException;
import io.attentivecutmix.engine.OutOfDeviceMemoryException;
import java.util.Optional;
import org.bytedeco.javacpp.Pointer;

/**
 * cuDNN on one device: its handle, the check of every status, and room for attribute values. Without a device there is
 * no handle, and plans can be finalised but not run. Not thread-safe.
 */
final class CudnnSession implements AutoCloseable {
    /** Longest value read or written: a few thousand descriptors or a device's description. */
    static final int SCRATCH_BYTES = 1 << 15;

    private final Cudnn cudnn;
    private final Optional<CudaRuntime> runtime;
    private final Pointer[] created = new Pointer[1];
    private final long[] count = new long[1];
    private Pointer handle;
    private Scratch scratch;
    private long stream;
    private boolean streamSet;

    private CudnnSession(Cudnn cudnn, Optional<CudaRuntime> runtime) {
        this.cudnn = cudnn;
        this.runtime = runtime;
        this.scratch = Scratch.allocate(SCRATCH_BYTES);
    }

    /** On the thread's current device. */
    static CudnnSession open(Cudnn cudnn, CudaRuntime runtime) {
        CudnnSession session = new CudnnSession(cudnn, Optional.of(runtime));
        try {
            session.check(cudnn.createHandle(session.created), "cudnnCreate");
            session.handle = session.created[0];
            return session;
        } catch (RuntimeException | Error e) {
            session.scratch.close();
            throw e;
        }
    }

    /** Without a device: for descriptions of one. */
    static CudnnSession withoutDevice(Cudnn cudnn) {
        return new CudnnSession(cudnn, Optional.empty());
    }

    Cudnn cudnn() {
        return cudnn;
    }

    /** Empty without a device. */
    Optional<Pointer> handle() {
        return Optional.ofNullable(handle);
    }

    Scratch scratch() {
        return scratch;
    }

    /** Makes a descriptor; its owner is the caller. */
    Pointer create(int type) {
        check(cudnn.createDescriptor(type, created), "cudnnBackendCreateDescriptor of type " + type);
        return created[0];
    }

    /** Reads an attribute into {@link #scratch}; how many elements there are. */
    int get(Pointer descriptor, int attribute, int type, int capacity) {
        count[0] = 0;
        int status = cudnn.getAttribute(descriptor, attribute, type, capacity, count,
                capacity == 0 ? null : scratch.pointer());
        if (status != CudnnStatus.SUCCESS) {
            throw failure(status, "cudnnBackendGetAttribute of attribute " + attribute);
        }
        return (int) count[0];
    }

    /** Lets plans run on a stream from now on. */
    void setStream(Pointer wanted) {
        long address = wanted == null ? 0 : wanted.address();
        if (!streamSet || address != stream) {
            check(cudnn.setStream(handle, wanted), "cudnnSetStream");
            stream = address;
            streamSet = true;
        }
    }

    /** Enqueues a plan. */
    void execute(Pointer plan, Pointer variantPack) {
        check(cudnn.execute(handle, plan, variantPack), "cudnnBackendExecute");
    }

    /** Whether the device is known to be lost: what cuDNN made on it goes with the process. */
    boolean lost() {
        try {
            runtime.ifPresent(CudaRuntime::requireAlive);
            return false;
        } catch (DeviceLostException e) {
            return true;
        }
    }

    void check(int status, String call) {
        if (status != CudnnStatus.SUCCESS) {
            throw failure(status, call);
        }
    }

    /** The exception for a status; asks the runtime where only CUDA knows what is left of the device. */
    RuntimeException failure(int status, String call) {
        String text = cudnn.lastError();
        if (CudnnStatus.kind(status) == CudnnStatus.Kind.EXECUTION && runtime.isPresent()) {
            try {
                // any call answers with the sticky fault, if there is one; this one is allowed while a stream is
                // recorded
                runtime.get().freeBytes();
            } catch (DeviceLostException e) {
                return new DeviceLostException(CudnnStatus.said(call, status, text) + "; " + e.getMessage(), e);
            } catch (OutOfDeviceMemoryException e) {
                return new OutOfDeviceMemoryException(CudnnStatus.said(call, status, text) + "; " + e.getMessage(), e);
            } catch (RuntimeException e) {
                RuntimeException failure = CudnnStatus.failure(call, status, text);
                failure.addSuppressed(e);
                return failure;
            }
        }
        return CudnnStatus.failure(call, status, text);
    }

    @Override
    public void close() {
        Pointer old = handle;
        handle = null;
        scratch.close();
        if (old != null && !lost()) {
            check(cudnn.destroyHandle(old), "cudnnDestroy");
        }
    }
}
