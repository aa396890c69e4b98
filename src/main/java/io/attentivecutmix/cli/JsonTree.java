package io.attentivecutmix.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/**
 * An object of a small JSON document that an earlier run wrote, with checked access: what is missing or of another type
 * is an error that names the document and the key.
 */
final class JsonTree {
    private static final JsonFactory FACTORY =
            JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

    /** Of a file, in bytes: a class of 20 characters for each of three million ids. */
    private static final int MAX_BYTES = 64 << 20;

    private final String where;
    private final Map<String, Object> members;

    private JsonTree(String where, Map<String, Object> members) {
        this.where = where;
        this.members = members;
    }

    /** As {@link #parse}, from a file of UTF-8. */
    static JsonTree read(Path file, String raw) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw CommandException.usage(file + " is not a regular file");
        }
        if (Files.size(file) > MAX_BYTES) {
            throw CommandException.usage(file + " is longer than " + MAX_BYTES + " bytes");
        }
        byte[] bytes;
        try (InputStream in = Files.newInputStream(file)) {
            bytes = in.readNBytes(MAX_BYTES);
        }
        try {
            return parse(file.toString(), StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString(),
                    raw);
        } catch (CharacterCodingException e) {
            throw CommandException.usage(file + " is not UTF-8", e);
        }
    }

    /**
     * @param where names the document in messages
     * @param raw key of the outermost object whose value is kept as text, for another reader; may be empty
     */
    static JsonTree parse(String where, String json, String raw) {
        try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), json)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw CommandException.usage(where + " is no JSON object");
            }
            JsonTree tree = new JsonTree(where, object(parser, raw));
            if (parser.nextToken() != null) {
                throw CommandException.usage(where + " has something behind its JSON object");
            }
            return tree;
        } catch (JacksonException e) {
            throw CommandException.usage(where + " is no JSON: " + e.getOriginalMessage(), e);
        }
    }

    private static Map<String, Object> object(JsonParser parser, String raw) {
        Map<String, Object> members = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = parser.currentName();
            JsonToken token = parser.nextToken();
            members.put(key, key.equals(raw) ? text(parser) : value(parser, token));
        }
        return members;
    }

    private static Object value(JsonParser parser, JsonToken token) {
        return switch (token) {
            case START_OBJECT -> object(parser, "");
            case START_ARRAY -> {
                List<Object> list = new ArrayList<>();
                for (JsonToken t = parser.nextToken(); t != JsonToken.END_ARRAY; t = parser.nextToken()) {
                    list.add(value(parser, t));
                }
                yield list;
            }
            case VALUE_STRING -> parser.getString();
            case VALUE_NUMBER_INT -> parser.getLongValue();
            case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            default -> Null.VALUE;
        };
    }

    private static String text(JsonParser parser) {
        StringWriter text = new StringWriter();
        try (JsonGenerator generator = FACTORY.createGenerator(ObjectWriteContext.empty(), text)) {
            generator.copyCurrentStructure(parser);
        }
        return text.toString();
    }

    /** JSON's null, which a map of values can hold. */
    private enum Null { VALUE }

    boolean has(String key) {
        return members.containsKey(key) && members.get(key) != Null.VALUE;
    }

    java.util.Set<String> keys() {
        return members.keySet();
    }

    String string(String key) {
        return get(key, String.class, "a string");
    }

    Path path(String key) {
        try {
            return Path.of(string(key));
        } catch (InvalidPathException e) {
            throw CommandException.usage(where + ": " + key + " is no path: " + e.getReason(), e);
        }
    }

    long integer(String key) {
        return get(key, Long.class, "a whole number");
    }

    boolean truth(String key) {
        return get(key, Boolean.class, "true or false");
    }

    @SuppressWarnings("unchecked")
    JsonTree object(String key) {
        return new JsonTree(where + ": " + key, get(key, Map.class, "an object"));
    }

    List<String> strings(String key) {
        return list(key, String.class, "strings");
    }

    List<Long> integers(String key) {
        return list(key, Long.class, "whole numbers");
    }

    private <T> List<T> list(String key, Class<T> type, String what) {
        List<T> out = new ArrayList<>();
        for (Object o : get(key, List.class, "an array")) {
            if (!type.isInstance(o)) {
                throw CommandException.usage(where + ": " + key + " holds " + Printable.shorten(o.toString())
                        + "; allowed: " + what);
            }
            out.add(type.cast(o));
        }
        return out;
    }

    private <T> T get(String key, Class<T> type, String what) {
        Object value = members.get(key);
        if (!type.isInstance(value)) {
            throw CommandException.usage(where + ": " + key
                    + (value == null ? " is missing" : " is " + Printable.shorten(value.toString()))
                    + "; allowed: " + what);
        }
        return type.cast(value);
    }
}
