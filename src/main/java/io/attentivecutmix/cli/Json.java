package io.attentivecutmix.cli;

import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.DefaultPrettyPrinter;

/** Small JSON documents as text. Numbers are written the same in every locale. */
final class Json {
    private static final JsonFactory FACTORY = new JsonFactory();

    /** Writes the members of one object. */
    interface Members {
        void write(JsonGenerator json);
    }

    private Json() {}

    /** One object on one line, without a line end. */
    static String line(Members members) {
        return object(ObjectWriteContext.empty(), members);
    }

    /** One object, indented, with a line end. */
    static String pretty(Members members) {
        return object(new ObjectWriteContext.Base() {
            @Override
            public DefaultPrettyPrinter getPrettyPrinter() {
                return new DefaultPrettyPrinter();
            }
        }, members) + "\n";
    }

    private static String object(ObjectWriteContext context, Members members) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = FACTORY.createGenerator(context, text)) {
            json.writeStartObject();
            members.write(json);
            json.writeEndObject();
        }
        return text.toString();
    }

    static void ints(JsonGenerator json, String name, int[] values) {
        json.writeName(name);
        json.writeArray(values, 0, values.length);
    }

    static void longs(JsonGenerator json, String name, long[] values) {
        json.writeName(name);
        json.writeArray(values, 0, values.length);
    }

    static void floats(JsonGenerator json, String name, float[] values) {
        json.writeArrayPropertyStart(name);
        for (float v : values) {
            number(json, v);
        }
        json.writeEndArray();
    }

    /** JSON has no NaN and no infinity: they become null. */
    private static void number(JsonGenerator json, float v) {
        if (Float.isFinite(v)) {
            json.writeNumber(v);
        } else {
            json.writeNull();
        }
    }

    static void strings(JsonGenerator json, String name, List<String> values) {
        json.writeArrayPropertyStart(name);
        values.forEach(json::writeString);
        json.writeEndArray();
    }

    static void map(JsonGenerator json, String name, Map<String, String> values) {
        json.writeObjectPropertyStart(name);
        values.forEach(json::writeStringProperty);
        json.writeEndObject();
    }

    static void string(JsonGenerator json, String name, String valueOrNull) {
        json.writeName(name);
        if (valueOrNull == null) {
            json.writeNull();
        } else {
            json.writeString(valueOrNull);
        }
    }
}
