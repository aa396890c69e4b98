package io.attentivecutmix.cuda.cudnn;

import io.attentivecutmix.cuda.Address;
import io.attentivecutmix.cuda.Closing;
import io.attentivecutmix.cuda.CudaRuntime;
import io.attentivecutmix.cuda.Kernels;
import io.attentivecutmix.cuda.cudnn.NetworkLayout.Layer;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.HalfFloats;
import io.attentivecutmix.network.BatchNormFolding;
import io.attentivecutmix.network.FoldedConvolution;
import io.attentivecutmix.network.ResNet.Convolution;
import io.attentivecutmix.network.Tensors;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.ShortPointer;

/**
 * All weights of a network in one block of device memory: of each convolution the folded weights (K, R, R, C) and bias
 * (K) in the tensors' type and the bias in float; of the stem also the weights in our kernel's order. Folded in double,
 * rounded once.
 */
final class WeightArena implements AutoCloseable {
    /** Every part begins at a multiple of this many bytes. */
    private static final int ALIGNMENT = 256;

    /** 16-bit values that acm_stem_pack writes. */
    private static final int STEM_VALUES = 14336;

    private final DeviceBuffer memory;
    private final ElementType type;
    private final long[] weights;
    private final long[] biases;
    private final long[] floatBiases;
    private final long stem;

    /**
     * Uploads. Waits for the stream.
     *
     * @param kernels packs the stem's weights; used with 16-bit types only
     */
    WeightArena(CudaRuntime runtime, Kernels kernels, List<Layer> layers, Tensors tensors, ElementType type,
            Pointer stream) {
        this.type = type;
        int count = layers.size();
        weights = new long[count];
        biases = new long[count];
        floatBiases = new long[count];
        long end = 0;
        long largest = 0;
        for (Layer l : layers) {
            int i = l.index();
            Convolution c = l.convolution();
            long bytes = weightCount(l) * type.bytes();
            largest = Math.max(largest, bytes);
            weights[i] = end;
            end = aligned(end + bytes);
            biases[i] = end;
            end = aligned(end + (long) c.out() * type.bytes());
            floatBiases[i] = end;
            end = aligned(end + (long) c.out() * Float.BYTES);
        }
        stem = end;
        end += (long) STEM_VALUES * Short.BYTES;
        largest = Math.max(largest, (long) STEM_VALUES * Short.BYTES);
        memory = new DeviceBuffer(runtime);
        try {
            memory.ensure(end);
            upload(runtime, kernels, layers, tensors, stream, largest);
        } catch (RuntimeException | Error e) {
            Closing.after(e, memory);
            throw e;
        }
    }

    private static long weightCount(Layer l) {
        Convolution c = l.convolution();
        return (long) c.out() * c.kernel() * c.kernel() * l.in();
    }

    private static long aligned(long bytes) {
        return bytes + ALIGNMENT - 1 & -ALIGNMENT;
    }

    private void upload(CudaRuntime runtime, Kernels kernels, List<Layer> layers, Tensors tensors, Pointer stream,
            long largest) {
        Pointer pinned = runtime.allocatePinned(largest);
        try {
            ByteBuffer room = new BytePointer(pinned).capacity(largest).asByteBuffer().order(ByteOrder.nativeOrder());
            for (Layer l : layers) {
                FoldedConvolution folded = BatchNormFolding.fold(l.convolution(), tensors);
                int i = l.index();
                requireFinite(l.convolution(), folded.weights());
                requireFinite(l.convolution(), folded.bias());
                room.clear();
                putFilters(room, l, folded.weights());
                copy(runtime, weights[i], pinned, room, stream);
                room.clear();
                for (float b : folded.bias()) {
                    put(room, b, l.convolution().batchNorm());
                }
                copy(runtime, biases[i], pinned, room, stream);
                room.clear();
                for (float b : folded.bias()) {
                    room.putFloat(b);
                }
                copy(runtime, floatBiases[i], pinned, room, stream);
                if (i == 0 && type != ElementType.FLOAT32) {
                    room.clear().position(packStem(kernels, folded.weights(), pinned));
                    copy(runtime, stem, pinned, room, stream);
                }
            }
        } finally {
            runtime.freePinned(pinned);
        }
    }

    /** A NaN may not reach the heat map, where it could be seen: a fused ReLU may turn it into 0. */
    private static void requireFinite(Convolution c, float[] values) {
        for (float v : values) {
            if (!Float.isFinite(v)) {
                throw new IllegalArgumentException("layer " + c.name() + " with its batch norm " + c.batchNorm()
                        + " has a weight of " + v + "; allowed: finite values");
            }
        }
    }

    /** (K, C, R, R) to (K, R, R, C'), channels behind C zero. */
    private void putFilters(ByteBuffer room, Layer l, float[] values) {
        Convolution c = l.convolution();
        int taps = c.kernel() * c.kernel();
        for (int k = 0; k < c.out(); k++) {
            for (int t = 0; t < taps; t++) {
                for (int channel = 0; channel < l.in(); channel++) {
                    put(room, channel < c.in() ? values[(k * c.in() + channel) * taps + t] : 0, c.name());
                }
            }
        }
    }

    private void put(ByteBuffer room, float value, String tensor) {
        switch (type) {
            case FLOAT16 -> {
                short half = HalfFloats.toFloat16(value);
                requireFits(value, HalfFloats.fromFloat16(half), tensor);
                room.putShort(half);
            }
            case BFLOAT16 -> {
                short half = HalfFloats.toBfloat16(value);
                requireFits(value, Float.intBitsToFloat(half << 16), tensor);
                room.putShort(half);
            }
            default -> room.putFloat(value);
        }
    }

    private void requireFits(float value, float rounded, String tensor) {
        if (Float.isInfinite(rounded)) {
            throw new IllegalArgumentException("tensor " + tensor + " has the folded value " + value + ", which " + type
                    + " cannot hold; use BF16, TF32 or FP32");
        }
    }

    private int packStem(Kernels kernels, float[] folded, Pointer pinned) {
        try (Scratch floats = Scratch.allocate(folded.length * Float.BYTES)) {
            floats.view().asFloatBuffer().put(folded);
            kernels.stemPack(new FloatPointer(floats.pointer()), type, new ShortPointer(pinned));
        }
        return STEM_VALUES * Short.BYTES;
    }

    /** Copies what was put. */
    private void copy(CudaRuntime runtime, long offset, Pointer pinned, ByteBuffer room, Pointer stream) {
        runtime.copyToDevice(new Address(memory.address() + offset), pinned, room.position(), stream);
        // the same host memory takes the next part
        runtime.synchronizeStream(stream);
    }

    long weights(int index) {
        return memory.address() + weights[index];
    }

    /** (K) in the tensors' type. */
    long bias(int index) {
        return memory.address() + biases[index];
    }

    /** (K) in float. */
    long floatBias(int index) {
        return memory.address() + floatBiases[index];
    }

    /** The stem's weights in our kernel's order. */
    long stem() {
        return memory.address() + stem;
    }

    @Override
    public void close() {
        memory.close();
    }
}
