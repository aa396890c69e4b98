package io.attentivecutmix.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.weights.TorchFile.Pickle;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

class TorchReaderTest {
    @TempDir
    Path folder;

    private Map<String, RawTensor> read(byte[] bytes) throws IOException {
        Path file = folder.resolve("t.pth");
        Files.write(file, bytes);
        try (FileChannel channel = FileChannel.open(file)) {
            return TorchReader.read(channel, "t.pth");
        }
    }

    private static byte[] golden(String name) throws IOException {
        try (InputStream in = TorchReaderTest.class.getResourceAsStream("/golden/weights/" + name)) {
            return in.readAllBytes();
        }
    }

    private static final Map<String, DType> TYPES = Map.of("torch.float64", DType.F64, "torch.float32", DType.F32,
            "torch.float16", DType.F16, "torch.bfloat16", DType.BF16, "torch.int64", DType.I64, "torch.int32",
            DType.I32,
            "torch.uint8", DType.U8, "torch.bool", DType.BOOL);

    private record Expected(String type, int[] shape, int[] bits) {}

    private static Map<String, Expected> expected(String archive) throws IOException {
        Map<String, Expected> all = new LinkedHashMap<>();
        try (JsonParser p = new JsonFactory().createParser(ObjectReadContext.empty(), golden("archives.json"))) {
            p.nextToken();
            while (p.nextToken() == JsonToken.PROPERTY_NAME) {
                boolean wanted = p.currentName().equals(archive);
                p.nextToken();
                while (p.nextToken() == JsonToken.PROPERTY_NAME) {
                    String name = p.currentName();
                    p.nextToken();
                    p.nextToken();
                    p.nextToken();
                    String type = p.getString();
                    int[] shape = integers(p);
                    int[] bits = integers(p);
                    p.nextToken();
                    if (wanted) {
                        all.put(name, new Expected(type, shape, bits));
                    }
                }
            }
        }
        return all;
    }

    private static int[] integers(JsonParser p) {
        List<Integer> values = new ArrayList<>();
        p.nextToken();
        p.nextToken();
        while (p.nextToken() != JsonToken.END_ARRAY) {
            values.add((int) p.getLongValue());
        }
        return values.stream().mapToInt(Integer::intValue).toArray();
    }

    private static Object value(int... stream) {
        ByteBuffer bytes = ByteBuffer.allocate(stream.length + 3).put((byte) 0x80).put((byte) 2);
        for (int b : stream) {
            bytes.put((byte) b);
        }
        return PickleReader.read(bytes.put((byte) '.').flip(), "t").value();
    }

    /** Those that torch.save seldom writes; integers have the bits that pickletools.py gives them. */
    @Test
    void seldomOpcodesHaveTheirMeaning() {
        assertEquals(65535L, value('M', 0xff, 0xff));
        assertEquals(-2L, value('J', 0xfe, 0xff, 0xff, 0xff));
        assertEquals("ab", value('U', 2, 'a', 'b'));
        assertEquals(new PickleReader.Tuple(List.of(7L, 7L)), value('K', 7, 'r', 0, 1, 0, 0, 'j', 0, 1, 0, 0, 0x86));
        assertEquals(0L, value(0x8a, 0));
        assertEquals(-1L, value(0x8a, 1, 0xff));
        assertEquals(255L, value(0x8a, 2, 0xff, 0));
        assertEquals(-32767L, value(0x8a, 2, 1, 0x80));
        assertEquals(Long.MIN_VALUE, value(0x8a, 8, 0, 0, 0, 0, 0, 0, 0, 0x80));
    }

