package io.attentivecutmix.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.network.BatchNormFolding;
import io.attentivecutmix.network.FoldedConvolution;
import io.attentivecutmix.network.ResNet.Convolution;
import io.attentivecutmix.network.Tensors;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * The network's weights in the layouts that oneDNN's kernels want, made once and read by every worker.
 *
 * <p>A layer's layout is known when the first worker has described its convolution; the others then find it here.
 * Only the building of workers writes, under this object's lock.
 */
final class SharedWeights implements AutoCloseable {
    private final NativeScope scope = new NativeScope();
    private final Map<String, Layer> layers = new HashMap<>();
    private final OneDnn oneDnn;
    private final BatchNorm batchNorm;
    private Tensors tensors;

    /**
     * One convolution.
     *
     * @param weights in the layout described by {@code layout}
     * @param bias (K) of the convolution; the batch norm's shift β when statistics are per image
     * @param scale (K) the batch norm's γ when statistics are per image, else null
     * @param layout of weights
     */
    record Layer(dnnl_memory weights, dnnl_memory bias, dnnl_memory scale, dnnl_memory_desc layout) {}

    SharedWeights(OneDnn oneDnn, Tensors tensors, BatchNorm batchNorm) {
        this.oneDnn = oneDnn;
        this.tensors = tensors;
        this.batchNorm = batchNorm;
    }

    /** The weights for a convolution described by {@code d}. */
    synchronized Layer layer(Convolution c, dnnl_primitive_desc d) {
        dnnl_memory_desc wanted = OneDnn.queried(d, dnnl_query_weights_md);
        Layer known = layers.get(c.name());
        if (known == null) {
            known = make(c, wanted);
            layers.put(c.name(), known);
        } else if (dnnl_memory_desc_equal(known.layout(), wanted) == 0) {
            throw new IllegalStateException("oneDNN chose two weight layouts for layer " + c.name()
                    + ", though every worker describes it alike");
        }
        return known;
    }

    private Layer make(Convolution c, dnnl_memory_desc wanted) {
        float[] weights;
        float[] bias;
        float[] scale;
        if (batchNorm == BatchNorm.PER_IMAGE) {
            weights = BatchNormFolding.read(tensors, c.name() + ".weight", c.weightSize());
            bias = BatchNormFolding.read(tensors, c.batchNorm() + ".bias", c.out());
            scale = BatchNormFolding.read(tensors, c.batchNorm() + ".weight", c.out());
        } else {
            FoldedConvolution folded = BatchNormFolding.fold(c, tensors);
            weights = folded.weights();
            bias = folded.bias();
            scale = null;
        }
        requireFinite(c, weights);
        requireFinite(c, bias);
        dnnl_memory_desc layout = OneDnn.copy(scope, wanted);
        String what = "weights of " + c.name();
        dnnl_memory blocked = oneDnn.memory(scope, layout, scope.allocate(OneDnn.bytes(layout), what));
        try (NativeScope temporary = new NativeScope()) {
            dnnl_memory_desc plain =
                    oneDnn.describe(temporary, dnnl_f32, dnnl_oihw, c.out(), c.in(), c.kernel(), c.kernel());
            dnnl_memory staged = oneDnn.memory(temporary, plain, upload(temporary, weights, c.name()));
            oneDnn.reorderNow(temporary, what, plain, staged, layout, blocked);
        }
        return new Layer(blocked, vector(bias, c.batchNorm()),
                scale == null ? null : vector(scale, c.batchNorm()), layout);
    }

    /** A NaN would not reach the heat map, where it could be seen: oneDNN's ReLU turns it into 0. */
    private static void requireFinite(Convolution c, float[] values) {
        for (float v : values) {
            if (!Float.isFinite(v)) {
                throw new IllegalArgumentException("layer " + c.name() + " with its batch norm " + c.batchNorm()
                        + " has a weight of " + v + "; allowed: finite values");
            }
        }
    }

    private dnnl_memory vector(float[] values, String what) {
        dnnl_memory_desc d = oneDnn.describe(scope, dnnl_f32, dnnl_a, values.length);
        return oneDnn.memory(scope, d, upload(scope, values, what));
    }

    private static Pointer upload(NativeScope owner, float[] values, String what) {
        Pointer p = owner.allocate((long) values.length * Float.BYTES, what);
        new FloatPointer(p).put(values, 0, values.length);
        return p;
    }

    /** Says that every worker is built: the tensors are not needed any more. */
    synchronized void complete() {
        tensors = null;
    }

    @Override
    public void close() {
        scope.close();
    }
}
