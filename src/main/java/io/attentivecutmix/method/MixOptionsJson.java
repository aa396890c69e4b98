package io.attentivecutmix.method;

import io.attentivecutmix.image.ResizeFilter;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.core.JsonGenerator;

/** {@link MixOptions} to and from JSON; the form is in its Javadoc. */
final class MixOptionsJson {
    private static final int MAX_LENGTH = 1 << 16;
    private static final Set<String> KEYS = new TreeSet<>(Set.of("mode", "reduction", "patches", "labelWeight",
            "geometry", "normalisation", "batchNorm", "resizeFilter", "probability", "inputSide"));
    private static final Set<String> PATCHES_KEYS = new TreeSet<>(Set.of("k", "alpha", "perImage"));
    private static final Set<String> NORMALISATION_KEYS = new TreeSet<>(Set.of("kind", "mean", "std"));

    private MixOptionsJson() {}

    static MixOptions read(String json) {
        return JsonReader.read("options JSON", json, MAX_LENGTH, MixOptionsJson::read);
    }

    static MixOptions read(JsonReader in) {
        Values values = new Values();
        in.object(KEYS, key -> {
            switch (key) {
                case "mode" -> values.mode = in.constant(key, Mode.class);
                case "reduction" -> values.reduction = in.constant(key, Reduction.class);
                case "patches" -> values.patches = patches(in);
                case "labelWeight" -> values.labelWeight = in.constant(key, LabelWeight.class);
                case "geometry" -> values.geometry = in.constant(key, Geometry.class);
                case "normalisation" -> values.normalisation = normalisation(in);
                case "batchNorm" -> values.batchNorm = in.constant(key, BatchNorm.class);
                case "resizeFilter" -> values.resizeFilter = in.constant(key, ResizeFilter.class);
                case "probability" -> values.probability = in.number();
                default -> values.inputSide = in.integer();
            }
        });
        return values.options();
    }

    /** What was read so far; a key that does not come keeps the value of {@link MixOptions#paper()}. */
    private static final class Values {
        private static final MixOptions DEFAULTS = MixOptions.paper();

        Mode mode = DEFAULTS.mode();
        Reduction reduction = DEFAULTS.reduction();
        Patches patches = DEFAULTS.patches();
        LabelWeight labelWeight = DEFAULTS.labelWeight();
        Geometry geometry = DEFAULTS.geometry();
        Normalisation normalisation = DEFAULTS.normalisation();
        BatchNorm batchNorm = DEFAULTS.batchNorm();
        ResizeFilter resizeFilter = DEFAULTS.resizeFilter();
        double probability = DEFAULTS.probability();
        int inputSide = DEFAULTS.inputSide();

        MixOptions options() {
            return new MixOptions(mode, reduction, patches, labelWeight, geometry, normalisation, batchNorm,
                    resizeFilter, probability, inputSide);
        }
    }

    private static Patches patches(JsonReader in) {
        Integer[] k = {null};
        Double[] alpha = {null};
        Boolean[] perImage = {null};
        in.object(PATCHES_KEYS, key -> {
            switch (key) {
                case "k" -> k[0] = in.integer();
                case "alpha" -> alpha[0] = in.number();
                default -> perImage[0] = in.truth();
            }
        });
        if (k[0] != null && alpha[0] == null && perImage[0] == null) {
            return new Patches.Fixed(k[0]);
        }
        if (k[0] == null && alpha[0] != null && perImage[0] != null) {
            return new Patches.Beta(alpha[0], perImage[0]);
        }
        throw in.fault("patches has other keys than it must; allowed: k alone, or alpha and perImage");
    }

    private static Normalisation normalisation(JsonReader in) {
        Normalisation.Kind[] kind = {null};
        List<Float> mean = new ArrayList<>();
        List<Float> std = new ArrayList<>();
        in.object(NORMALISATION_KEYS, key -> {
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

    static void write(MixOptions options, JsonGenerator out) {
        out.writeStartObject();
        out.writeStringProperty("mode", options.mode().name());
        out.writeStringProperty("reduction", options.reduction().name());
        out.writeObjectPropertyStart("patches");
        if (options.patches() instanceof Patches.Fixed fixed) {
            out.writeNumberProperty("k", fixed.k());
        } else if (options.patches() instanceof Patches.Beta beta) {
            out.writeNumberProperty("alpha", beta.alpha());
            out.writeBooleanProperty("perImage", beta.perImage());
        }
        out.writeEndObject();
        out.writeStringProperty("labelWeight", options.labelWeight().name());
        out.writeStringProperty("geometry", options.geometry().name());
        Normalisation normalisation = options.normalisation();
        out.writeObjectPropertyStart("normalisation");
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
        out.writeStringProperty("batchNorm", options.batchNorm().name());
        out.writeStringProperty("resizeFilter", options.resizeFilter().name());
        out.writeNumberProperty("probability", options.probability());
        out.writeNumberProperty("inputSide", options.inputSide());
        out.writeEndObject();
    }
}
