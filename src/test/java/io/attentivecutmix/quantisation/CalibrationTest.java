package io.attentivecutmix.quantisation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.image.ResizeFilter;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.network.ResNet;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CalibrationTest {
    private static final Calibration SMALL = Calibrations.small();

    private static Calibration with(Map<String, Float> limits, Map<String, int[]> exponents, Set<String> floating,
            Set<String> wide, List<Agreement> agreements) {
        return with(limits, exponents, Map.of(), floating, wide, agreements);
    }

    private static Calibration with(Map<String, Float> limits, Map<String, int[]> exponents,
            Map<String, float[]> means, Set<String> floating, Set<String> wide, List<Agreement> agreements) {
        return new Calibration(SMALL.network(), SMALL.weightsSha256(), SMALL.preprocessing(), SMALL.ranges(),
                SMALL.images(), limits, exponents, means, floating, wide, agreements);
    }

    private static String refusal(Runnable make) {
        return assertThrows(IllegalArgumentException.class, make::run).getMessage();
    }

    private static String limitsRefusal(UnaryOperator<Map<String, Float>> change) {
        Map<String, Float> limits = change.apply(new LinkedHashMap<>(SMALL.limits()));
        return refusal(() -> with(limits, Map.of(), Set.of(), Set.of(), List.of()));
    }

    private static String exponentsRefusal(String stream, int... values) {
        return refusal(() -> with(SMALL.limits(), Map.of(stream, values), Set.of(), Set.of(), List.of()));
    }

    @ParameterizedTest
    @ValueSource(floats = {0, -0f, -1, Float.MIN_VALUE, 0x1.fffffep-101f, 0x1.000002p100f, Float.POSITIVE_INFINITY,
        Float.NEGATIVE_INFINITY, Float.NaN})
    void limitsThatNoScaleCanBeMadeOf(float value) {
        assertEquals("limit of layer2.0.conv1 is " + value + "; allowed: 2^-100 to 2^100", limitsRefusal(limits -> {
            limits.put("layer2.0.conv1", value);
            return limits;
        }));
    }

    @Test
    void limitsAtTheEdges() {
        Map<String, Float> limits = new LinkedHashMap<>(SMALL.limits());
        limits.put("input", 0x1p-100f);
        limits.put("conv1", 0x1p100f);
        assertEquals(limits, with(limits, Map.of(), Set.of(), Set.of(), List.of()).limits());
    }

    @Test
    void limitsAreThoseOfTheNetworksTensors() {
        assertEquals("limits lacks layer3.1.conv2; needed: every tensor of RESNET18", limitsRefusal(limits -> {
            limits.remove("layer3.1.conv2");
            return limits;
        }));
        assertEquals("limits names layer1.0.conv3, which is no tensor of RESNET18", limitsRefusal(limits -> {
            limits.put("layer1.0.conv3", 1f);
            return limits;
        }));
        assertTrue(limitsRefusal(limits -> Map.of()).startsWith("limits lacks input"));
    }

    @Test
    void exponentsThatAreNotAllowed() {
        assertEquals("exponents of layer1 has 9; allowed: -8 to 8", exponentsRefusal("layer1", repeated(64, 9)));
        assertEquals("exponents of layer1 has -9; allowed: -8 to 8", exponentsRefusal("layer1", repeated(64, -9)));
        assertEquals("exponents of layer2 has 64 values; allowed: 128, one for each channel",
                exponentsRefusal("layer2", repeated(64, 0)));
        String streams = "; allowed: streams of RESNET18 other than input and layer4";
        assertEquals("exponents names layer4" + streams, exponentsRefusal("layer4", repeated(512, 0)));
        assertEquals("exponents names input" + streams, exponentsRefusal("input", repeated(3, 0)));
        // joins layer1's stream in a ResNet-18, whose first block has no convolution in its shortcut
        assertEquals("exponents names conv1" + streams, exponentsRefusal("conv1", repeated(64, 0)));
        assertEquals("exponents names layer1.0.conv2" + streams, exponentsRefusal("layer1.0.conv2",
                repeated(64, 0)));
    }

    private static int[] repeated(int n, int value) {
        int[] values = new int[n];
        Arrays.fill(values, value);
        return values;
    }

    @Test
    void everyStreamCanHaveExponents() {
        for (ResNet network : ResNet.values()) {
            Calibration c = Calibrations.full(network, 1);
            Activations activations = new Activations(network);
            c.exponents().forEach((stream, e) -> activations.tensors().values().stream()
                    .filter(t -> t.stream().equals(stream))
                    .forEach(t -> assertEquals(t.channels(), e.length, t::name)));
            assertEquals(network.bottleneck(), c.exponents().containsKey("conv1"), network::name);
        }
    }

    private static String meansRefusal(String tensor, float... values) {
        return refusal(() -> with(SMALL.limits(), Map.of(), Map.of(tensor, values), Set.of(), Set.of(), List.of()));
    }

    @Test
    void meansThatAreNotAllowed() {
        assertEquals("means of input has NaN; allowed: -2^100 to 2^100", meansRefusal("input", 1, Float.NaN, 2));
        assertEquals("means of input has -Infinity; allowed: -2^100 to 2^100",
                meansRefusal("input", 1, 2, Float.NEGATIVE_INFINITY));
        assertEquals("means of input has " + 0x1.000002p100f + "; allowed: -2^100 to 2^100",
                meansRefusal("input", 1, 2, 0x1.000002p100f));
        float[] negative = new float[64];
        negative[63] = -Float.MIN_VALUE;
        assertEquals("means of conv1 has " + -Float.MIN_VALUE + "; allowed: 0 to 2^100",
                meansRefusal("conv1", negative));
        assertEquals("means of conv1 has 3 values; allowed: 64, one for each channel", meansRefusal("conv1", 1, 2, 3));
        // what a shortcut's convolution writes is only added, and the last tensor is read by the heat map
        for (String name : List.of("layer2.0.downsample.0", "layer4.1.conv2", "layer1", "fc", "maxpool")) {
            assertEquals("means names " + name + ", which no convolution of RESNET18 reads", meansRefusal(name, 1));
        }
        float[] edges = {-0x1p100f, 0x1p100f, -0f};
        assertArrayEquals(edges, with(SMALL.limits(), Map.of(), Map.of("input", edges), Set.of(), Set.of(), List.of())
                .means().get("input"));
    }

    @Test
    void namesThatAreNotAllowed() {
        assertEquals("floating names fc, which is no convolution of RESNET18",
                refusal(() -> with(SMALL.limits(), Map.of(), Set.of("fc"), Set.of(), List.of())));
        assertEquals("floating names input, which is no convolution of RESNET18",
                refusal(() -> with(SMALL.limits(), Map.of(), Set.of("input"), Set.of(), List.of())));
        assertEquals("wide names conv1; allowed: layer1, layer2, layer3, layer4",
                refusal(() -> with(SMALL.limits(), Map.of(), Set.of(), Set.of("conv1"), List.of())));
    }

    @Test
    void agreementsThatAreNotAllowed() {
        Agreement a = SMALL.agreements().get(0);
        assertEquals("agreements has two for MEAN; allowed: one for each reduction",
                refusal(() -> SMALL.withAgreements(List.of(a, a))));
        assertEquals("k is 50 in the agreement for MEAN; allowed: 1 to 49 (G² at inputSide 224)",
                refusal(() -> SMALL.withAgreements(List.of(new Agreement(Reduction.MEAN, 1, 50, 50, 50, 1, 0, 1)))));
        assertEquals("images is 0; allowed: 1 or more",
                refusal(() -> new Agreement(Reduction.MEAN, 0, 6, 6, 6, 1, 0, 1)));
        assertEquals("k is 0; allowed: 1 or more", refusal(() -> new Agreement(Reduction.MEAN, 1, 0, 6, 6, 1, 0, 1)));
        assertEquals("leastOverlap is 7.0; allowed: 0.0 to 6.0",
                refusal(() -> new Agreement(Reduction.MEAN, 1, 6, 6, 7, 1, 0, 1)));
        assertEquals("meanOverlap is 3.5; allowed: 4.0 to 6.0",
                refusal(() -> new Agreement(Reduction.MEAN, 1, 6, 3.5, 4, 1, 0, 1)));
        assertEquals("identical is 1.5; allowed: 0.0 to 1.0",
                refusal(() -> new Agreement(Reduction.MEAN, 1, 6, 6, 6, 1.5, 0, 1)));
        assertTrue(refusal(() -> new Agreement(Reduction.MEAN, 1, 6, 6, 6, 1, Double.NaN, 1))
                .startsWith("heatError is NaN"));
        assertTrue(refusal(() -> new Agreement(Reduction.MEAN, 1, 6, 6, 6, 1, Double.POSITIVE_INFINITY, 1))
                .startsWith("heatError is Infinity"));
        assertEquals("rankCorrelation is -1.5; allowed: -1.0 to 1.0",
                refusal(() -> new Agreement(Reduction.MEAN, 1, 6, 6, 6, 1, 0, -1.5)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "0123", "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        "g123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"})
    void hashesThatAreNone(String hash) {
        assertEquals("weightsSha256 is " + hash + "; allowed: 64 digits of 0-9 and a-f",
                refusal(() -> new Calibration(SMALL.network(), hash, SMALL.preprocessing(), SMALL.ranges(), 1,
                        SMALL.limits(), Map.of(), Map.of(), Set.of(), Set.of(), List.of())));
    }

    @Test
    void otherNumbersThatAreNotAllowed() {
        assertEquals("images is 0; allowed: 1 or more",
                refusal(() -> new Calibration(SMALL.network(), SMALL.weightsSha256(), SMALL.preprocessing(),
                        SMALL.ranges(), 0, SMALL.limits(), Map.of(), Map.of(), Set.of(), Set.of(), List.of())));
        assertEquals("inputSide is 225; allowed: multiples of 32 from 32 to 1024",
                refusal(() -> new Preprocessing(225, Normalisation.NONE, ResizeFilter.BICUBIC)));
        assertEquals("share is 0.5; allowed: above 0.5, to 1", refusal(() -> new RangeChoice.Percentile(0.5)));
    }

    @Test
    void nothingChangesIt() {
        Map<String, Float> limits = new LinkedHashMap<>(SMALL.limits());
        int[] e = repeated(64, 3);
        Map<String, int[]> exponents = new LinkedHashMap<>(Map.of("layer1", e));
        Set<String> floating = new HashSet<>(Set.of("conv1"));
        List<Agreement> agreements = new ArrayList<>(SMALL.agreements());
        float[] m = {1, -2, 3};
        Map<String, float[]> means = new LinkedHashMap<>(Map.of("input", m));
        Calibration c = with(limits, exponents, means, floating, Set.of(), agreements);
        Calibration same = Calibration.fromJson(c.toJson());
        e[0] = 99;
        limits.put("conv1", -1f);
        m[0] = 99;
        means.clear();
        exponents.clear();
        floating.clear();
        agreements.clear();
        c.exponents().get("layer1")[1] = 99;
        c.exponents().clear();
        c.means().get("input")[1] = 99;
        c.means().clear();
        assertEquals(same, c);
        assertArrayEquals(repeated(64, 3), c.exponents().get("layer1"));
        assertArrayEquals(new float[] {1, -2, 3}, c.means().get("input"));
        assertThrows(UnsupportedOperationException.class, () -> c.limits().put("conv1", 1f));
        assertThrows(UnsupportedOperationException.class, () -> c.floating().add("conv1"));
        assertThrows(UnsupportedOperationException.class, () -> c.wide().add("layer1"));
        assertThrows(UnsupportedOperationException.class, () -> c.agreements().clear());
    }

    @Test
    void equalsByContent() {
        Calibration a = Calibrations.full(ResNet.RESNET18, 5);
        Calibration b = Calibrations.full(ResNet.RESNET18, 5);
        assertEquals(a, b);
        assertEquals(a.hashCode(), b.hashCode());
        Map<String, int[]> other = b.exponents();
        other.get("layer1")[7] ^= 1;
        assertNotEquals(a, new Calibration(b.network(), b.weightsSha256(), b.preprocessing(), b.ranges(), b.images(),
                b.limits(), other, b.means(), b.floating(), b.wide(), b.agreements()));
        Map<String, float[]> means = b.means();
        means.get("layer1.0.conv1")[7] += 1;
        Calibration shifted = new Calibration(b.network(), b.weightsSha256(), b.preprocessing(), b.ranges(),
                b.images(), b.limits(), b.exponents(), means, b.floating(), b.wide(), b.agreements());
        assertNotEquals(a, shifted);
        assertFalse(a.hasWeightsOf(shifted));
        assertTrue(a.hasWeightsOf(new Calibration(b.network(), b.weightsSha256(), b.preprocessing(), b.ranges(),
                b.images(), b.limits(), b.exponents(), b.means(), Set.of(), Set.of(), List.of())));
        assertNotEquals(a, b.withAgreements(List.of()));
        assertEquals(a, b.withAgreements(List.of()).withAgreements(a.agreements()));
        // whatever the order in which names were given
        List<String> names = new ArrayList<>(b.limits().keySet());
        Collections.reverse(names);
        Map<String, Float> reversed = new LinkedHashMap<>();
        names.forEach(n -> reversed.put(n, b.limits().get(n)));
        Calibration c = new Calibration(b.network(), b.weightsSha256(), b.preprocessing(), b.ranges(), b.images(),
                reversed, b.exponents(), b.means(), b.floating(), b.wide(), b.agreements());
        assertEquals(a.toJson(), c.toJson());
    }

    @Test
    void saysWhichConvolutionsAreInFloat() {
        ResNet network = SMALL.network();
        assertFalse(SMALL.isInt8(network.stem()));
        network.blocks().forEach(b -> b.path().forEach(c -> assertTrue(SMALL.isInt8(c), c::name)));
    }

    @Test
    void holdsForOneExtractorOnly() {
        Preprocessing p = SMALL.preprocessing();
        assertDoesNotThrow(() -> SMALL.check(ResNet.RESNET18, Calibrations.SHA, p));
        String other = "f".repeat(64);
        assertEquals("calibration holds for another extractor: weightsSha256 is " + Calibrations.SHA
                + " in the calibration, " + other + " in this run. Calibrate again, or take the weights and options it"
                + " is for", refusal(() -> SMALL.check(ResNet.RESNET18, other, p)));
        String all = refusal(() -> SMALL.check(ResNet.RESNET50, other,
                new Preprocessing(256, Normalisation.NONE, ResizeFilter.NEAREST)));
        assertTrue(all.contains("network is RESNET18 in the calibration, RESNET50 in this run; weightsSha256 is"), all);
        assertTrue(all.contains("; inputSide is 224 in the calibration, 256 in this run; normalisation is"), all);
        assertTrue(all.contains("; resizeFilter is BICUBIC in the calibration, NEAREST in this run."), all);
    }
}