    @ParameterizedTest
    @ValueSource(strings = {"plain", "nested", "types", "views", "parameters", "leaves", "at_10:30:00"})
    void readsWhatTorchSaveWrites(String archive) throws IOException {
        Map<String, Expected> expected = expected(archive);
        Map<String, RawTensor> tensors = read(golden(archive.replace(':', '-') + ".pth"));
        assertEquals(List.copyOf(expected.keySet()), List.copyOf(tensors.keySet()), "names in their order");
        for (String name : expected.keySet()) {
            RawTensor tensor = tensors.get(name);
            assertArrayEquals(expected.get(name).shape(), tensor.shape(), name);
            assertEquals(TYPES.get(expected.get(name).type()), tensor.type(), name);
            assertTrue(tensor.data().isReadOnly(), name);
            if (tensor.type().isFloating()) {
                int[] bits = new int[tensor.elements()];
                float[] values = tensor.toFloats();
                for (int i = 0; i < bits.length; i++) {
                    bits[i] = Float.floatToRawIntBits(values[i]);
                }
                assertArrayEquals(expected.get(name).bits(), bits, name);
            }
        }
    }

    @Test
    void acceptsOtherLocationsAndSizesInLocalHeaders() throws IOException {
        TorchFile sizes = TorchFile.of(TorchFile.good());
        sizes.flags = 0x0800;
        assertEquals(2, read(sizes.bytes()).get("w").elements());
        byte[] cuda = new String(TorchFile.good(), StandardCharsets.ISO_8859_1).replace("X\3\0\0\0cpu",
                "X\7\0\0\0cuda:99")
                .getBytes(StandardCharsets.ISO_8859_1);
        assertEquals(2, read(TorchFile.of(cuda).bytes()).get("w").elements());
    }

    @Test
    void acceptsZip64WhereTheFieldsAgree() throws IOException {
        List<Consumer<TorchFile>> kinds = List.of(f -> f.zip64 = true, f -> f.wideEntries = true,
                f -> f.wideDescriptor = true,
                f -> f.zip64 = f.wideEntries = f.wideDescriptor = true);
        for (Consumer<TorchFile> kind : kinds) {
            assertEquals(2, read(file(kind)).get("w").elements());
        }
    }

    /** torch 1.6 and 1.7 named storages by their address, and wrote no byteorder. */
    @Test
    void readsStorageKeysOfOldVersions() throws IOException {
        byte[] stream = new Pickle().op('}').text("w").global("torch._utils", "_rebuild_tensor_v2").op('(')
                .storage("FloatStorage", "94240873104528", 2).integer(0).tuple(2).tuple(1).op(0x89)
                .global("collections",
                "OrderedDict").op(')', 'R', 't', 'R', 's').stop();
        TorchFile old = TorchFile.of(stream).remove("a/byteorder").remove("a/data/0").add("a/data/94240873104528",
                new byte[8]);
        assertEquals(2, read(old.bytes()).get("w").elements());
    }

    private static byte[] file(Consumer<TorchFile> change) {
        TorchFile file = TorchFile.of(TorchFile.good());
        change.accept(file);
        return file.bytes();
    }

    private static Arguments bad(String what, byte[] bytes, String expected) {
        return Arguments.of(what, bytes, expected);
    }

    private static Arguments zip(String what, Consumer<TorchFile> change, String expected) {
        return bad(what, file(change), expected);
    }

    private static Arguments pickle(String what, byte[] stream, String expected) {
        return bad(what, TorchFile.of(stream).bytes(), expected);
    }

    private static Arguments tensor(String what, long offset, long[] size, long[] stride, String expected) {
        return pickle(what, new Pickle().op('}').text("w").tensor(offset, size, stride).op('s').stop(), expected);
    }

    private static byte[] bytes(String latin1) {
        return latin1.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static byte[] joined(byte[] a, byte[] b) {
        byte[] out = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, out, a.length, b.length);
        return out;
    }

    private static byte[] tar() {
        byte[] tar = new byte[600];
        System.arraycopy(bytes("ustar"), 0, tar, 257, 5);
        return tar;
    }

