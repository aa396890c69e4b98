package io.attentivecutmix.method;

import java.io.StringWriter;
import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.PrettyPrinter;
import tools.jackson.core.StreamWriteFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.DefaultIndenter;
import tools.jackson.core.util.DefaultPrettyPrinter;

/**
 * Writing of one JSON document to a string; numbers have the fewest digits that read back as the same bits. Internal to
 * the library.
 */
public final class JsonWriter {
    /** The feature makes shortest digits ours: Double.toString writes other ones before Java 19. */
    private static final JsonFactory FACTORY =
            JsonFactory.builder().enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER).build();

    private JsonWriter() {}

    /** On one line. */
    public static String write(Consumer<JsonGenerator> body) {
        return write(ObjectWriteContext.empty(), body);
    }

    /** One member of an object a line, and every array on its member's; ends with a line feed on every system. */
    public static String writeLines(Consumer<JsonGenerator> body) {
        return write(new ObjectWriteContext.Base() {
            @Override
            public PrettyPrinter getPrettyPrinter() {
                return new DefaultPrettyPrinter().withObjectIndenter(new DefaultIndenter("  ", "\n"));
            }
        }, body) + "\n";
    }

    private static String write(ObjectWriteContext context, Consumer<JsonGenerator> body) {
        StringWriter text = new StringWriter();
        try (JsonGenerator generator = FACTORY.createGenerator(context, text)) {
            body.accept(generator);
        }
        return text.toString();
    }
}
