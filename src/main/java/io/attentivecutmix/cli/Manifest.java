package io.attentivecutmix.cli;

import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.weights.Weights;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/** run.json: everything needed to repeat a run, and how it went. */
final class Manifest {
    private final Instant started = Instant.now();
    private final long startNanos = System.nanoTime();

    /** Since the command began, on a clock that nobody sets. */
    double seconds() {
        return (System.nanoTime() - startNanos) / 1e9;
    }

    /** Writes what every command has in common, then what it adds, as one file under its name at once. */
    void write(OutputFolder out, String command, AttentiveCutMix mixer, Weights weights, String decoder,
            Json.Members more)
            throws IOException {
        String json = Json.pretty(g -> {
            g.writeStringProperty("version", Version.TEXT);
            g.writeStringProperty("command", command);
            g.writeStringProperty("started", started.toString());
            g.writeNumberProperty("seconds", Math.round(1000 * seconds()) / 1000.0);
            g.writeName("options");
            g.writeRawValue(mixer.options().toJson());
            g.writeName("weights");
            if (weights == null) {
                g.writeNull();
            } else {
                g.writeStartObject();
                g.writeStringProperty("source", weights.source());
                g.writeStringProperty("network", weights.network().name());
                g.writeStringProperty("sha256", weights.sha256());
                g.writeBooleanProperty("synthetic", weights.isSynthetic());
                g.writeEndObject();
            }
            g.writeStringProperty("device", mixer.device().name());
            g.writeStringProperty("precision", mixer.precision().name());
            g.writeStringProperty("engine", mixer.description());
            g.writeName("fingerprint");
            g.writeRawValue(mixer.fingerprint().toJson());
            g.writeStringProperty("decoder", decoder);
            g.writeStringProperty("java", System.getProperty("java.vm.name") + " "
                    + System.getProperty("java.runtime.version"));
            g.writeStringProperty("os", System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                    + System.getProperty("os.arch"));
            g.writeNumberProperty("processors", Runtime.getRuntime().availableProcessors());
            more.write(g);
        });
        AtomicFile.write(out.file(OutputFolder.RUN), true,
                stream -> stream.write(json.getBytes(StandardCharsets.UTF_8)));
    }
}