    /** A compressed archive, as everything but torch.save writes. */
    private static byte[] other(String name) {
        TorchFile file = new TorchFile().add(name, "3");
        file.method = 8;
        return file.bytes();
    }

    static Stream<Arguments> malformed() throws IOException {
        byte[] good = file(f -> { });
        List<Arguments> all = new ArrayList<>(List.of(
                bad("empty", new byte[0], "is empty"),
                bad("legacy", golden("legacy.pth"), "before version 1.6"),
                bad("bare pickle", TorchFile.good(), "bare pickle"),
                bad("module", golden("module.pth"), "torch.save(model.state_dict(), file)"),
                bad("real TorchScript", golden("script.pt"), "TorchScript"),
                bad("torch.export", golden("export.pt2"), "torch.export"),
                bad("NumPy", bytes("\u0093NUMPY\1\0"), "NumPy array"),
                bad("TensorFlow Lite", bytes("\34\0\0\0TFL3"), "TensorFlow Lite"),
                bad("preview", bytes("PYTORCH1"), "preview format"),
                bad("empty zip", bytes("PK\5\6"), "empty or split zip"),
                bad("zstd", bytes("(\u00b5/\u00fd0000"), "unpack it first"),
                bad("tar", tar(), "tar"),
                bad("MAR", other("MAR-INF/MANIFEST.json"), "MAR"),
                bad("jar", other("META-INF/"), "Java archive"),
                bad("npz", other("x.npy"), "npz"),
                bad("Keras", other("model.weights.h5"), "Keras"),
                bad("office document", other("[Content_Types].xml"), "office document"),
                bad("zip of something else", other("x.txt"), "compressed"),
                bad("HDF5", bytes("\u0089HDF\r\n\u001a\n0000"), "HDF5"),
                bad("gzip", bytes("\u001f\u008b0000"), "gzip"),
                bad("PDF", bytes("%PDF-1.7"), "PDF"),
                bad("HTML", bytes("\n<!DOCTYPE html>"), "HTML"),
                bad("LFS pointer", bytes("version https://git-lfs.github.com/spec/v1\n"), "LFS"),
                bad("ONNX", bytes("\b\u0007\u0012\u0007pytorch"), "ONNX"),
                bad("GGUF", bytes("GGUF\3\0\0\0"), "GGUF"),
                bad("noise", bytes("0123456789"), "no known kind"),
                bad("safetensors with a lie", bytes("\uffff\uffff\u00ff\0\0\0\0\0{}"), "safetensors"),
                bad("prefix", joined(bytes("xx"), good), "no known kind"),
                bad("prefix that looks like a zip", joined(good, good), "central directory"),
                bad("trailing byte", joined(good, new byte[1]), "end record"),
                zip("comment", f -> f.comment = 3, "end record"),
                zip("deflated", f -> f.method = 8, "compressed"),
                zip("method differs", f -> f.localMethod = 8, "another method"),
                zip("encrypted", f -> f.flags = 0x0809, "encrypted"),
                zip("unknown flag", f -> f.flags = 0x0848, "flags 0x848"),
                zip("flags differ", f -> f.centralFlags = 0x0008, "other flags"),
                zip("CRC wrong", f -> f.crcDelta = 1, "CRC"),
                zip("local size wrong", f -> {
                    f.flags = 0x0800;
                    f.localSizeDelta = 1;
                }, "another size"),
                zip("local size wrong before a descriptor", f -> f.localSizeDelta = 1, "another size"),
                zip("descriptor wrong", f -> f.descriptorDelta = 1, "descriptor"),
                zip("two sizes", f -> f.centralCompressedDelta = 1, "sizes"),
                zip("local name differs", f -> f.localName = "a/data.pkx", "another name"),
                zip("extra fields damaged", f -> f.localExtra = new byte[] {'F', 'B', 9, 0, 1}, "extra"),
                zip("zip64 field without a use", f -> f.centralExtra = new byte[] {1, 0, 0}, "extra"),
                zip("count too small", f -> f.endCountDelta = -1, "central directory"),
                zip("count too large", f -> f.endCountDelta = 1, "central directory"),
                zip("disk", f -> f.endDisk = 1, "disks"),
                zip("directory elsewhere", f -> f.directoryStartDelta = -1, "central directory"),
                zip("gap before the directory", f -> f.directoryGap = 4, "central directory"),
                zip("zip64 count too large", f -> {
                    f.zip64 = true;
                    f.entries64Delta = 1;
                }, "central directory"),
                zip("zip64 count of more than 65535", f -> {
                    f.zip64 = true;
                    f.entries64Delta = 65_536;
                }, "65540 entries"),
                zip("zip64 count of 2^63", f -> {
                    f.zip64 = true;
                    f.entries64Delta = Long.MIN_VALUE;
                }, "entries; allowed"),
                zip("zip64 count differs from the end record's", f -> {
                    f.zip64 = true;
                    f.endCountDelta = 1;
                }, "zip64 end record"),
                zip("zip64 directory size", f -> {
                    f.zip64 = true;
                    f.size64Delta = 1L << 40;
                }, "central directory"),
                zip("zip64 directory start", f -> {
                    f.zip64 = true;
                    f.start64Delta = Long.MIN_VALUE;
                }, "central directory"),
                zip("zip64 locator points elsewhere", f -> {
                    f.zip64 = true;
                    f.locator64Delta = -4;
                }, "not right before its locator"),
                zip("zip64 disk", f -> {
                    f.zip64 = true;
                    f.disk64 = 1;
                }, "disks"),
                zip("zip64 record of another length", f -> {
                    f.zip64 = true;
                    f.length64 = 45;
                }, "damaged"),
                zip("zip64 size of an entry", f -> {
                    f.wideEntries = true;
                    f.wideSizeDelta = 1L << 40;
                }, "more than the file"),
                zip("zip64 size of an entry negative", f -> {
                    f.wideEntries = true;
                    f.wideSizeDelta = Long.MIN_VALUE;
                }, "more than the file"),
                zip("wide descriptor wrong", f -> {
                    f.wideDescriptor = true;
                    f.descriptorDelta = 1;
                }, "descriptor"),
                zip("overlapping entries", f -> f.overlap = true, "where the entry before ends"),
                bad("two end records", joined(good, Arrays.copyOfRange(good, good.length - 22, good.length)),
                "central directory"),
                zip("same name twice", f -> f.add("a/version", "3"), "twice"),
                zip("same name in another case", f -> f.add("a/VERSION", "3"), "twice"),
                zip("two folders", f -> f.add("b/version", "3"), "not in the folder"),
                zip("no folder", f -> f.add("version", "3"), "folder"),
                zip("parent in a name", f -> f.add("a/../x", "3"), "plain path"),
                zip("dot in a name", f -> f.add("a/./version", "3"), "plain path"),
                zip("absolute name", f -> f.add("/a/x", "3"), "plain path"),
                zip("empty segment", f -> f.add("a//x", "3"), "plain path"),
                zip("backslash", f -> f.add("a\\x", "3"), "character 92"),
                zip("drive", f -> f.add("c:/x", "3"), "drive letter"),
                zip("storage key of 21 digits", f -> f.add("a/data/" + "1".repeat(21), "3"), "torch.save writes"),
                zip("NUL", f -> f.add("a/x\0", "3"), "character 0"),
                zip("long name", f -> f.add("a/" + "x".repeat(4096), "3"), "name"),
                zip("no version", f -> f.remove("a/version"), "version"),
                zip("no pickle", f -> f.remove("a/data.pkl"), "data.pkl"),
                zip("TorchScript", f -> f.add("a/constants.pkl", "3"), "TorchScript"),
                zip("TorchScript code", f -> f.add("a/code/x.py", "3"), "TorchScript"),
                zip("unknown entry", f -> f.add("a/payload.exe", "3"), "torch.save writes"),
                zip("middle-endian", f -> f.remove("a/byteorder").add("a/byteorder", "middle"), "middle"),
                zip("large byteorder", f -> f.remove("a/byteorder").add("a/byteorder", "x".repeat(99)), "99 bytes"),
                zip("hidden storage", f -> f.add("a/data/1", "x"), "referred to by nothing"),
                zip("missing storage", f -> f.remove("a/data/0"), "has no entry"),
                zip("short storage", f -> f.remove("a/data/0").add("a/data/0", new byte[7]), "7 bytes"),
                zip("long storage", f -> f.remove("a/data/0").add("a/data/0", new byte[9]), "9 bytes")));
        all.addAll(pickles());
        return all.stream();
    }

