package io.attentivecutmix.weights;

import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.exc.JacksonIOException;
import tools.jackson.core.json.JsonFactory;

/**
 * Reads the safetensors format: 8 bytes little-endian N, N bytes of JSON, then the tensors' bytes without gap or
 * overlap.
 *
 * <p>Refuses what the reference reader (safetensors 0.8) refuses, and beyond that: the same tensor or metadata key
 * twice, a tensor written as an array, types that no network here has a use for, ranks above 8, dimensions above
 * 2^31−1, more than 64 levels of JSON, and headers above 16 MiB, 65,536 tensors, 65,536 metadata keys, names of 2^20
 * and metadata values of 2^22 characters, or 100,000 values in fields that the format does not know. The header is
 * parsed as it is read, and verified against the file's size before memory for data is taken.
 */
final class SafetensorsReader implements TensorFile {
    static final int MAX_HEADER = 16 << 20;
    static final int MAX_TENSORS = 65_536;
    private static final int MAX_METADATA = 65_536;
    private static final int MAX_UNKNOWN = 100_000;
    private static final int MAX_NAME = 1 << 20;
    private static final int MAX_STRING = 1 << 22;
    private static final int MAX_RANK = 8;
    /** The reference stops at 127 levels; real headers have 3. */
    private static final int MAX_DEPTH = 64;
    private static final String METADATA = "__metadata__";
    /** Keeps no table of the names that it has met: they are the files'. */
    private static final JsonFactory JSON = JsonFactory.builder()
            .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
            .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH)
                    .maxNameLength(MAX_NAME).maxStringLength(MAX_STRING).maxNumberLength(1000).build())
            .build();

    private final FileChannel channel;
    private final String file;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final long dataStart;
    private Set<String> metadataKeys;
    private int unknownValues;
    /** Of one field; not made anew for each. */
    private final long[] numbers = new long[MAX_RANK];

    private record Entry(String name, DType type, int[] shape, long begin, long end) {}

    /**
     * Reads and verifies the header, and no data.
     *
     * @param channel read by position; its own position stays; needed open until the data is loaded
     * @param file name in messages
     */
    SafetensorsReader(FileChannel channel, String file) throws IOException {
        this.channel = channel;
        this.file = file;
        long size = channel.size();
        if (size < 8) {
            throw fault("header", "the file has " + size + " bytes; needed: 8 for the header's length");
        }
        long length = fill(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN), 0).getLong(0);
        if (length < 2 || length > MAX_HEADER) {
            throw fault("header", "its length is " + Long.toUnsignedString(length) + "; allowed: 2 to " + MAX_HEADER);
        }
        if (length > size - 8) {
            throw fault("header", "its length is " + length + ", but only " + (size - 8) + " bytes follow");
        }
        parse(length);
        dataStart = 8 + length;
        checkCoverage(size - dataStart);
    }

    /** All tensors of a file. */
    static Map<String, RawTensor> read(FileChannel channel, String file) throws IOException {
        return new SafetensorsReader(channel, file).loadAll();
    }

    @Override
    public Map<String, Info> tensors() {
        Map<String, Info> tensors = new LinkedHashMap<>();
        entries.values().forEach(e -> tensors.put(e.name, new Info(e.type, e.shape)));
        return tensors;
    }

    @Override
    public Map<String, RawTensor> load(Set<String> names) throws IOException {
        List<Entry> wanted = entries.values().stream().filter(e -> names.contains(e.name)).toList();
        Slab slab = new Slab(wanted.stream().mapToLong(e -> e.end - e.begin).sum());
        Map<String, RawTensor> tensors = new LinkedHashMap<>();
        for (Entry e : wanted) {
            ByteBuffer data = fill(slab.take((int) (e.end - e.begin)), dataStart + e.begin);
            tensors.put(e.name, new RawTensor(e.type, e.shape, data.asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN)));
        }
        return tensors;
    }

    private ByteBuffer fill(ByteBuffer buffer, long position) throws IOException {
        expect(Slab.fill(channel, buffer, position), "file", "it became shorter while it was read");
        return buffer;
    }

    /** Bytes 8 to 8 + length of the file. */
    private InputStream header(long length) {
        return new InputStream() {
            private long at = 8;

            @Override
            public int read() throws IOException {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
            }

            @Override
            public int read(byte[] to, int offset, int most) throws IOException {
                int n = (int) Math.min(most, 8 + length - at);
                if (n == 0) {
                    return most == 0 ? 0 : -1;
                }
                fill(ByteBuffer.wrap(to, offset, n).slice(), at);
                at += n;
                return n;
            }
        };
    }

    private void parse(long length) throws IOException {
        // strict UTF-8, decoded here: the parser would guess at UTF-16 and swallow a byte-order mark
        Reader text = new InputStreamReader(header(length), StandardCharsets.UTF_8.newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT).onUnmappableCharacter(CodingErrorAction.REPORT));
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), text)) {
            expect(parser.nextToken() == JsonToken.START_OBJECT, "header", "is no JSON object");
            while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                String name = parser.currentName();
                checkText(name);
                if (name.equals(METADATA)) {
                    metadata(parser);
                } else {
                    expect(entries.size() < MAX_TENSORS, "header", "has more than " + MAX_TENSORS + " tensors");
                    expect(!entries.containsKey(name), name, "is there twice");
                    entries.put(name, tensor(parser, name));
                }
            }
            expect(parser.nextToken() == null, "header", "has something after its object");
        } catch (JacksonIOException e) {
            if (e.getCause() instanceof CharacterCodingException) {
                throw new WeightsException(file, "header", "is not UTF-8: " + e.getOriginalMessage(), e);
            }
            throw e.getCause();
        } catch (JacksonException e) {
            throw new WeightsException(file, "header", "is not valid JSON: " + e.getOriginalMessage(), e);
        }
    }

    /** Lone surrogates are no text; two readers could disagree about them. */
    private void checkText(CharSequence text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean pair = Character.isHighSurrogate(c) && i + 1 < text.length()
                    && Character.isLowSurrogate(text.charAt(i + 1));
            if (pair) {
                i++;
            } else {
                expect(!Character.isSurrogate(c), "header", "has half a surrogate pair in a string");
            }
        }
    }

    /** The parser's value as it lies in its buffer: it can be long, and there can be many. */
    private static CharSequence value(JsonParser parser) {
        return CharBuffer.wrap(parser.getStringCharacters(), parser.getStringOffset(), parser.getStringLength());
    }

    private void metadata(JsonParser parser) {
        expect(metadataKeys == null, METADATA, "is there twice");
        metadataKeys = new HashSet<>();
        JsonToken token = parser.nextToken();
        if (token == JsonToken.VALUE_NULL) {
            return;
        }
        expect(token == JsonToken.START_OBJECT, METADATA, "is no object");
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String key = parser.currentName();
            checkText(key);
            if (!metadataKeys.add(key)) {
                throw fault(METADATA, "has the key \"" + key + "\" twice");
            }
            expect(metadataKeys.size() <= MAX_METADATA, METADATA, "has more than " + MAX_METADATA + " keys");
            if (parser.nextToken() != JsonToken.VALUE_STRING) {
                throw fault(METADATA, "has a value for \"" + key + "\" that is no string");
            }
            checkText(value(parser));
        }
    }

    private Entry tensor(JsonParser parser, String name) {
        expect(parser.nextToken() == JsonToken.START_OBJECT, name, "is no object");
        DType type = null;
        int[] shape = null;
        long begin = -1;
        long end = -1;
        while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
            String field = parser.currentName();
            checkText(field);
            switch (field) {
                case "dtype" -> {
                    expect(type == null, name, "has two dtypes");
                    expect(parser.nextToken() == JsonToken.VALUE_STRING, name, "has a dtype that is no string");
                    type = type(name, parser.getString());
                }
                case "shape" -> {
                    expect(shape == null, name, "has two shapes");
                    shape = new int[integers(parser, name, "shape", MAX_RANK)];
                    for (int d = 0; d < shape.length; d++) {
                        if (numbers[d] > Integer.MAX_VALUE) {
                            throw fault(name, "has a dimension of " + numbers[d] + "; allowed: up to "
                                    + Integer.MAX_VALUE);
                        }
                        shape[d] = (int) numbers[d];
                    }
                }
                case "data_offsets" -> {
                    expect(begin < 0, name, "has data_offsets twice");
                    int count = integers(parser, name, "data_offsets", 2);
                    if (count != 2) {
                        throw fault(name, "has " + count + " data_offsets; needed: 2");
                    }
                    begin = numbers[0];
                    end = numbers[1];
                }
                default -> skip(parser, name);
            }
        }
        expect(type != null, name, "has no dtype");
        expect(shape != null, name, "has no shape");
        expect(begin >= 0, name, "has no data_offsets");
        return entry(name, type, shape, begin, end);
    }

    private DType type(String name, String text) {
        for (DType t : DType.values()) {
            if (t.name().equals(text)) {
                return t;
            }
        }
        throw fault(name, "has dtype " + text
                + "; allowed: F64, F32, F16, BF16, and integers for what is not of the network");
    }

    private Entry entry(String name, DType type, int[] shape, long begin, long end) {
        if (begin > end) {
            throw fault(name, "has data_offsets [" + begin + ", " + end + "] that run backwards");
        }
        long bytes = type.bytes();
        for (int side : shape) {
            expect(side == 0 || bytes <= Long.MAX_VALUE / side, name, "has a shape whose size overflows");
            bytes *= side;
        }
        if (bytes != end - begin) {
            throw fault(name, "has " + (end - begin) + " bytes, but its shape and dtype need " + bytes);
        }
        if (bytes > Integer.MAX_VALUE - 8) {
            throw fault(name, "has " + bytes + " bytes; allowed: below 2 GiB");
        }
        return new Entry(name, type, shape, begin, end);
    }

    /** @return how many, in {@link #numbers} */
    private int integers(JsonParser parser, String name, String field, int most) {
        if (parser.nextToken() != JsonToken.START_ARRAY) {
            throw fault(name, "has a " + field + " that is no array");
        }
        int count = 0;
        for (JsonToken t = parser.nextToken(); t != JsonToken.END_ARRAY; t = parser.nextToken()) {
            if (t != JsonToken.VALUE_NUMBER_INT) {
                throw fault(name, "has a " + field + " with something that is no integer");
            }
            // not getLongValue, which forgets the sign of -0
            char[] text = parser.getStringCharacters();
            int start = parser.getStringOffset();
            int length = parser.getStringLength();
            if (length > 18 || text[start] == '-') {
                throw fault(name, "has a " + field + " with " + value(parser) + "; allowed: 0 to 10^18");
            }
            if (count == most) {
                throw fault(name, "has a " + field + " of more than " + most + " numbers");
            }
            long number = 0;
            for (int i = start; i < start + length; i++) {
                number = 10 * number + text[i] - '0';
            }
            numbers[count++] = number;
        }
        return count;
    }

    /** A field that the format does not know: ignored, as the reference does, but it must be sound JSON. */
    private void skip(JsonParser parser, String name) {
        int depth = 0;
        do {
            JsonToken t = parser.nextToken();
            expect(++unknownValues <= MAX_UNKNOWN, name, "and those before have more than " + MAX_UNKNOWN
                    + " values in fields that the format does not know");
            switch (t) {
                case START_OBJECT, START_ARRAY -> depth++;
                case END_OBJECT, END_ARRAY -> depth--;
                case PROPERTY_NAME -> checkText(parser.currentName());
                case VALUE_STRING -> checkText(value(parser));
                case VALUE_NUMBER_FLOAT, VALUE_NUMBER_INT -> expect(
                        Double.isFinite(Double.parseDouble(parser.getString())), name, "has a number out of range");
                default -> { }
            }
        } while (depth > 0);
    }

    /** Tensors must cover the data exactly: no gap, no overlap, nothing after. */
    private void checkCoverage(long dataSize) {
        List<Entry> sorted = new ArrayList<>(entries.values());
        sorted.sort(Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end));
        long at = 0;
        for (Entry e : sorted) {
            if (e.begin != at) {
                throw fault(e.name, "starts at byte " + e.begin + " of the data; needed: " + at
                        + ", where the one before ends");
            }
            if (e.end > dataSize) {
                throw fault(e.name, "ends at byte " + e.end + " of the data, which has " + dataSize);
            }
            at = e.end;
        }
        expect(at == dataSize, "file", "has " + dataSize + " bytes of data, but its tensors cover " + at);
    }

    private void expect(boolean condition, String where, String fault) {
        if (!condition) {
            throw fault(where, fault);
        }
    }

    private WeightsException fault(String where, String fault) {
        return new WeightsException(file, where, fault);
    }
}
