package io.attentivecutmix.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.network.BatchNormFolding;
import io.attentivecutmix.network.FoldedConvolution;
import io.attentivecutmix.network.ResNet.Convolution;
import io.attentivecutmix.network.Tensors;
import io.attentivecutmix.quantisation.BiasCorrection;
import io.attentivecutmix.quantisation.Calibration;
import io.attentivecutmix.quantisation.Equalisation;
import io.attentivecutmix.quantisation.QuantisedConvolution;
import io.attentivecutmix.quantisation.WeightQuantiser;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * The network's weights in the layouts that oneDNN's kernels want, made once and read by every worker.
 *
 * <p>A layer's layout is known when the first worker has described its convolution; the others then find it here.
 * Networks of several calibrations may share this, and oneDNN may want one convolution in several layouts for them.
 * Only the building of workers writes, under this object's lock.
 */
final class SharedWeights implements AutoCloseable {
    private final NativeScope scope = new NativeScope();
    private final Map<Key, List<Layer>> layers = new HashMap<>();
    private final Map<Float, dnnl_memory> scalars = new HashMap<>();
    private final OneDnn oneDnn;
    private final BatchNorm batchNorm;
    private final Equalisation equalisation;
    private final BiasCorrection correction;
    private Tensors tensors;

    private record Key(String convolution, int type) {}

    /**
     * One convolution.
     *
     * @param weights in the layout described by {@code layout}
     * @param bias (K) of the convolution; the batch norm's shift β when statistics are per image
     * @param scale (K) in 8 bits the real value of one step; the batch norm's γ when statistics are per image, else
     *     null
     * @param layout of weights
     */
    record Layer(dnnl_memory weights, dnnl_memory bias, dnnl_memory scale, dnnl_memory_desc layout) {}

    /** As a calibration has them; those of convolutions in float have no correction. */
    SharedWeights(OneDnn oneDnn, Tensors tensors, Calibration calibration) {
        this(oneDnn, tensors, BatchNorm.RUNNING, Equalisation.of(calibration), BiasCorrection.of(calibration));
    }

    /** For float alone. */
    SharedWeights(OneDnn oneDnn, Tensors tensors, BatchNorm batchNorm) {
        this(oneDnn, tensors, batchNorm, Equalisation.NONE, BiasCorrection.NONE);
    }

    /**
     * @param equalisation of the channels, exact in float
     * @param correction of biases in 8 bits
     */
    SharedWeights(OneDnn oneDnn, Tensors tensors, BatchNorm batchNorm, Equalisation equalisation,
            BiasCorrection correction) {
        this.oneDnn = oneDnn;
        this.tensors = tensors;
        this.batchNorm = batchNorm;
        this.equalisation = equalisation;
        this.correction = correction;
    }

    /** The weights for a convolution described by {@code d}, of {@code type}, a {@code dnnl_data_type}. */
    synchronized Layer layer(Convolution c, dnnl_primitive_desc d, int type) {
        dnnl_memory_desc wanted = OneDnn.queried(d, dnnl_query_weights_md);
        List<Layer> known = layers.computeIfAbsent(new Key(c.name(), type), k -> new ArrayList<>());
        for (Layer layer : known) {
            if (dnnl_memory_desc_equal(layer.layout(), wanted) != 0) {
                return layer;
            }
        }
        Layer made = batchNorm == BatchNorm.PER_IMAGE ? unfolded(c, wanted) : folded(c, wanted, type == dnnl_s8);
        known.add(made);
        return made;
    }

    /** One number, as an argument. */
    synchronized dnnl_memory scalar(float value) {
        return scalars.computeIfAbsent(value, v -> vector(new float[] {v}, "a scale"));
    }

    private Layer unfolded(Convolution c, dnnl_memory_desc wanted) {
        float[] weights = finite(c, BatchNormFolding.read(tensors, c.name() + ".weight", c.weightSize()));
        float[] bias = finite(c, BatchNormFolding.read(tensors, c.batchNorm() + ".bias", c.out()));
        float[] scale = BatchNormFolding.read(tensors, c.batchNorm() + ".weight", c.out());
        return layer(c, wanted, dnnl_f32, owner -> upload(owner, weights, c.name()), bias, scale);
    }

    private Layer folded(Convolution c, dnnl_memory_desc wanted, boolean int8) {
        FoldedConvolution folded = equalisation.apply(c, BatchNormFolding.fold(c, tensors));
        finite(c, folded.weights());
        finite(c, folded.bias());
        if (int8) {
            QuantisedConvolution q = correction.apply(c, folded, WeightQuantiser.quantise(folded));
            return layer(c, wanted, dnnl_s8, owner -> upload(owner, q.weights(), c.name()), q.bias(), q.scales());
        }
        return layer(c, wanted, dnnl_f32, owner -> upload(owner, folded.weights(), c.name()), folded.bias(), null);
    }

    private Layer layer(Convolution c, dnnl_memory_desc wanted, int type, Function<NativeScope, Pointer> weights,
            float[] bias, float[] scale) {
        dnnl_memory_desc layout = OneDnn.copy(scope, wanted);
        String what = "weights of " + c.name();
        dnnl_memory blocked = oneDnn.memory(scope, layout, scope.allocate(OneDnn.bytes(layout), what));
        try (NativeScope temporary = new NativeScope()) {
            dnnl_memory_desc plain =
                    oneDnn.describe(temporary, type, dnnl_oihw, c.out(), c.in(), c.kernel(), c.kernel());
            dnnl_memory staged = oneDnn.memory(temporary, plain, weights.apply(temporary));
            oneDnn.reorderNow(temporary, what, plain, staged, layout, blocked);
        }
        return new Layer(blocked, vector(bias, c.batchNorm()),
                scale == null ? null : vector(scale, c.batchNorm()), layout);
    }

    /** A NaN would not reach the heat map, where it could be seen: oneDNN's ReLU turns it into 0. */
    private static float[] finite(Convolution c, float[] values) {
        for (float v : values) {
            if (!Float.isFinite(v)) {
                throw new IllegalArgumentException("layer " + c.name() + " with its batch norm " + c.batchNorm()
                        + " has a weight of " + v + "; allowed: finite values");
            }
        }
        return values;
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

    private static Pointer upload(NativeScope owner, byte[] values, String what) {
        Pointer p = owner.allocate(values.length, what);
        new BytePointer(p).put(values, 0, values.length);
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
