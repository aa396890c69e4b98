package io.attentivecutmix.weights;

import io.attentivecutmix.weights.TorchFile.Out;
import io.attentivecutmix.weights.TorchFile.Pickle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Archives that must be refused, beside those of {@link TorchReaderTest}: every record, opcode and limit. */
final class BadArchives {
    private static final String[] STORAGES = {"DoubleStorage", "FloatStorage", "HalfStorage", "BFloat16Storage",
        "LongStorage", "IntStorage", "ShortStorage", "CharStorage", "ByteStorage", "BoolStorage"};
    private static final int[] WIDTHS = {8, 4, 2, 2, 8, 4, 2, 1, 1, 1};
    /** Opcodes that a state dict is made of. */
    private static final String KNOWN = "(NJKMGXU)t]ae}sucQRbqrhj.";
    private static final List<Integer> KNOWN_HIGH = List.of(0x80, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a);

    private final List<BadFile> all = new ArrayList<>();

    private BadArchives() {
        containers();
        names();
        records();
        opcodes();
        functions();
        streams();
        storages();
        tensors();
        limits();
    }

    static List<BadFile> all() {
        return new BadArchives().all;
    }

    private void add(String what, Supplier<byte[]> bytes, String fault) {
        all.add(new BadFile("archive: " + what, bytes, fault));
    }

    private void zip(String what, Consumer<TorchFile> change, String fault) {
        TorchFile file = TorchFile.of(TorchFile.good());
        change.accept(file);
        add(what, file::bytes, fault);
    }

    private void stream(String what, Pickle pickle, String fault) {
        byte[] stream = pickle.stop();
        add(what, () -> TorchFile.of(stream).bytes(), fault);
    }

    private static String shown(String text) {
        StringBuilder out = new StringBuilder();
        text.chars().forEach(c -> out.append(c > ' ' && c < 127 ? "" + (char) c : "<" + Integer.toHexString(c) + ">"));
        return out.toString();
    }

    private static byte[] good() {
        return TorchFile.of(TorchFile.good()).bytes();
    }

