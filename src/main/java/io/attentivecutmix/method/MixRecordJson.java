package io.attentivecutmix.method;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.core.JsonGenerator;

/** {@link MixRecord} to and from JSON; the form is in its Javadoc. */
final class MixRecordJson {
    private static final int VERSION = 1;
    private static final int MAX_LENGTH = 1 << 28;
    private static final Set<String> KEYS =
            new TreeSet<>(Set.of("version", "options", "seed", "epoch", "step", "firstSample", "images"));
    private static final Set<String> IMAGE_KEYS = new TreeSet<>(
            Set.of("partner", "mixed", "lambda", "cells", "box", "height", "width", "sourceWeight"));
    private static final int MAX_CELLS = (MixOptions.MAX_INPUT_SIDE / 32) * (MixOptions.MAX_INPUT_SIDE / 32);

    private MixRecordJson() {}

    private static final class Values {
        Integer version;
        MixOptions options;
        Long seed;
        Long epoch;
        Long step;
        Long firstSample;
        List<MixRecord.Entry> images;
    }

    private static final class ImageValues {
        Integer partner;
        Boolean mixed;
        Double lambda;
        final List<Integer> cells = new ArrayList<>();
        Optional<MixRecord.Box> box = Optional.empty();
        Integer height;
        Integer width;
        Float sourceWeight;
    }

    static MixRecord read(String json) {
        return JsonReader.read("record JSON", json, MAX_LENGTH, in -> {
            Values values = new Values();
            in.object(KEYS, key -> {
                switch (key) {
                    case "version" -> values.version = version(in);
                    case "options" -> values.options = MixOptionsJson.read(in);
                    case "seed" -> values.seed = in.longInteger();
                    case "epoch" -> values.epoch = in.longInteger();
                    case "step" -> values.step = in.longInteger();
                    case "firstSample" -> values.firstSample = in.longInteger();
                    default -> {
                        values.images = new ArrayList<>();
                        in.array(() -> values.images.add(image(in, values.images.size())));
                    }
                }
            });
            require(in, "record", "version", values.version);
            require(in, "record", "options", values.options);
            require(in, "record", "seed", values.seed);
            require(in, "record", "epoch", values.epoch);
            require(in, "record", "step", values.step);
            require(in, "record", "firstSample", values.firstSample);
            require(in, "record", "images", values.images);
            return new MixRecord(values.options, values.seed, values.epoch, values.step, values.firstSample,
                    values.images);
        });
    }

    private static int version(JsonReader in) {
        int version = in.integer();
        if (version != VERSION) {
            throw in.fault("has version " + version + "; allowed: " + VERSION);
        }
        return version;
    }

    private static MixRecord.Entry image(JsonReader in, int index) {
        ImageValues values = new ImageValues();
        in.object(IMAGE_KEYS, key -> {
            switch (key) {
                case "partner" -> values.partner = in.integer();
                case "mixed" -> values.mixed = in.truth();
                case "lambda" -> values.lambda = in.number();
                case "cells" -> in.array(() -> {
                    if (values.cells.size() == MAX_CELLS) {
                        throw in.fault("cells of image " + index + " has more than " + MAX_CELLS + " cells");
                    }
                    values.cells.add(in.integer());
                });
                case "box" -> values.box = Optional.of(box(in, index));
                case "height" -> values.height = in.integer();
                case "width" -> values.width = in.integer();
                default -> values.sourceWeight = in.singleNumber();
            }
        });
        String owner = "image " + index;
        require(in, owner, "partner", values.partner);
        require(in, owner, "mixed", values.mixed);
        require(in, owner, "lambda", values.lambda);
        Optional<MixRecord.Measure> measure = Optional.empty();
        if (values.height != null || values.width != null || values.sourceWeight != null) {
            measure = Optional.of(new MixRecord.Measure(require(in, owner, "height", values.height),
                    require(in, owner, "width", values.width),
                    require(in, owner, "sourceWeight", values.sourceWeight)));
        }
        try {
            return new MixRecord.Entry(values.partner, values.mixed, values.lambda, values.cells, values.box, measure);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(owner + ": " + e.getMessage(), e);
        }
    }

    private static MixRecord.Box box(JsonReader in, int index) {
        List<Integer> sides = new ArrayList<>(4);
        in.array(() -> {
            if (sides.size() == 4) {
                throw in.fault("box of image " + index + " has more than 4 values");
            }
            sides.add(in.integer());
        });
        if (sides.size() != 4) {
            throw in.fault("box of image " + index + " has " + sides.size()
                    + " values; allowed: 4 (left, top, right, bottom)");
        }
        return new MixRecord.Box(sides.get(0), sides.get(1), sides.get(2), sides.get(3));
    }

    private static <T> T require(JsonReader in, String owner, String key, T value) {
        if (value == null) {
            throw in.fault(owner + " has no \"" + key + "\"");
        }
        return value;
    }

    static String write(MixRecord record) {
        return JsonWriter.write(out -> {
            out.writeStartObject();
            out.writeNumberProperty("version", VERSION);
            out.writeName("options");
            MixOptionsJson.write(record.options(), out);
            out.writeNumberProperty("seed", record.seed());
            out.writeNumberProperty("epoch", record.epoch());
            out.writeNumberProperty("step", record.step());
            out.writeNumberProperty("firstSample", record.firstSample());
            out.writeArrayPropertyStart("images");
            record.images().forEach(image -> write(image, out));
            out.writeEndArray();
            out.writeEndObject();
        });
    }

    private static void write(MixRecord.Entry image, JsonGenerator out) {
        out.writeStartObject();
        out.writeNumberProperty("partner", image.partner());
        out.writeBooleanProperty("mixed", image.mixed());
        out.writeNumberProperty("lambda", image.lambda());
        out.writeArrayPropertyStart("cells");
        image.cells().forEach(out::writeNumber);
        out.writeEndArray();
        image.box().ifPresent(box -> {
            out.writeName("box");
            out.writeArray(new int[] {box.left(), box.top(), box.right(), box.bottom()}, 0, 4);
        });
        image.measure().ifPresent(measure -> {
            out.writeNumberProperty("height", measure.height());
            out.writeNumberProperty("width", measure.width());
            out.writeNumberProperty("sourceWeight", measure.sourceWeight());
        });
        out.writeEndObject();
    }
}
