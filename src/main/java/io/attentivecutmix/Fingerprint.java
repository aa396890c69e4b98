package io.attentivecutmix;

import io.attentivecutmix.engine.Engine;
import io.attentivecutmix.method.Draws;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.quantisation.Calibration;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * What results came from. Where all but {@code java} and {@code os} is equal, the same images, labels and pairing give
 * the same bits; where something differs, {@link AttentiveCutMix} says what is promised all the same.
 *
 * @param library this library's version
 * @param draws version of the random draws ({@link Draws#VERSION})
 * @param java the virtual machine and its version
 * @param os the operating system, its version and architecture
 * @param device {@code cpu} or {@code cuda:N}
 * @param hardware what the device is and the libraries it runs on, with their versions, by fixed names: on the
 *     processor {@code processor}, {@code isa}, {@code oneDNN}, {@code dnnlPreset}; on a GPU {@code gpu}, {@code uuid},
 *     {@code architecture}, {@code driver}, {@code cudaRuntime}, {@code cuDNN}, {@code deterministic}
 * @param precision arithmetic of the extractor
 * @param options the method's choices
 * @param plan SHA-256 of the list of the extractor's layers and the implementation that runs each, lower-case hex;
 *     empty without an extractor
 * @param weights SHA-256 of the weights' tensors ({@code Weights.tensorsSha256}); empty without an extractor
 * @param calibration {@link Calibration#sha256} of that of INT8; empty with any other precision
 */
public record Fingerprint(
        String library,
        int draws,
        String java,
        String os,
        String device,
        Map<String, String> hardware,
        Precision precision,
        MixOptions options,
        Optional<String> plan,
        Optional<String> weights,
        Optional<String> calibration) {
    private static final JsonFactory FACTORY = new JsonFactory();

    public Fingerprint {
        Objects.requireNonNull(library, "library");
        Objects.requireNonNull(java, "java");
        Objects.requireNonNull(os, "os");
        Objects.requireNonNull(device, "device");
        hardware = Collections.unmodifiableMap(new LinkedHashMap<>(hardware));
        Objects.requireNonNull(precision, "precision");
        Objects.requireNonNull(options, "options");
        Objects.requireNonNull(plan, "plan");
        Objects.requireNonNull(weights, "weights");
        Objects.requireNonNull(calibration, "calibration");
    }

    static Fingerprint of(Device device, Precision precision, MixOptions options, Engine engine,
            Optional<String> weights, Optional<Calibration> calibration) {
        List<String> layers = engine.implementations();
        return new Fingerprint(libraryVersion(), Draws.VERSION,
                System.getProperty("java.vm.name") + " " + System.getProperty("java.runtime.version"),
                System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                        + System.getProperty("os.arch"),
                device.name(), engine.provenance(), precision, options,
                layers.isEmpty() ? Optional.empty() : Optional.of(sha256(String.join("\n", layers))), weights,
                calibration.map(Calibration::sha256));
    }

    /** This library's version, as its project file has it. */
    public static String libraryVersion() {
        Properties properties = new Properties();
        try (InputStream in = Fingerprint.class.getResourceAsStream("version.properties")) {
            properties.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return properties.getProperty("version");
    }

    private static String sha256(String text) {
        try {
            return HexFormat.of().formatHex(
                    MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    /** As one JSON object with a member for each component, in their order; {@code null} for what is empty. */
    public String toJson() {
        StringWriter text = new StringWriter();
        try (JsonGenerator g = FACTORY.createGenerator(ObjectWriteContext.empty(), text)) {
            g.writeStartObject();
            g.writeStringProperty("library", library);
            g.writeNumberProperty("draws", draws);
            g.writeStringProperty("java", java);
            g.writeStringProperty("os", os);
            g.writeStringProperty("device", device);
            g.writeObjectPropertyStart("hardware");
            hardware.forEach(g::writeStringProperty);
            g.writeEndObject();
            g.writeStringProperty("precision", precision.name());
            g.writeName("options");
            g.writeRawValue(options.toJson());
            g.writeStringProperty("plan", plan.orElse(null));
            g.writeStringProperty("weights", weights.orElse(null));
            g.writeStringProperty("calibration", calibration.orElse(null));
            g.writeEndObject();
        }
        return text.toString();
    }
}
