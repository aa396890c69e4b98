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

/**
 * The extractor as an ONNX file: input "x" (N, 3, S, S), output "features" (N, C, G, G), batch norms folded. Field numbers are
 * those of onnx.proto3.
 */
final class OnnxModel {
    private static final int IR_VERSION = 8;
    private static final int OPSET = 17;
    private static final int FLOAT = 1;
    private static final int ATTRIBUTE_INTS = 7;

    private final Tensors tensors;
    private final Message graph = new Message();
    private int values;

    private OnnxModel(Tensors tensors) {
        this.tensors = tensors;
    }

    static byte[] of(ResNet network, Tensors tensors) {
        OnnxModel model = new OnnxModel(tensors);
        String x = model.relu(model.convolution(network.stem(), "x"), "");
        x = model.node("MaxPool", "", new long[] {3, 3}, 2, 1, x);
        for (int i = 0; i < network.blocks().size(); i++) {
            Block block = network.blocks().get(i);
            String path = x;
            for (int c = 0; c < block.path().size(); c++) {
                path = model.convolution(block.path().get(c), path);
                path = c + 1 < block.path().size() ? model.relu(path, "") : path;
            }
            String shortcut = block.downsample() == null ? x : model.convolution(block.downsample(), x);
            String sum = model.node("Add", "", null, 0, 0, path, shortcut);
            x = model.relu(sum, i + 1 < network.blocks().size() ? "" : "features");
        }
        model.graph.text(2, "extractor");
        model.graph.message(11, value("x", 3)).message(12, value("features", network.channels()));
        return new Message().number(1, IR_VERSION).message(7, model.graph)
                .message(8, new Message().text(1, "").number(2, OPSET)).bytes();
    }

    private String convolution(Convolution c, String input) {
        FoldedConvolution folded = BatchNormFolding.fold(c, tensors);
        graph.message(5, tensor(c.name() + ".w", folded.weights(), c.out(), c.in(), c.kernel(), c.kernel()));
        graph.message(5, tensor(c.name() + ".b", folded.bias(), c.out()));
        return node("Conv", "", new long[] {c.kernel(), c.kernel()}, c.stride(), c.padding(),
                input, c.name() + ".w", c.name() + ".b");
    }

    private String relu(String input, String output) {
        return node("Relu", output, null, 0, 0, input);
    }

    private String node(String type, String output, long[] kernel, int stride, int padding, String... inputs) {
        String result = output.isEmpty() ? "v" + values++ : output;
        Message node = new Message();
        for (String input : inputs) {
            node.text(1, input);
        }
        node.text(2, result).text(3, type + "." + result).text(4, type);
        if (kernel != null) {
            node.message(5, ints("kernel_shape", kernel)).message(5, ints("strides", stride, stride))
                    .message(5, ints("pads", padding, padding, padding, padding));
        }
        graph.message(1, node);
        return result;
    }

    private static Message ints(String name, long... numbers) {
        Message attribute = new Message().text(1, name);
        for (long number : numbers) {
            attribute.number(8, number);
        }
        return attribute.number(20, ATTRIBUTE_INTS);
    }

    private static Message tensor(String name, float[] data, long... shape) {
        Message tensor = new Message();
        for (long side : shape) {
            tensor.number(1, side);
        }
        ByteBuffer raw = ByteBuffer.allocate(4 * data.length).order(ByteOrder.LITTLE_ENDIAN);
        raw.asFloatBuffer().put(data);
        return tensor.number(2, FLOAT).text(8, name).field(9, raw.array());
    }

    /** A float tensor of this many channels whose other sides are free. */
    private static Message value(String name, long channels) {
        Message shape = new Message().message(1, new Message().text(2, "n")).message(1, new Message().number(1, channels))
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
