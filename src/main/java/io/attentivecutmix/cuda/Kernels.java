package io.attentivecutmix.cuda;

import io.attentivecutmix.cuda.kernels.KernelAttention;
import io.attentivecutmix.cuda.kernels.KernelImages;
import io.attentivecutmix.cuda.kernels.KernelRegions;
import io.attentivecutmix.image.ElementType;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.ShortPointer;

/**
 * The launchers of {@code attentive_kernels.h} that the device uses: a seam. Arguments, layouts and minimal traffic are
 * said there; a status other than success is thrown as {@link CudaStatus#failure} says, and a refused argument as
 * {@link IllegalStateException}, since the device checks what users give before.
 */
public interface Kernels {
    /** acm_preprocess_workspace: bytes of workspace. */
    long preprocessWorkspace(KernelImages in, KernelImages out, int filter);

    /** acm_preprocess. */
    void preprocess(KernelImages in, KernelImages out, int filter, boolean normalise, FloatPointer normalisation,
            BytePointer spoiled, Pointer workspace, long workspaceBytes, Pointer stream);

    /** acm_stem_pack: on the host. */
    void stemPack(FloatPointer weights, ElementType type, ShortPointer packed);

    /** acm_stem. */
    void stem(KernelImages in, FloatPointer normalisation, ShortPointer weights, FloatPointer bias, ElementType type,
            Pointer out, Pointer stream);

    /** acm_max_pool. */
    void maxPool(Pointer x, Pointer y, ElementType type, long n, long h, long w, long c, Pointer stream);

    /** acm_bias_residual_relu. */
    void biasResidualRelu(Pointer x, FloatPointer bias, Pointer residual, Pointer y, ElementType type, long rows,
            long c, boolean relu, Pointer stream);

    /** acm_attend. */
    void attend(KernelAttention attention, Pointer stream);

    /** acm_mix. */
    void mix(KernelImages source, KernelImages background, KernelImages out, KernelRegions regions, Pointer stream);

    /** acm_attend_mix. */
    void attendMix(KernelAttention attention, KernelImages source, KernelImages background, KernelImages out,
            KernelRegions regions, Pointer stream);

    /** acm_source_weights. */
    void sourceWeights(KernelImages canvas, KernelRegions regions, boolean nominal, LongPointer pixels,
            FloatPointer weights, Pointer stream);

    /** acm_soft_labels. */
    void softLabels(IntPointer ids, FloatPointer rows, IntPointer partner,
            FloatPointer weights, long n, long classes, float smoothing, FloatPointer out, Pointer stream);
}