    private static List<Arguments> pickles() {
        List<Arguments> all = new ArrayList<>(List.of(
                pickle("empty stream", new byte[0], "ends at byte 0"),
                pickle("protocol 4", new byte[] {(byte) 0x80, 4, '}', '.'}, "protocol 2"),
                pickle("no protocol", new byte[] {'}', '.'}, "protocol 2"),
                pickle("empty stack", new Pickle().stop(), "empty stack"),
                pickle("values left over", new Pickle().op('}', '}').stop(), "leaves values"),
                pickle("goes on", joined(new Pickle().op('}').stop(), new byte[] {'}'}), "goes on"),
                pickle("no dict", new Pickle().op(']').stop(), "holds no dict"),
                pickle("mark as a value", new Pickle().op('(').stop(), "empty stack"),
                pickle("no mark", new Pickle().op('}', 'u').stop(), "mark"),
                pickle("memo never stored", new Pickle().op('h', 3).stop(), "recalls value 3"),
                pickle("long memo never stored", new Pickle().op('j', 255, 255, 255, 255).stop(),
                "recalls value 4294967295"),
                pickle("memo of an empty stack", new Pickle().op('q', 0).stop(), "empty stack"),
                pickle("string length lies", new Pickle().op('X', 255, 255, 255, 127).stop(), "2147483647 bytes"),
                pickle("string length negative", new Pickle().op('X', 255, 255, 255, 255).stop(), "4294967295 bytes"),
                pickle("string not UTF-8", new Pickle().op('X', 1, 0, 0, 0, 255).stop(), "UTF-8"),
                pickle("integer of 255 bytes", new Pickle().op(0x8a, 255).stop(), "255 bytes"),
                pickle("SETITEM on a list", new Pickle().op(']', 'N', 'N', 's').stop(), "SETITEM"),
                pickle("SETITEMS on a tuple", new Pickle().op(')', '(').text("a").op('N', 'u').stop(), "SETITEMS"),
                pickle("SETITEMS of an odd number", new Pickle().op('}', '(').text("a").op('u').stop(), "odd"),
                pickle("APPEND on a dict", new Pickle().op('}', 'N', 'a').stop(), "APPEND"),
                pickle("APPENDS on a dict", new Pickle().op('}', '(', 'N', 'e').stop(), "APPENDS"),
                pickle("BUILD on a list", new Pickle().op(']', '}', 'b').stop(), "BUILD"),
                pickle("key twice", new Pickle().op('}').text("a").op('N', 's').text("a").op('N', 's').stop(), "twice"),
                pickle("key that is a float", new Pickle().op('}', 'G', 0, 0, 0, 0, 0, 0, 0, 0, 'N', 's').stop(),
                "key"),
                pickle("key that is None", new Pickle().op('}', 'N', 'N', 's').stop(), "key"),
                pickle("call of a string", new Pickle().text("os.system").op(')', 'R').stop(), "no function"),
                pickle("call without a tuple", new Pickle().global("collections", "OrderedDict").op('}', 'R').stop(),
                "no tuple"),
                pickle("OrderedDict of arguments", new Pickle().global("collections", "OrderedDict").op('N', 0x85, 'R')
                .stop(),
                        "arguments"),
                pickle("call of a storage class", new Pickle().global("torch", "FloatStorage").op(')', 'R').stop(),
                "calls"),
                pickle("persistent id a string", new Pickle().text("0").op('Q').stop(), "no storage"),
                pickle("persistent id of another kind", new Pickle().op('(').text("module").global("torch",
                "FloatStorage").text("0")
                        .text("cpu").integer(2).op('t', 'Q').stop(), "no storage"),
                pickle("storage key with a slash", new Pickle().storage("FloatStorage", "../0", 2).stop(), "no number"),
                pickle("storage of negative size", new Pickle().storage("FloatStorage", "0", -2).stop(), "-2"),
                pickle("storage size that wraps", new Pickle().op('}').text("a").storage("FloatStorage", "0",
                0x4000000000000002L)
                        .op('s').stop(), "4611686018427387906"),
                pickle("storage with two types", new Pickle().op('}').text("a").storage("FloatStorage", "0", 2).op('s')
                .text("b")
                        .storage("IntStorage", "0", 2).op('s').stop(), "two types"),
                pickle("storage with two sizes", new Pickle().op('}').text("a").storage("FloatStorage", "0", 2).op('s')
                .text("b")
                        .storage("FloatStorage", "0", 1).op('s').stop(), "two types"),
                pickle("tensor of a string", new Pickle().global("torch._utils", "_rebuild_tensor_v2").op('(').text("x")
                .integer(0)
                        .tuple(2).tuple(1).op(0x89, 'N', 't', 'R').stop(), "no storage"),
                pickle("tensor of 5 arguments", new Pickle().global("torch._utils", "_rebuild_tensor_v2").op('(', 'N',
                'N', 'N', 'N',
                        'N', 't', 'R').stop(), "5 arguments"),
                pickle("offset a float", new Pickle().global("torch._utils", "_rebuild_tensor_v2").op('(')
                        .storage("FloatStorage", "0", 2).op('G', 0, 0, 0, 0, 0, 0, 0, 0).tuple(2).tuple(1).op(0x89, 'N',
                        't', 'R')
                        .stop(), "offset"),
                pickle("size a list", new Pickle().global("torch._utils", "_rebuild_tensor_v2").op('(')
                        .storage("FloatStorage", "0", 2).integer(0).op(']').tuple(1).op(0x89, 'N', 't', 'R').stop(),
                        "size"),
                pickle("metadata of a conjugated tensor", new Pickle().global("torch._utils", "_rebuild_tensor_v2")
                .op('(')
                        .storage("FloatStorage", "0", 2).integer(0).tuple(2).tuple(1).op(0x89, 'N', '}').text("conj")
                        .op(0x88, 's',
                        't', 'R').stop(), "conjugated"),
                pickle("number of elements beyond 64 bits", new Pickle().op('(').text("storage").global("torch",
                "FloatStorage")
                        .text("0").text("cpu").op(0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 0, 1, 't', 'Q').stop(),
                        "number of elements"),
                pickle("number of elements NaN", new Pickle().op('(').text("storage").global("torch", "FloatStorage")
                .text("0")
                        .text("cpu").op('G', 0x7F, 0xF8, 0, 0, 0, 0, 0, 0, 't', 'Q').stop(), "NaN"),
                pickle("location a number", new Pickle().op('(').text("storage").global("torch", "FloatStorage")
                .text("0")
                        .integer(0).integer(2).op('t', 'Q').stop(), "location"),
                pickle("key a number", new Pickle().op('(').text("storage").global("torch", "FloatStorage").integer(0)
                        .text("cpu").integer(2).op('t', 'Q').stop(), "no number"),
                pickle("key that is 80 bits long", new Pickle().op('}', 0x8a, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'N',
                's').stop(),
                        "key"),
                pickle("integer cut", new Pickle().op(0x8a, 16, 1).stop(), "middle of a value"),
                pickle("call of an element type", new Pickle().global("torch", "float32").op(')', 'R').stop(), "calls"),
                pickle("stack underflow in a tuple", new Pickle().op('N', 0x87).stop(), "empty stack"),
                pickle("name without an end", joined(new Pickle().op('c').stop(), bytes("x".repeat(300))), "256 bytes"),
                pickle("parameter of a string", new Pickle().global("torch._utils", "_rebuild_parameter").op('(')
                .text("x")
                        .op(0x89, 'N', 't', 'R').stop(), "parameter"),
                pickle("dict in itself", new Pickle().op('}', 'q', 0).text("a").op('h', 0, 's').text("w").tensor()
                .op('s').stop(),
                        "1024"),
                tensor("offset negative", -1, new long[] {1}, new long[] {1}, "offset"),
                tensor("offset beyond", 3, new long[] {0}, new long[] {1}, "starts at element 3"),
                tensor("one element beyond", 1, new long[] {2}, new long[] {1}, "reaches element 2"),
                tensor("stride beyond", 0, new long[] {2}, new long[] {2}, "reaches element 2"),
                tensor("stride overflows", 0, new long[] {3}, new long[] {Long.MAX_VALUE / 2}, "stride"),
                tensor("stride negative", 1, new long[] {2}, new long[] {-1}, "stride"),
                tensor("size negative", 0, new long[] {-2}, new long[] {1}, "size"),
                tensor("size overflows", 0, new long[] {1L << 40, 1L << 40}, new long[] {0, 0}, "2^31"),
                tensor("expanded", 0, new long[] {1000, 2}, new long[] {0, 1}, "repeats"),
                tensor("rank mismatch", 0, new long[] {2, 1}, new long[] {1}, "strides"),
                tensor("rank 9", 0, new long[] {1, 1, 1, 1, 1, 1, 1, 1, 2}, new long[] {1, 1, 1, 1, 1, 1, 1, 1, 1},
                "rank 9")));
        for (String name : List.of("os system", "builtins eval", "__builtin__ eval", "torch.nn.modules.conv Conv2d",
                "posix system",
                "torch._utils _rebuild_qtensor", "torch._utils _rebuild_sparse_tensor", "torch.serialization load",
                "torch load",
                "torch QInt8Storage", "torch ComplexFloatStorage", "numpy.core.multiarray scalar", "argparse Namespace",
                "torch._tensor _rebuild_from_type_v2", "torch.storage _load_from_bytes",
                "collections OrderedDict.fromkeys")) {
            String[] parts = name.split(" ");
            all.add(pickle("names " + name, new Pickle().global(parts[0], parts[1]).op(')', 'R').stop(),
                    "names " + parts[0] + "." + parts[1]));
        }
        // what a later protocol, a class instance, or an old writer would use
        for (int opcode : new int[] {0x93, 0x94, 0x95, 0x96, 0x97, 0x82, 0x83, 0x84, 0x8b, 0x8c, 0x8d, 0x8e, 0x81, 0x92,
                'P', 'i', 'o',
            'I', 'F', 'S', 'V', 'L', 'd', 'l', 'p', 'g', '0', '1', '2', 'B', 'C', 'T', 0xFF}) {
            all.add(pickle("opcode " + Integer.toHexString(opcode), new Pickle().op(opcode).stop(),
                    "opcode 0x" + Integer.toHexString(opcode)));
        }
        return all;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("malformed")
    void refusesAndSaysWhy(String what, byte[] bytes, String expected) {
        WeightsException e = assertThrows(WeightsException.class, () -> read(bytes), what);
        assertTrue(e.getMessage().startsWith("t.pth: ") && e.getMessage().contains(expected), e.getMessage() + " lacks "
                + expected);
    }
}
