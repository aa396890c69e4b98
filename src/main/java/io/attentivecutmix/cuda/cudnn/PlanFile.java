package io.attentivecutmix.cuda.cudnn;

import io.attentivecutmix.cuda.cudnn.Choices.StemKind;
import io.attentivecutmix.cuda.cudnn.Choices.StemShape;
import io.attentivecutmix.cuda.cudnn.Choices.Timed;
import io.attentivecutmix.cuda.cudnn.EngineChoice.Knob;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;

/**
 * Choices as JSON. Whoever can write the file is not trusted: a wrong value costs time at most, since cuDNN checks
 * every engine and knob against the shape, and engines that break the precision's promise are refused after reading.
 */
final class PlanFile {
    /** Longest file, in bytes; 155 layers at 100 batch sizes need a third of it. */
    static final int MAX_BYTES = 8 << 20;

    private static final long FORMAT = 1;
    private static final String LAYOUT = "NHWC";
    private static final int MAX_ENTRIES = 20_000;
    private static final int MAX_KNOBS = 64;
    /** Of N and of every side and channel count. */
    private static final int MAX_SIZE = 1 << 20;
    private static final int MAX_KERNEL = 15;

    private static final Set<String> KEYS =
            Set.of("format", "cudnn", "gpu", "architecture", "precision", "layout", "engines", "stems");
    private static final Set<String> ENGINE_KEYS = Set.of("n", "side", "in", "out", "kernel", "stride", "padding",
            "residual", "relu", "form", "engine", "knobs", "micros");
    private static final Set<String> STEM_KEYS = Set.of("n", "side", "stem");

