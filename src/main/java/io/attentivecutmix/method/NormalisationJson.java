package io.attentivecutmix.method;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.core.JsonGenerator;

/** {@link Normalisation} to and from JSON, inside a larger document. Internal to the library. */
public final class NormalisationJson {
    private static final Set<String> KEYS = new TreeSet<>(Set.of("kind", "mean", "std"));

    private NormalisationJson() {}

    /** Reads {@code {"kind":…}} at its first token; STANDARDISE has {@code mean} and {@code std} too. */
    public static Normalisation read(JsonReader in) {
        Normalisation.Kind[] kind = {null};
        List<Float> mean = new ArrayList<>();
        List<Float> std = new ArrayList<>();
        in.object(KEYS, key -> {
            switch (key) {
                case "kind" -> kind[0] = in.constant(key, Normalisation.Kind.class);
                case "mean" -> in.array(() -> mean.add(in.singleNumber()));
                default -> in.array(() -> std.add(in.singleNumber()));
            }
        });
        if (kind[0] == null) {
            throw in.fault("normalisation has no kind");
        }
        if (kind[0] == Normalisation.Kind.STANDARDISE) {
            return Normalisation.standardise(mean, std);
        }
        if (!mean.isEmpty() || !std.isEmpty()) {
            throw in.fault("normalisation " + kind[0]
                    + " has mean or std; allowed: only STANDARDISE has values of its own");
        }
        return kind[0] == Normalisation.Kind.NONE ? Normalisation.NONE : Normalisation.ALREADY_NORMALISED;
    }

    /** Writes what {@link #read} reads. */
    public static void write(Normalisation normalisation, JsonGenerator out) {
        out.writeStartObject();
        out.writeStringProperty("kind", normalisation.kind().name());
        if (normalisation.kind() == Normalisation.Kind.STANDARDISE) {
            out.writeArrayPropertyStart("mean");
            normalisation.mean().forEach(out::writeNumber);
            out.writeEndArray();
            out.writeArrayPropertyStart("std");
            normalisation.std().forEach(out::writeNumber);
            out.writeEndArray();
        }
        out.writeEndObject();
    }
}
