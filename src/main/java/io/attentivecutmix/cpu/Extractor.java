package io.attentivecutmix.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.ResNet.Block;
import io.attentivecutmix.network.ResNet.Convolution;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.javacpp.Pointer;

/**
 * The network for one image, as a list of oneDNN primitives that one thread runs in order.
 *
 * <p>One image and not several: oneDNN chooses kernels and weight layouts by the whole shape, so that an image's
 * features could depend on how many others it came with, and a second set of primitives for the rest of a batch would
 * need the weights a second time. Several images at a time would read layer4's weights less often.
 *
 * <p>Activations are NHWC and live in four buffers: X holds a block's input and then its output, T1 and T2 what lies
 * between a block's convolutions, Y the shortcut of a block that has a convolution in it. A block's last convolution
 * adds the shortcut where it stands (oneDNN's sum post-op), so nothing is copied.
 *
 * <p>With {@link BatchNorm#PER_IMAGE} the convolutions have neither bias nor ReLU; each is followed by the statistics
 * of its output, taken in Java, and a batch norm with them, and an element-wise sum with ReLU ends the block.
 *
 * <p>It is made, run and closed by one thread at a time; the thread that makes it must have set OpenMP's thread count
 * before.
 */
final class Extractor implements AutoCloseable {
    /** Where the network can be looked at: the max-pool's output, and the output of each layer's last block. */
    enum Stage { STEM, LAYER1, LAYER2, LAYER3, LAYER4 }

    /** Shape and place of a stage's output: it is there after {@code steps} primitives. */
    record Output(int steps, Slot slot, int side, int channels) {}

    /**
     * The arena's buffers. INPUT and OUTPUT are float; with BF16 a reorder leads from INPUT to CAST and from X to
     * OUTPUT.
     */
    enum Slot { INPUT, CAST, X, Y, T1, T2, OUTPUT, MEAN, VARIANCE, SCRATCHPAD }

    /** An argument of a primitive: a part of the arena, or memory that exists already. */
    private record Operand(int argument, Slot slot, dnnl_memory_desc description, dnnl_memory memory) {
        static Operand at(int argument, Slot slot, dnnl_memory_desc description) {
            return new Operand(argument, slot, description, null);
        }

        static Operand of(int argument, dnnl_memory memory) {
            return new Operand(argument, null, null, memory);
        }
    }

    /** A primitive; {@code measured} is what statistics are taken of before it runs, or null. */
    private record Step(dnnl_primitive_desc description, List<Operand> operands, Place measured) {}

    /** A tensor in the arena. */
    private record Place(Slot slot, int side, int channels, dnnl_memory_desc description) {}

    private final NativeScope scope = new NativeScope();
    private final OneDnn oneDnn;
    private final SharedWeights weights;
    private final boolean perImage;
    private final int type;
    private final String typeName;
    private final List<Step> steps = new ArrayList<>();
    private final long[] slotBytes = new long[Slot.values().length];
    private final ByteBuffer[] views = new ByteBuffer[Slot.values().length];
    private final Map<Stage, Output> stages = new EnumMap<>(Stage.class);
    private final List<String> implementations = new ArrayList<>();

    private final dnnl_stream stream;
    private final dnnl_primitive[] primitives;
    private final dnnl_exec_arg_t[] arguments;
    private final int[] argumentCounts;
    private final FloatBuffer input;
    private final FloatBuffer output;
    private final int featureSize;
    private final Place[] measured;
    private final FloatBuffer[] floats = new FloatBuffer[Slot.values().length];
    private final ImageStatistics statistics;