    private static byte[] latin1(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static byte[] joined(byte[]... parts) {
        Out out = new Out();
        Arrays.stream(parts).forEach(out::raw);
        return out.toByteArray();
    }

    private void containers() {
        byte[] good = good();
        byte[] tar = new byte[1024];
        System.arraycopy(latin1("sys_info"), 0, tar, 0, 8);
        System.arraycopy(latin1("ustar"), 0, tar, 257, 5);
        byte[] safetensors = BadSafetensors.file("{}", 0);
        // one file that is two things: the first decides, and bytes beside it are refused
        add("tar before the archive", () -> joined(tar, good), "a tar archive");
        add("tar after the archive", () -> joined(good, tar), "end record");
        add("pickle before the archive", () -> joined(TorchFile.good(), good), "bare pickle");
        add("old format before the archive", () -> joined(latin1("\u0080\2l\u00fc\u009cF\u00f9 j\u00a8P\u0019."), good),
                "before version 1.6");
        add("safetensors before the archive", () -> joined(safetensors, good), "data");
        add("safetensors after the archive", () -> joined(good, safetensors), "end record");
        add("archive whose name is a safetensors header", () -> new TorchFile().add("{/data.pkl", TorchFile.good())
                .bytes(), "has no data.pkl and version");
        add("PDF before the archive", () -> joined(latin1("%PDF-1.7\n"), good), "a PDF");
        add("shell script before the archive", () -> joined(latin1("#!/bin/sh\n"), good), "of no known kind");
        add("NumPy before the archive", () -> joined(latin1("\u0093NUMPY\1\0"), good), "NumPy");
        add("archive of an archive", () -> new TorchFile().add("a/model.pth", good).bytes(), "has no data.pkl");
        for (int n = 1; n <= 22; n += 3) {
            byte[] trailing = new byte[n];
            add(n + " zeros after the archive", () -> joined(good, trailing), "end record");
        }
        for (int n = 1; n <= 22; n += 3) {
            int length = good.length - n;
            add("archive without its last " + n + " bytes", () -> Arrays.copyOf(good, length), "end record");
        }
        for (String head : List.of("PK", "PK\3", "PK\3\4", "PK\7\b", "PK\1\2", "PK\6\6")) {
            add("nothing but the start of a zip: " + head.length() + head.charAt(head.length() - 1),
                    () -> latin1(head), "");
        }
        for (String[] kind : new String[][] {{"BZh91AY", "compressed"}, {"\u00fd7zXZ\0", "compressed"},
            {"7z\u00bc\u00af", "no known kind"}, {"Rar!\u001a\7", "no known kind"}, {"\u007fELF", "no known kind"},
            {"{\"a\":1}", "no known kind"}, {"<?xml?>", "HTML or XML"}, {"\u0080\4\u0095", "bare pickle"},
            {"\u0080\5", "bare pickle"}, {"\u0080\2}q\0.", "bare pickle"}, {"\b\7\22\5onnx1", "ONNX"},
            {"lmdb", "no known kind"}, {"\b1234567", "no known kind"}, {"GGUF", "GGUF"},
            {"\0\0\0\0", "no known kind"}}) {
            add("file that starts with " + shown(kind[0]), () -> latin1(kind[0]), kind[1]);
        }
        for (String name : List.of("constants.pkl", "code/__torch__.py", "model.json", "attributes.pkl",
                "code/__torch__/x.py.debug_pkl")) {
            zip("TorchScript's " + name, f -> f.add("a/" + name, "x"), "TorchScript");
        }
        add("document of another kind", () -> new TorchFile().add("mimetype", "x").bytes(), "an office document");
        zip("torch.export's archive_format", f -> f.add("a/archive_format", "pt2"), "torch.export");
    }

    private void names() {
        for (int c = 0; c < 32; c++) {
            String name = "a/x" + (char) c;
            zip("name with the character " + c, f -> f.add(name, "x"), "has the character");
        }
        zip("name with the character 127", f -> f.add("a/x\u007f", "x"), "has the character 127");
        for (String name : List.of("..", "../a", "a/..", "a/../../x", "a/.", "./a/x", "a/./x", "/", "//", "a/",
                "a//", "/etc/passwd", "a/b/", "...", "a/x/..")) {
            zip("name " + name, f -> f.add(name, "x"), "");
        }
        for (String name : List.of("C:/x", "c:x", "Z:")) {
            zip("name " + name, f -> f.add(name, "x"), "drive letter");
        }
        for (String name : List.of("a\\x", "a\\..\\x", "\\x", "a/\\\\server\\x")) {
            zip("name " + name, f -> f.add(name, "x"), "has the character 92");
        }
        for (String name : List.of("a/Data.pkl", "a/DATA.PKL", "a/BYTEORDER", "a/Version", "A/version")) {
            zip("same but for case: " + name, f -> f.add(name, "x"), "");
        }
        for (String name : List.of("a/data.pkl", "a/version", "a/byteorder", "a/data/0")) {
            zip("twice: " + name, f -> f.add(name, "x"), "is there twice");
        }
        for (String name : List.of("data", "data.pkl.bak", "data/", "data/x", "data/0x0", "data/-0", "data/+1",
                "data/1.0", "data/ 0", "data/0/1", "data/\u0661", "versions", ".data/x", ".data", "xdata/0",
                "data.pkl/0", "evil.so", "__init__.py")) {
            zip("entry " + name, f -> f.add("a/" + name, "x"), "");
        }
        zip("name of 4,097 bytes", f -> f.add("a/" + "x".repeat(4095), "x"), "4097 bytes");
        zip("name of 65,535 bytes", f -> f.add("a/" + "x".repeat(65_533), "x"), "central directory");
        zip("no name", f -> f.add("", "x"), "name of 0 bytes");
        zip("name of one letter", f -> f.add("x", "x"), "is not in a folder");
        zip("other folder", f -> f.add("aa/version", "x"), "not in the folder");
        zip("folder of the data in another", f -> f.remove("a/data/0").add("b/data/0", new byte[8]),
                "not in the folder");
    }

    /** A sound file with another value at a place of its records. */
    private void patched(String what, int record, int index, int offset, int width, long value, String fault) {
        byte[] file = good();
        ByteBuffer in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        int at = 0;
        for (int seen = -1; seen < index; at++) {
            seen += in.getInt(at) == record ? 1 : 0;
        }
        for (int i = 0; i < width; i++) {
            file[at - 1 + offset + i] = (byte) (value >> 8 * i);
        }
        add(what, () -> file, fault);
    }

    private void records() {
        int local = 0x04034b50;
        int central = 0x02014b50;
        int end = 0x06054b50;
        int descriptor = 0x08074b50;
        for (int i = 0; i < 4; i++) {
            patched("local header " + i + " without its mark", local, i, 0, 1, 'Q', i == 0 ? "known kind"
                    : "no local header");
            patched("central header " + i + " without its mark", central, i, 0, 1, 'Q', "central directory");
            patched("descriptor " + i + " without its mark", descriptor, i, 0, 1, 'Q', "descriptor");
            patched("descriptor " + i + " of another CRC", descriptor, i, 4, 1, 0x55, "CRC");
            patched("descriptor " + i + " of another compressed size", descriptor, i, 8, 2, 0x5555, "another size");
            patched("descriptor " + i + " of another size", descriptor, i, 12, 2, 0x5555, "another size");
            patched("central header " + i + " of another CRC", central, i, 16, 4, 0x12345678, "CRC");
            patched("central header " + i + " of another compressed size", central, i, 20, 2, 0x5555, "sizes");
            patched("central header " + i + " of a size beyond the file", central, i, 20, 8, 0x7FFFFFFF_7FFFFFFFL,
                    "more than the file");
            patched("central header " + i + " of sizes elsewhere", central, i, 20, 8, -1L, "");
            patched("central header " + i + " with a comment", central, i, 32, 2, 1, "");
            patched("central header " + i + " on disk 1", central, i, 34, 2, 1, "another disk");
            patched("central header " + i + " of byte 4 billion", central, i, 42, 4, 0xFFFFFFFEL, "");
            patched("central header " + i + " of a byte elsewhere", central, i, 42, 4, -1, "");
            patched("central header " + i + " with an extra field beyond it", central, i, 30, 2, 0xFFFF, "");
            patched("central header " + i + " with a name beyond it", central, i, 28, 2, 0xFFFF, "");
            patched("local header " + i + " of another method", local, i, 8, 2, 8, "another method");
            patched("local header " + i + " with other flags", local, i, 6, 2, 0, "other flags");
            patched("local header " + i + " with a CRC", local, i, 14, 4, 1, "size or CRC");
            patched("local header " + i + " with a longer name", local, i, 26, 2, 40, "");
            patched("local header " + i + " with a shorter name", local, i, 26, 2, 3, "");
            patched("local header " + i + " with a longer extra field", local, i, 28, 2, 7, "");
            patched("local header " + i + " with an extra field of 65,535", local, i, 28, 2, 0xFFFF, "");
        }
        for (int bit = 0; bit < 16; bit++) {
            if (bit != 3 && bit != 11) {
                int flags = 0x0808 | 1 << bit;
                zip("flag " + bit, f -> f.flags = flags, bit == 0 ? "is encrypted" : "has the flags");
            }
        }
        for (int method : new int[] {1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 14, 16, 18, 19, 20, 93, 94, 95, 96, 97, 98, 99,
            65535}) {
            zip("method " + method, f -> f.method = method, "is compressed (method " + method);
        }
        for (int field : new int[] {4, 6, 8, 10}) {
            patched("end record with a 1 at " + field, end, 0, field, 2, 1, field < 8 ? "disks" : "");
        }
        patched("end record of no entries", end, 0, 8, 4, 0, "0 entries");
        patched("end record of 65,535 entries", end, 0, 8, 4, -1, "");
        patched("end record of a directory of no bytes", end, 0, 12, 4, 0, "central directory");
        patched("end record of a directory of 4 GiB", end, 0, 12, 4, -2, "central directory");
        patched("end record of a directory at byte 0", end, 0, 16, 4, 0, "central directory");
        patched("end record of a directory at 4 GiB", end, 0, 16, 4, -2, "central directory");
        patched("end record of a comment of 65,535", end, 0, 20, 2, 0xFFFF, "comment");
        for (String extra : List.of("\1\0\0", "\1\0\4\0xxxx", "\1\0\10\0", "FB\uffff\uffff", "\1\0\0\0\1\0\0\0")) {
            zip("central extra field of " + extra.length() + " bytes, " + (int) extra.charAt(2), f ->
                    f.centralExtra = latin1(extra), "");
            if (extra.length() != 8 || extra.charAt(2) == 0) {
                zip("local extra field of " + extra.length() + " bytes, " + (int) extra.charAt(2), f ->
                        f.localExtra = latin1(extra), "");
            }
        }
        // the last entry has two bytes
        patched("last entry that runs into the directory", central, 3, 20, 8, 0x28_00000028L, "runs into");
        patched("last entry that leaves no room for its descriptor", central, 3, 20, 8, 0x7_00000007L,
                "has no descriptor");
        add("end record right after the start of a header", () -> joined(latin1("PK\3\4"), new Out().i32(end).i32(0)
                .i16(1).i16(1).i32(46).i32(0).i16(0).toByteArray()), "central directory");
        add("zip64 field without room for a size", () -> {
            TorchFile wide = TorchFile.of(TorchFile.good());
            wide.wideEntries = true;
            byte[] file = wide.bytes();
            int extra = new String(file, StandardCharsets.ISO_8859_1).indexOf("PK\1\2") + 46 + "a/data.pkl".length();
            System.arraycopy(new byte[] {1, 0, 4, 0, 9, 9, 9, 9, 'F', 'B', 16, 0}, 0, file, extra, 12);
            return file;
        }, "a zip64 field that is too short");
        byte[] good = good();
        add("not UTF-8 in a name", () -> latin1(new String(good, StandardCharsets.ISO_8859_1)
                .replace("a/byteorder", "a/\u00ffyteorder")), "UTF-8");
        add("central directory twice", () -> {
            int start = new String(good, StandardCharsets.ISO_8859_1).indexOf("PK\1\2");
            return joined(Arrays.copyOf(good, good.length - 22), Arrays.copyOfRange(good, start, good.length));
        }, "central directory");
        for (long lie : new long[] {-1, 1, 1L << 32, Long.MAX_VALUE, Long.MIN_VALUE}) {
            zip("zip64 directory of " + lie + " bytes more", f -> {
                f.zip64 = true;
                f.size64Delta = lie;
            }, "central directory");
            zip("zip64 directory " + lie + " bytes further", f -> {
                f.zip64 = true;
                f.start64Delta = lie;
            }, "central directory");
            zip("zip64 directory of " + lie + " entries more", f -> {
                f.zip64 = true;
                f.entries64Delta = lie;
            }, "");
            zip("zip64 entries of " + lie + " bytes more", f -> {
                f.wideEntries = true;
                f.wideSizeDelta = lie;
            }, "");
        }
    }

    private void opcodes() {
        for (int opcode = 0; opcode < 256; opcode++) {
            if (KNOWN.indexOf(opcode) < 0 && !KNOWN_HIGH.contains(opcode)) {
                stream("opcode " + Integer.toHexString(opcode), new Pickle().op('}', opcode), "has opcode 0x"
                        + Integer.toHexString(opcode) + " at byte 3");
            }
        }
        stream("PROTO again", new Pickle().op('}', 0x80, 2), "opcode 0x80");
        for (int protocol : new int[] {0, 1, 3, 4, 5, 255}) {
            byte[] stream = {(byte) 0x80, (byte) protocol, '}', '.'};
            add("protocol " + protocol, () -> TorchFile.of(stream).bytes(), "protocol 2");
        }
        for (int opcode : new int[] {'t', 0x85, 0x86, 0x87, 'a', 'e', 's', 'u', 'Q', 'R', 'b', 'q', '.'}) {
            stream("opcode " + Integer.toHexString(opcode) + " on an empty stack", new Pickle().op(opcode, 0), "");
            stream("opcode " + Integer.toHexString(opcode) + " on a mark", new Pickle().op('(', opcode, 0), "");
        }
        int[] lengths = {'J', 3, 'K', 0, 'M', 1, 'G', 7, 'X', 3, 'U', 0, 'r', 3, 'j', 3, 'h', 0, 'q', 0, 0x8a, 0};
        for (int i = 0; i < lengths.length; i += 2) {
            Pickle cut = new Pickle().op('}', lengths[i]);
            for (int n = 0; n < lengths[i + 1]; n++) {
                cut.op(0);
            }
            byte[] stream = Arrays.copyOf(cut.stop(), 4 + lengths[i + 1]);
            add("operand of " + Integer.toHexString(lengths[i]) + " cut", () -> TorchFile.of(stream).bytes(),
                    "in the middle of a value");
        }
        for (int opcode : new int[] {'a', 's', 'e', 'u', 'b'}) {
            String other = opcode == 'a' || opcode == 'e' ? "}" : "]";
            for (String under : List.of("N", ")", "\u0088", "K\1", "U\1x", other)) {
                Pickle pickle = new Pickle().raw(latin1(under));
                if (opcode == 'e' || opcode == 'u') {
                    pickle.op('(');
                }
                pickle.op('K', 1, 'K', 2);
                stream("opcode " + (char) opcode + " on " + shown(under), pickle.op(opcode), "");
            }
        }
        for (String key : List.of("N", ")", "]", "}", "\u0088", "G\0\0\0\0\0\0\0\0", "U\1x\u0085",
                "\u008a\t\0\0\0\0\0\0\0\0\1")) {
            stream("key " + shown(key), new Pickle().op('}').raw(latin1(key)).op('N', 's'),
                    "a dict key that is neither");
        }
        stream("integer key twice", new Pickle().op('}', 'K', 1, 'N', 's', 'M', 1, 0, 'N', 's'), "dict key 1 twice");
        stream("key twice in one SETITEMS", new Pickle().op('}', '(').text("k").op('N').text("k").op('N', 'u'),
                "dict key k twice");
        for (int opcode : new int[] {'h', 'j'}) {
            stream("memo " + (char) opcode + " from elsewhere", new Pickle().op('}', 'q', 1, opcode, 0, 0, 0, 0),
                    "recalls value 0");
        }
    }

    private void functions() {
        for (String name : List.of("builtins exec", "builtins compile", "builtins getattr", "builtins __import__",
                "builtins open", "builtins globals", "builtins set", "builtins bytearray", "builtins complex",
                "builtins object", "__builtin__ exec", "__builtin__ apply", "nt system", "os popen", "os execve",
                "os _exit", "sys exit", "sys modules", "subprocess Popen", "subprocess check_output", "socket socket",
                "pty spawn", "commands getoutput", "shutil rmtree", "runpy run_path", "runpy _run_code",
                "code interact", "importlib import_module", "pickle loads", "_pickle loads", "dill loads",
                "marshal loads",
                "functools partial", "operator attrgetter", "operator methodcaller", "types CodeType", "ctypes CDLL",
                "webbrowser open", "requests get", "urllib.request urlopen", "http.client HTTPSConnection",
                "asyncio.unix_events _UnixSubprocessTransport", "bdb Bdb", "pdb Pdb", "cProfile runctx",
                "profile Profile.run", "timeit timeit", "trace Trace", "venv create", "ensurepip bootstrap", "pip main",
                "pydoc pipepager", "idlelib.pyshell ModifiedInterpreter", "lib2to3.pgen2.grammar Grammar.loads",
                "doctest debug_script", "logging.config dictConfig", "uuid _get_command_stdout",
                "zipimport zipimporter",
                "numpy load", "numpy dtype", "numpy ndarray", "numpy.testing._private.utils runstring",
                "numpy._core.multiarray _reconstruct", "_codecs encode", "copyreg _reconstructor",
                "collections Counter", "collections defaultdict", "collections namedtuple", "collections ordereddict",
                "collections OrderedDict ", " collections OrderedDict", "torch Size", "torch device", "torch Tensor",
                "torch Generator", "torch UntypedStorage", "torch.storage UntypedStorage",
                "torch.storage TypedStorage", "torch.storage FloatStorage", "torch.cuda FloatStorage",
                "torch QUInt8Storage", "torch QInt32Storage", "torch ComplexDoubleStorage", "torch floatstorage",
                "torch complex64", "torch qint8", "torch float8_e4m3fn", "torch hub", "torch.hub load",
                "torch.hub _load_local", "torch.jit load", "torch.jit.unsupported_tensor_ops execWrapper",
                "torch.utils.cpp_extension load_inline", "torch.serialization _get_layout",
                "torch._utils _rebuild_tensor", "torch._utils _rebuild_tensor_v3", "torch._utils _rebuild_tensor_V2",
                "torch._utils _rebuild_meta_tensor_no_storage", "torch._utils _rebuild_nested_tensor",
                "torch._utils _rebuild_sparse_csr_tensor", "torch._utils _rebuild_device_tensor_from_numpy",
                "torch._utils _rebuild_wrapper_subclass", "torch._utils _rebuild_parameter_with_state",
                "torch._utils _rebuild_xla_tensor", "torch._tensor _rebuild_from_type",
                "torch.nn.parameter Parameter", "torch.nn.modules.container Sequential",
                "torchvision.models.resnet ResNet", "timm.models.resnet ResNet", "transformers TrainingArguments",
                "argparse.x Namespace",
                "pathlib PosixPath", "datetime datetime", "decimal Decimal", " ", "torch ", " FloatStorage",
                "x.torch FloatStorage", "torch._utils.x _rebuild_tensor_v2")) {
            int space = name.lastIndexOf(' ', name.length() - (name.endsWith("OrderedDict ") ? 2 : 1));
            Pickle pickle = new Pickle().global(name.substring(0, space), name.substring(space + 1)).op(')', 'R');
            stream("function " + name, pickle, ", so it is more than a state dict");
        }
        for (String called : List.of("N", "]", "}", ")", "U\1x", "K\1", "\u0088", "G\0\0\0\0\0\0\0\0")) {
            stream("call of " + shown(called), new Pickle().raw(latin1(called)).op(')', 'R'),
                    "no function");
        }
        for (String type : STORAGES) {
            stream("call of " + type, new Pickle().global("torch", type).op(')', 'R'), "calls torch." + type);
        }
        stream("call of a string from the memo", new Pickle().text("x").op('q', 0, 'h', 0, ')', 'R'), "no function");
        stream("call of a function that a string names", new Pickle().text("os").text("system").op(0x86, ')', 'R'),
                "no function");
    }

    private void streams() {
        for (String value : List.of("N", "]", ")", "K\1", "U\1x", "\u0088", "G\0\0\0\0\0\0\0\0")) {
            stream("nothing but " + shown(value), new Pickle().raw(latin1(value)), "holds no dict");
        }
        stream("a tensor alone", new Pickle().tensor(), "holds no dict");
        stream("a list of state dicts", new Pickle().op(']', '}', 'a'), "holds no dict");
        stream("a function alone", new Pickle().global("collections", "OrderedDict"), "holds no dict");
        for (int extra : new int[] {0, '.', 'N', 0x80, 255}) {
            byte[] stream = joined(TorchFile.good(), new byte[] {(byte) extra});
            add("stream that goes on with " + extra, () -> TorchFile.of(stream).bytes(), "goes on");
        }
        for (int length : new int[] {3, 1000, Integer.MAX_VALUE, Integer.MIN_VALUE, -1}) {
            stream("string of " + Integer.toUnsignedString(length) + " bytes", new Pickle().op('X')
                    .raw(new Out().i32(length).toByteArray()).op('x'), "has a string of");
        }
        for (String text : List.of("\u00ff", "\u00c0\u0080", "\u00ed\u00a0\u0080", "\u00f4\u0090\u0080\u0080",
                "\u00c3")) {
            stream("string of bytes " + Integer.toHexString(text.charAt(0)), new Pickle().op('U', text.length())
                    .raw(latin1(text)), "UTF-8");
        }
        for (int n : new int[] {17, 18, 100, 254, 255}) {
            stream("integer of " + n + " bytes", new Pickle().op(0x8a, n).raw(new byte[n]), "integer of " + n);
        }
        stream("dict in a dict in itself", new Pickle().op('}', 'q', 0).text("w").tensor().op('s').text("a").op('}')
                .text("b").op('h', 0, 's', 's'), "1024");
        stream("one name by two ways", new Pickle().op('}').text("a.b").tensor().op('s').text("a").op('}').text("b")
                .tensor().op('s', 's'), "a.b: is there twice");
        stream("name of 1,025 characters", new Pickle().op('}').text("n".repeat(1025)).tensor().op('s'), "1024");
        add("stream without a storage's name", () -> TorchFile.of(new Pickle().op('}').stop()).bytes(),
                "referred to by nothing");
    }

    private static Pickle storage(Pickle pickle, Consumer<Pickle> items) {
        pickle.op('}').text("w").op('(');
        items.accept(pickle);
        return pickle.op('t', 'Q', 's');
    }

    private void storages() {
        for (int i = 0; i < STORAGES.length; i++) {
            int width = WIDTHS[i];
            String type = STORAGES[i];
            Pickle pickle = new Pickle().op('}').text("w").global("torch._utils", "_rebuild_tensor_v2").op('(')
                    .storage(type, "0", 6).integer(0).tuple(6).tuple(1).op(0x89, 'N', 't', 'R', 's');
            byte[] stream = pickle.stop();
            for (int size : new int[] {0, 6 * width - 1, 6 * width + 1, 12 * width, 3 * width}) {
                add(type + " of 6 in " + size + " bytes", () -> TorchFile.of(stream).remove("a/data/0")
                        .add("a/data/0", new byte[size]).bytes(), "has 6 elements of");
            }
            for (long wraps : new long[] {Long.MAX_VALUE, Long.MAX_VALUE / width - 1, (1L << 62) + 1, 1L << 61}) {
                stream(type + " of " + wraps, new Pickle().op('}').text("w").storage(type, "0", wraps).op('s'),
                        "has " + wraps + " elements");
            }
            stream(type + " of −1", new Pickle().op('}').text("w").storage(type, "0", -1).op('s'), "is -1");
        }
        String[] badNumbers = {"N", "\u0088", "U\0012", "G\u007f\u00f8\0\0\0\0\0\0", "G\u0040\0\0\0\0\0\0\0", ")", "]",
            "}", "\u008a\t\0\0\0\0\0\0\0\0\1", "J\u00ff\u00ff\u00ff\u00ff"};
        for (String bad : badNumbers) {
            stream("number of elements " + shown(bad), storage(new Pickle(), p -> p.text("storage")
                    .global("torch", "FloatStorage").text("0").text("cpu").raw(latin1(bad))), "number of elements");
        }
        for (String key : List.of("", "a", "-1", "1.0", "0x0", " 0", "0 ", "../0", "/0", "0/1", "0\\1", "\u0661",
                "\uff10", "1".repeat(21), "0\n", "0\0")) {
            stream("storage key '" + shown(key) + "'", new Pickle().op('}').text("w")
                    .storage("FloatStorage", key, 2).op('s'), "key is no number");
        }
        for (String key : List.of("1", "00", "01", "99999999999999999999")) {
            stream("storage key " + shown(key) + " without an entry", new Pickle().op('}').text("w").tensor().op('s')
                    .text("v").storage("FloatStorage", key, 2).op('s'), "has no entry data/" + shown(key));
        }
        for (String bad : List.of("N", "K\0", ")", "\u0088")) {
            stream("storage key " + shown(bad), storage(new Pickle(), p -> p.text("storage")
                    .global("torch", "FloatStorage").raw(latin1(bad)).text("cpu").integer(2)), "key is no number");
            stream("location " + shown(bad), storage(new Pickle(), p -> p.text("storage")
                    .global("torch", "FloatStorage").text("0").raw(latin1(bad)).integer(2)), "location is no string");
            stream("type " + shown(bad), storage(new Pickle(), p -> p.text("storage")
                    .raw(latin1(bad)).text("0").text("cpu").integer(2)), "no storage");
            stream("kind " + shown(bad), storage(new Pickle(), p -> p.raw(latin1(bad))
                    .global("torch", "FloatStorage").text("0").text("cpu").integer(2)), "no storage");
            stream("persistent id " + shown(bad), new Pickle().raw(latin1(bad)).op('Q'),
                    "no storage");
        }
        for (String type : List.of("float32", "bool", "int8")) {
            stream("storage of element type " + type, storage(new Pickle(), p -> p.text("storage")
                    .global("torch", type).text("0").text("cpu").integer(2)), "no storage");
        }
        for (int count : new int[] {0, 1, 4, 6}) {
            stream("persistent id of " + count, storage(new Pickle(), p -> {
                for (int i = 0; i < count; i++) {
                    p.text("storage");
                }
            }), "no storage");
        }
        zip("two storages without a use", f -> f.add("a/data/1", "x").add("a/data/2", "y"), "referred to by nothing");
        for (String order : List.of("Big", "", "Little", "little\n", " little", "middle", "little\0", "x".repeat(16))) {
            zip("byteorder '" + shown(order) + "'", f -> f.remove("a/byteorder").add("a/byteorder",
                    order), "allowed: little, big");
        }
        zip("byteorder of 10 MB", f -> f.remove("a/byteorder").add("a/byteorder", new byte[10_000_000]),
                "10000000 bytes");
    }

    private void tensor(String what, long offset, long[] size, long[] stride, String fault) {
        stream("tensor " + what, new Pickle().op('}').text("w").tensor(offset, size, stride).op('s'), fault);
    }

    private void tensors() {
        for (long offset : new long[] {-2, Long.MIN_VALUE, 2, 1L << 31, 1L << 32, 1L << 62, Long.MAX_VALUE}) {
            tensor("from " + offset, offset, new long[] {1}, new long[] {1}, "");
        }
        for (long stride : new long[] {-1, Long.MIN_VALUE, 2, 3, 1L << 31, 1L << 32, 1L << 62, Long.MAX_VALUE}) {
            tensor("with stride " + stride, 0, new long[] {2}, new long[] {stride}, "");
        }
        for (long size : new long[] {-1, Long.MIN_VALUE, 3, 1L << 31, 1L << 32, 1L << 40, 1L << 62, Long.MAX_VALUE}) {
            tensor("of " + size, 0, new long[] {size}, new long[] {1}, "");
            tensor("of " + size + " repeated", 0, new long[] {size}, new long[] {0}, "");
            tensor("of 0 by " + size, 0, new long[] {0, size}, new long[] {-1, -1}, "");
            tensor("of " + size + " by " + size, 0, new long[] {size, size}, new long[] {0, 0}, "");
        }
        tensor("of 2 by 2 in 2", 0, new long[] {2, 2}, new long[] {1, 1}, "reaches element 2");
        tensor("of 3 in 2, repeated", 0, new long[] {3}, new long[] {0}, "repeats");
        tensor("of sizes without strides", 0, new long[] {2}, new long[0], "0 strides");
        tensor("of strides without sizes", 0, new long[0], new long[] {1}, "0 sizes");
        tensor("scalar from its storage's end", 2, new long[0], new long[0], "reaches element 2");
        tensor("of rank 100", 0, new long[100], new long[100], "rank 100");
        tensor("of strides that sum past 2^63", 0, new long[] {2, 2, 2, 2}, new long[] {2, 2, 2, 2}, "");
        String[] bad = {"N", "\u0088", "U\0010", "G\0\0\0\0\0\0\0\0", ")", "]", "}"};
        for (String value : bad) {
            String shown = shown(value);
            Pickle offset = new Pickle().op('}').text("w").global("torch._utils", "_rebuild_tensor_v2").op('(')
                    .storage("FloatStorage", "0", 2).raw(latin1(value)).tuple(2).tuple(1);
            stream("tensor of offset " + shown, offset.op(0x89, 'N', 't', 'R', 's'), "offset");
            Pickle sizes = new Pickle().op('}').text("w").global("torch._utils", "_rebuild_tensor_v2").op('(')
                    .storage("FloatStorage", "0", 2).integer(0).raw(latin1(value)).op(0x85).tuple(1);
            stream("tensor of a size " + shown, sizes.op(0x89, 'N', 't', 'R', 's'), "size");
            Pickle strides = new Pickle().op('}').text("w").global("torch._utils", "_rebuild_tensor_v2").op('(')
                    .storage("FloatStorage", "0", 2).integer(0).tuple(2).raw(latin1(value)).op(0x85);
            stream("tensor of a stride " + shown, strides.op(0x89, 'N', 't', 'R', 's'), "stride");
            Pickle store = new Pickle().op('}').text("w").global("torch._utils", "_rebuild_tensor_v2").op('(')
                    .raw(latin1(value)).integer(0).tuple(2).tuple(1);
            stream("tensor of storage " + shown, store.op(0x89, 'N', 't', 'R', 's'), "no storage");
            stream("parameter of " + shown, new Pickle().global("torch._utils", "_rebuild_parameter").op('(')
                    .raw(latin1(value)).op(0x88, 'N', 't', 'R'), "parameter");
            if (!value.equals("N") && !value.equals("}")) {
                Pickle metadata = new Pickle().op('}').text("w").global("torch._utils", "_rebuild_tensor_v2").op('(')
                        .storage("FloatStorage", "0", 2).integer(0).tuple(2).tuple(1).op(0x89, 'N');
                stream("tensor with metadata " + shown, metadata.raw(latin1(value)).op('t', 'R', 's'), "metadata");
            }
        }
        for (int count : new int[] {0, 1, 4, 5, 8, 9}) {
            Pickle pickle = new Pickle().op('}').text("w").global("torch._utils", "_rebuild_tensor_v2").op('(');
            for (int i = 0; i < count; i++) {
                pickle.op('N');
            }
            stream("tensor of " + count + " arguments", pickle.op('t', 'R', 's'), count + " arguments");
        }
        for (int count : new int[] {0, 1, 2, 4}) {
            Pickle pickle = new Pickle().op('}').text("w").global("torch._utils", "_rebuild_parameter").op('(');
            for (int i = 0; i < count; i++) {
                pickle.op('N');
            }
            stream("parameter of " + count + " arguments", pickle.op('t', 'R', 's'), "parameter");
        }
        for (String flag : List.of("conj", "neg", "quantizer", "layout")) {
            Pickle pickle = new Pickle().op('}').text("w").global("torch._utils", "_rebuild_tensor_v2").op('(')
                    .storage("FloatStorage", "0", 2).integer(0).tuple(2).tuple(1).op(0x89, 'N', '}').text(flag);
            stream("tensor with " + flag, pickle.op(0x88, 's', 't', 'R', 's'), "metadata");
        }
    }

    private void limit(String what, Supplier<Pickle> pickle, String fault) {
        add(what, () -> TorchFile.of(pickle.get().stop()).bytes(), fault);
    }

    private static Pickle repeated(Pickle pickle, int count, int... opcodes) {
        for (int i = 0; i < count; i++) {
            pickle.op(opcodes);
        }
        return pickle;
    }

    /** Level by level, each dict holds the one before under many long keys: 10^9 dicts in a file of 1 MB. */
    private static Pickle laughs(int width, String key) {
        Pickle p = new Pickle().op('}').text("w").tensor().op('s').text("0").op('}', 'q', 0).text("k").op('N', 's',
                's');
        for (int level = 1; level <= 3; level++) {
            p.text("" + level).op('}', 'q', level);
            for (int i = 0; i < width; i++) {
                p.text(i + key).op('h', level - 1, 's');
            }
            p.op('s');
        }
        return p;
    }

    private void limits() {
        limit("dicts in dicts in dicts", () -> laughs(1000, "k".repeat(300)), "more than 100000 entries");
        limit("dicts in dicts of keys beyond Latin-1", () -> laughs(1000, "\u4e00".repeat(300)),
                "more than 100000 entries");
        limit("empty dicts in dicts", () -> {
            Pickle p = new Pickle().op('}').text("w").tensor().op('s').text("0").op('}', 'q', 0, '(');
            for (int i = 0; i < 300; i++) {
                p.text(i + "k".repeat(900)).op('}');
            }
            p.op('u', 's').text("1").op('}', '(');
            for (int i = 0; i < 400; i++) {
                p.text("" + i).op('h', 0);
            }
            return p.op('u', 's');
        }, "more than 100000 entries");
        limit("tensors in dicts in dicts", () -> {
            Pickle p = new Pickle().op('}').text("0").op('}', 'q', 0, '(');
            p.text("w").tensor().op('q', 9);
            for (int i = 0; i < 199; i++) {
                p.text(i + "k".repeat(900)).op('h', 9);
            }
            p.op('u', 's').text("1").op('}', '(');
            for (int i = 0; i < 100; i++) {
                p.text("" + i).op('h', 0);
            }
            return p.op('u', 's');
        }, "more than 16384 tensors");
        limit("long key of many dicts", () -> {
            Pickle p = new Pickle().op('}').text("k".repeat(4_000_000)).op('q', 0, 'N', 's', '(');
            for (int i = 0; i < 60_000; i++) {
                p.op('J').raw(new Out().i32(i).toByteArray()).op('}', 'h', 0, 'N', 's');
            }
            return p.op('u');
        }, "referred to by nothing");
        limit("memo of every index", () -> {
            Pickle p = new Pickle().op('}');
            for (int i = 0; i < 300_000; i++) {
                p.op('r', i, i >> 8, i >> 16, 255);
            }
            return p;
        }, "");
        limit("dicts that fill a stream", () -> repeated(new Pickle().op('('), 300_000, '}').op('t'), "values");
        limit("lists that fill a stream", () -> repeated(new Pickle().op('('), 300_000, ']').op('t'), "values");
        limit("integers that fill a stream", () -> repeated(new Pickle().op('('), 300_000, 'K', 1).op('t'), "values");
        limit("marks that fill a stream", () -> repeated(new Pickle(), 300_000, '('), "values");
        limit("tuples in tuples", () -> repeated(new Pickle().op('N'), 300_000, 0x85), "values");
        limit("dicts in dicts, one each", () -> {
            Pickle p = new Pickle().op('}');
            for (int i = 0; i < 2000; i++) {
                p.text("k").op('}');
            }
            return repeated(p.op('N').op('s'), 0);
        }, "");
        limit("storages that fill a stream", () -> {
            Pickle p = new Pickle().global("torch", "FloatStorage").op('q', 0).text("storage").op('q', 1).text("cpu")
                    .op('q', 2, '}');
            for (int i = 0; i < 60_000; i++) {
                p.op('(', 'h', 1, 'h', 0).text("" + i).op('h', 2, 'K', 2, 't', 'Q');
            }
            return p;
        }, "");
        limit("tensors of one tuple of 200,000 sizes", () -> {
            Pickle p = repeated(new Pickle().op('('), 200_000, 'K', 1);
            p.op('t', 'q', 0).storage("FloatStorage", "0", 2).op('q', 1)
                    .global("torch._utils", "_rebuild_tensor_v2").op('q', 2, ']');
            return repeated(p, 10_000, 'h', 2, '(', 'h', 1, 'K', 0, 'h', 0, 'h', 0, 0x89, 'N', 't', 'R', 'a');
        }, "rank 200000");
        limit("stream of 16 MiB and a byte", () -> new Pickle().text("x".repeat(16 << 20)), "16777");
        add("archive of 20,001 entries", () -> entries(20_001, "a/data/"), "allowed: 1 to 20000");
        add("archive of 20,000 entries", () -> entries(20_000, "a/data/"), "referred to by nothing");
        add("archive of 20,000 long names", () -> entries(20_000, "a/" + "x".repeat(140)), "torch.save writes");
        add("archive of 20,000 longer names", () -> entries(20_000, "a/" + "x".repeat(170)), "allowed: up to 4194304");
    }

    private static byte[] entries(int count, String name) {
        TorchFile file = TorchFile.of(TorchFile.good());
        for (int i = 4; i < count; i++) {
            file.add(name + i, "");
        }
        return file.bytes();
    }
}
