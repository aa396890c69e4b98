package io.attentivecutmix.cuda.cudnn;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import io.attentivecutmix.cuda.cudnn.Choices.StemKind;
import io.attentivecutmix.cuda.cudnn.Choices.StemShape;
import io.attentivecutmix.cuda.cudnn.Choices.Timed;
import io.attentivecutmix.cuda.cudnn.EngineChoice.Knob;
import io.attentivecutmix.image.Draw;
import io.attentivecutmix.method.Precision;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Plan files under Jazzer; run by name only ({@link PlanFileTest} has the slice of every build):
 *
 * <pre>{@code
 * JAZZER_FUZZ=1 _JAVA_OPTIONS=-Xmx256m nice mvn -q -Dnative=OFF -Dcuda=OFF test -Dtest='PlanFuzz#bytes' \
 *     -Djazzer.max_duration=10m
 * }</pre>
 */
class PlanFuzz {
    private static final PlanKey KEY = new PlanKey(91900, "GPU", "sm_90", Precision.FP16);

    static Stream<byte[]> seeds() {
        return Stream.of(0, 1, 3).map(n -> written(Draw.of(n), n).getBytes(StandardCharsets.UTF_8));
    }

    /** A sound file of so many engines. */
    private static String written(Draw draw, int engines) {
        Choices choices = new Choices();
        for (int i = 0; i < engines; i++) {
            List<Knob> knobs = new ArrayList<>();
            for (int k = draw.below(4); k > 0; k--) {
                knobs.add(new Knob(draw.below(44), draw.below(100) - 2));
            }
            choices.engines().put(new ConvolutionShape(1 + i, 1 + draw.below(224), 64, 1 + draw.below(2048),
                    1 + draw.below(15), 1 + draw.below(2), draw.below(4), draw.oneIn(2), draw.oneIn(2)), new Timed(
                    new EngineChoice(draw.any(Form.values()), draw.below(100), knobs), draw.below(1000) / 8.0));
            choices.stems().put(new StemShape(1 + i, 224), draw.any(StemKind.values()));
        }
        return PlanFile.write(KEY, choices);
    }

    @MethodSource("seeds")
    @FuzzTest(maxDuration = "10m")
    void bytes(byte[] file) {
        accepts(new String(file, StandardCharsets.UTF_8));
    }

    /** A sound file, then one number of it replaced, or damage anywhere. */
    @FuzzTest(maxDuration = "10m")
    void structured(FuzzedDataProvider data) {
        any(Draw.of(data));
    }

    static boolean any(Draw draw) {
        String text = written(draw, draw.below(4));
        if (draw.oneIn(2)) {
            return accepts(draw.mutate(text));
        }
        int at = draw.below(text.length());
        while (at < text.length() && !Character.isDigit(text.charAt(at))) {
            at++;
        }
        int end = at;
        while (end < text.length() && Character.isDigit(text.charAt(end))) {
            end++;
        }
        return accepts(text.substring(0, at) + draw.any("1", "2", "3", "7", "12", "0", "-1", "1e999", "1.5",
                "9223372036854775808", "null", "[]", "{}", "\"1\"", "true", "16", "1048577", "") + text.substring(end));
    }

    /** What is read is written and read again the same; what is refused says where. */
    static boolean accepts(String text) {
        Choices choices;
        try {
            choices = PlanFile.read(text, KEY);
        } catch (IllegalArgumentException e) {
            if (e.getMessage() == null || e.getMessage().isBlank()) {
                throw new AssertionError("no message", e);
            }
            return false;
        }
        Choices again = PlanFile.read(PlanFile.write(KEY, choices), KEY);
        if (!again.engines().keySet().equals(choices.engines().keySet()) || !again.stems().equals(choices.stems())) {
            throw new AssertionError("reads back otherwise: " + text);
        }
        return true;
    }
}
