package io.attentivecutmix.quantisation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.image.ResizeFilter;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.ResNet.Convolution;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;

/** The search over networks whose errors are written down: each convolution in 8 bits adds its own noise to the map. */
class CalibrationSearchTest {
    private static final ResNet NETWORK = ResNet.RESNET18;
    private static final int CELLS = 49;
    private static final int IMAGES = 40;
    private static final int K = 6;

    /** Maps are normal noise; what is in 8 bits adds normal noise of a given size. */
    private static final class Model implements CalibrationNetworks {
        final Map<String, Double> convolutionError = new HashMap<>();
        final Map<String, Double> streamError = new HashMap<>();
        double unequalised;
        /** Largest value of channel c of every tensor is this times 2^(c modulo 4). */
        float scale = 1;
        final List<Calibration> tried = new ArrayList<>();

        @Override
        public ResNet network() {
            return NETWORK;
        }

        @Override
        public int images() {
            return IMAGES;
        }

        @Override
        public int workers() {
            return 2;
        }

        @Override
        public List<Reduction> reductions() {
            return List.of(Reduction.MEAN, Reduction.MAX);
        }

        @Override
        public int cells() {
            return CELLS;
        }

        @Override
        public void observe(IntFunction<ActivationObserver> observers) {
            ActivationObserver[] two = {observers.apply(0), observers.apply(1)};
            for (int i = 0; i < IMAGES; i++) {
                for (Activations.Tensor t : new Activations(NETWORK).tensors().values()) {
                    float[] values = new float[2 * t.channels()];
                    for (int c = 0; c < t.channels(); c++) {
                        values[c] = scale * (1 << c % 4) * (i % 4 + 1) / 4;
                        values[t.channels() + c] = t.signed() ? -values[c] : 0;
                    }
                    two[i % 2].observe(t.name(), FloatBuffer.wrap(values), 2, t.channels());
                    if (t.name().equals("conv1")) {
                        two[i % 2].observe(Activations.POOLED, FloatBuffer.wrap(values), 1, t.channels());
                    }
                }
            }
        }

        @Override
        public float[][] heat(int images) {
            return maps(images, Map.of());
        }

        @Override
        public float[][] heat(Calibration c, int images) {
            tried.add(c);
            Map<String, Double> errors = new HashMap<>();
            for (Convolution convolution : NETWORK.convolutions()) {
                if (c.isInt8(convolution)) {
                    errors.put(convolution.name(), convolutionError.getOrDefault(convolution.name(), 0.0));
                }
            }
            streamError.forEach((stream, error) -> {
                if (!c.wide().contains(stream)) {
                    errors.put(stream, error);
                }
            });
            if (c.exponents().isEmpty()) {
                errors.put("unequalised", unequalised);
            }
            return maps(images, errors);
        }

        private float[][] maps(int images, Map<String, Double> errors) {
            float[][] maps = new float[2][images * CELLS];
            for (int i = 0; i < images * CELLS; i++) {
                double value = normal("map", i);
                for (Map.Entry<String, Double> e : errors.entrySet()) {
                    value += e.getValue() * normal(e.getKey(), i);
                }
                maps[0][i] = (float) value;
                maps[1][i] = (float) -value;
            }
            return maps;
        }

        private static double normal(String name, int i) {
            SplittableRandom random = new SplittableRandom(name.hashCode() * 1_000_003L + i);
            double sum = 0;
            for (int j = 0; j < 12; j++) {
                sum += random.nextDouble();
            }
            return sum - 6;
        }
    }

    private static Calibration search(Model model, double target) {
        return new CalibrationSearch(model, "0".repeat(64),
                new Preprocessing(224, Normalisation.IMAGENET, ResizeFilter.BICUBIC), Reduction.MEAN, K,
                new RangeChoice.Maximum(), target, line -> { }).run();
    }

    @Test
    void whatIsGoodEnoughStaysInEightBits() {
        Calibration c = search(new Model(), 6);
        assertEquals(Set.of(), c.floating());
        assertEquals(Set.of("layer3", "layer4"), c.wide());
        assertEquals(IMAGES, c.images());
        assertEquals(2, c.agreements().size());
        Agreement mean = c.agreements().get(0);
        assertEquals(new Agreement(Reduction.MEAN, IMAGES, K, 6, 6, 1, 0, 1), mean);
    }

