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
 * nothing after the document. Every fault in it is a {@link Fault} that says where. Internal to the library.
 */
public final class JsonReader {
    private static final int MAX_DEPTH = 8;
    private static final int MAX_TEXT = 100;

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxNameLength(MAX_TEXT)
                    .maxStringLength(MAX_TEXT)
                    .maxNumberLength(MAX_TEXT)
                    .build())
            .build();

    private final String what;
    private final JsonParser parser;

    /** What is wrong with a document, and where. */
    public static final class Fault extends IllegalArgumentException {
        private final String place;
        private final String fault;

        private Fault(String what, String place, String fault, Throwable cause) {
            super(what + ", " + place + ": " + fault, cause);
            this.place = place;
            this.fault = fault;
        }

        /** Line and column. */
        public String place() {
            return place;
        }

        /** The message without document and place. */
        public String fault() {
            return fault;
        }
    }

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
    public static <T> T read(String what, String json, int maxLength, Function<JsonReader, T> body) {
        if (json.length() > maxLength) {
            throw new IllegalArgumentException(what + " has " + json.length() + " characters; allowed: up to "
                    + maxLength);
        }
        try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), json)) {
            JsonReader reader = new JsonReader(what, parser);
            try {
                if (parser.nextToken() == null) {
                    throw reader.fault("is empty");
                }
                T result = body.apply(reader);
                if (parser.nextToken() != null) {
                    throw reader.fault("goes on after its end");
                }
                return result;
            } catch (JacksonException e) {
                // a constraint's exception has no place of its own
                TokenStreamLocation at = e.getLocation() == null ? parser.currentLocation() : e.getLocation();
                throw new Fault(what, place(at), printable(e.getOriginalMessage()), e);
            }
        }
    }

    /**
     * Reads an object: the current token is its start; {@code member} reads the value, at its first token, of each key.
     */
    public void object(Set<String> keys, Consumer<String> member) {
        members(key -> {
            if (!keys.contains(key)) {
                throw fault("has unknown key \"" + key + "\"; allowed: " + String.join(", ", keys));
            }
        }, member);
    }

    /** As {@link #object}, with keys that {@code check} refuses by throwing; it is called at the key. */
    public void members(Consumer<String> check, Consumer<String> member) {
        expect(JsonToken.START_OBJECT, "an object");
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = parser.currentName();
            check.accept(key);
            parser.nextToken();
            member.accept(key);
        }
    }

    /** Passes over a value, whatever it holds. */
    public void skip() {
        parser.skipChildren();
    }

    /** The text of a string. */
    public String string() {
        expect(JsonToken.VALUE_STRING, "a string");
        return parser.getString();
    }

    /** Reads an array: the current token is its start; {@code element} reads each element, at its first token. */
    public void array(Runnable element) {
        expect(JsonToken.START_ARRAY, "an array");
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            element.run();
        }
    }

    /** The integer, exact. */
    public int integer() {
        expect(JsonToken.VALUE_NUMBER_INT, "an integer");
        return parser.getIntValue();
    }

    /** The integer, exact. */
    public long longInteger() {
        expect(JsonToken.VALUE_NUMBER_INT, "an integer");
        return parser.getLongValue();
    }

    /** The nearest double of the decimal number. */
    public double number() {
        return Double.parseDouble(numberText());
    }

    /** The nearest float of the decimal number, rounded once. */
    public float singleNumber() {
        return Float.parseFloat(numberText());
    }

    private String numberText() {
        if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT) {
            expect(JsonToken.VALUE_NUMBER_FLOAT, "a number");
        }
        return parser.getString();
    }

    /** True or false. */
    public boolean truth() {
        if (parser.currentToken() != JsonToken.VALUE_TRUE) {
            expect(JsonToken.VALUE_FALSE, "true or false");
        }
        return parser.currentToken() == JsonToken.VALUE_TRUE;
    }

    /** The enum constant of that very name. */
    public <E extends Enum<E>> E constant(String key, Class<E> type) {
        String name = string();
        for (E constant : type.getEnumConstants()) {
            if (constant.name().equals(name)) {
                return constant;
            }
        }
        throw fault("has " + key + " \"" + name + "\"; allowed: " + Arrays.toString(type.getEnumConstants()));
    }

    /** An exception that names the document and the place. */
    public Fault fault(String message) {
        return new Fault(what, place(parser.currentTokenLocation()), printable(message), null);
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
        return "line " + at.getLineNr() + ", column " + at.getColumnNr();
    }
}
