package io.attentivecutmix.method;

import java.util.Arrays;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;

/**
 * Strict reading of one JSON document: every key known and at most once, every value of its type, integers exact,
 * nothing after the document. Every fault is an IllegalArgumentException that says where.
 */
final class JsonReader {
    private static final int MAX_DEPTH = 8;
    private static final int MAX_TEXT = 100;

    private final String what;
    private final JsonParser parser;

    private JsonReader(String what, JsonParser parser) {
        this.what = what;
        this.parser = parser;
    }

    /**
     * Reads a document.
     *
     * @param what its name in messages
     * @param maxLength longest document, in characters
     * @param body called at the first token
     */
    static <T> T read(String what, String json, int maxLength, Function<JsonReader, T> body) {
        if (json.length() > maxLength) {
            throw new IllegalArgumentException(what + " has " + json.length() + " characters; allowed: up to "
                    + maxLength);
        }
        JsonFactory factory = JsonFactory.builder()
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .streamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(MAX_DEPTH)
                        .maxNameLength(MAX_TEXT)
                        .maxStringLength(MAX_TEXT)
                        .maxNumberLength(MAX_TEXT)
                        .build())
                .build();
        try (JsonParser parser = factory.createParser(ObjectReadContext.empty(), json)) {
            JsonReader reader = new JsonReader(what, parser);
            if (parser.nextToken() == null) {
                throw reader.fault("is empty");
            }
            T result = body.apply(reader);
            if (parser.nextToken() != null) {
                throw reader.fault("goes on after its end");
            }
            return result;
        } catch (JacksonException e) {
            TokenStreamLocation at = e.getLocation();
            throw new IllegalArgumentException(what + (at == null ? "" : place(at)) + ": "
                    + printable(e.getOriginalMessage()), e);
        }
    }

    /**
     * Reads an object: the current token is its start; {@code member} reads the value, at its first token, of each key.
     */
    void object(Set<String> keys, Consumer<String> member) {
        expect(JsonToken.START_OBJECT, "an object");
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = parser.currentName();
            if (!keys.contains(key)) {
                throw fault("has unknown key \"" + key + "\"; allowed: " + String.join(", ", keys));
            }
            parser.nextToken();
            member.accept(key);
        }
    }

    /** Reads an array: the current token is its start; {@code element} reads each element, at its first token. */
    void array(Runnable element) {
        expect(JsonToken.START_ARRAY, "an array");
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            element.run();
        }
    }

    int integer() {
        expect(JsonToken.VALUE_NUMBER_INT, "an integer");
        return parser.getIntValue();
    }

    long longInteger() {
        expect(JsonToken.VALUE_NUMBER_INT, "an integer");
        return parser.getLongValue();
    }

    /** The nearest double of the decimal number. */
    double number() {
        return Double.parseDouble(numberText());
    }

    /** The nearest float of the decimal number, rounded once. */
    float singleNumber() {
        return Float.parseFloat(numberText());
    }

    private String numberText() {
        if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT) {
            expect(JsonToken.VALUE_NUMBER_FLOAT, "a number");
        }
        return parser.getString();
    }

    boolean truth() {
        if (parser.currentToken() != JsonToken.VALUE_TRUE) {
            expect(JsonToken.VALUE_FALSE, "true or false");
        }
        return parser.currentToken() == JsonToken.VALUE_TRUE;
    }

    /** The enum constant of that very name. */
    <E extends Enum<E>> E constant(String key, Class<E> type) {
        expect(JsonToken.VALUE_STRING, "a string");
        String name = parser.getString();
        for (E constant : type.getEnumConstants()) {
            if (constant.name().equals(name)) {
                return constant;
            }
        }
        throw fault("has " + key + " \"" + name + "\"; allowed: " + Arrays.toString(type.getEnumConstants()));
    }

    /** An exception that names the document and the place. */
    IllegalArgumentException fault(String message) {
        return new IllegalArgumentException(what + place(parser.currentTokenLocation()) + ": " + printable(message));
    }

    /** The document's own text in a message must not steer the terminal that shows it. */
    private static String printable(String message) {
        StringBuilder text = new StringBuilder(message.length());
        message.codePoints().forEach(c -> {
            if (Character.isISOControl(c)) {
                text.append(String.format("\\u%04x", c));
            } else {
                text.appendCodePoint(c);
            }
        });
        return text.toString();
    }

    private void expect(JsonToken token, String name) {
        if (parser.currentToken() != token) {
            String key = parser.currentName();
            throw fault((key == null ? "document" : "value of \"" + key + "\"") + " is not " + name);
        }
    }

    private static String place(TokenStreamLocation at) {
        return ", line " + at.getLineNr() + ", column " + at.getColumnNr();
    }
}