    /**
     * Maxima of a stream's channels are 1, 2, 4, 8 in turn, the median 4: at full strength −2, −1, 0, 1; half of that.
     */
    @Test
    void equalisationIsTakenIfItHelps() {
        Model model = new Model();
        model.unequalised = 0.05;
        Calibration c = search(model, 0);
        assertEquals(8, c.limits().get("input") * 2, "channels 0 to 2 of the image, never scaled");
        int[] e = c.exponents().get("layer2");
        assertArrayEquals(new int[] {-1, 0, 0, 1}, new int[] {e[0], e[1], e[2], e[3]});
        // channel 3 is 8 · 2^-1, channel 2 is 4
        assertEquals(4, c.limits().get("layer2.0.conv2"));
        assertEquals(8, c.limits().get("layer4.0.conv2"), "layer 4 is never scaled");
        assertTrue(c.exponents().keySet().stream().noneMatch(s -> s.equals("layer4") || s.equals("input")));
    }

    /**
     * Images are a quarter to four quarters of the maxima 1, 2, 4, 8, on average 5/8; half the positions are 0, or of
     * the other sign in what is signed. The max-pool keeps the others.
     */
    @Test
    void meansAreThoseOfWhatConvolutionsRead() {
        Calibration c = search(new Model(), 0);
        assertArrayEquals(new float[3], c.means().get("input"));
        assertArrayEquals(new float[] {0.625f, 1.25f, 2.5f, 5}, Arrays.copyOf(c.means().get("conv1"), 4));
        // three digits, halves to even: 0.3125, 0.625, 1.25, 2.5
        assertArrayEquals(new float[] {0.312f, 0.625f, 1.25f, 2.5f},
                Arrays.copyOf(c.means().get("layer3.1.conv1"), 4));
        assertEquals(17, c.means().size(), "the image and what 16 of 20 convolutions write");
        assertEquals(0.312f, c.means().get("layer4.1.conv1")[508]);
    }

    /** They are real values, whatever the channels are scaled by. */
    @Test
    void meansDoNotDependOnTheEqualisation() {
        Model model = new Model();
        model.unequalised = 0.05;
        Calibration scaled = search(model, 0);
        Calibration plain = search(new Model(), 0);
        assertTrue(plain.exponents().isEmpty() && !scaled.exponents().isEmpty());
        plain.means().forEach((tensor, means) -> assertArrayEquals(means, scaled.means().get(tensor), tensor));
        assertEquals(plain.means().keySet(), scaled.means().keySet());
    }

    @Test
    void withoutNeedNothingIsScaled() {
        assertEquals(Map.of(), search(new Model(), 0).exponents());
    }

    @Test
    void streamsComeBeforeConvolutions() {
        Model model = new Model();
        model.streamError.put("layer2", 0.2);
        Calibration c = search(model, 5.99);
        assertEquals(Set.of("layer2", "layer3", "layer4"), c.wide());
        assertEquals(Set.of(), c.floating());
    }

    /** Two convolutions harm; the cheap one in float is not enough. */
    @Test
    void theConvolutionsThatHarmMostForTheirWorkGoToFloat() {
        Model model = new Model();
        model.convolutionError.put("layer1.0.conv1", 0.2);
        model.convolutionError.put("layer2.0.downsample.0", 0.2);
        Calibration both = search(model, 5.99);
        assertEquals(Set.of("layer1.0.conv1", "layer2.0.downsample.0"), both.floating());
        // the downsample has an eighteenth of the multiplications
        Model one = new Model();
        one.convolutionError.put("layer1.0.conv1", 0.02);
        one.convolutionError.put("layer2.0.downsample.0", 0.3);
        Calibration cheap = search(one, 5.7);
        assertEquals(Set.of("layer2.0.downsample.0"), cheap.floating());
    }

    @Test
    void whatCannotBeReachedLeavesTheFastest() {
        Model model = new Model();
        model.streamError.put("something that no calibration can change", 0.5);
        Calibration c = search(model, 6);
        assertEquals(Set.of(), c.floating());
        assertEquals(Set.of("layer1", "layer2", "layer3", "layer4"), c.wide());
        assertTrue(c.agreements().get(0).meanOverlap() < 5);
    }

    @Test
    void targetsAreChecked() {
        assertEquals("target is 6.5; allowed: 0 to 6 (k)",
                assertThrows(IllegalArgumentException.class, () -> search(new Model(), 6.5)).getMessage());
    }
}
