package io.attentivecutmix.cuda;

import static io.attentivecutmix.cuda.kernels.AttentiveKernels.*;

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
 * The kernels' library through its generated binding; enum values equal the ordinals of the Java enums they stand for.
 */
final class NativeKernels implements Kernels {
    private final LongPointer bytes;

    /** @param structs for a result that comes back through a pointer */
    NativeKernels(Structs structs) {
        bytes = new LongPointer(structs.allocate(Long.BYTES));
    }

    private static void check(int status, String call) {
        if (status == ACM_OK) {
            return;
        }
        String text = acm_status_text(status).getString();
        if (status < 0) {
            throw new IllegalStateException(call + " returned " + status + " (" + text + "): a fault of this library");
        }
        throw CudaStatus.failure(call, status, text);
    }

    @Override
    public long preprocessWorkspace(KernelImages in, KernelImages out, int filter) {
        check(acm_preprocess_workspace(in, out, filter, bytes), "acm_preprocess_workspace");
        return bytes.get();
    }

    @Override
    public void preprocess(KernelImages in, KernelImages out, int filter, boolean normalise, FloatPointer normalisation,
            BytePointer spoiled, Pointer workspace, long workspaceBytes, Pointer stream) {
        check(acm_preprocess(in, out, filter, normalise ? 1 : 0, normalisation, spoiled, workspace, workspaceBytes,
                stream), "acm_preprocess");
    }

    @Override
    public void stemPack(FloatPointer weights, ElementType type, ShortPointer packed) {
        check(acm_stem_pack(weights, type.ordinal(), packed), "acm_stem_pack");
    }

    @Override
    public void stem(KernelImages in, FloatPointer normalisation, ShortPointer weights, FloatPointer bias,
            ElementType type, Pointer out, Pointer stream) {
        check(acm_stem(in, normalisation, weights, bias, type.ordinal(), out, stream), "acm_stem");
    }

    @Override
    public void maxPool(Pointer x, Pointer y, ElementType type, long n, long h, long w, long c, Pointer stream) {
        check(acm_max_pool(x, y, type.ordinal(), n, h, w, c, stream), "acm_max_pool");
    }

    @Override
    public void biasResidualRelu(Pointer x, FloatPointer bias, Pointer residual, Pointer y, ElementType type, long rows,
            long c, boolean relu, Pointer stream) {
        check(acm_bias_residual_relu(x, bias, residual, y, type.ordinal(), rows, c, relu ? 1 : 0, stream),
                "acm_bias_residual_relu");
    }

    @Override
    public void attend(KernelAttention attention, Pointer stream) {
        check(acm_attend(attention, stream), "acm_attend");
    }

    @Override
    public void mix(KernelImages source, KernelImages background, KernelImages out, KernelRegions regions,
            Pointer stream) {
        check(acm_mix(source, background, out, regions, stream), "acm_mix");
    }

    @Override
    public void attendMix(KernelAttention attention, KernelImages source, KernelImages background, KernelImages out,
            KernelRegions regions, Pointer stream) {
        check(acm_attend_mix(attention, source, background, out, regions, stream), "acm_attend_mix");
    }

    @Override
    public void sourceWeights(KernelImages canvas, KernelRegions regions, boolean nominal, LongPointer pixels,
            FloatPointer weights, Pointer stream) {
        check(acm_source_weights(canvas, regions, nominal ? 1 : 0, pixels, weights, stream), "acm_source_weights");
    }

    @Override
    public void softLabels(IntPointer ids, FloatPointer rows, IntPointer partner, FloatPointer weights, long n,
            long classes, float smoothing, FloatPointer out, Pointer stream) {
        check(acm_soft_labels(ids, rows, partner, weights, n, classes, smoothing, out, stream), "acm_soft_labels");
    }
}