    Extractor(OneDnn oneDnn, SharedWeights weights, ResNet network, int side, Precision precision,
            BatchNorm batchNorm) {
        this.oneDnn = oneDnn;
        this.weights = weights;
        this.perImage = batchNorm == BatchNorm.PER_IMAGE;
        this.type = precision == Precision.BF16 ? dnnl_bf16 : dnnl_f32;
        this.typeName = precision.name();
        try {
            stream = oneDnn.stream(scope);
            describeNetwork(network, side);
            primitives = new dnnl_primitive[steps.size()];
            arguments = new dnnl_exec_arg_t[steps.size()];
            argumentCounts = new int[steps.size()];
            measured = new Place[steps.size()];
            statistics = perImage ? new ImageStatistics(network.channels()) : null;
            bind();
            Output last = stages.get(Stage.LAYER4);
            featureSize = last.side() * last.side() * last.channels();
            input = floats[Slot.INPUT.ordinal()];
            output = floats[(type == dnnl_f32 ? last.slot() : Slot.OUTPUT).ordinal()];
        } catch (RuntimeException | Error e) {
            scope.close();
            throw e;
        }
    }

    private void describeNetwork(ResNet network, int side) {
        Place image = place(Slot.INPUT, side, 3, dnnl_f32);
        if (type != dnnl_f32) {
            Place cast = place(Slot.CAST, side, 3, type);
            reorder("input", image, cast);
            image = cast;
        }
        Convolution stem = network.stem();
        Place x = convolution(stem, image, Slot.Y, false, true);
        x = maxPool(x);
        reached(Stage.STEM, x);
        for (Block block : network.blocks()) {
            x = perImage ? blockPerImage(block, x) : block(block, x);
            reached(Stage.valueOf("LAYER" + block.layer()), x);
        }
        if (type != dnnl_f32) {
            reorder("output", x, place(Slot.OUTPUT, x.side(), x.channels(), dnnl_f32));
        }
    }

    private void reached(Stage stage, Place x) {
        stages.put(stage, new Output(steps.size(), x.slot(), x.side(), x.channels()));
    }

    private Place block(Block block, Place x) {
        List<Convolution> path = block.path();
        Place shortcut = x;
        if (block.downsample() != null) {
            shortcut = convolution(block.downsample(), x, x.slot() == Slot.X ? Slot.Y : Slot.X, false, false);
        }
        Place inner = convolution(path.get(0), x, Slot.T1, false, true);
        if (path.size() == 3) {
            inner = convolution(path.get(1), inner, Slot.T2, false, true);
        }
        return convolution(path.get(path.size() - 1), inner, shortcut.slot(), true, true);
    }

    private Place blockPerImage(Block block, Place x) {
        List<Convolution> path = block.path();
        Slot free = x.slot() == Slot.X ? Slot.Y : Slot.X;
        Place inner = normalised(path.get(0), x, Slot.T1, true);
        if (path.size() == 3) {
            inner = normalised(path.get(1), inner, Slot.T2, true);
        }
        if (block.downsample() == null) {
            return sum(block.name(), normalised(path.get(path.size() - 1), inner, free, false), x);
        }
        Place shortcut = normalised(block.downsample(), x, free, false);
        return sum(block.name(), normalised(path.get(path.size() - 1), inner, x.slot(), false), shortcut);
    }

    /** Convolution with folded batch norm; without one, and with statistics of its own, in per-image mode. */
    private Place convolution(Convolution c, Place source, Slot to, boolean sum, boolean relu) {
        return perImage ? normalised(c, source, to, relu) : convolve(c, source, to, sum, relu, true);
    }

    private Place convolve(Convolution c, Place source, Slot to, boolean sum, boolean relu, boolean withBias) {
        Place destination = place(to, c.outputSide(source.side()), c.out(), type);
        dnnl_memory_desc any =
                oneDnn.describe(scope, type, dnnl_format_tag_any, c.out(), c.in(), c.kernel(), c.kernel());
        dnnl_memory_desc bias = withBias ? oneDnn.describe(scope, dnnl_f32, dnnl_a, c.out()) : null;
        dnnl_primitive_desc d = checked(c.name(), oneDnn.convolution(scope, c.name(), source.description(), any, bias,
                destination.description(), c.stride(), c.padding(), oneDnn.attributes(scope, sum, relu)));
        SharedWeights.Layer layer = weights.layer(c, d);
        List<Operand> operands = new ArrayList<>();
        operands.add(Operand.at(DNNL_ARG_SRC, source.slot(), source.description()));
        operands.add(Operand.of(DNNL_ARG_WEIGHTS, layer.weights()));
        if (withBias) {
            operands.add(Operand.of(DNNL_ARG_BIAS, layer.bias()));
        }
        operands.add(Operand.at(DNNL_ARG_DST, to, destination.description()));
        add(d, operands);
        return destination;
    }

