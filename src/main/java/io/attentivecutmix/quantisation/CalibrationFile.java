package io.attentivecutmix.quantisation;

import io.attentivecutmix.image.ResizeFilter;
import io.attentivecutmix.method.JsonReader;
import io.attentivecutmix.method.JsonWriter;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.method.NormalisationJson;
import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.network.ResNet;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Supplier;
import tools.jackson.core.JsonGenerator;

/** {@link Calibration} to and from its file; the form is in its Javadoc. Whoever wrote a file is not trusted. */
final class CalibrationFile {
    /**
     * Longest file, in bytes; the largest network's, with an exponent and a mean for every channel, needs a sixth of
     * it.
     */
    static final int MAX_BYTES = 4 << 20;

    private static final int FORMAT = 1;
    private static final AtomicLong COUNTER = new AtomicLong();

    private static final Set<String> KEYS = keys("format", "network", "weightsSha256", "preprocessing", "ranges",
            "images", "limits", "exponents", "means", "floating", "wide", "agreements");
    private static final Set<String> PREPROCESSING_KEYS = keys("inputSide", "normalisation", "resizeFilter");
    private static final Set<String> RANGES_KEYS = keys("kind", "share");
    private static final Set<String> AGREEMENT_KEYS = keys("reduction", "images", "k", "meanOverlap", "leastOverlap",
            "identical", "heatError", "rankCorrelation");

    /** The choices of {@link RangeChoice} by their names in a file. */
    private enum Kind {
        MAXIMUM, PERCENTILE, MINIMUM_ERROR
    }

    private final JsonReader in;
    private final CalibrationChecks checks;

    private CalibrationFile(JsonReader in, ResNet network) {
        this.in = in;
        checks = new CalibrationChecks(network);
    }

    private static Set<String> keys(String... names) {
        return new TreeSet<>(List.of(names));
    }

    static String write(Calibration c) {
        return JsonWriter.writeLines(out -> {
            out.writeStartObject();
            out.writeNumberProperty("format", FORMAT);
            out.writeStringProperty("network", c.network().name());
            out.writeStringProperty("weightsSha256", c.weightsSha256());
            out.writeObjectPropertyStart("preprocessing");
            out.writeNumberProperty("inputSide", c.preprocessing().inputSide());
            out.writeName("normalisation");
            NormalisationJson.write(c.preprocessing().normalisation(), out);
            out.writeStringProperty("resizeFilter", c.preprocessing().resizeFilter().name());
            out.writeEndObject();
            out.writeObjectPropertyStart("ranges");
            ranges(out, c.ranges());
            out.writeEndObject();
            out.writeNumberProperty("images", c.images());
            out.writeObjectPropertyStart("limits");
            c.limits().forEach(out::writeNumberProperty);
            out.writeEndObject();
            out.writeObjectPropertyStart("exponents");
            c.exponents().forEach((stream, e) -> {
                out.writeName(stream);
                out.writeArray(e, 0, e.length);
            });
            out.writeEndObject();
            out.writeObjectPropertyStart("means");
            c.means().forEach((tensor, means) -> {
                out.writeArrayPropertyStart(tensor);
                for (float m : means) {
                    out.writeNumber(m);
                }
                out.writeEndArray();
            });
            out.writeEndObject();
            names(out, "floating", c.floating());
            names(out, "wide", c.wide());
            out.writeArrayPropertyStart("agreements");
            c.agreements().forEach(a -> agreement(out, a));
            out.writeEndArray();
            out.writeEndObject();
        });
    }

    private static void ranges(JsonGenerator out, RangeChoice choice) {
        if (choice instanceof RangeChoice.Maximum) {
            out.writeStringProperty("kind", Kind.MAXIMUM.name());
        } else if (choice instanceof RangeChoice.Percentile p) {
            out.writeStringProperty("kind", Kind.PERCENTILE.name());
            out.writeNumberProperty("share", p.share());
        } else if (choice instanceof RangeChoice.MinimumError) {
            out.writeStringProperty("kind", Kind.MINIMUM_ERROR.name());
        } else {
            throw new AssertionError("unnamed choice " + choice);
        }
    }

    private static void names(JsonGenerator out, String key, Set<String> names) {
        out.writeArrayPropertyStart(key);
        names.forEach(out::writeString);
        out.writeEndArray();
    }

    private static void agreement(JsonGenerator out, Agreement a) {
        out.writeStartObject();
        out.writeStringProperty("reduction", a.reduction().name());
        out.writeNumberProperty("images", a.images());
        out.writeNumberProperty("k", a.k());
        out.writeNumberProperty("meanOverlap", a.meanOverlap());
        out.writeNumberProperty("leastOverlap", a.leastOverlap());
        out.writeNumberProperty("identical", a.identical());
        out.writeNumberProperty("heatError", a.heatError());
        out.writeNumberProperty("rankCorrelation", a.rankCorrelation());
        out.writeEndObject();
    }

