package io.attentivecutmix.cuda.cudnn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.cuda.cudnn.Choices.StemKind;
import io.attentivecutmix.cuda.cudnn.Choices.StemShape;
import io.attentivecutmix.cuda.cudnn.Choices.Timed;
import io.attentivecutmix.cuda.cudnn.EngineChoice.Knob;
import io.attentivecutmix.image.Draw;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.network.ResNet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlanFileTest {
    private static final PlanKey KEY = new PlanKey(91900, "NVIDIA \"H100\"\n80GB/HBM3", "sm_90", Precision.BF16);
    private static final ConvolutionShape SHAPE = new ConvolutionShape(64, 56, 64, 256, 1, 1, 0, true, true);

    private static Choices choices() {
        Choices choices = new Choices();
        choices.engines().put(SHAPE, new Timed(
                new EngineChoice(Form.RESIDUAL_FIRST, 41, List.of(new Knob(2, 4), new Knob(13, -1))), 12.25));
        choices.stems().put(new StemShape(64, 224), StemKind.KERNEL);
        return choices;
    }

    @Test
    void whatIsWrittenIsRead() {
        Choices choices = new Choices();
        Random random = new Random(3);
        for (ResNet network : ResNet.values()) {
            for (int n : new int[] {1, 256}) {
                new NetworkLayout(network, 224).layers().forEach(l -> choices.engines().put(l.shape(n), new Timed(
                        new EngineChoice(Form.values()[random.nextInt(3)], random.nextInt(100),
                                List.of(new Knob(random.nextInt(44), random.nextLong()))), random.nextInt(1000))));
                choices.stems().put(new StemShape(n, 224), StemKind.values()[n & 1]);
            }
        }
        Choices read = PlanFile.read(PlanFile.write(KEY, choices), KEY);
        assertEquals(choices.engines(), read.engines());
        assertEquals(choices.stems(), read.stems());
        assertEquals(choices.engines().size(), read.engines().size());
        Choices none = PlanFile.read(PlanFile.write(KEY, new Choices()), KEY);
        assertTrue(none.engines().isEmpty() && none.stems().isEmpty());
    }

    @Test
    void namesFitEveryFileSystem() {
        assertEquals("cudnn-9.19.0-NVIDIA-H100-80GB-HBM3-sm_90-bf16.json", KEY.fileName());
        assertTrue(new PlanKey(92600, "x".repeat(500), "sm_120", Precision.FP32).fileName().length() < 120);
    }

    @Test
    void everyTruncationIsRefused() {
        String text = PlanFile.write(KEY, choices());
        assertEquals(choices().engines(), PlanFile.read(text, KEY).engines());
        // the last two characters are the closing brace and the end of the line
        for (int length = 0; length < text.length() - 1; length++) {
            String part = text.substring(0, length);
            assertThrows(IllegalArgumentException.class, () -> PlanFile.read(part, KEY), part);
        }
    }

    @Test
    @Tag("slow")
    void randomBytesAreRefusedOrHarmless() {
        byte[] text = PlanFile.write(KEY, choices()).getBytes(java.nio.charset.StandardCharsets.ISO_8859_1);
        long seed = 17;
        Random random = new Random(seed);
        int refused = 0;
        for (int i = 0; i < 20_000; i++) {
            byte[] changed = text.clone();
            changed[random.nextInt(changed.length)] = (byte) (random.nextBoolean() ? random.nextInt(128) : '0'
                    + random.nextInt(10));
            try {
                PlanFile.read(new String(changed, java.nio.charset.StandardCharsets.ISO_8859_1), KEY);
            } catch (IllegalArgumentException e) {
                refused++;
            }
        }
        assertTrue(refused > 10_000, "seed " + seed + ": " + refused + " of 20000 were refused");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "\"format\":1 | \"format\":2 | another format",
        "\"cudnn\":91900 | \"cudnn\":91901 | another cudnn",
        "\"sm_90\" | \"sm_80\" | another architecture",
        "\"BF16\" | \"FP16\" | another precision",
        "\"NHWC\" | \"NCHW\" | another layout",
        "HBM3 | HBM2 | another gpu",
        "\"n\":64,\"side\":56 | \"n\":0,\"side\":56 | has the number 0; allowed: 1 to 1048576",
        "\"n\":64,\"side\":56 | \"n\":2000000,\"side\":56 | has the number 2000000",
        "\"n\":64,\"side\":56 | \"n\":64.5,\"side\":56 | where an integer is due",
        "\"n\":64,\"side\":56 | \"n\":\"64\",\"side\":56 | where an integer is due",
        "\"n\":64,\"side\":56 | \"n\":99999999999999999999,\"side\":56 | out of range",
        "\"n\":64,\"side\":56 | \"side\":56 | lacks \"n\"",
        "\"n\":64,\"side\":56 | \"n\":64,\"n\":64,\"side\":56 | uplicate",
        "\"kernel\":1 | \"kernel\":16 | has the number 16; allowed: 1 to 15",
        "\"padding\":0 | \"padding\":-1 | has the number -1",
        "\"residual\":true | \"residual\":1 | where true or false is due",
        "\"engine\":41 | \"engine\":-41 | has the number -41",
        "\"engine\":41 | \"engine\":41,\"size\":1 | unknown key",
        "\"RESIDUAL_FIRST\" | \"FASTEST\" | unknown value; allowed: [RESIDUAL_FIRST, BIAS_FIRST, UNFUSED]",
        "[2,4] | [2] | not [type, value]",
        "[2,4] | [2,4,1] | more than 2 elements",
        "[2,4] | [-2,4] | not [type, value]",
        "[2,4] | [32768,4] | not [type, value]",
        "[2,4] | 2 | where an array is due",
        "\"format\":1, | '' | lacks \"format\"",
        ",\"stem\":\"KERNEL\" | '' | lacks \"stem\"",
        "\"micros\":12.25 | \"micros\":\"12.25\" | where a number is due",
        "\"n\":64,\"side\":56 | \"n\":1048577,\"side\":56 | has the number 1048577; allowed: 1 to 1048576",
        "\"micros\":12.25 | \"micros\":NaN | NaN",
        "\"KERNEL\" | null | where a string is due",
        "\"stems\":[ | \"stems\":[{\"n\":64,\"side\":224,\"stem\":\"CUDNN\"}, | two stems for n 64, side 224",
        "\"stems\":[ | \"stems\":[[ | where an object is due"})
    void whatIsWrongIsNamed(String from, String to, String message) {
        String text = PlanFile.write(KEY, choices());
        assertTrue(text.contains(from), text);
        String said = assertThrows(IllegalArgumentException.class, () -> PlanFile.read(text.replace(from, to),
                KEY)).getMessage();
        assertTrue(said.contains(message), said);
        assertTrue(said.startsWith("line "), said);
    }

    @Test
    void theGreatestNumbersAreRead() {
        String text = PlanFile.write(KEY, choices());
        String greatest = text.replace("\"n\":64,\"side\":56", "\"n\":1048576,\"side\":56")
                .replace("[2,4]", "[32767,4]").replace("\"micros\":12.25", "\"micros\":12");
        var read = PlanFile.read(greatest, KEY).engines().entrySet().iterator().next();
        assertEquals(1_048_576, read.getKey().n());
        assertEquals(new Knob(32767, 4), read.getValue().choice().knobs().get(0));
        assertEquals(12.0, read.getValue().micros());
    }

    @Test
    void tooManyEntriesAreRefused() {
        String knobs = "[2,4],".repeat(100);
        String text = PlanFile.write(KEY, choices());
        assertThrows(IllegalArgumentException.class, () -> PlanFile.read(text.replace("[2,4]", knobs + "[2,4]"), KEY));
        assertThrows(IllegalArgumentException.class, () -> PlanFile.read(text + "{}", KEY));
        String engine = text.lines().filter(l -> l.startsWith("{\"n\":64,\"side\":56")).findFirst().orElseThrow();
        assertTrue(assertThrows(IllegalArgumentException.class,
                () -> PlanFile.read(text.replace(engine, engine + "," + engine),
                        KEY)).getMessage().contains("two engines"));
    }

    /** The slice of {@link PlanFuzz} of every build; {@code -Dfuzz.seed} and {@code -Dfuzz.plans} take another. */
    @Test
    void drawnFilesAreReadOrRefused() {
        long seed = Long.getLong("fuzz.seed", 9);
        int files = Integer.getInteger("fuzz.plans", 2_000);
        System.out.println("PlanFileTest: " + files + " files, fuzz.seed " + seed);
        int accepted = 0;
        for (int i = 0; i < files; i++) {
            try {
                accepted += PlanFuzz.any(Draw.of(seed * 1_000_003 + i)) ? 1 : 0;
            } catch (Throwable e) {
                throw new AssertionError("file " + i + " of fuzz.seed " + seed, e);
            }
        }
        assertTrue(accepted > files / 20 && accepted < files * 3 / 4, accepted + " of " + files + " accepted");
    }
}
