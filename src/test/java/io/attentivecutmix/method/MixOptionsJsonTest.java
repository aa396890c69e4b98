package io.attentivecutmix.method;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.Trials;
import io.attentivecutmix.image.ResizeFilter;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MixOptionsJsonTest {
    private static final String PAPER = "{\"mode\":\"ATTENTIVE\",\"reduction\":\"MEAN\",\"patches\":{\"k\":6},"
            + "\"labelWeight\":\"PIXELS\",\"geometry\":\"NATIVE\",\"normalisation\":{\"kind\":\"STANDARDISE\","
            + "\"mean\":[0.485,0.456,0.406],\"std\":[0.229,0.224,0.225]},\"batchNorm\":\"RUNNING\","
            + "\"resizeFilter\":\"BICUBIC\",\"probability\":1.0,\"inputSide\":224}";

    private static String refusal(String json) {
        return assertThrows(IllegalArgumentException.class, () -> MixOptions.fromJson(json), json).getMessage();
    }

    @Test
    void formIsFrozen() {
        assertEquals(PAPER, MixOptions.paper().toJson());
        assertEquals(MixOptions.paper(), MixOptions.fromJson(PAPER));
    }

    @Test
    void missingKeysAreThePapers() {
        assertEquals(MixOptions.paper(), MixOptions.fromJson("{}"));
        assertEquals(MixOptions.paper().withPatches(new Patches.Beta(2, false)),
                MixOptions.fromJson(" { \"patches\" : {\"perImage\":false, \"alpha\":2} } \n"));
        assertEquals(MixOptions.paper().withProbability(1), MixOptions.fromJson("{\"probability\":1}"));
    }

    private static float anyFloat(Random random, boolean positive) {
        while (true) {
            float value = Float.intBitsToFloat(random.nextInt());
            if (Float.isFinite(value) && (!positive || value > 0)) {
                return value;
            }
        }
    }

    private static <E> E any(Random random, E[] of) {
        return of[random.nextInt(of.length)];
    }

    static MixOptions anyOptions(Random random) {
        int grid = 1 + random.nextInt(32);
        double alpha = Math.abs(Double.longBitsToDouble(random.nextLong()));
        Patches patches = alpha > 0 && alpha <= Double.MAX_VALUE && random.nextBoolean()
                ? new Patches.Beta(alpha, random.nextBoolean()) : new Patches.Fixed(1 + random.nextInt(grid * grid));
        Normalisation normalisation = switch (random.nextInt(3)) {
            case 0 -> Normalisation.NONE;
            case 1 -> Normalisation.ALREADY_NORMALISED;
            default -> Normalisation.standardise(
                    List.of(anyFloat(random, false), anyFloat(random, false), anyFloat(random, false)),
                    List.of(anyFloat(random, true), anyFloat(random, true), anyFloat(random, true)));
        };
        return new MixOptions(any(random, Mode.values()), any(random, Reduction.values()), patches,
                any(random, LabelWeight.values()), any(random, Geometry.values()), normalisation,
                any(random, BatchNorm.values()), any(random, ResizeFilter.values()), random.nextDouble(), 32 * grid);
    }

    @Test
    void everyValueReadsBackTheSame() {
        Trials.run(1000, (seed, random) -> everyValueReadsBackTheSame(seed));
    }

    private static void everyValueReadsBackTheSame(long seed) {
        MixOptions options = anyOptions(new Random(seed));
        assertEquals(options, MixOptions.fromJson(options.toJson()), "seed " + seed);
    }

    @Test
    void refusesWhatItDoesNotKnow() {
        assertEquals("options JSON, line 1, column 2: has unknown key \"k\"; allowed: batchNorm, geometry, inputSide,"
                + " labelWeight, mode, normalisation, patches, probability, reduction, resizeFilter",
                refusal("{\"k\" : 6}"));
        assertTrue(refusal("{\"patches\":{\"k\":6,\"p\":1}}")
                .contains("unknown key \"p\"; allowed: alpha, k, perImage"));
        assertTrue(refusal("{\"mode\":\"CUTMIX\",\"mode\":\"CUTMIX\"}").contains("Duplicate"));
        // The same key spelled with an escape is a duplicate too.
        assertTrue(refusal("{\"mode\":\"CUTMIX\",\"\\u006dode\":\"CUTMIX\"}").contains("Duplicate"));
        assertEquals("options JSON, line 1, column 9: has mode \"cutmix\"; allowed: [ATTENTIVE, RANDOM_CELLS, CUTMIX]",
                refusal("{\"mode\":\"cutmix\"}"));
        assertTrue(refusal("{\"\\u001b[31m\":1}").contains("unknown key \"\\u001b[31m\""));
        assertTrue(refusal("{\"mode\":1}").contains("value of \"mode\" is not a string"));
        assertTrue(refusal("{\"mode\":null}").contains("value of \"mode\" is not a string"));
        assertTrue(refusal("{\"inputSide\":224.0}").contains("value of \"inputSide\" is not an integer"));
        assertTrue(refusal("{\"inputSide\":\"224\"}").contains("value of \"inputSide\" is not an integer"));
        assertTrue(refusal("{\"inputSide\":4294967520}").contains("out of range of `int`"));
        assertEquals("inputSide is 225; allowed: multiples of 32 from 32 to 1024", refusal("{\"inputSide\":225}"));
        assertEquals("k is 50; allowed: 1 to 49 (G² at inputSide 224)", refusal("{\"patches\":{\"k\":50}}"));
        assertEquals("k is 0; allowed: 1 to G²", refusal("{\"patches\":{\"k\":0}}"));
        assertEquals("probability is Infinity; allowed: 0 to 1", refusal("{\"probability\":1e999}"));
        assertTrue(refusal("{\"probability\":NaN}").startsWith("options JSON"));
        assertTrue(refusal("{\"probability\":true}").contains("value of \"probability\" is not a number"));
        assertTrue(refusal("{\"patches\":{\"k\":6,\"alpha\":1}}").contains("allowed: k alone, or alpha and perImage"));
        assertTrue(refusal("{\"patches\":{}}").contains("allowed: k alone, or alpha and perImage"));
        assertTrue(refusal("{\"patches\":{\"alpha\":1,\"perImage\":1}}").contains("is not true or false"));
        assertTrue(refusal("{\"normalisation\":{}}").contains("normalisation has no kind"));
        assertTrue(refusal("{\"normalisation\":{\"kind\":\"NONE\",\"mean\":[0,0,0]}}").contains("has mean or std"));
        assertTrue(refusal("{\"normalisation\":{\"kind\":\"STANDARDISE\",\"mean\":{}}}")
                .contains("value of \"mean\" is not an array"));
        assertEquals("mean and std have 2 and 0 values; allowed: 3 each (R, G, B)",
                refusal("{\"normalisation\":{\"kind\":\"STANDARDISE\",\"mean\":[1,2]}}"));
    }

    @Test
    void refusesWhatIsNoSingleObject() {
        assertTrue(refusal("").contains("is empty"));
        assertTrue(refusal("[]").contains("document is not an object"));
        assertTrue(refusal("{}{}").contains("goes on after its end"));
        assertTrue(refusal("{} x").startsWith("options JSON, line 1, column"));
        assertTrue(refusal("{\"mode\":" + "[".repeat(100) + "]".repeat(100) + "}").startsWith("options JSON"));
        assertTrue(refusal("{\"mode\":\"" + "x".repeat(1000) + "\"}").startsWith("options JSON"));
        assertTrue(refusal("{\"probability\":0." + "1".repeat(1000) + "}").startsWith("options JSON"));
        assertEquals("options JSON has 65537 characters; allowed: up to 65536", refusal(" ".repeat(65537)));
        assertEquals(MixOptions.paper(), MixOptions.fromJson("{}" + " ".repeat(65534)));
        for (int length = 0; length < PAPER.length(); length++) {
            assertTrue(refusal(PAPER.substring(0, length)).startsWith("options JSON"), "cut at " + length);
        }
    }

    @Test
    void faultsTellPlaceAndMessageApart() {
        var fault = assertThrows(JsonReader.Fault.class, () -> MixOptions.fromJson("{\n \"mode\":1}"));
        assertEquals("line 2, column 9", fault.place());
        assertEquals("value of \"mode\" is not a string", fault.fault());
        assertEquals("options JSON, line 2, column 9: value of \"mode\" is not a string", fault.getMessage());
    }
}