    private static final JsonFactory FACTORY = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxNestingDepth(6).maxNameLength(40).maxStringLength(300).maxNumberLength(40).build())
            .build();

    private final JsonParser parser;

    private PlanFile(JsonParser parser) {
        this.parser = parser;
    }

    /** One entry a line, so that people can read and compare it. */
    static String write(PlanKey key, Choices choices) {
        StringBuilder text = new StringBuilder("{\"format\":" + FORMAT + ",\"cudnn\":" + key.cudnn() + ",\n"
                + object(g -> {
                    g.writeStringProperty("gpu", key.gpu());
                    g.writeStringProperty("architecture", key.architecture());
                    g.writeStringProperty("precision", key.precision().name());
                    g.writeStringProperty("layout", LAYOUT);
                }).substring(1).replaceFirst("}$", "") + ",\n\"engines\":[");
        String separator = "\n";
        for (Map.Entry<ConvolutionShape, Timed> e : choices.engines().entrySet()) {
            text.append(separator).append(object(g -> engine(g, e.getKey(), e.getValue())));
            separator = ",\n";
        }
        text.append("\n],\n\"stems\":[");
        separator = "\n";
        for (Map.Entry<StemShape, StemKind> e : choices.stems().entrySet()) {
            text.append(separator).append(object(g -> {
                g.writeNumberProperty("n", e.getKey().n());
                g.writeNumberProperty("side", e.getKey().side());
                g.writeStringProperty("stem", e.getValue().name());
            }));
            separator = ",\n";
        }
        return text.append("\n]}\n").toString();
    }

    private static void engine(JsonGenerator g, ConvolutionShape shape, Timed timed) {
        g.writeNumberProperty("n", shape.n());
        g.writeNumberProperty("side", shape.side());
        g.writeNumberProperty("in", shape.in());
        g.writeNumberProperty("out", shape.out());
        g.writeNumberProperty("kernel", shape.kernel());
        g.writeNumberProperty("stride", shape.stride());
        g.writeNumberProperty("padding", shape.padding());
        g.writeBooleanProperty("residual", shape.residual());
        g.writeBooleanProperty("relu", shape.relu());
        g.writeStringProperty("form", timed.choice().form().name());
        g.writeNumberProperty("engine", timed.choice().engine());
        g.writeArrayPropertyStart("knobs");
        for (Knob k : timed.choice().knobs()) {
            g.writeStartArray();
            g.writeNumber(k.type());
            g.writeNumber(k.value());
            g.writeEndArray();
        }
        g.writeEndArray();
        g.writeNumberProperty("micros", Math.round(timed.micros() * 100) / 100.0);
    }

    private static String object(Consumer<JsonGenerator> members) {
        StringWriter text = new StringWriter();
        try (JsonGenerator generator = FACTORY.createGenerator(ObjectWriteContext.empty(), text)) {
            generator.writeStartObject();
            members.accept(generator);
            generator.writeEndObject();
        }
        return text.toString();
    }

    /**
     * Reads choices that hold for a key.
     *
     * @throws IllegalArgumentException if the text is not such a file, or is one for another key; says what and where
     */
    static Choices read(String text, PlanKey key) {
        try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), text)) {
            PlanFile file = new PlanFile(parser);
            parser.nextToken();
            Choices choices = file.document(key);
            if (parser.nextToken() != null) {
                throw file.fault("goes on after its end");
            }
            return choices;
        } catch (JacksonException e) {
            TokenStreamLocation at = e.getLocation();
            throw new IllegalArgumentException((at == null ? "" : "line " + at.getLineNr() + ": ")
                    + e.getOriginalMessage(), e);
        }
    }

    private Choices document(PlanKey key) {
        Choices choices = new Choices();
        Set<String> seen = object(KEYS, name -> {
            switch (name) {
                case "format" -> require(name, integer(0, Long.MAX_VALUE), FORMAT);
                case "cudnn" -> require(name, integer(0, Long.MAX_VALUE), key.cudnn());
                case "gpu" -> require(name, string(), key.gpu());
                case "architecture" -> require(name, string(), key.architecture());
                case "precision" -> require(name, string(), key.precision().name());
                case "layout" -> require(name, string(), LAYOUT);
                case "engines" -> array(MAX_ENTRIES, () -> engine(choices));
                default -> array(MAX_ENTRIES, () -> stem(choices));
            }
        });
        requireAll(KEYS, seen);
        return choices;
    }

    private void engine(Choices choices) {
        Map<String, Integer> sizes = new HashMap<>();
        Map<String, Boolean> truths = new HashMap<>();
        Form[] form = new Form[1];
        long[] engine = new long[1];
        double[] micros = new double[1];
        List<Knob> knobs = new ArrayList<>();
        Set<String> seen = object(ENGINE_KEYS, name -> {
            switch (name) {
                case "residual", "relu" -> truths.put(name, truth());
                case "form" -> form[0] = constant(Form.class);
                case "engine" -> engine[0] = integer(0, Integer.MAX_VALUE);
                case "knobs" -> array(MAX_KNOBS, () -> knobs.add(knob()));
                case "micros" -> micros[0] = number();
                case "kernel", "stride" -> sizes.put(name, (int) integer(1, MAX_KERNEL));
                case "padding" -> sizes.put(name, (int) integer(0, MAX_KERNEL));
                default -> sizes.put(name, (int) integer(1, MAX_SIZE));
            }
        });
        requireAll(ENGINE_KEYS, seen);
        ConvolutionShape shape = new ConvolutionShape(sizes.get("n"), sizes.get("side"), sizes.get("in"),
                sizes.get("out"), sizes.get("kernel"), sizes.get("stride"), sizes.get("padding"),
                truths.get("residual"), truths.get("relu"));
        if (choices.engines().put(shape, new Timed(new EngineChoice(form[0], engine[0], knobs), micros[0])) != null) {
            throw fault("has two engines for " + shape);
        }
    }

    private void stem(Choices choices) {
        int[] sizes = new int[2];
        StemKind[] kind = new StemKind[1];
        Set<String> seen = object(STEM_KEYS, name -> {
            switch (name) {
                case "n" -> sizes[0] = (int) integer(1, MAX_SIZE);
                case "side" -> sizes[1] = (int) integer(1, MAX_SIZE);
                default -> kind[0] = constant(StemKind.class);
            }
        });
        requireAll(STEM_KEYS, seen);
        if (choices.stems().put(new StemShape(sizes[0], sizes[1]), kind[0]) != null) {
            throw fault("has two stems for n " + sizes[0] + ", side " + sizes[1]);
        }
    }

    private Knob knob() {
        long[] pair = new long[2];
        int[] length = new int[1];
        array(2, () -> pair[length[0]++] = integer(Long.MIN_VALUE, Long.MAX_VALUE));
        if (length[0] != 2 || pair[0] < 0 || pair[0] > Short.MAX_VALUE) {
            throw fault("has a knob that is not [type, value]");
        }
        return new Knob((int) pair[0], pair[1]);
    }

    private interface Member {
        void read(String name);
    }

    private Set<String> object(Set<String> keys, Member member) {
        expect(JsonToken.START_OBJECT, "an object");
        Set<String> seen = new HashSet<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String name = parser.currentName();
            if (!keys.contains(name)) {
                throw fault("has an unknown key");
            }
            seen.add(name);
            parser.nextToken();
            member.read(name);
        }
        return seen;
    }

    private void array(int most, Runnable element) {
        expect(JsonToken.START_ARRAY, "an array");
        for (int i = 0; parser.nextToken() != JsonToken.END_ARRAY; i++) {
            if (i == most) {
                throw fault("has more than " + most + " elements");
            }
            element.run();
        }
    }

    private long integer(long least, long most) {
        expect(JsonToken.VALUE_NUMBER_INT, "an integer");
        long value = parser.getLongValue();
        if (value < least || value > most) {
            throw fault("has the number " + value + "; allowed: " + least + " to " + most);
        }
        return value;
    }

    private double number() {
        if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT) {
            expect(JsonToken.VALUE_NUMBER_FLOAT, "a number");
        }
        return Double.parseDouble(parser.getString());
    }

    private boolean truth() {
        if (parser.currentToken() != JsonToken.VALUE_TRUE) {
            expect(JsonToken.VALUE_FALSE, "true or false");
        }
        return parser.currentToken() == JsonToken.VALUE_TRUE;
    }

    private String string() {
        expect(JsonToken.VALUE_STRING, "a string");
        return parser.getString();
    }

    private <E extends Enum<E>> E constant(Class<E> type) {
        String name = string();
        for (E e : type.getEnumConstants()) {
            if (e.name().equals(name)) {
                return e;
            }
        }
        throw fault("has an unknown value; allowed: " + Arrays.toString(type.getEnumConstants()));
    }

    private void require(String name, Object value, Object wanted) {
        if (!value.equals(wanted)) {
            throw fault("has another " + name + "; wanted: " + wanted);
        }
    }

    private void requireAll(Set<String> keys, Set<String> seen) {
        for (String key : keys) {
            if (!seen.contains(key)) {
                throw fault("lacks \"" + key + "\"");
            }
        }
    }

    private void expect(JsonToken token, String what) {
        if (parser.currentToken() != token) {
            throw fault("has something else where " + what + " is due");
        }
    }

    private IllegalArgumentException fault(String message) {
        TokenStreamLocation at = parser.currentTokenLocation();
        return new IllegalArgumentException("line " + at.getLineNr() + ", column " + at.getColumnNr() + ": " + message);
    }
}
