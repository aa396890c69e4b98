package io.attentivecutmix.weights;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Interprets the pickle stream of a {@code torch.save} archive as plain data: no class is ever built, no function ever
 * called.
 *
 * <p>Written for this rather than taken from a library: net.razorvine:pickle allocates what a length field says before
 * it reads, sets no limit to memo or values, builds and fills objects by reflection, and keeps its constructors in a
 * map of the whole process. This one knows the opcodes that a state dict is made of (protocol 2), three functions that
 * it gives a meaning of its own, and nothing else. Every opcode consumes a byte, lengths are checked against what is
 * left before memory is taken, and values and memo entries are counted. Opcodes: CPython's Lib/pickletools.py.
 */
final class PickleReader {
    /** Values, and memo entries: three times what a ResNet-152, a copy and its optimiser's state need together. */
    private static final int MAX_VALUES = 250_000;
    private static final int MAX_RANK = 8;
    private static final int MAX_GLOBAL = 256;

    /** Python's None. */
    static final Object NONE = new Object() {
        @Override
        public String toString() {
            return "None";
        }
    };

    /** A function or class that the stream names. */
    record Global(String module, String name) {
        @Override
        public String toString() {
            return module + "." + name;
        }
    }

    /** An immutable sequence. */
    record Tuple(List<Object> items) {}

    /** A list that APPEND adds to; compared by identity, since it may hold itself. */
    static final class Items {
        final List<Object> list = new ArrayList<>();
    }

    /** A dict or OrderedDict; compared by identity, since it may hold itself. */
    static final class Dict {
        final Map<Object, Object> map = new LinkedHashMap<>();
    }

    /** A storage of the archive, by its persistent id. */
    record Storage(DType type, String key, long elements) {}

    /** A tensor: a view of a storage, in elements. */
    record Tensor(Storage storage, long offset, List<Long> size, List<Long> stride) {}

    private static final Object MARK = new Object();

    /** Element types, which hyper-parameters may name; without a meaning here. */
    private static final Set<String> ELEMENT_TYPES = Set.of("float64", "float32", "float16", "bfloat16", "int64",
            "int32",
            "int16", "int8", "uint8", "bool");

    private final ByteBuffer in;
    private final String file;
    private final List<Object> stack = new ArrayList<>();
    private final Map<Integer, Object> memo = new HashMap<>();
    private final Set<Storage> storages = new LinkedHashSet<>();
    private int values;

    private PickleReader(ByteBuffer stream, String file) {
        in = stream.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        this.file = file;
    }

    /**
     * What a stream holds.
     *
     * @param value its one value
     * @param storages every storage it refers to, each once
     */
    record Content(Object value, Set<Storage> storages) {}

    /** @throws WeightsException if the stream is anything but sound plain data */
    static Content read(ByteBuffer stream, String file) {
        PickleReader reader = new PickleReader(stream, file);
        return new Content(reader.read(), reader.storages);
    }

    private Object read() {
        expect(u8() == 0x80 && u8() == 2, "does not start with protocol 2, which torch.save writes");
        while (true) {
            int at = in.position();
            int opcode = u8();
            if (opcode == '.') {
                Object result = pop();
                expect(stack.isEmpty(), "leaves values on the stack");
                expect(!in.hasRemaining(), "goes on after its end");
                return result;
            }
            execute(opcode, at);
        }
    }

    private void execute(int opcode, int at) {
        switch (opcode) {
            case '(' -> push(MARK);
            case 'N' -> push(NONE);
            case 0x88 -> push(Boolean.TRUE);
            case 0x89 -> push(Boolean.FALSE);
            case 'J' -> push((long) in(4).getInt());
            case 'K' -> push((long) u8());
            case 'M' -> push(in(2).getShort() & 0xFFFFL);
            case 0x8a -> push(longInteger());
            case 'G' -> push(in(8).order(ByteOrder.BIG_ENDIAN).getDouble());
            case 'X' -> push(text(length(in(4).getInt())));
            case 'U' -> push(text(u8()));
            case ')' -> push(new Tuple(List.of()));
            case 't' -> push(new Tuple(List.copyOf(toMark())));
            case 0x85 -> push(new Tuple(List.of(pop())));
            case 0x86 -> {
                Object b = pop();
                push(new Tuple(List.of(pop(), b)));
            }
            case 0x87 -> {
                Object c = pop();
                Object b = pop();
                push(new Tuple(List.of(pop(), b, c)));
            }
            case ']' -> push(new Items());
            case 'a' -> {
                Object value = pop();
                list("has APPEND on something that is no list").list.add(value);
            }
            case 'e' -> {
                List<Object> added = toMark();
                list("has APPENDS on something that is no list").list.addAll(added);
            }
            case '}' -> push(new Dict());
            case 's' -> {
                Object value = pop();
                Object key = pop();
                put(dict("has SETITEM on something that is no dict"), key, value);
            }
            case 'u' -> {
                List<Object> pairs = toMark();
                expect(pairs.size() % 2 == 0, "has SETITEMS with an odd number of values");
                Dict dict = dict("has SETITEMS on something that is no dict");
                for (int i = 0; i < pairs.size(); i += 2) {
                    put(dict, pairs.get(i), pairs.get(i + 1));
                }
            }
            case 'c' -> push(global());
            case 'Q' -> push(storage(pop()));
            case 'R' -> {
                Object arguments = pop();
                push(reduce(pop(), arguments));
            }
            case 'b' -> {
                // attributes of an OrderedDict (torch's _metadata): not of interest
                pop();
                dict("has BUILD on something that is no dict");
            }
            case 'q' -> memoise(u8());
            case 'r' -> memoise(in(4).getInt());
            case 'h' -> push(recall(u8()));
            case 'j' -> push(recall(in(4).getInt()));
            default -> throw fault("has opcode 0x" + Integer.toHexString(opcode) + " at byte " + at
                    + ", which no state dict needs");
        }
    }

