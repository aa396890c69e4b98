package io.attentivecutmix.weights;

import io.attentivecutmix.weights.TorchFile.Out;
import io.attentivecutmix.weights.TorchFile.Pickle;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Writes pickle streams opcode by opcode: state dicts that are mostly sound, with values of every kind between their
 * tensors, and now and then opcodes that do not belong there.
 */
final class PickleGenerator {
    private static final String[] TYPES = {"FloatStorage", "DoubleStorage", "HalfStorage", "BFloat16Storage",
        "LongStorage", "IntStorage", "ShortStorage", "CharStorage", "ByteStorage", "BoolStorage"};
    private static final int[] WIDTHS = {4, 8, 2, 2, 8, 4, 2, 1, 1, 1};
    /** Opcodes that move, call or end where nothing of the kind is expected, and some of later protocols. */
    private static final int[] OPCODES = {'.', '(', '0', '1', '2', 'R', 'Q', 'a', 'e', 's', 'u', 't', 'b', 'N', 'B',
        0x81, 0x93, 0x94, 0x95, 0x85, 0x86, 0x87, 0x8b};
    private static final int MOST_OPCODES = 400;

    private final Draw draw;
    private final int rarity;
    private final Pickle pickle = new Pickle();
    private int memo;
    private int left = MOST_OPCODES;
    /** Storages 0, 1, …: index of the type, and number of elements. */
    private final int[] types;
    private final int[] elements;

    private PickleGenerator(Draw draw) {
        this.draw = draw;
        rarity = draw.of(1000, 100, 30, 10);
        int storages = draw.between(1, 4);
        types = new int[storages];
        elements = new int[storages];
        for (int i = 0; i < storages; i++) {
            types[i] = draw.between(0, TYPES.length - 1);
            elements[i] = draw.between(0, 30);
        }
    }

    /** An archive around a stream, with the storages that the stream speaks of. */
    static TorchFile archive(Draw draw) {
        PickleGenerator generator = new PickleGenerator(draw);
        TorchFile file = new TorchFile().add("a/data.pkl", generator.write());
        if (!draw.once(5)) {
            file.add("a/byteorder", draw.once(generator.rarity) ? draw.text(20) : "little");
        }
        for (int i = 0; i < generator.types.length; i++) {
            int size = generator.elements[i] * WIDTHS[generator.types[i]];
            file.add("a/data/" + i, new byte[Math.max(0, size + (generator.wrong() ? draw.between(-2, 2) : 0))]);
        }
        return file.add("a/version", "3\n");
    }

    private boolean wrong() {
        return draw.once(rarity);
    }

    private byte[] write() {
        dict(0);
        for (int i = 0; i < types.length; i++) {
            // every storage must be referred to; the dict is still on the stack
            if (!wrong()) {
                pickle.text("s" + i);
                tensor(i);
                pickle.op('s');
            }
        }
        byte[] stream = pickle.stop();
        if (wrong()) {
            stream[draw.between(0, stream.length - 1)] = (byte) draw.between(-128, 127);
        }
        if (wrong()) {
            return Arrays.copyOf(stream, draw.between(0, stream.length));
        }
        return stream;
    }

    private void dict(int depth) {
        if (draw.once(2)) {
            pickle.op('}');
        } else {
            pickle.global("collections", "OrderedDict").op(')', 'R');
        }
        remember();
        boolean together = draw.once(3);
        if (together) {
            pickle.op('(');
        }
        for (int i = draw.between(0, 4); i > 0 && left > 0; i--) {
            key(i);
            value(depth + 1);
            if (!together) {
                pickle.op('s');
            }
        }
        if (together) {
            pickle.op('u');
        }
        if (draw.once(6)) {
            pickle.op('}').text("version").op('K', 1, 's', 'b');
        }
    }

    private void key(int i) {
        if (wrong()) {
            value(9);
        } else if (draw.once(6)) {
            pickle.op('K', i);
        } else {
            pickle.text(draw.once(4) ? draw.text(6) : draw.of("k", "module.", "state_dict", "conv1.weight") + i);
        }
    }

    private void remember() {
        if (draw.once(3) && memo < 255) {
            pickle.op('q', memo++);
        }
    }

