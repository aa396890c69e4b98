package io.attentivecutmix.method;

import java.io.StringWriter;
import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.StreamWriteFeature;
import tools.jackson.core.json.JsonFactory;

/** Writing of one JSON document to a string; numbers have the fewest digits that read back as the same bits. */
final class JsonWriter {
    /** The feature makes shortest digits ours: Double.toString writes other ones before Java 19. */
    private static final JsonFactory FACTORY =
            JsonFactory.builder().enable(StreamWriteFeature.USE_FAST_DOUBLE_WRITER).build();

    private JsonWriter() {}

    static String write(Consumer<JsonGenerator> body) {
        StringWriter text = new StringWriter();
        try (JsonGenerator generator = FACTORY.createGenerator(ObjectWriteContext.empty(), text)) {
            body.accept(generator);
        }
        return text.toString();
    }
}