    private void put(Dict dict, Object key, Object value) {
        expect(key instanceof String || key instanceof Long, "has a dict key that is neither a string nor an integer");
        if (dict.map.putIfAbsent(key, value) != null) {
            throw fault("has the dict key " + key + " twice");
        }
    }

    private void memoise(int index) {
        memo.put(index, peek());
        expect(memo.size() <= MAX_VALUES, "has more than " + MAX_VALUES + " memo entries");
    }

    private Object recall(int index) {
        Object value = memo.get(index);
        if (value == null) {
            throw fault("recalls value " + Integer.toUnsignedString(index) + ", which it never stored");
        }
        return value;
    }

    /** What is done where Python would call a function. */
    private Object reduce(Object callable, Object arguments) {
        expect(callable instanceof Global, "calls something that is no function");
        if (!(arguments instanceof Tuple)) {
            throw fault("calls " + callable + " with something that is no tuple");
        }
        List<Object> args = ((Tuple) arguments).items();
        switch (callable.toString()) {
            case "collections.OrderedDict" -> {
                expect(args.isEmpty(), "makes an OrderedDict of arguments");
                return new Dict();
            }
            case "torch._utils._rebuild_tensor_v2" -> {
                if (args.size() != 6 && args.size() != 7) {
                    throw fault("makes a tensor of " + args.size() + " arguments");
                }
                expect(args.size() == 6 || isEmpty(args.get(6)),
                        "makes a tensor with metadata (conjugated, quantised, or the like)");
                expect(args.get(0) instanceof Storage, "makes a tensor of something that is no storage");
                return new Tensor((Storage) args.get(0), integer(args.get(1), "offset"), integers(args.get(2), "size"),
                        integers(args.get(3), "stride"));
            }
            case "torch._utils._rebuild_parameter" -> {
                expect(args.size() == 3 && args.get(0) instanceof Tensor,
                        "makes a parameter of something that is no tensor");
                return args.get(0);
            }
            default -> throw fault("calls " + callable + ", which is no state dict's; save with"
                    + " torch.save(model.state_dict(), file)");
        }
    }

    private static boolean isEmpty(Object metadata) {
        return metadata == NONE || metadata instanceof Dict d && d.map.isEmpty();
    }

    private Global global() {
        Global global = new Global(line(), line());
        boolean known = switch (global.toString()) {
            case "collections.OrderedDict", "torch._utils._rebuild_tensor_v2",
                    "torch._utils._rebuild_parameter" -> true;
            default -> global.module().equals("torch")
                    && (storageType(global.name()) != null || ELEMENT_TYPES.contains(global.name()));
        };
        if (!known) {
            throw fault("names " + global + ", so it is more than a state dict: loading it would run code; save with"
                    + " torch.save(model.state_dict(), file)");
        }
        return global;
    }

    private static DType storageType(String name) {
        return switch (name) {
            case "DoubleStorage" -> DType.F64;
            case "FloatStorage" -> DType.F32;
            case "HalfStorage" -> DType.F16;
            case "BFloat16Storage" -> DType.BF16;
            case "LongStorage" -> DType.I64;
            case "IntStorage" -> DType.I32;
            case "ShortStorage" -> DType.I16;
            case "CharStorage" -> DType.I8;
            case "ByteStorage" -> DType.U8;
            case "BoolStorage" -> DType.BOOL;
            default -> null;
        };
    }

    /** ('storage', type, key, location, elements): where it lay, on which device, does not matter. */
    private Storage storage(Object id) {
        expect(id instanceof Tuple t && t.items().size() == 5, "has a persistent id that is no storage");
        List<Object> items = ((Tuple) id).items();
        DType type = items.get(1) instanceof Global g ? storageType(g.name()) : null;
        expect("storage".equals(items.get(0)) && type != null, "has a persistent id that is no storage");
        expect(items.get(2) instanceof String key && TorchReader.isStorageKey(key),
                "has a storage whose key is no number");
        expect(items.get(3) instanceof String, "has a storage whose location is no string");
        long elements = integer(items.get(4), "number of elements");
        Storage storage = new Storage(type, (String) items.get(2), elements);
        storages.add(storage);
        return storage;
    }