    private Place normalised(Convolution c, Place source, Slot to, boolean relu) {
        Place p = convolve(c, source, to, false, false, false);
        dnnl_primitive_desc d = checked(c.batchNorm(), oneDnn.batchNorm(scope, c.batchNorm(), p.description(),
                ResNet.BATCH_NORM_EPSILON, oneDnn.attributes(scope, false, relu)));
        SharedWeights.Layer layer = weights.layer(c, steps.get(steps.size() - 1).description());
        dnnl_memory_desc perChannel = oneDnn.describe(scope, dnnl_f32, dnnl_a, c.out());
        add(d, p, List.of(
                Operand.at(DNNL_ARG_SRC, to, p.description()),
                Operand.at(DNNL_ARG_MEAN, Slot.MEAN, perChannel),
                Operand.at(DNNL_ARG_VARIANCE, Slot.VARIANCE, perChannel),
                Operand.of(DNNL_ARG_SCALE, layer.scale()),
                Operand.of(DNNL_ARG_SHIFT, layer.bias()),
                Operand.at(DNNL_ARG_DST, to, p.description())));
        return p;
    }

    private Place sum(String block, Place path, Place shortcut) {
        dnnl_primitive_desc d = checked(block + " sum",
                oneDnn.add(scope, block, path.description(), oneDnn.attributes(scope, false, true)));
        add(d, List.of(
                Operand.at(DNNL_ARG_SRC_0, path.slot(), path.description()),
                Operand.at(DNNL_ARG_SRC_1, shortcut.slot(), shortcut.description()),
                Operand.at(DNNL_ARG_DST, path.slot(), path.description())));
        return path;
    }

    private Place maxPool(Place source) {
        int side = (source.side() + 2 - 3) / 2 + 1;
        Place destination = place(Slot.X, side, source.channels(), type);
        dnnl_primitive_desc d = checked("maxpool", oneDnn.maxPool(scope, "maxpool", source.description(),
                destination.description(), 3, 2, 1, oneDnn.attributes(scope, false, false)));
        add(d, List.of(
                Operand.at(DNNL_ARG_SRC, source.slot(), source.description()),
                Operand.at(DNNL_ARG_DST, destination.slot(), destination.description())));
        return destination;
    }

    private void reorder(String what, Place source, Place destination) {
        dnnl_primitive_desc d = checked(what, oneDnn.reorder(scope, what, source.description(),
                destination.description(), oneDnn.attributes(scope, false, false)));
        add(d, List.of(
                Operand.at(DNNL_ARG_SRC, source.slot(), source.description()),
                Operand.at(DNNL_ARG_DST, destination.slot(), destination.description())));
    }

    private Place place(Slot slot, int side, int channels, int elementType) {
        return new Place(slot, side, channels,
                oneDnn.describe(scope, elementType, dnnl_acdb, 1, channels, side, side));
    }

    private dnnl_primitive_desc checked(String layer, dnnl_primitive_desc d) {
        implementations.add(layer + " " + requireFast(layer, typeName, d));
        return d;
    }

    /**
     * The name of the implementation that oneDNN chose for a layer. It falls back to its reference implementation in
     * silence, which would make a batch take minutes.
     *
     * @throws ReferenceImplementationException if it has done so
     */
    static String requireFast(String layer, String type, dnnl_primitive_desc d) {
        String implementation = OneDnn.implementation(d);
        if (implementation.startsWith("ref")) {
            throw new ReferenceImplementationException(layer, implementation, type);
        }
        return implementation;
    }

