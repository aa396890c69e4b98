package io.attentivecutmix.benchmarks;

import io.attentivecutmix.network.BatchNormFolding;
import io.attentivecutmix.network.FoldedConvolution;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.ResNet.Block;
import io.attentivecutmix.network.ResNet.Convolution;
import io.attentivecutmix.network.Tensors;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The extractor as an ONNX file: input "x" (N, 3, S, S), output "features" (N, C, G, G), batch norms folded. Field
 * numbers are those of onnx.proto3.
 *
 * <p>Values are named after the convolution or block that makes them, after its ReLU. In INT8 every value passes
 * through QuantizeLinear and DequantizeLinear, and so do weights and biases: the QDQ form that ONNX Runtime's own
 * static quantisation writes and its optimiser turns into integer operators. As there, activations are uint8 over the
 * range that was seen, extended to hold 0; weights are int8, symmetric, with a scale for each output channel; biases
 * are int32; a ReLU before QuantizeLinear is left out, since the range starts at 0; a max-pool keeps its input's scale.
 */
final class OnnxModel {
    private static final int IR_VERSION = 8;
    private static final int OPSET = 17;
    // TensorProto.DataType
    private static final int FLOAT = 1;
    private static final int UINT8 = 2;
    private static final int INT8 = 3;
    private static final int INT32 = 6;
    // AttributeProto.AttributeType
    private static final int ATTRIBUTE_INT = 2;
    private static final int ATTRIBUTE_INTS = 7;

    private final ResNet network;
    private final Tensors tensors;
    /** Least and largest of every value; empty in float. */
    private final Map<String, Range> ranges;
    private final Message graph = new Message();
    /** Channels of every value that has a range, in order. */
    private final Map<String, Integer> values = new LinkedHashMap<>();

    /** What a value was seen to span. */
    record Range(float low, float high) {
        /** Holds 0, which is then exact. */
        Range {
            low = Math.min(low, 0);
            high = Math.max(high, 0);
        }

        float scale() {
            return high > low ? (high - low) / 255 : 1;
        }

        int zero() {
            return Math.round(-low / scale());
        }
    }

    private OnnxModel(ResNet network, Tensors tensors, Map<String, Range> ranges) {
        this.network = network;
        this.tensors = tensors;
        this.ranges = ranges;
    }

    /** In float. */
    static byte[] of(ResNet network, Tensors tensors) {
        return new OnnxModel(network, tensors, Map.of()).write(false);
    }

    /** In float, with every value that INT8 must know the range of as one more output. */
    static byte[] observed(ResNet network, Tensors tensors) {
        return new OnnxModel(network, tensors, Map.of()).write(true);
    }

    /**
     * In INT8.
     *
     * @param ranges by the names of the outputs of {@link #observed}, and of "x"
     */
    static byte[] int8(ResNet network, Tensors tensors, Map<String, Range> ranges) {
        return new OnnxModel(network, tensors, ranges).write(false);
    }

    private byte[] write(boolean observed) {
        String x = convolution(network.stem(), rounded("x", "x", ""), true);
        x = rounded(node("MaxPool", "pool", new long[] {3, 3}, 2, 1, x), network.stem().name(), "");
        for (int i = 0; i < network.blocks().size(); i++) {
            Block block = network.blocks().get(i);
            String path = x;
            for (int c = 0; c < block.path().size(); c++) {
                path = convolution(block.path().get(c), path, c + 1 < block.path().size());
            }
            String shortcut = block.downsample() == null ? x : convolution(block.downsample(), x, false);
            boolean last = i + 1 == network.blocks().size();
            String sum = node("Add", block.name() + ".sum", null, 0, 0, path, shortcut);
            // In float the output is the last ReLU, in INT8 the last DequantizeLinear
            String name = last && ranges.isEmpty() ? "features" : block.name();
            values.put(name, block.path().get(block.path().size() - 1).out());
            x = rounded(relu(sum, name), last ? "features" : name, last ? "features" : "");
        }
        graph.text(2, "extractor");
        graph.message(11, value("x", 3)).message(12, value("features", network.channels()));
        if (observed) {
            values.remove("features");
            values.forEach((name, channels) -> graph.message(12, value(name, channels)));
        }
        return new Message().number(1, IR_VERSION).message(7, graph)
                .message(8, new Message().text(1, "").number(2, OPSET)).bytes();
    }

    private String convolution(Convolution c, String input, boolean relu) {
        FoldedConvolution folded = BatchNormFolding.fold(c, tensors);
        long[] shape = {c.out(), c.in(), c.kernel(), c.kernel()};
        if (ranges.isEmpty()) {
            graph.message(5, tensor(c.name() + ".w", folded.weights(), shape));
            graph.message(5, tensor(c.name() + ".b", folded.bias(), c.out()));
        } else {
            roundedWeights(c, folded, shape, ranges.get(inputOf(c)).scale());
        }
        String name = relu ? c.name() + ".sum" : c.name();
        String sum = node("Conv", name, new long[] {c.kernel(), c.kernel()}, c.stride(), c.padding(), input,
                c.name() + ".w", c.name() + ".b");
        values.put(c.name(), c.out());
        return rounded(relu ? relu(sum, c.name()) : sum, c.name(), "");
    }

    /** The value whose range a convolution's input has. */
    private String inputOf(Convolution c) {
        String before = "x";
        String blockInput = network.stem().name();
        if (c.equals(network.stem())) {
            return before;
        }
        for (Block block : network.blocks()) {
            before = blockInput;
            for (Convolution p : block.path()) {
                if (p.equals(c)) {
                    return before;
                }
                before = p.name();
            }
            if (c.equals(block.downsample())) {
                return blockInput;
            }
            blockInput = block.name();
        }
        throw new IllegalArgumentException("convolution is " + c.name() + "; allowed: those of " + network);
    }