    private long integer(Object value, String what) {
        if (value instanceof Long v && v >= 0) {
            return v;
        }
        throw fault("has a tensor or storage whose " + what + " is " + shown(value)
                + "; allowed: integers of 0 or more");
    }

    private List<Long> integers(Object value, String what) {
        if (!(value instanceof Tuple)) {
            throw fault("has a tensor whose " + what + " is no tuple");
        }
        int rank = ((Tuple) value).items().size();
        // before the copy: many tensors can share one tuple of a million
        if (rank > MAX_RANK) {
            throw fault("has a tensor of rank " + rank + "; allowed: up to " + MAX_RANK);
        }
        List<Long> out = new ArrayList<>(rank);
        for (Object item : ((Tuple) value).items()) {
            out.add(integer(item, what));
        }
        return out;
    }

    /** Scalars as they are; anything that may be large or hold itself by its kind alone. */
    private static Object shown(Object value) {
        return value instanceof Long || value instanceof Double || value instanceof Boolean || value == NONE ? value
                : value.getClass().getSimpleName();
    }

    /**
     * A Long, or a BigInteger where a hyper-parameter (an unsigned 64-bit seed, say) needs more; no size or key may be
     * one.
     */
    private Object longInteger() {
        int n = u8();
        if (n > 16) {
            throw fault("has an integer of " + n + " bytes; allowed: up to 16");
        }
        if (n > 8) {
            byte[] bigEndian = new byte[n];
            ByteBuffer bytes = in(n);
            for (int i = 0; i < n; i++) {
                bigEndian[n - 1 - i] = bytes.get(i);
            }
            return new BigInteger(bigEndian);
        }
        long value = 0;
        for (int i = 0; i < n; i++) {
            long b = u8();
            value |= b << 8 * i;
            if (i == n - 1 && (b & 0x80) != 0 && n < 8) {
                value |= -1L << 8 * n;
            }
        }
        return value;
    }

    private String line() {
        int from = in.position();
        while (u8() != '\n') {
            expect(in.position() - from <= MAX_GLOBAL, "has a name of more than " + MAX_GLOBAL + " bytes");
        }
        return StandardCharsets.ISO_8859_1.decode(in.slice(from, in.position() - 1 - from)).toString();
    }

    private int length(int n) {
        if (n < 0 || n > in.remaining()) {
            throw fault("has a string of " + Integer.toUnsignedString(n) + " bytes, but " + in.remaining()
                    + " are left");
        }
        return n;
    }

    private String text(int length) {
        try {
            return StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT).decode(in(length))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new WeightsException(file, "data.pkl", "has a string that is not UTF-8", e);
        }
    }

    private int u8() {
        if (!in.hasRemaining()) {
            throw endsEarly();
        }
        return in.get() & 0xFF;
    }

    /** The next bytes, which must be there. */
    private ByteBuffer in(int length) {
        if (in.remaining() < length) {
            throw endsEarly();
        }
        ByteBuffer slice = in.slice(in.position(), length).order(ByteOrder.LITTLE_ENDIAN);
        in.position(in.position() + length);
        return slice;
    }

    private WeightsException endsEarly() {
        return fault("ends at byte " + in.limit() + " in the middle of a value");
    }

    private void push(Object value) {
        expect(++values <= MAX_VALUES, "has more than " + MAX_VALUES + " values");
        stack.add(value);
    }

    private Object peek() {
        expect(!stack.isEmpty() && stack.get(stack.size() - 1) != MARK, "takes a value from an empty stack");
        return stack.get(stack.size() - 1);
    }

    private Object pop() {
        Object value = peek();
        stack.remove(stack.size() - 1);
        return value;
    }

    private Items list(String otherwise) {
        expect(peek() instanceof Items, otherwise);
        return (Items) peek();
    }

    private Dict dict(String otherwise) {
        expect(peek() instanceof Dict, otherwise);
        return (Dict) peek();
    }

    private List<Object> toMark() {
        int mark = stack.lastIndexOf(MARK);
        expect(mark >= 0, "takes values up to a mark that is not there");
        List<Object> above = stack.subList(mark + 1, stack.size());
        List<Object> items = new ArrayList<>(above);
        above.clear();
        stack.remove(mark);
        return items;
    }

    /** @param fault a constant: what had to be put together for every value would be most of the work */
    private void expect(boolean condition, String fault) {
        if (!condition) {
            throw fault(fault);
        }
    }

    private WeightsException fault(String fault) {
        return new WeightsException(file, "data.pkl", fault);
    }
}
