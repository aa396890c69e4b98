package io.attentivecutmix.weights;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Safetensors files that must be refused, beside those of {@link SafetensorsReaderTest}: every field, every limit. */
final class BadSafetensors {
    private static final String JSON = "not valid JSON";
    private static final String EMPTY = "{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
    private static final String GOOD = "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}";

    private final List<BadFile> all = new ArrayList<>();

    private BadSafetensors() {
        lengths();
        texts();
        fields();
        offsets();
        limits();
    }

    static List<BadFile> all() {
        return new BadSafetensors().all;
    }

    static byte[] file(byte[] header, long length, int data) {
        return ByteBuffer.allocate(8 + header.length + data).order(ByteOrder.LITTLE_ENDIAN).putLong(length).put(header)
                .array();
    }

    static byte[] file(String header, int data) {
        byte[] utf8 = header.getBytes(StandardCharsets.UTF_8);
        return file(utf8, utf8.length, data);
    }

    private void add(String what, Supplier<byte[]> bytes, String fault) {
        all.add(new BadFile("safetensors: " + what, bytes, fault));
    }

    private void add(String what, String header, int data, String fault) {
        add(what, () -> file(header, data), fault);
    }

    private void tensor(String what, String type, String shape, String offsets, int data, String fault) {
        add(what, "{\"w\":{\"dtype\":" + type + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}", data,
                fault);
    }

    private void lengths() {
        byte[] good = ("{\"w\":" + GOOD + "}").getBytes(StandardCharsets.UTF_8);
        for (int n = 2; n < 7; n++) {
            byte[] cut = new byte[n];
            add(n + " bytes", () -> cut, "no known kind");
        }
        add("length 1", () -> file(good, 1, 8), "length is 1;");
        for (long length : new long[] {100_000_001, 1L << 31, 1L << 32, Long.MAX_VALUE, Long.MAX_VALUE - 7,
            -good.length, SafetensorsReader.MAX_HEADER + 1L}) {
            add("length " + Long.toUnsignedString(length), () -> file(good, length, 8), "its length is "
                    + Long.toUnsignedString(length));
        }
        for (int more : new int[] {9, 10, 100}) {
            add("length " + more + " beyond the header", () -> file(good, good.length + more, 8), "bytes follow");
        }
        for (int less = 2; less < good.length - 1; less += 7) {
            int shorter = good.length - less;
            add("length of " + shorter + " for " + good.length, () -> file(good, shorter, 8), JSON);
        }
    }

    private void texts() {
        int[][] notUtf8 = {{0xFF}, {0xC0, 0x80}, {0xE0, 0x80, 0x80}, {0xED, 0xA0, 0x80}, {0xF4, 0x90, 0x80, 0x80},
            {0xF8, 0x88, 0x80, 0x80, 0x80}, {0x80}, {0xC3}, {0xE2, 0x82}, {0xF0, 0x9F, 0x98}};
        for (int[] sequence : notUtf8) {
            StringBuilder text = new StringBuilder("{\"");
            for (int b : sequence) {
                text.append((char) b);
            }
            byte[] header = text.append("\":1}").toString().getBytes(StandardCharsets.ISO_8859_1);
            add("name of bytes " + Integer.toHexString(sequence[0]) + "… " + sequence.length, () -> file(header,
                    header.length, 0), "UTF-8");
        }
        byte[] endsInside = {'{', '}', ' ', (byte) 0xE2, (byte) 0x82};
        add("text that ends inside a character", () -> file(endsInside, endsInside.length, 0), "UTF-8");
        byte[] utf32 = {'{', 0, 0, 0, '}', 0, 0, 0};
        add("UTF-32", () -> file(utf32, utf32.length, 0), JSON);
        for (String text : List.of("{", "{\"", "{\"w", "{\"w\"", "{\"w\":", "{\"w\":{", "{\"w\":" + GOOD + ",",
                "{,}", "{\"w\"}", "{\"w\":}", "{w:1}", "{1:1}", "{null:1}", "{[]:1}", "{\"w\":" + GOOD + "]",
                "{\"w\":" + GOOD + "}]", "{\"w\":" + GOOD + "}}", "{\"w\":" + GOOD + "},", "{}\u00a0", "{}\f",
                "{}//", "{#\n}", "{\"a\tb\":1}", "{\"\u0001\":1}", "{\"\\x41\":1}", "{\"\\u12\":1}", "{\"\\\":1}",
                "{\"w\" 1}", "{\"w\"::1}", "{\"w\":" + GOOD + " \"v\":" + EMPTY + "}", "{}[]", "{}null", "{}0")) {
            add("text " + text.replace("\n", "\\n"), text, text.contains("F32") ? 8 : 0, text.equals("{}[]")
                    || text.equals("{}null") || text.equals("{}0") ? "after its object" : "");
        }
        for (String root : List.of("true", "1", "\"w\"", "[{}]", "[1,2]")) {
            byte[] header = (" " + root).getBytes(StandardCharsets.UTF_8);
            add("root " + root, () -> file(header, header.length, 0), "no JSON object");
        }
        add("half a surrogate pair in metadata", "{\"__metadata__\":{\"k\":\"\\udc00\"}}", 0, "surrogate");
        add("half a surrogate pair in a key of metadata", "{\"__metadata__\":{\"\\ud83d\":\"v\"}}", 0, "surrogate");
        add("half a surrogate pair in a field", "{\"w\":{\"\\ud83d\":1}}", 0, "surrogate");
        add("half a surrogate pair at the end of a name", "{\"w\\ud83d\":" + EMPTY + "}", 0, "surrogate");
    }

    private void fields() {
        for (String value : List.of("true", "\"F32\"", "1.5", "[]", "[[]]")) {
            add("metadata " + value, "{\"__metadata__\":" + value + "}", 0, "is no object");
            add("metadata value " + value, "{\"__metadata__\":{\"k\":" + value.replace("\"F32\"", "{}") + "}}", 0,
                    "no string");
            add("tensor " + value, "{\"w\":" + value + "}", 0, "is no object");
            tensor("shape " + value, "\"F32\"", value.equals("[]") ? "{}" : value, "[0,8]", 8, "");
            tensor("offsets " + value, "\"F32\"", "[2]", value, 8, "data_offsets");
            tensor("dtype " + value, value.equals("\"F32\"") ? "{}" : value, "[2]", "[0,8]", 8, "dtype");
        }
        add("empty tensor", "{\"w\":{}}", 0, "has no dtype");
        add("tensor of a name without text", "{\"\":{}}", 0, "has no dtype");
        for (String type : List.of("", "F32 ", " F32", "FP32", "float32", "F320", "F3", "Bool", "F4", "F6_E2M3",
                "F6_E3M2", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "U16", "U32", "U64", "C64",
                "\\u0000", "Ｆ32")) {
            tensor("dtype '" + type + "'", "\"" + type + "\"", "[2]", "[0,8]", 8, "has dtype ");
        }
        add("shape twice", "{\"w\":{\"shape\":[2],\"shape\":[2],\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8,
                "has two shapes");
        add("offsets twice", "{\"w\":{\"data_offsets\":[0,8],\"shape\":[2],\"dtype\":\"F32\",\"data_offsets\":[0,8]}}",
                8, "has data_offsets twice");
        add("a tensor as the field of another", "{\"v\":{\"w\":" + GOOD + "}}", 8, "has no dtype");
        for (String number : List.of("-1", "1.0", "1e0", "-0", "01", "+1", "0x1", ".5", "5.", "Infinity", "NaN",
                "9223372036854775807", "9223372036854775808", "18446744073709551615", "1".repeat(19),
                "1".repeat(400), "1".repeat(1001), "\"1\"", "[1]", "{}", "false")) {
            tensor("side " + number, "\"U8\"", "[" + number + "]", "[0,1]", 1, "");
            tensor("side 0 and " + number, "\"U8\"", "[0," + number + "]", "[0,0]", 0, "");
            tensor("begin " + number, "\"U8\"", "[1]", "[" + number + ",1]", 1, "");
            tensor("end " + number, "\"U8\"", "[1]", "[0," + number + "]", 1, "");
        }
        tensor("shape whose product is 2^64", "\"U8\"", "[2147483647,2147483647,5]", "[0,1]", 1, "overflows");
        tensor("shape whose bytes are 2^64", "\"F64\"", "[1073741824,2147483647]", "[0,8]", 8, "overflows");
        tensor("shape whose product is 0 after 2^93", "\"U8\"", "[2147483647,2147483647,2147483647,0]", "[0,0]", 0,
                "overflows");
        tensor("shape of 2^32 floats, said to be none", "\"F32\"", "[65536,65536]", "[0,0]", 0, "need 17179869184");
        tensor("tensor of 2 GiB", "\"U8\"", "[2147483647]", "[0,2147483647]", 0, "below 2 GiB");
        tensor("rank 10,000", "\"U8\"", "[" + "1,".repeat(9999) + "1]", "[0,1]", 1, "more than 8");
    }

    private void offsets() {
        for (String ranges : List.of("0,2 3,5|5|b", "0,3 2,4|4|b", "0,3 0,3|3|", "0,4 4,4 3,3|4|c", "1,3|3|a",
                "0,2 2,4 2,4|4|", "2,4 0,3|4|a", "0,4 1,2|4|b", "0,4 5,5|4|b", "0,4 4,8|4|b", "0,2|3|", "0,2|1|a",
                "0,1 2,3 1,2 4,5|5|d", "0,0 1,1|0|b", "0,0 0,4 0,4|4|", "4,4|0|a", "0,4 4,6 4,4|5|")) {
            String[] parts = ranges.split("\\|", -1);
            StringBuilder header = new StringBuilder("{");
            char name = 'a';
            for (String range : parts[0].split(" ")) {
                String[] ends = range.split(",");
                header.append(name == 'a' ? "" : ",").append('"').append(name++)
                        .append("\":{\"dtype\":\"U8\",\"shape\":[")
                        .append(Integer.parseInt(ends[1]) - Integer.parseInt(ends[0]))
                        .append("],\"data_offsets\":[").append(range).append("]}");
            }
            add("ranges " + parts[0] + " of " + parts[1], header.append('}').toString(), Integer.parseInt(parts[1]),
                    parts[2].isEmpty() ? "" : ": " + parts[2] + ": ");
        }
        for (int difference : new int[] {-8, -7, -1, 1, 7, 8, 4096}) {
            add("file " + difference + " bytes longer than its tensors", "{\"w\":" + GOOD + "}", 8 + difference, "8");
        }
    }

    /** What fills 16 MiB. */
    private static String many(String before, int count, IntFunction<String> item, String after) {
        return before + IntStream.range(0, count).mapToObj(item).collect(Collectors.joining(",")) + after;
    }

    private void limit(String what, Supplier<String> header, String fault) {
        add(what, () -> file(header.get(), 0), fault);
    }

    private void limits() {
        limit("65,537 tensors", () -> many("{", 65_537, i -> "\"t" + i + "\":" + EMPTY, "}"),
                "more than 65536 tensors");
        limit("65,537 keys of metadata", () -> many("{\"__metadata__\":{", 65_537, i -> "\"" + i + "\":\"\"", "}}"),
                "more than 65536 keys");
        limit("keys of metadata that fill a header", () -> many("{\"__metadata__\":{", 200_000, i -> "\"" + i
                + "\":\"\"", "}}"), "more than 65536 keys");
        limit("field of 100,001 numbers", () -> "{\"w\":{\"x\":[" + "1,".repeat(100_000) + "1]}}",
                "more than 100000 values");
        limit("field that fills a header", () -> "{\"w\":{\"x\":[" + "1,".repeat(1_000_000) + "1]}}",
                "more than 100000 values");
        limit("objects in a field that fill a header", () -> many("{\"w\":{\"x\":{", 200_000, i -> "\"" + i
                + "\":{}", "}}}"), "more than 100000 values");
        limit("numbers with exponents in many fields", () -> many("{", 60_000, i -> "\"" + i
                + "\":{\"x\":[1e9,1e9,1e9,1e9],\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", "}"),
                "more than 100000 values");
        limit("name of 2^20 + 1 characters", () -> "{\"" + "n".repeat((1 << 20) + 1) + "\":" + EMPTY + "}", JSON);
        limit("name that fills a header", () -> "{\"" + "n".repeat(16_000_000), JSON);
        limit("metadata value of 2^22 + 1 characters", () -> "{\"__metadata__\":{\"k\":\"" + "v".repeat((1 << 22) + 1)
                + "\"}}", JSON);
        limit("string in a field that fills a header", () -> "{\"w\":{\"x\":\"" + "v".repeat(16_000_000) + "\"}}",
                JSON);
        limit("dtype that fills a header", () -> "{\"w\":{\"dtype\":\"" + "v".repeat(4_000_000) + "\"}}", "has dtype");
        limit("number of 4,000,000 digits", () -> "{\"w\":{\"shape\":[" + "1".repeat(4_000_000) + "]}}", JSON);
        limit("65 levels", () -> "{\"w\":{\"x\":" + "[".repeat(63) + "]".repeat(63) + "}}", JSON);
        limit("127 levels of objects", () -> "{\"w\":" + "{\"x\":".repeat(126) + "1" + "}".repeat(127), JSON);
        limit("16 million levels", () -> "{\"w\":{\"x\":" + "[".repeat(16_000_000), JSON);
        limit("16 million levels in metadata", () -> "{\"__metadata__\":" + "[".repeat(16_000_000), "no object");
        limit("16 MiB of spaces", () -> " ".repeat(SafetensorsReader.MAX_HEADER), "no JSON object");
        limit("an object after 16 MiB of spaces", () -> "{}" + " ".repeat(SafetensorsReader.MAX_HEADER - 4) + "{}",
                "after its object");
        limit("header of 16 MiB and a byte", () -> "{}" + " ".repeat(SafetensorsReader.MAX_HEADER - 1),
                "its length is 16777217");
        // the attacks of the package's own repository: one range for all, which readers would allocate again and again
        add("65,000 tensors of 200 by 200 on one range", () -> file(many("{", 65_000, i -> "\"t" + i
                + "\":{\"dtype\":\"F32\",\"shape\":[200,200],\"data_offsets\":[0,160000]}", "}"), 160_000),
                "starts at byte 0");
        add("100,000 tensors of 200 by 200 on one range", () -> file(many("{", 100_000, i -> "\"t" + i
                + "\":{\"dtype\":\"F32\",\"shape\":[200,200],\"data_offsets\":[0,160000]}", "}"), 160_000),
                "more than 65536 tensors");
        limit("65,536 tensors with a gap after the last", () -> many("{", 65_535, i -> "\"" + i + "\":" + EMPTY,
                ",\"w\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[1,1]}}"), "w: starts at byte 1");
        limit("same name at both ends of 65,536", () -> many("{", 65_535, i -> "\"" + i + "\":" + EMPTY,
                ",\"0\":" + EMPTY + "}"), "0: is there twice");
    }
}
