package io.attentivecutmix.method;

import io.attentivecutmix.image.ResizeFilter;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.core.JsonGenerator;

/** {@link MixOptions} to and from JSON; the form is in its Javadoc. */
final class MixOptionsJson {
    private static final int MAX_LENGTH = 1 << 16;
    private static final Set<String> KEYS = new TreeSet<>(Set.of("mode", "reduction", "patches", "labelWeight",
            "geometry", "normalisation", "batchNorm", "resizeFilter", "probability", "inputSide"));
    private static final Set<String> PATCHES_KEYS = new TreeSet<>(Set.of("k", "alpha", "perImage"));

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
                case "normalisation" -> values.normalisation = NormalisationJson.read(in);
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
        out.writeName("normalisation");
        NormalisationJson.write(options.normalisation(), out);
        out.writeStringProperty("batchNorm", options.batchNorm().name());
        out.writeStringProperty("resizeFilter", options.resizeFilter().name());
        out.writeNumberProperty("probability", options.probability());
        out.writeNumberProperty("inputSide", options.inputSide());
        out.writeEndObject();
    }
}