    private void value(int depth) {
        left--;
        if (wrong()) {
            int odd = draw.between(0, OPCODES.length);
            pickle.op(odd < OPCODES.length ? OPCODES[odd] : draw.between(0, 255));
        }
        switch (draw.between(0, depth > 4 ? 9 : 14)) {
            case 0 -> pickle.op('N');
            case 1 -> pickle.op(draw.of(0x88, 0x89));
            case 2 -> pickle.op('K', draw.between(0, 255));
            case 3 -> pickle.integer(draw.number());
            case 4 -> number();
            case 5 -> pickle.text(draw.text(8));
            case 6 -> recall();
            case 7 -> pickle.op('G').raw(new Out().i64(draw.number()).toByteArray());
            case 8 -> pickle.op(')');
            case 9 -> shortText();
            case 10 -> list(depth);
            case 11 -> tuple(depth);
            case 12 -> dict(depth);
            default -> tensor(draw.between(0, types.length - 1));
        }
        remember();
    }

    private void number() {
        byte[] digits = draw.bytes(wrong() ? 255 : 12);
        pickle.op(0x8a, digits.length).raw(digits);
    }

    private void shortText() {
        byte[] utf8 = draw.text(8).getBytes(StandardCharsets.UTF_8);
        pickle.op('U', utf8.length).raw(utf8);
    }

    private void recall() {
        if (memo == 0 && !wrong()) {
            pickle.op('N');
        } else if (draw.once(4)) {
            pickle.op('j').raw(new Out().i32(wrong() ? (int) draw.number() : draw.between(0, Math.max(0, memo - 1)))
                    .toByteArray());
        } else {
            pickle.op('h', draw.between(0, wrong() ? 255 : Math.max(0, memo - 1)));
        }
    }

    private void list(int depth) {
        pickle.op(']');
        remember();
        boolean together = draw.once(2);
        if (together) {
            pickle.op('(');
        }
        for (int i = draw.between(0, 3); i > 0 && left > 0; i--) {
            value(depth + 1);
            if (!together) {
                pickle.op('a');
            }
        }
        if (together) {
            pickle.op('e');
        }
    }

    private void tuple(int depth) {
        int size = draw.between(0, 4);
        if (size == 0 || size == 4) {
            pickle.op('(');
        }
        for (int i = 0; i < size; i++) {
            value(depth + 1);
        }
        pickle.op(size == 0 || size == 4 ? 't' : 0x84 + size);
    }

    private void tensor(int storage) {
        boolean parameter = draw.once(6);
        if (parameter) {
            pickle.global("torch._utils", "_rebuild_parameter").op('(');
        }
        pickle.global("torch._utils", "_rebuild_tensor_v2").op('(');
        storage(storage);
        int[] shape = new int[draw.between(0, wrong() ? 9 : 3)];
        int product = 1;
        for (int d = 0; d < shape.length; d++) {
            shape[d] = draw.between(0, Math.max(1, Math.min(6, elements[storage] / product)));
            product *= Math.max(1, shape[d]);
        }
        int room = Math.max(0, elements[storage] - product);
        pickle.integer(wrong() ? draw.number() : draw.between(0, room));
        long[] sizes = new long[shape.length];
        long[] strides = new long[shape.length];
        boolean reversed = draw.once(3);
        long step = 1;
        for (int i = 0; i < shape.length; i++) {
            int d = reversed ? i : shape.length - 1 - i;
            sizes[d] = wrong() ? draw.number() : shape[d];
            strides[d] = wrong() ? draw.number() : step;
            step *= Math.max(1, shape[d]);
        }
        pickle.tuple(sizes).tuple(wrong() ? new long[] {1} : strides).op(draw.of(0x88, 0x89));
        if (draw.once(2)) {
            pickle.op('N');
        } else {
            pickle.global("collections", "OrderedDict").op(')', 'R');
        }
        if (draw.once(8)) {
            pickle.op(wrong() ? ']' : 'N');
        }
        pickle.op('t', 'R');
        if (parameter) {
            pickle.op(0x88, 'N', 't', 'R');
        }
    }

    private void storage(int i) {
        String type = wrong() ? draw.of("QInt8Storage", "float32", "FloatStorage", "storage") : TYPES[types[i]];
        String key = wrong() ? draw.of("../0", "9", "", "-1", "1".repeat(30)) : Integer.toString(i);
        pickle.op('(').text(wrong() ? draw.text(8) : "storage").global(wrong() ? "torch.storage" : "torch", type)
                .text(key).text(draw.of("cpu", "cuda:0", "cuda:99", "mps", "meta"))
                .integer(wrong() ? draw.number() : elements[i]).op('t', 'Q');
    }
}