    /** @param name of the text, in messages */
    static Calibration read(String name, String json) {
        if (json.length() > MAX_BYTES) {
            throw new CalibrationException(name, "file", "has more than " + MAX_BYTES + " characters, the most allowed",
                    null);
        }
        try {
            // names and counts depend on the network, and keys come in any order
            ResNet network = JsonReader.read(name, json, MAX_BYTES, CalibrationFile::network);
            return JsonReader.read(name, json, MAX_BYTES, in -> new CalibrationFile(in, network).document(network));
        } catch (JsonReader.Fault e) {
            throw new CalibrationException(name, e.place(), e.fault(), e);
        }
    }

    private static ResNet network(JsonReader in) {
        Map<String, Object> found = new HashMap<>();
        in.members(key -> {}, key -> {
            switch (key) {
                case "format" -> found.put(key, format(in));
                case "network" -> found.put(key, in.constant(key, ResNet.class));
                default -> in.skip();
            }
        });
        for (String key : List.of("format", "network")) {
            if (!found.containsKey(key)) {
                throw in.fault("lacks \"" + key + "\"");
            }
        }
        return (ResNet) found.get("network");
    }

    private static int format(JsonReader in) {
        int format = in.integer();
        if (format != FORMAT) {
            throw in.fault("has format " + format + "; allowed: " + FORMAT + ", what this version reads");
        }
        return format;
    }

    /** What was read so far. */
    private static final class Values {
        String weightsSha256;
        Preprocessing preprocessing;
        RangeChoice ranges;
        int images;
        Map<String, Float> limits;
        final Map<String, int[]> exponents = new LinkedHashMap<>();
        final Map<String, float[]> means = new LinkedHashMap<>();
        Set<String> floating;
        Set<String> wide;
        final List<Agreement> agreements = new ArrayList<>();
    }

    private Calibration document(ResNet network) {
        Values v = new Values();
        object(KEYS, key -> {
            switch (key) {
                case "format", "network" -> in.skip(); // read before
                case "weightsSha256" -> {
                    v.weightsSha256 = in.string();
                    check(() -> CalibrationChecks.sha256(v.weightsSha256));
                }
                case "preprocessing" -> v.preprocessing = preprocessing();
                case "ranges" -> v.ranges = ranges();
                case "images" -> {
                    v.images = in.integer();
                    check(() -> CalibrationChecks.images(v.images));
                }
                case "limits" -> v.limits = limits();
                case "exponents" -> in.members(name -> check(() -> checks.stream(name)),
                        name -> v.exponents.put(name, exponents(name)));
                case "means" -> in.members(name -> check(() -> checks.source(name)),
                        name -> v.means.put(name, means(name)));
                case "floating" -> v.floating = names(key, checks::floating);
                case "wide" -> v.wide = names(key, CalibrationChecks::wide);
                default -> in.array(() -> v.agreements.add(agreement()));
            }
        });
        // what is left to refuse concerns several keys
        return made(() -> new Calibration(network, v.weightsSha256, v.preprocessing, v.ranges, v.images, v.limits,
                v.exponents, v.means, v.floating, v.wide, v.agreements));
    }

    private Preprocessing preprocessing() {
        int[] side = new int[1];
        Normalisation[] normalisation = new Normalisation[1];
        ResizeFilter[] filter = new ResizeFilter[1];
        object(PREPROCESSING_KEYS, key -> {
            switch (key) {
                case "inputSide" -> side[0] = in.integer();
                case "normalisation" -> normalisation[0] = made(() -> NormalisationJson.read(in));
                default -> filter[0] = in.constant(key, ResizeFilter.class);
            }
        });
        return made(() -> new Preprocessing(side[0], normalisation[0], filter[0]));
    }

    private RangeChoice ranges() {
        Kind[] kind = new Kind[1];
        Double[] share = new Double[1];
        in.object(RANGES_KEYS, key -> {
            switch (key) {
                case "kind" -> kind[0] = in.constant(key, Kind.class);
                default -> share[0] = in.number();
            }
        });
        if (kind[0] == null || (kind[0] == Kind.PERCENTILE) != (share[0] != null)) {
            throw in.fault("ranges has other keys than it must; allowed: kind, and share for PERCENTILE alone");
        }
        return switch (kind[0]) {
            case MAXIMUM -> new RangeChoice.Maximum();
            case PERCENTILE -> made(() -> new RangeChoice.Percentile(share[0]));
            case MINIMUM_ERROR -> new RangeChoice.MinimumError();
        };
    }

    private Map<String, Float> limits() {
        Map<String, Float> limits = new LinkedHashMap<>();
        in.members(name -> check(() -> checks.tensor(name)), name -> {
            float value = in.singleNumber();
            check(() -> CalibrationChecks.limit(name, value));
            limits.put(name, value);
        });
        return made(() -> checks.limits(limits));
    }

