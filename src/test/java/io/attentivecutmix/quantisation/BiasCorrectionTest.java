package io.attentivecutmix.quantisation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.attentivecutmix.network.FoldedConvolution;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.ResNet.Convolution;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The correction of a bias against numbers that can be worked out by hand. */
class BiasCorrectionTest {
    /** 64 to 128 channels, 1×1, reads layer1.1.conv2. */
    private static final Convolution SHORTCUT = convolution("layer2.0.downsample.0");
    /** 64 to 64 channels, 3×3, reads conv1. */
    private static final Convolution FIRST = convolution("layer1.0.conv1");

    private static Convolution convolution(String name) {
        return ResNet.RESNET18.convolutions().stream().filter(c -> c.name().equals(name)).findFirst().orElseThrow();
    }

    private static Calibration calibration(Map<String, int[]> exponents, Map<String, float[]> means) {
        Calibration s = Calibrations.small();
        return new Calibration(s.network(), s.weightsSha256(), s.preprocessing(), s.ranges(), s.images(), s.limits(),
                exponents, means, Set.of(), Set.of(), List.of());
    }

    private static FoldedConvolution zeros(Convolution c, float bias) {
        float[] biases = new float[c.out()];
        Arrays.fill(biases, bias);
        return new FoldedConvolution(new float[c.weightSize()], biases);
    }

    private static float[] corrected(Calibration c, Convolution convolution, FoldedConvolution folded) {
        return BiasCorrection.of(c).apply(convolution, folded, WeightQuantiser.quantise(folded)).bias();
    }

    /** The scale is 1 for a largest weight of 127: 10.25 becomes 10 and −20.25 becomes −20. */
    @Test
    void meansTimesWhatRoundingChanged() {
        FoldedConvolution folded = zeros(SHORTCUT, 5);
        int k = 3 * 64;
        folded.weights()[k] = 127;
        folded.weights()[k + 1] = 10.25f;
        folded.weights()[k + 2] = -20.25f;
        folded.weights()[k + 3] = 30;
        float[] means = new float[64];
        means[0] = 100; // 127 is exact
        means[1] = 2;
        means[2] = 8;
        means[3] = 1000; // as 30 is
        Map<String, float[]> given = Map.of("layer1.1.conv2", means);
        // 5 − ((10 − 10.25) · 2 + (−20 + 20.25) · 8)
        float[] expected = new float[128];
        Arrays.fill(expected, 5);
        expected[3] = 3.5f;
        assertArrayEquals(expected, corrected(calibration(Map.of(), given), SHORTCUT, folded));
        // a channel is stored as its real value times 2^-e; weights are taken to be equalised
        int[] e = new int[64];
        e[1] = 1;
        e[2] = -2;
        // 5 − (−0.25 · 1 + 0.25 · 32)
        expected[3] = -2.75f;
        assertArrayEquals(expected, corrected(calibration(Map.of("layer1", e), given), SHORTCUT, folded));
        assertEquals(5, folded.bias()[3], "what was given is not changed");
    }

    @Test
    void everyTapOfAChannelCounts() {
        FoldedConvolution folded = zeros(FIRST, 0);
        int k = 63 * 64 * 9;
        folded.weights()[k + 9 * 5] = -127;
        for (int t = 0; t < 9; t++) {
            folded.weights()[k + 9 * 63 + t] = 0.25f * (t % 2); // four become 0
        }
        float[] means = new float[64];
        means[63] = 3;
        float[] bias = corrected(calibration(Map.of(), Map.of("conv1", means)), FIRST, folded);
        assertEquals(4 * 0.25f * 3, bias[63]);
        assertEquals(0, bias[62]);
    }

    @Test
    void withoutMeansNothingChanges() {
        FoldedConvolution folded = zeros(SHORTCUT, 1);
        folded.weights()[0] = 127;
        folded.weights()[1] = 0.25f;
        QuantisedConvolution q = WeightQuantiser.quantise(folded);
        assertSame(q, BiasCorrection.NONE.apply(SHORTCUT, folded, q));
        assertSame(q, BiasCorrection.of(calibration(Map.of(), Map.of())).apply(SHORTCUT, folded, q));
        float[] ones = new float[64];
        Arrays.fill(ones, 1);
        BiasCorrection other = BiasCorrection.of(calibration(Map.of(), Map.of("conv1", ones)));
        assertSame(q, other.apply(SHORTCUT, folded, q));
        assertNotSame(q, BiasCorrection.of(calibration(Map.of(), Map.of("layer1.1.conv2", ones)))
                .apply(SHORTCUT, folded, q));
    }

    /** A file may hold means that no image has. */
    @Test
    void biasesThatWouldOverflowAreRefused() {
        FoldedConvolution folded = zeros(SHORTCUT, 1);
        folded.weights()[0] = 127e10f;
        folded.weights()[1] = 0.25e10f;
        float[] means = new float[64];
        means[1] = Calibration.MAX_LIMIT;
        Calibration c = calibration(Map.of(), Map.of("layer1.1.conv2", means));
        assertEquals("means of layer1.1.conv2 make a bias of layer layer2.0.downsample.0 Infinity; allowed: what "
                + "leaves it finite", assertThrows(IllegalArgumentException.class,
                        () -> corrected(c, SHORTCUT, folded)).getMessage());
    }
}