    private void roundedWeights(Convolution c, FoldedConvolution folded, long[] shape, float inputScale) {
        int filter = c.weightSize() / c.out();
        byte[] weights = new byte[c.weightSize()];
        float[] scales = new float[c.out()];
        float[] biasScales = new float[c.out()];
        ByteBuffer bias = ByteBuffer.allocate(4 * c.out()).order(ByteOrder.LITTLE_ENDIAN);
        for (int k = 0; k < c.out(); k++) {
            float largest = 0;
            for (int i = k * filter; i < (k + 1) * filter; i++) {
                largest = Math.max(largest, Math.abs(folded.weights()[i]));
            }
            scales[k] = largest > 0 ? largest / 127 : 1;
            biasScales[k] = scales[k] * inputScale;
            for (int i = k * filter; i < (k + 1) * filter; i++) {
                weights[i] = (byte) Math.rint(folded.weights()[i] / scales[k]);
            }
            bias.putInt((int) Math.rint(folded.bias()[k] / biasScales[k]));
        }
        constant(c.name() + ".w", tensor(c.name() + ".w.q", INT8, weights, shape), scales,
                tensor(c.name() + ".w.zero", INT8, new byte[c.out()], c.out()));
        constant(c.name() + ".b", tensor(c.name() + ".b.q", INT32, bias.array(), c.out()), biasScales,
                tensor(c.name() + ".b.zero", INT32, new byte[4 * c.out()], c.out()));
    }

    /** A DequantizeLinear of name.q, name.scale and name.zero, by output channel. */
    private void constant(String name, Message rounded, float[] scales, Message zero) {
        graph.message(5, rounded).message(5, tensor(name + ".scale", scales, scales.length)).message(5, zero);
        graph.message(1, node("DequantizeLinear", new String[] {name + ".q", name + ".scale", name + ".zero"}, name)
                .message(5, new Message().text(1, "axis").number(3, 0).number(20, ATTRIBUTE_INT)));
    }

    /**
     * In INT8 the value through QuantizeLinear and DequantizeLinear, whose output may be given a name; else the value.
     */
    private String rounded(String value, String range, String output) {
        if (ranges.isEmpty()) {
            return value;
        }
        Range r = ranges.get(range);
        String name = value + ".q";
        graph.message(5, tensor(name + ".scale", new float[] {r.scale()}))
                .message(5, tensor(name + ".zero", UINT8, new byte[] {(byte) r.zero()}));
        String result = output.isEmpty() ? value + ".dq" : output;
        graph.message(1, node("QuantizeLinear", new String[] {value, name + ".scale", name + ".zero"}, name));
        graph.message(1, node("DequantizeLinear", new String[] {name, name + ".scale", name + ".zero"}, result));
        return result;
    }

    private String relu(String input, String output) {
        return ranges.isEmpty() ? node("Relu", output, null, 0, 0, input) : input;
    }

    private String node(String type, String output, long[] kernel, int stride, int padding, String... inputs) {
        Message node = node(type, inputs, output);
        if (kernel != null) {
            node.message(5, ints("kernel_shape", kernel)).message(5, ints("strides", stride, stride))
                    .message(5, ints("pads", padding, padding, padding, padding));
        }
        graph.message(1, node);
        return output;
    }

    private static Message node(String type, String[] inputs, String output) {
        Message node = new Message();
        for (String input : inputs) {
            node.text(1, input);
        }
        return node.text(2, output).text(3, type + "." + output).text(4, type);
    }

    private static Message ints(String name, long... numbers) {
        Message attribute = new Message().text(1, name);
        for (long number : numbers) {
            attribute.number(8, number);
        }
        return attribute.number(20, ATTRIBUTE_INTS);
    }

    private static Message tensor(String name, float[] data, long... shape) {
        ByteBuffer raw = ByteBuffer.allocate(4 * data.length).order(ByteOrder.LITTLE_ENDIAN);
        raw.asFloatBuffer().put(data);
        return tensor(name, FLOAT, raw.array(), shape);
    }

    private static Message tensor(String name, int type, byte[] data, long... shape) {
        Message tensor = new Message();
        for (long side : shape) {
            tensor.number(1, side);
        }
        return tensor.number(2, type).text(8, name).field(9, data);
    }

    /** A float tensor of this many channels whose other sides are free. */
    private static Message value(String name, long channels) {
        Message shape = new Message().message(1, new Message().text(2, "n")).message(1, new Message().number(1,
                channels))
                .message(1, new Message().text(2, name + "_h")).message(1, new Message().text(2, name + "_w"));
        Message type = new Message().message(1, new Message().number(1, FLOAT).message(2, shape));
        return new Message().text(1, name).message(2, type);
    }

    /** A protobuf message being written. */
    private static final class Message {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Message number(int field, long value) {
            varint((long) field << 3);
            varint(value);
            return this;
        }

        Message text(int field, String value) {
            return field(field, value.getBytes(StandardCharsets.UTF_8));
        }

        Message message(int field, Message value) {
            return field(field, value.bytes());
        }

        Message field(int field, byte[] value) {
            varint((long) field << 3 | 2);
            varint(value.length);
            out.writeBytes(value);
            return this;
        }

        byte[] bytes() {
            return out.toByteArray();
        }

        private void varint(long value) {
            long rest = value;
            for (; (rest & ~0x7fL) != 0; rest >>>= 7) {
                out.write((int) (rest & 0x7f | 0x80));
            }
            out.write((int) rest);
        }
    }
}
