package io.attentivecutmix.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.ResNet.Block;
import io.attentivecutmix.network.ResNet.Convolution;
import io.attentivecutmix.quantisation.Activations;
import io.attentivecutmix.quantisation.Calibration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;

/**
 * The network for one image as descriptions of oneDNN primitives, in the order in which they run.
 *
 * <p>Activations are NHWC and live in a few buffers: X holds a block's input and then its output, T1 and T2 what lies
 * between a block's convolutions, Y the shortcut of a block that has a convolution in it. A block's last convolution
 * adds the shortcut where it stands (oneDNN's sum post-op), so nothing is copied.
 *
 * <p>In INT8 a tensor is stored in 8 bits where its writer and its reader both compute in 8 bits. A convolution in 8
 * bits writes float for a reader in float, without a further step; the other way round a reorder rounds the tensor into
 * CAST. Blocks of a wide stream leave float behind, and the last block does always: its output is not rounded again.
 *
 * <p>With {@link BatchNorm#PER_IMAGE} the convolutions have neither bias nor ReLU; each is followed by a batch norm
 * whose statistics are taken in Java, and an element-wise sum with ReLU ends the block.
 */
final class NetworkSteps {
    /** Where the network can be looked at: the max-pool's output, and the output of each layer's last block. */
    enum Stage { STEM, LAYER1, LAYER2, LAYER3, LAYER4 }

    /** The arena's buffers. INPUT and OUTPUT are float. */
    enum Slot { INPUT, CAST, X, Y, T1, T2, OUTPUT, MEAN, VARIANCE, SCRATCHPAD }

    /**
     * A tensor in the arena.
     *
     * @param type of an element, a {@code dnnl_data_type}
     * @param tensor its name among {@link Activations}
     */
    record Place(Slot slot, int side, int channels, int type, String tensor, dnnl_memory_desc description) {
        boolean isInt8() {
            return type == dnnl_u8 || type == dnnl_s8;
        }

        int size() {
            return side * side * channels;
        }
    }

    /** A stage's output, there after {@code steps} primitives. */
    record Output(int steps, Place place) {}

    /** An argument of a primitive: a part of the arena, or memory that exists already. */
    record Operand(int argument, Slot slot, dnnl_memory_desc description, dnnl_memory memory) {
        static Operand at(int argument, Place place) {
            return new Operand(argument, place.slot(), place.description(), null);
        }

        static Operand at(int argument, Slot slot, dnnl_memory_desc description) {
            return new Operand(argument, slot, description, null);
        }

        static Operand of(int argument, dnnl_memory memory) {
            return new Operand(argument, null, null, memory);
        }
    }

    /**
     * A primitive.
     *
     * @param measured what statistics are taken of before it runs, or null
     * @param written a tensor of {@link Activations} that is complete after it, or null
     * @param observedAs the name under which observers are shown {@code written}, or null
     */
    record Step(dnnl_primitive_desc description, List<Operand> operands, Place measured, Place written,
            String observedAs) {}

    private final NativeScope scope;
    private final OneDnn oneDnn;
    private final SharedWeights weights;
    private final boolean perImage;
    private final Calibration calibration;
    private final Activations activations;
    /** Of whatever is not in 8 bits. */
    private final int floatType;
    private final String precision;
    private final List<Step> steps = new ArrayList<>();
    private final long[] slotBytes = new long[Slot.values().length];
    private final Map<Stage, Output> stages = new EnumMap<>(Stage.class);
    private final List<String> implementations = new ArrayList<>();
    private final Place output;

    /**
     * Describes a network.
     *
     * @param scope owns what is made, until it is closed
     * @param calibration for INT8, else null
     */
    NetworkSteps(NativeScope scope, OneDnn oneDnn, SharedWeights weights, ResNet network, int side, Precision precision,
            BatchNorm batchNorm, Calibration calibration) {
        this.scope = scope;
        this.oneDnn = oneDnn;
        this.weights = weights;
        this.perImage = batchNorm == BatchNorm.PER_IMAGE;
        this.calibration = calibration;
        this.activations = new Activations(network);
        this.precision = precision.name();
        floatType = switch (precision) {
            case BF16 -> dnnl_bf16;
            case INT8 -> CpuDevice.nativeBf16() ? dnnl_bf16 : dnnl_f32;
            default -> dnnl_f32;
        };
        output = network(network, side);
    }