    private void add(dnnl_primitive_desc d, List<Operand> operands) {
        add(d, null, operands);
    }

    private void add(dnnl_primitive_desc d, Place measure, List<Operand> operands) {
        List<Operand> all = new ArrayList<>(operands);
        if (OneDnn.scratchpad(d) > 0) {
            all.add(Operand.at(DNNL_ARG_SCRATCHPAD, Slot.SCRATCHPAD, OneDnn.queried(d, dnnl_query_scratchpad_md)));
        }
        for (Operand o : all) {
            if (o.slot() != null) {
                int s = o.slot().ordinal();
                slotBytes[s] = Math.max(slotBytes[s], OneDnn.bytes(o.description()));
            }
        }
        steps.add(new Step(d, all, measure));
    }

    /** Allocates the arena, now that every tensor's size is known, and makes the primitives over it. */
    private void bind() {
        Pointer[] memory = new Pointer[slotBytes.length];
        for (Slot slot : Slot.values()) {
            int s = slot.ordinal();
            if (slotBytes[s] > 0) {
                memory[s] = scope.allocate(slotBytes[s], "activations");
                views[s] = OneDnn.view(memory[s]);
                floats[s] = views[s].asFloatBuffer();
            }
        }
        for (int i = 0; i < primitives.length; i++) {
            Step step = steps.get(i);
            int n = step.operands().size();
            int[] numbers = new int[n];
            dnnl_memory[] memories = new dnnl_memory[n];
            for (int j = 0; j < n; j++) {
                Operand o = step.operands().get(j);
                numbers[j] = o.argument();
                memories[j] = o.slot() == null ? o.memory()
                        : oneDnn.memory(scope, o.description(), memory[o.slot().ordinal()]);
            }
            primitives[i] = oneDnn.primitive(scope, step.description());
            arguments[i] = OneDnn.arguments(scope, numbers, memories);
            argumentCounts[i] = n;
            measured[i] = step.measured();
        }
    }

    /** (S, S, 3) the normalised image, written before a run. */
    FloatBuffer input() {
        return input;
    }

    /** (G, G, C) the last feature map, to be read after a run and before the next. */
    FloatBuffer output() {
        return output;
    }

    /** G·G·C, elements of the feature map. */
    int featureSize() {
        return featureSize;
    }

    /** Every layer and the implementation that oneDNN chose for it. */
    List<String> implementations() {
        return List.copyOf(implementations);
    }

    /** Bytes of native memory for activations, without the weights. */
    long arenaBytes() {
        long sum = 0;
        for (long b : slotBytes) {
            sum += b;
        }
        return sum;
    }

    /** Extracts the image of {@link #input()}. */
    void run() {
        run(primitives.length);
    }

    private void run(int count) {
        try {
            for (int i = 0; i < count; i++) {
                if (measured[i] != null) {
                    OneDnn.await(stream);
                    measure(measured[i]);
                }
                OneDnn.execute(primitives[i], stream, argumentCounts[i], arguments[i]);
            }
            OneDnn.await(stream);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    private void measure(Place p) {
        statistics.compute(floats[p.slot().ordinal()], p.side() * p.side(), p.channels(),
                floats[Slot.MEAN.ordinal()], floats[Slot.VARIANCE.ordinal()]);
    }

    /**
     * Runs the network up to a stage, for tests and comparisons.
     *
     * @return (side, side, channels) as float
     */
    float[] stage(Stage stage) {
        Output o = stages.get(stage);
        run(o.steps());
        int size = o.side() * o.side() * o.channels();
        float[] values = new float[size];
        ByteBuffer view = views[o.slot().ordinal()];
        if (type == dnnl_f32) {
            floats[o.slot().ordinal()].get(0, values);
        } else {
            for (int i = 0; i < size; i++) {
                values[i] = Float.intBitsToFloat(view.getShort(2 * i) << 16);
            }
        }
        return values;
    }

    @Override
    public void close() {
        scope.close();
    }
}
