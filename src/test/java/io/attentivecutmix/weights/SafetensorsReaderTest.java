package io.attentivecutmix.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SafetensorsReaderTest {
    @TempDir
    Path folder;

    private Map<String, RawTensor> read(byte[] bytes) throws IOException {
        Path file = folder.resolve("t.safetensors");
        Files.write(file, bytes);
        try (FileChannel channel = FileChannel.open(file)) {
            return SafetensorsReader.read(channel, "t.safetensors");
        }
    }

    private static byte[] file(byte[] header, long length, int dataBytes) {
        ByteBuffer out = ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        out.putLong(length).put(header);
        for (int i = 0; i < dataBytes; i++) {
            out.put((byte) i);
        }
        return out.array();
    }

    private static byte[] file(String header, int dataBytes) {
        byte[] bytes = header.getBytes(StandardCharsets.UTF_8);
        return file(bytes, bytes.length, dataBytes);
    }

    private static String tensor(String name, String fields) {
        return "\"" + name + "\":{" + fields + "}";
    }

    private static final String GOOD = "\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]";

    private static Arguments bad(String what, byte[] file, String... expected) {
        return Arguments.of(what, file, expected);
    }

    private static Arguments bad(String what, String header, int data, String... expected) {
        return bad(what, file(header, data), expected);
    }

    private static Arguments badTensor(String what, String fields, int data, String... expected) {
        List<String> words = new ArrayList<>(Arrays.asList(expected));
        words.add("weird");
        return bad(what, "{" + tensor("weird", fields) + "}", data, words.toArray(String[]::new));
    }

    private static String fields(String dtype, String shape, String offsets) {
        return "\"dtype\":" + dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets;
    }

    static Stream<Arguments> malformed() {
        byte[] good = ("{" + tensor("a", GOOD) + "}").getBytes(StandardCharsets.UTF_8);
        List<Arguments> all = new ArrayList<>(List.of(
                bad("empty file", new byte[0], "0 bytes"),
                bad("1 byte", new byte[1], "1 bytes"),
                bad("7 bytes", new byte[7], "7 bytes"),
                bad("8 bytes", file(new byte[0], 0, 0), "its length is 0"),
                bad("length one beyond the file", file("{}".getBytes(StandardCharsets.UTF_8), 3, 0),
                        "its length is 3, but only 2 bytes follow"),
                bad("length 0", file(good, 0, 8), "length is 0"),
                bad("length beyond the file", file(good, 4000, 8), "length is 4000"),
                bad("length 2^63", file(good, Long.MIN_VALUE, 8), "9223372036854775808"),
                bad("length 2^64-1", file(good, -1, 8), "18446744073709551615"),
                bad("length above the limit", file(good, SafetensorsReader.MAX_HEADER + 1L, 8), "16777217"),
                bad("length one short", file(good, good.length - 1, 8), "not valid JSON"),
                bad("length one long", file(good, good.length + 1, 8), "not valid JSON"),
                bad("invalid UTF-8", file(new byte[] {'{', '"', (byte) 0xFF, '"', ':', '1', '}'}, 7, 0), "UTF-8"),
                bad("overlong UTF-8", file(new byte[] {'{', '"', (byte) 0xC0, (byte) 0x80, '"', ':', '1', '}'}, 8, 0),
                        "UTF-8"),
                bad("UTF-16", file("{}".getBytes(StandardCharsets.UTF_16LE), 4, 0), "JSON"),
                bad("UTF-16 with mark", file("{}".getBytes(StandardCharsets.UTF_16), 6, 0), "UTF-8"),
                bad("byte-order mark", "\uFEFF{}", 0, "JSON"),
                bad("lone surrogate", "{\"\\ud800\":1}", 0, "surrogate"),
                bad("swapped surrogates", "{\"\\udc00\\ud800\":1}", 0, "surrogate"),
                bad("raw control character", "{\"a\nb\":1}", 0, "JSON"),
                bad("trailing NUL", "{}\0", 0, "JSON"),
                bad("trailing letter", "{}x", 0, "JSON"),
                bad("second object", "{}{}", 0, "after its object"),
                bad("single quotes", "{'a':1}", 0, "JSON"),
                bad("trailing comma", "{" + tensor("a", GOOD) + ",}", 8, "JSON"),
                bad("comment", "{/* c */}", 0, "JSON"),
                bad("array root", "[]", 0, "no JSON object"),
                bad("null root", "null", 0, "no JSON object"),
                bad("string root", "\"{}\"", 0, "no JSON object"),
                bad("truncated object", "{" + tensor("a", GOOD), 8, "JSON"),
                bad("metadata number", "{\"__metadata__\":1}", 0, "__metadata__", "no object"),
                bad("metadata nested", "{\"__metadata__\":{\"a\":{}}}", 0, "__metadata__", "no string"),
                bad("metadata array", "{\"__metadata__\":{\"a\":[\"b\"]}}", 0, "__metadata__", "no string"),
                bad("metadata null value", "{\"__metadata__\":{\"a\":null}}", 0, "__metadata__", "no string"),
                bad("metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "__metadata__"),
                bad("key twice in metadata", "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "a"),
                bad("tensor null", "{\"weird\":null}", 0, "weird", "no object"),
                bad("tensor number", "{\"weird\":3}", 0, "weird", "no object"),
                bad("tensor as array", "{\"weird\":[\"F32\",[2],[0,8]]}", 8, "weird", "no object"),
                bad("data without tensors", "{}", 8, "8 bytes of data"),
                bad("same name twice", "{" + tensor("a", GOOD) + "," + tensor("a", GOOD) + "}", 8, "a"),
                bad("same name twice, one escaped", "{" + tensor("t", GOOD) + "," + tensor("\\u0074", GOOD) + "}", 8,
                        "t"),
                badTensor("no dtype", "\"shape\":[2],\"data_offsets\":[0,8]", 8, "no dtype"),
                badTensor("no shape", "\"dtype\":\"F32\",\"data_offsets\":[0,8]", 8, "no shape"),
                badTensor("no offsets", "\"dtype\":\"F32\",\"shape\":[2]", 8, "no data_offsets"),
                bad("dtype twice", "{" + tensor("a", "\"dtype\":\"F32\"," + GOOD) + "}", 8, "dtype"),
                badTensor("dtype unknown", fields("\"F31\"", "[2]", "[0,8]"), 8, "F31"),
                badTensor("dtype lower case", fields("\"f32\"", "[2]", "[0,8]"), 8, "f32"),
                badTensor("dtype number", fields("32", "[2]", "[0,8]"), 8, "no string"),
                badTensor("dtype null", fields("null", "[2]", "[0,8]"), 8, "no string"),
                badTensor("sub-byte dtype", fields("\"F4\"", "[3]", "[0,2]"), 2, "F4"),
                badTensor("shape null", fields("\"F32\"", "null", "[0,8]"), 8, "no array"),
                badTensor("shape nested", fields("\"F32\"", "[[2]]", "[0,8]"), 8, "no integer"),
                badTensor("shape twice", "\"shape\":[2]," + GOOD, 8, "has two shapes"),
                badTensor("offsets twice", "\"data_offsets\":[0,8]," + GOOD, 8, "data_offsets twice"),
                badTensor("rank 9", fields("\"F32\"", "[1,1,1,1,1,1,1,1,2]", "[0,8]"), 8, "more than 8"),
                badTensor("product overflow", fields("\"F32\"", "[2147483647,2147483647,2147483647]", "[0,8]"), 8,
                        "overflows"),
                badTensor("overflow before a zero", fields("\"F32\"", "[2147483647,2147483647,2147483647,0]", "[0,0]"),
                        0, "overflows"),
                badTensor("dimension above 2^31-1", fields("\"F32\"", "[0,2147483648]", "[0,0]"), 0, "2147483648"),
                badTensor("1 offset", fields("\"F32\"", "[2]", "[8]"), 8, "1 data_offsets"),
                badTensor("3 offsets", fields("\"F32\"", "[2]", "[0,8,8]"), 8, "more than 2"),
                badTensor("offsets reversed", fields("\"F32\"", "[2]", "[8,0]"), 8, "backwards"),
                badTensor("offsets beyond the file", fields("\"F32\"", "[4]", "[0,16]"), 8, "16"),
                badTensor("size mismatch", fields("\"F32\"", "[3]", "[0,8]"), 8, "need 12"),
                badTensor("size mismatch behind another", fields("\"F32\"", "[3]", "[4,12]"), 12, "has 8 bytes"),
                badTensor("product of 2^63-1", fields("\"U8\"", "[454279,92737,218934409]", "[0,8]"), 8,
                        "need 9223372036854775807"),
                badTensor("tensor that an array could hold", fields("\"U8\"", "[2147483639]", "[0,2147483639]"), 0,
                        "ends at byte 2147483639"),
                badTensor("tensor one larger", fields("\"U8\"", "[2147483640]", "[0,2147483640]"), 0,
                        "allowed: below 2 GiB"),
                badTensor("dimension of 18 digits", fields("\"U8\"", "[0,999999999999999999]", "[0,0]"), 0,
                        "a dimension of 999999999999999999"),
                badTensor("first not at 0", fields("\"F32\"", "[1]", "[4,8]"), 8, "starts at byte 4"),
                badTensor("zero size at a wrong offset", fields("\"F32\"", "[0]", "[4,4]"), 0, "starts at byte 4"),
                bad("gap", "{" + tensor("a", fields("\"U8\"", "[2]", "[0,2]")) + ","
                        + tensor("b", fields("\"U8\"", "[2]", "[3,5]")) + "}", 5, "b", "starts at byte 3"),
                bad("overlap", "{" + tensor("a", fields("\"U8\"", "[3]", "[0,3]")) + ","
                        + tensor("b", fields("\"U8\"", "[2]", "[2,4]")) + "}", 4, "b", "starts at byte 2"),
                bad("same range twice", "{" + tensor("a", fields("\"U8\"", "[3]", "[0,3]")) + ","
                        + tensor("b", fields("\"U8\"", "[3]", "[0,3]")) + "}", 3, "starts at byte 0"),
                bad("file one byte short", "{" + tensor("a", GOOD) + "}", 7, "8"),
                bad("file one byte long", "{" + tensor("a", GOOD) + "}", 9, "9 bytes of data"),
                badTensor("NaN literal in an unknown field", "\"x\":NaN," + GOOD, 8),
                badTensor("number out of range in an unknown field", "\"x\":1e400," + GOOD, 8, "out of range"),
                bad("surrogate in a name of an unknown field", "{" + tensor("a", "\"x\":{\"\\udfff\":1}," + GOOD) + "}",
                        8, "surrogate"),
                bad("surrogate in the name of a field", "{" + tensor("a", "\"\\udfff\":1," + GOOD) + "}", 8,
                        "surrogate"),
                bad("surrogate in a key of metadata", "{\"__metadata__\":{\"\\udfff\":\"\"}}", 0, "surrogate"),
                bad("surrogate in the name of a tensor", "{" + tensor("\\udfff", GOOD) + "}", 8, "surrogate"),
                bad("surrogate in an unknown field", "{" + tensor("a", "\"x\":\"\\udfff\"," + GOOD) + "}", 8,
                        "surrogate")));
        for (String number : List.of("-1", "2.0", "2e0", "-0", "\"2\"", "02", "+2", "18446744073709551616", "null",
                "true")) {
            all.add(badTensor("shape " + number, fields("\"F32\"", "[" + number + "]", "[0,8]"), 8));
            all.add(badTensor("offset " + number, fields("\"F32\"", "[2]", "[0," + number + "]"), 8));
        }
        String deep = "[".repeat(130) + "]".repeat(130);
        all.add(bad("nesting", "{\"weird\":" + deep + "}", 0, "weird"));
        all.add(badTensor("nesting in an unknown field", "\"x\":" + deep + "," + GOOD, 8));
        return all.stream();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("malformed")
    void refusesAndSaysWhy(String what, byte[] bytes, String[] expected) {
        WeightsException e = assertThrows(WeightsException.class, () -> read(bytes), what);
        assertTrue(e.getMessage().startsWith("t.safetensors: "), e.getMessage());
        boolean json = e.getMessage().contains("not valid JSON") || e.getMessage().contains("is there twice");
        for (String word : expected) {
            // the parser's own faults come before a tensor's name is known
            assertTrue(json || e.getMessage().contains(word), what + ": " + e.getMessage() + " lacks " + word);
        }
    }

    private static byte[] tensors(int count) {
        StringBuilder many = new StringBuilder("{");
        for (int i = 0; i < count; i++) {
            many.append(i == 0 ? "" : ",").append(tensor("t" + i, fields("\"U8\"", "[0]", "[0,0]")));
        }
        return file(many.append('}').toString(), 0);
    }

    @Test
    void tensorsAreCounted() throws IOException {
        assertEquals(SafetensorsReader.MAX_TENSORS, read(tensors(SafetensorsReader.MAX_TENSORS)).size());
        WeightsException e = assertThrows(WeightsException.class,
                () -> read(tensors(SafetensorsReader.MAX_TENSORS + 1)));
        assertTrue(e.getMessage().contains("more than 65536 tensors"), e.getMessage());
    }

    private static byte[] metadata(int keys) {
        StringBuilder many = new StringBuilder("{\"__metadata__\":{");
        for (int i = 0; i < keys; i++) {
            many.append(i == 0 ? "\"" : ",\"").append(i).append("\":\"\"");
        }
        return file(many.append("}}").toString(), 0);
    }

    private static byte[] unknown(int values) {
        // the array's brackets count
        return file("{" + tensor("a", "\"x\":[" + "1,".repeat(values - 3) + "1]," + GOOD) + "}", 8);
    }

    @Test
    void limitsCanBeReached() throws IOException {
        assertEquals(0, read(metadata(65_536)).size());
        WeightsException e = assertThrows(WeightsException.class, () -> read(metadata(65_537)));
        assertTrue(e.getMessage().contains("more than 65536 keys"), e.getMessage());
        assertEquals(1, read(unknown(100_000)).size());
        e = assertThrows(WeightsException.class, () -> read(unknown(100_001)));
        assertTrue(e.getMessage().contains("more than 100000 values"), e.getMessage());
        assertEquals(0, read(file("{}" + " ".repeat(SafetensorsReader.MAX_HEADER - 2), 0)).size());
    }

    @Test
    void onlyTheTensorsAskedForAreLoaded() throws IOException {
        Path file = Files.write(folder.resolve("two.safetensors"), file("{" + tensor("a", GOOD) + ","
                + tensor("b", fields("\"U8\"", "[1]", "[8,9]")) + "}", 9));
        try (FileChannel channel = FileChannel.open(file)) {
            assertEquals(Set.of("b"), new SafetensorsReader(channel, "two").load(Set.of("b", "c")).keySet());
        }
    }

    @Test
    void acceptsWhatIsSoundButUnusual() throws IOException {
        assertEquals(0, read(file("{}", 0)).size());
        assertEquals(0, read(file("  {}\r\n\t ", 0)).size());
        assertEquals(0, read(file("{\"__metadata__\":null}", 0)).size());
        assertEquals(0, read(file("{\"__metadata__\":{\"format\":\"pt\"}}", 0)).size());
        Map<String, RawTensor> odd = read(file("{" + tensor("b", "\"x\":[1,{\"y\":\"z\"}]," + fields("\"F32\"", "[1]",
                "[1,5]"))
                + "," + tensor("a", fields("\"U8\"", "[1]", "[0,1]")) + "," + tensor("", fields("\"I64\"", "[]",
                "[5,13]"))
                + "," + tensor("none", fields("\"F16\"", "[3,0]", "[5,5]")) + "}", 13));
        assertEquals(List.of("b", "a", "", "none"), List.copyOf(odd.keySet()));
        assertEquals(Float.intBitsToFloat(0x04030201), odd.get("b").toFloats()[0], "an odd offset is read bytewise");
        assertEquals(0, odd.get("none").elements());
    }

    /** Every prefix of a sound file is refused: the file must be covered exactly. */
    @Test
    void everyTruncationIsRefused() throws IOException {
        byte[] whole = SafetensorsReaderTest.class.getResourceAsStream("/golden/weights/dtypes.safetensors")
                .readAllBytes();
        read(whole);
        for (int length = 0; length < whole.length; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThrows(WeightsException.class, () -> read(cut), "cut to " + cut.length + " bytes");
        }
    }

    @Test
    @Tag("slow")
    void mutatedFilesGiveNothingButWeightsExceptions() throws IOException {
        byte[] whole = SafetensorsReaderTest.class.getResourceAsStream("/golden/weights/dtypes.safetensors")
                .readAllBytes();
        Random random = new Random(21);
        int refused = 0;
        for (int round = 0; round < 3000; round++) {
            byte[] mutated = whole.clone();
            for (int i = random.nextInt(3); i >= 0; i--) {
                mutated[random.nextInt(random.nextBoolean() ? 440 : mutated.length)] = (byte) random.nextInt(256);
            }
            try {
                read(mutated).values().forEach(t -> assertEquals(t.data().limit(), t.elements() * t.type().bytes()));
            } catch (WeightsException e) {
                refused++;
            } catch (RuntimeException e) {
                throw new AssertionError("seed 21, round " + round, e);
            }
        }
        assertTrue(refused > 1000, refused + " of 3000 refused");
    }

    @Test
    void everyFloatingTypeHasTheBitsThatTorchGives() throws IOException {
        String expected = new String(SafetensorsReaderTest.class.getResourceAsStream("/golden/weights/dtypes.json")
                .readAllBytes(),
                StandardCharsets.UTF_8);
        Map<String, RawTensor> tensors =
                read(SafetensorsReaderTest.class.getResourceAsStream("/golden/weights/dtypes.safetensors")
                        .readAllBytes());
        for (String name : List.of("f32", "f16", "bf16", "f64", "empty")) {
            String entry = expected.substring(expected.indexOf("\"" + name + "\""));
            assertArrayEquals(numbers(entry, "shape"), Arrays.stream(tensors.get(name).shape()).asLongStream()
                    .toArray(), name);
            float[] values = tensors.get(name).toFloats();
            long[] bits = new long[values.length];
            for (int i = 0; i < bits.length; i++) {
                bits[i] = Float.floatToRawIntBits(values[i]) & 0xFFFFFFFFL;
            }
            assertArrayEquals(numbers(entry, "bits"), bits, name);
        }
        assertEquals(0, tensors.get("scalar").shape().length);
    }

    private static long[] numbers(String json, String key) {
        int from = json.indexOf('[', json.indexOf("\"" + key + "\"")) + 1;
        String inside = json.substring(from, json.indexOf(']', from)).strip();
        return inside.isEmpty() ? new long[0] : Arrays.stream(inside.split(","))
                .mapToLong(s -> Long.parseLong(s.strip())).toArray();
    }

    /** Every binary16 code, against the definition in double. */
    @Test
    void halvesAreExact() {
        for (int code = 0; code < 65536; code++) {
            float value = RawTensor.halfToFloat((short) code);
            int exponent = code >> 10 & 31;
            int fraction = code & 1023;
            double sign = code < 32768 ? 1 : -1;
            if (exponent == 31) {
                assertEquals(fraction == 0, Float.isInfinite(value));
                assertEquals(fraction != 0, Float.isNaN(value));
            } else {
                double wanted = exponent == 0 ? Math.scalb(fraction, -24) : Math.scalb(1024 + fraction, exponent - 25);
                assertEquals(Float.floatToRawIntBits((float) (sign * wanted)), Float.floatToRawIntBits(value), "code "
                        + code);
            }
        }
    }

    /**
     * A header of many overlapping tensors is refused fast and in little memory: the reference takes seconds and a
     * gigabyte.
     */
    @Test
    @Tag("slow")
    void overlapsOfManyTensorsAreRefusedFromTheHeader() throws IOException {
        ByteArrayOutputStream header = new ByteArrayOutputStream();
        header.write('{');
        for (int i = 0; i < 60_000; i++) {
            header.writeBytes(((i == 0 ? "" : ",") + tensor("t" + i, fields("\"F32\"", "[200,200]", "[0,160000]")))
                    .getBytes());
        }
        header.write('}');
        byte[] bytes = header.toByteArray();
        WeightsException e = assertThrows(WeightsException.class, () -> read(file(bytes, bytes.length, 160_000)));
        assertTrue(e.getMessage().contains("starts at byte 0"), e.getMessage());
    }
}
