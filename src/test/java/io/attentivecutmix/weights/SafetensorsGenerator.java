package io.attentivecutmix.weights;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Writes safetensors files that are mostly sound: tensor by tensor, now and then with one thing that is not. */
final class SafetensorsGenerator {
    private static final String[] TYPES = {"F32", "F64", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"};
    private static final String[] OTHERS = {"U16", "U32", "U64", "F8_E4M3", "F4", "C64", "f32", "F32 ", ""};
    private static final String[] JSON = {"null", "true", "0", "-0", "1", "-1", "1.0", "1e0", "01", "1e400", "\"\"",
        "\"F32\"", "[]", "[[]]", "[0,0]", "{}", "{\"a\":1}", "18446744073709551615", "18446744073709551616", "NaN",
        "\"\\ud800\"", "\"\\u0000\"", "9223372036854775807", "2147483648"};

    private final Draw draw;
    /** One in how many decisions goes wrong. */
    private final int rarity;
    private long at;

    private SafetensorsGenerator(Draw draw) {
        this.draw = draw;
        rarity = draw.of(1000, 100, 30, 10);
    }

    static byte[] file(Draw draw) {
        return new SafetensorsGenerator(draw).write();
    }

    private boolean wrong() {
        return draw.once(rarity);
    }

    private byte[] write() {
        List<String> members = new ArrayList<>();
        if (draw.once(3)) {
            members.add(string("__metadata__") + ":" + metadata());
        }
        int tensors = draw.between(0, 6);
        for (int i = 0; i < tensors; i++) {
            members.add(name(i) + ":" + tensor());
        }
        if (tensors > 1 && draw.once(4)) {
            members.add(members.remove(0));
        }
        if (wrong() && !members.isEmpty()) {
            members.add(members.get(draw.between(0, members.size() - 1)));
        }
        String text = space() + "{" + space() + String.join(space() + "," + space(), members) + "}" + space();
        if (wrong()) {
            text += draw.of("\0", "x", "{}", ",", "\u00a0", "\uFEFF");
        }
        byte[] header = text.getBytes(StandardCharsets.UTF_8);
        for (int i = wrong() ? draw.between(1, 3) : 0; i > 0; i--) {
            header[draw.between(0, header.length - 1)] = (byte) draw.between(-128, 127);
        }
        long length = wrong() ? draw.of(draw.number(), header.length - 1L, header.length + 1L) : header.length;
        long data = Math.max(0, Math.min(at, 4096) + (wrong() ? draw.between(-2, 2) : 0));
        return ByteBuffer.allocate(8 + header.length + (int) data).order(ByteOrder.LITTLE_ENDIAN).putLong(length)
                .put(header).array();
    }

    private String space() {
        return draw.once(8) ? draw.of(" ", "\n", "\t\r\n", "  ") : "";
    }

    private String name(int i) {
        String name = switch (draw.between(0, 7)) {
            case 0 -> draw.text(12);
            case 1 -> draw.of("", "../../x", "\0", "t0", "__metadata__", "größe 日本", "\uD83D\uDE00");
            default -> "t" + i;
        };
        return string(name);
    }

    /** A JSON string; some characters escaped that need not be. */
    private String string(String text) {
        StringBuilder out = new StringBuilder("\"");
        boolean odd = wrong();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean must = c < ' ' || c == '"' || c == '\\' || Character.isSurrogate(c);
            if (must && !odd || draw.once(40)) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }

    private String metadata() {
        if (wrong()) {
            return draw.of(JSON);
        }
        List<String> members = new ArrayList<>();
        for (int i = draw.between(0, 3); i > 0; i--) {
            members.add(string(draw.text(6)) + ":" + (wrong() ? draw.of(JSON) : string(draw.text(6))));
        }
        return "{" + String.join(",", members) + "}";
    }

    private String tensor() {
        if (wrong()) {
            return draw.of(JSON);
        }
        String type = wrong() ? draw.of(OTHERS) : draw.of(TYPES);
        long bytes = 1;
        for (DType t : DType.values()) {
            bytes = t.name().equals(type) ? t.bytes() : bytes;
        }
        List<String> shape = new ArrayList<>();
        for (int i = draw.between(0, wrong() ? 10 : 4); i > 0; i--) {
            long side = wrong() ? draw.number() : draw.between(0, 4);
            bytes *= side;
            shape.add(wrong() ? draw.of(JSON) : Long.toString(side));
        }
        long begin = wrong() ? draw.number() : at;
        long end = wrong() ? draw.number() : begin + bytes;
        at = end >= 0 ? end : at;
        List<String> offsets = new ArrayList<>(List.of(Long.toUnsignedString(begin), Long.toUnsignedString(end)));
        if (wrong()) {
            offsets.set(draw.between(0, 1), draw.of(JSON));
        }
        if (wrong()) {
            offsets.add("0");
        }
        List<String> fields = new ArrayList<>(List.of("\"dtype\":" + (wrong() ? draw.of(JSON) : string(type)),
                "\"shape\":" + list(shape), "\"data_offsets\":" + list(offsets)));
        if (draw.once(6)) {
            fields.add(string(draw.text(4)) + ":" + json(0));
        }
        if (wrong()) {
            fields.remove(draw.between(0, fields.size() - 1));
        }
        if (wrong() && !fields.isEmpty()) {
            fields.add(fields.get(0));
        }
        if (draw.once(4) && !fields.isEmpty()) {
            fields.add(fields.remove(0));
        }
        return "{" + String.join("," + space(), fields) + "}";
    }

    private String list(List<String> items) {
        return wrong() ? draw.of(JSON) : "[" + String.join("," + space(), items) + "]";
    }

    /** Any value, nested at random; sometimes deeper than a parser likes. */
    private String json(int depth) {
        if (depth == 0 && wrong()) {
            int deep = draw.between(1, 300);
            return "[".repeat(deep) + "]".repeat(deep);
        }
        return switch (depth > 4 ? 0 : draw.between(0, 4)) {
            case 1 -> "[" + json(depth + 1) + "," + json(depth + 1) + "]";
            case 2 -> "{" + string(draw.text(3)) + ":" + json(depth + 1) + "}";
            case 3 -> string(draw.text(5));
            default -> draw.of(JSON);
        };
    }
}