    private Place network(ResNet network, int side) {
        Place image = place(Slot.INPUT, side, 3, dnnl_f32, Activations.INPUT);
        Convolution stem = network.stem();
        Place x = convolution(stem, readBy(stem, image), Slot.Y, null, true, isInt8(stem) ? dnnl_u8 : floatType);
        x = maxPool(x);
        reached(Stage.STEM, x);
        List<Block> blocks = network.blocks();
        for (Block block : blocks) {
            boolean last = block == blocks.get(blocks.size() - 1);
            x = perImage ? blockPerImage(block, x) : block(block, x, last);
            reached(Stage.valueOf("LAYER" + block.layer()), x);
        }
        return x.type() == dnnl_f32 ? x
                : reorder("output", x, place(Slot.OUTPUT, x.side(), x.channels(), dnnl_f32, x.tensor()));
    }

    private void reached(Stage stage, Place x) {
        stages.put(stage, new Output(steps.size(), x));
    }

    private boolean isInt8(Convolution c) {
        return calibration != null && calibration.isInt8(c);
    }

    private int weightType(Convolution c) {
        return isInt8(c) ? dnnl_s8 : floatType;
    }

    private Place block(Block block, Place x, boolean last) {
        List<Convolution> path = block.path();
        Convolution first = path.get(0);
        Convolution end = path.get(path.size() - 1);
        int type = blockOutput(block, end, last);
        Slot other = x.slot() == Slot.X ? Slot.Y : Slot.X;
        Place read = readBy(first, x);
        Place shortcut = x;
        Convolution downsample = block.downsample();
        if (downsample != null) {
            Place source = isInt8(downsample) == isInt8(first) ? read : readBy(downsample, x);
            shortcut = convolution(downsample, source, other, null, false, type == dnnl_u8 ? dnnl_s8 : type);
            // CAST may hold the downsample's input by now
            read = source == read ? read : readBy(first, x);
        } else if (x.type() != type) {
            shortcut = reorder(block.name() + " shortcut", x,
                    place(other, x.side(), x.channels(), type, x.tensor()));
        }
        Place inner = convolution(first, read, Slot.T1, null, true, between(first, path.get(1)));
        if (path.size() == 3) {
            Convolution middle = path.get(1);
            inner = convolution(middle, readBy(middle, inner), Slot.T2, null, true, between(middle, end));
        }
        return convolution(end, readBy(end, inner), shortcut.slot(), shortcut, true, type);
    }

    private int blockOutput(Block block, Convolution end, boolean last) {
        if (!isInt8(end)) {
            return floatType;
        }
        if (last) {
            return dnnl_f32;
        }
        // the sum happens in the shortcut's place, and a shortcut in float would have to be rounded first
        boolean floatShortcut = block.downsample() != null && !isInt8(block.downsample());
        return floatShortcut || calibration.wide().contains("layer" + block.layer()) ? floatType : dnnl_u8;
    }

    private int between(Convolution writer, Convolution reader) {
        return isInt8(writer) && isInt8(reader) ? dnnl_u8 : floatType;
    }

