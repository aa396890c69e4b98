package io.attentivecutmix.cuda.cudnn;

import org.bytedeco.javacpp.Pointer;

/**
 * What the extractor needs of cuDNN, one method for one call: a seam. The product runs {@link PresetCudnn}; tests
 * record the descriptors, compute in plain Java, and make each call fail in turn.
 *
 * <p>Methods that can fail return cuDNN's status, 0 for success; {@link CudnnSession} checks it. Pointers are opaque
 * handles that are passed back as they came; attribute values lie in host memory, in the layout that {@code
 * cudnn_graph.h} says for their type.
 */
interface Cudnn {
    /** cudnnGetVersion: 10000·major + 100·minor + patch. */
    long version();

    /** cudnnGetLastErrorString: cuDNN's reason for the calling thread's last failure; empty when it has none. */
    String lastError();

    /** cudnnCreate, for the thread's current device. */
    int createHandle(Pointer[] handle);

    /** cudnnDestroy. */
    int destroyHandle(Pointer handle);

    /** cudnnSetStream. */
    int setStream(Pointer handle, Pointer stream);

    /** cudnnBackendCreateDescriptor. */
    int createDescriptor(int type, Pointer[] descriptor);

    /** cudnnBackendDestroyDescriptor. */
    int destroyDescriptor(Pointer descriptor);

    /** cudnnBackendFinalize. */
    int finalizeDescriptor(Pointer descriptor);

    /** cudnnBackendSetAttribute. */
    int setAttribute(Pointer descriptor, int attribute, int type, long count, Pointer values);

    /**
     * cudnnBackendGetAttribute.
     *
     * @param capacity room in {@code values}, in elements
     * @param count [0] written: how many elements there are; may be more than {@code capacity} when that is 0
     * @param values descriptors must exist already, and are filled in; may be null when the capacity is 0
     */
    int getAttribute(Pointer descriptor, int attribute, int type, long capacity, long[] count, Pointer values);

    /** cudnnBackendExecute: enqueues a plan on the handle's stream. */
    int execute(Pointer handle, Pointer plan, Pointer variantPack);
}
