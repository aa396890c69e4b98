package io.attentivecutmix.method;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import io.attentivecutmix.image.Draw;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Options and records as JSON under Jazzer; run by name only ({@link MixJsonFuzzTest} is the slice of every build):
 *
 * <pre>{@code
 * JAZZER_FUZZ=1 _JAVA_OPTIONS=-Xmx256m nice mvn -q -Dnative=OFF -Dcuda=OFF test -Dtest='MixJsonFuzz#bytes' \
 *     -Djazzer.max_duration=10m
 * }</pre>
 */
class MixJsonFuzz {
    private static final String[] VALUES = {"0", "-1", "1e999", "1.5", "-0.0", "9223372036854775807", "2147483648",
        "null", "[]", "{}", "\"1\"", "true", "NaN", "1025", "", "[0,0]", "\"\\u0000\"", "0.1", "1E-400"};

    static Stream<byte[]> seeds() {
        return Stream.of(1, 2, 3, 4).map(seed -> sound(Draw.of(seed)).getBytes(StandardCharsets.UTF_8));
    }

    /** The options of any mix, or the record of one. */
    private static String sound(Draw draw) {
        Random random = new Random(draw.below(1 << 20));
        MixOptions options = MixOptionsJsonTest.anyOptions(random);
        if (draw.oneIn(3)) {
            return options.toJson();
        }
        MixOptions small = MixOptions.paper().withPatches(new Patches.Fixed(1 + draw.below(4))).withInputSide(64);
        int n = 2 + draw.below(3);
        float[][] maps = new float[n][4];
        for (float[] map : maps) {
            for (int c = 0; c < 4; c++) {
                map[c] = random.nextFloat();
            }
        }
        return MixRecord.fromHeatMaps(small, Pairing.shuffled(draw.below(100), 0, draw.below(100)), maps).toJson();
    }

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "10m")
    void bytes(byte[] file) {
        accepts(new String(file, StandardCharsets.UTF_8));
    }

    @FuzzTest(maxDuration = "10m")
    void structured(FuzzedDataProvider data) {
        any(Draw.of(data));
    }

    static boolean any(Draw draw) {
        String text = sound(draw);
        if (draw.oneIn(3)) {
            return accepts(draw.mutate(text));
        }
        for (int change = draw.below(3); change > 0; change--) {
            int at = text.indexOf(draw.any(":", ",", "["), draw.below(text.length()));
            int end = at + 1;
            while (end < text.length() && ",]}".indexOf(text.charAt(end)) < 0) {
                end++;
            }
            text = at < 0 ? text : text.substring(0, at + 1) + draw.any(VALUES) + text.substring(end);
        }
        return accepts(text);
    }

    /** As options and as a record: what is read is written and read again the same; what is refused has a message. */
    static boolean accepts(String text) {
        boolean options = false;
        boolean record = false;
        try {
            MixOptions read = MixOptions.fromJson(text);
            same(read, MixOptions.fromJson(read.toJson()));
            options = true;
        } catch (IllegalArgumentException e) {
            said(e);
        }
        try {
            MixRecord read = MixRecord.fromJson(text);
            same(read, MixRecord.fromJson(read.toJson()));
            record = true;
        } catch (IllegalArgumentException e) {
            said(e);
        }
        return options || record;
    }

    private static void same(Object a, Object b) {
        if (!a.equals(b)) {
            throw new AssertionError(a + " reads back as " + b);
        }
    }

    private static void said(IllegalArgumentException e) {
        String message = e.getMessage();
        if (message == null || message.isBlank() || message.length() > 2000
                || message.chars().anyMatch(c -> c < ' ' && c != '\n')) {
            throw new AssertionError("not fit for a terminal: " + message, e);
        }
    }
}