    /** A tensor as a convolution reads it: itself, or a copy of another type in CAST. */
    private Place readBy(Convolution reader, Place x) {
        if (isInt8(reader) ? x.isInt8() : x.type() == floatType) {
            return x;
        }
        int type = !isInt8(reader) ? floatType : activations.source(reader).signed() ? dnnl_s8 : dnnl_u8;
        return reorder(reader.name() + " input", x, place(Slot.CAST, x.side(), x.channels(), type, x.tensor()));
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

    /**
     * Convolution with folded batch norm; without one, and with statistics of its own, in per-image mode.
     *
     * @param shortcut what the destination holds and is added, or null
     * @param type of the destination
     */
    private Place convolution(Convolution c, Place source, Slot to, Place shortcut, boolean relu, int type) {
        if (perImage) {
            return normalised(c, source, to, relu);
        }
        Place destination = place(to, c.outputSide(source.side()), c.out(), type, c.name());
        dnnl_primitive_attr attributes = isInt8(c) ? scaled(shortcut, relu, destination)
                : oneDnn.attributes(scope, shortcut != null, relu);
        dnnl_primitive_desc d = describe(c, source, destination, true, attributes);
        SharedWeights.Layer layer = weights.layer(c, d, weightType(c));
        List<Operand> operands = new ArrayList<>(List.of(
                Operand.at(DNNL_ARG_SRC, source),
                Operand.of(DNNL_ARG_WEIGHTS, layer.weights()),
                Operand.of(DNNL_ARG_BIAS, layer.bias()),
                Operand.at(DNNL_ARG_DST, destination)));
        if (isInt8(c)) {
            operands.add(scale(DNNL_ARG_SRC, source));
            operands.add(Operand.of(DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, layer.scale()));
            if (destination.isInt8()) {
                operands.add(scale(DNNL_ARG_DST, destination));
            }
        }
        add(d, null, destination, operands);
        return destination;
    }

    private dnnl_primitive_attr scaled(Place shortcut, boolean relu, Place destination) {
        int[] perTensor = destination.isInt8()
                ? new int[] {DNNL_ARG_SRC, DNNL_ARG_DST} : new int[] {DNNL_ARG_SRC};
        OneDnn.Sum sum = shortcut == null ? OneDnn.Sum.NONE : new OneDnn.Sum(step(shortcut), shortcut.type());
        return oneDnn.attributes(scope, sum, relu, true, perTensor);
    }

    private dnnl_primitive_desc describe(Convolution c, Place source, Place destination, boolean withBias,
            dnnl_primitive_attr attributes) {
        dnnl_memory_desc any = oneDnn.describe(scope, weightType(c), dnnl_format_tag_any, c.out(), c.in(),
                c.kernel(), c.kernel());
        dnnl_memory_desc bias = withBias ? oneDnn.describe(scope, dnnl_f32, dnnl_a, c.out()) : null;
        return checked(c.name(), oneDnn.convolution(scope, c.name(), source.description(), any, bias,
                destination.description(), c.stride(), c.padding(), attributes));
    }

    private Place normalised(Convolution c, Place source, Slot to, boolean relu) {
        Place p = place(to, c.outputSide(source.side()), c.out(), floatType, c.name());
        dnnl_primitive_desc convolution = describe(c, source, p, false, oneDnn.attributes(scope, false, false));
        SharedWeights.Layer layer = weights.layer(c, convolution, floatType);
        add(convolution, null, null, List.of(
                Operand.at(DNNL_ARG_SRC, source),
                Operand.of(DNNL_ARG_WEIGHTS, layer.weights()),
                Operand.at(DNNL_ARG_DST, p)));
        dnnl_primitive_desc d = checked(c.batchNorm(), oneDnn.batchNorm(scope, c.batchNorm(), p.description(),
                ResNet.BATCH_NORM_EPSILON, oneDnn.attributes(scope, false, relu)));
        dnnl_memory_desc perChannel = oneDnn.describe(scope, dnnl_f32, dnnl_a, c.out());
        add(d, p, null, List.of(
                Operand.at(DNNL_ARG_SRC, p),
                Operand.at(DNNL_ARG_MEAN, Slot.MEAN, perChannel),
                Operand.at(DNNL_ARG_VARIANCE, Slot.VARIANCE, perChannel),
                Operand.of(DNNL_ARG_SCALE, layer.scale()),
                Operand.of(DNNL_ARG_SHIFT, layer.bias()),
                Operand.at(DNNL_ARG_DST, p)));
        return p;
    }

    private Place sum(String block, Place path, Place shortcut) {
        dnnl_primitive_desc d = checked(block + " sum",
                oneDnn.add(scope, block, path.description(), oneDnn.attributes(scope, false, true)));
        add(d, null, null, List.of(
                Operand.at(DNNL_ARG_SRC_0, path),
                Operand.at(DNNL_ARG_SRC_1, shortcut),
                Operand.at(DNNL_ARG_DST, path)));
        return path;
    }

    private Place maxPool(Place source) {
        int side = (source.side() + 2 - 3) / 2 + 1;
        Place destination = place(Slot.X, side, source.channels(), source.type(), source.tensor());
        dnnl_primitive_desc d = checked("maxpool", oneDnn.maxPool(scope, "maxpool", source.description(),
                destination.description(), 3, 2, 1, oneDnn.attributes(scope, false, false)));
        add(d, null, perImage ? null : destination, Activations.POOLED, List.of(
                Operand.at(DNNL_ARG_SRC, source),
                Operand.at(DNNL_ARG_DST, destination)));
        return destination;
    }

    /** A copy in another type; between 8 bits and float, with the scale of the side in 8 bits. */
    private Place reorder(String what, Place source, Place destination) {
        List<Operand> operands = new ArrayList<>(List.of(
                Operand.at(DNNL_ARG_SRC, source),
                Operand.at(DNNL_ARG_DST, destination)));
        dnnl_primitive_attr attributes;
        if (source.isInt8() || destination.isInt8()) {
            int side = source.isInt8() ? DNNL_ARG_SRC : DNNL_ARG_DST;
            attributes = oneDnn.attributes(scope, OneDnn.Sum.NONE, false, false, side);
            operands.add(scale(side, source.isInt8() ? source : destination));
        } else {
            attributes = oneDnn.attributes(scope, false, false);
        }
        dnnl_primitive_desc d = checked(what, oneDnn.reorder(scope, what, source.description(),
                destination.description(), attributes));
        add(d, null, null, operands);
        return destination;
    }

    private Operand scale(int argument, Place p) {
        return Operand.of(DNNL_ARG_ATTR_SCALES | argument, weights.scalar(step(p)));
    }

    /** The real value of one step of a tensor in 8 bits; 1 for one in float. */
    private float step(Place p) {
        if (!p.isInt8()) {
            return 1;
        }
        float limit = calibration.limits().get(p.tensor());
        return p.type() == dnnl_u8 ? limit / 255 : limit / 127;
    }

    private Place place(Slot slot, int side, int channels, int type, String tensor) {
        return new Place(slot, side, channels, type, tensor,
                oneDnn.describe(scope, type, dnnl_acdb, 1, channels, side, side));
    }

    private dnnl_primitive_desc checked(String layer, dnnl_primitive_desc d) {
        implementations.add(layer + " " + requireFast(layer, precision, d));
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

    private void add(dnnl_primitive_desc d, Place measured, Place written, List<Operand> operands) {
        add(d, measured, written, written == null ? null : written.tensor(), operands);
    }

    private void add(dnnl_primitive_desc d, Place measured, Place written, String observedAs,
            List<Operand> operands) {
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
        steps.add(new Step(d, all, measured, written, observedAs));
    }

    List<Step> steps() {
        return steps;
    }

    /** Bytes that a buffer needs; 0 if nothing uses it. */
    long bytes(Slot slot) {
        return slotBytes[slot.ordinal()];
    }

    Output stage(Stage stage) {
        return stages.get(stage);
    }

    /** Where the feature map lies after the last step, in float. */
    Place output() {
        return output;
    }

    /** Every layer and the implementation that oneDNN chose for it. */
    List<String> implementations() {
        return List.copyOf(implementations);
    }

    /** The real value of one step of an 8-bit tensor, for looking at it. */
    float stepOf(Place p) {
        return step(p);
    }
}