    private int[] exponents(String stream) {
        int[] values = new int[checks.channels(stream)];
        int[] count = new int[1];
        in.array(() -> {
            int e = in.integer();
            check(() -> CalibrationChecks.exponent(stream, e));
            if (count[0] < values.length) {
                values[count[0]] = e;
            }
            count[0]++;
        });
        check(() -> checks.exponentCount(stream, count[0]));
        return values;
    }

    private float[] means(String tensor) {
        float[] values = new float[checks.sourceChannels(tensor)];
        int[] count = new int[1];
        in.array(() -> {
            float m = in.singleNumber();
            check(() -> checks.mean(tensor, m));
            if (count[0] < values.length) {
                values[count[0]] = m;
            }
            count[0]++;
        });
        check(() -> checks.meanCount(tensor, count[0]));
        return values;
    }

    /** A set's names, each known and once. */
    private Set<String> names(String key, Consumer<String> known) {
        Set<String> names = new TreeSet<>();
        in.array(() -> {
            String name = in.string();
            check(() -> known.accept(name));
            if (!names.add(name)) {
                throw in.fault(key + " has " + name + " twice");
            }
        });
        return names;
    }

    private Agreement agreement() {
        Reduction[] reduction = new Reduction[1];
        Map<String, Integer> integers = new HashMap<>();
        Map<String, Double> numbers = new HashMap<>();
        object(AGREEMENT_KEYS, key -> {
            switch (key) {
                case "reduction" -> reduction[0] = in.constant(key, Reduction.class);
                case "images", "k", "leastOverlap" -> integers.put(key, in.integer());
                default -> numbers.put(key, in.number());
            }
        });
        return made(() -> new Agreement(reduction[0], integers.get("images"), integers.get("k"),
                numbers.get("meanOverlap"), integers.get("leastOverlap"), numbers.get("identical"),
                numbers.get("heatError"), numbers.get("rankCorrelation")));
    }

    /** An object that has all keys. */
    private void object(Set<String> keys, Consumer<String> member) {
        Set<String> seen = new HashSet<>();
        in.object(keys, key -> {
            seen.add(key);
            member.accept(key);
        });
        for (String key : keys) {
            if (!seen.contains(key)) {
                throw in.fault("lacks \"" + key + "\"");
            }
        }
    }

    private void check(Runnable check) {
        made(() -> {
            check.run();
            return null;
        });
    }

    /** What a check refuses, with the place. */
    private <T> T made(Supplier<T> make) {
        try {
            return make.get();
        } catch (JsonReader.Fault e) {
            throw e;
        } catch (IllegalArgumentException e) {
            throw in.fault(e.getMessage());
        }
    }

    static Calibration load(Path file) {
        String name = file.toString();
        byte[] bytes;
        try {
            if (!Files.isRegularFile(file)) {
                throw new CalibrationException(name, "file",
                        Files.exists(file) ? "is not a regular file" : "does not exist", null);
            }
            try (InputStream stream = Files.newInputStream(file)) {
                bytes = stream.readNBytes(MAX_BYTES + 1);
            }
        } catch (IOException e) {
            throw new CalibrationException(name, "file", "cannot be read: " + e, e);
        }
        if (bytes.length > MAX_BYTES) {
            throw new CalibrationException(name, "file", "has more than " + MAX_BYTES + " bytes, the most allowed",
                    null);
        }
        ByteBuffer rest = ByteBuffer.wrap(bytes);
        try {
            return read(name, StandardCharsets.UTF_8.newDecoder().decode(rest).toString());
        } catch (CharacterCodingException e) {
            long line = 1 + countLines(bytes, rest.position());
            throw new CalibrationException(name, "line " + line, "is not UTF-8", e);
        }
    }

    private static long countLines(byte[] bytes, int end) {
        long lines = 0;
        for (int i = 0; i < end; i++) {
            lines += bytes[i] == '\n' ? 1 : 0;
        }
        return lines;
    }

    static void save(Path file, String json) throws IOException {
        Path target = file.toAbsolutePath();
        // of the commands' form, so that a run removes what a killed one left; they have no zero in front
        Path temporary = target.resolveSibling("." + ProcessHandle.current().pid() + "-0" + COUNTER.incrementAndGet()
                + ".tmp");
        boolean moved = false;
        try {
            // a stream and no channel: an interrupt of the thread closes a channel it writes to
            try (FileOutputStream out = new FileOutputStream(temporary.toFile())) {
                out.write(json.getBytes(StandardCharsets.UTF_8));
                out.getFD().sync();
            }
            try {
                Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } catch (AtomicMoveNotSupportedException e) {
                Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
            }
            moved = true;
        } finally {
            if (!moved) {
                Files.deleteIfExists(temporary);
            }
        }
    }
}
