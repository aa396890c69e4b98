package io.attentivecutmix.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.cpu.NetworkSteps.Stage;
import io.attentivecutmix.image.ResizeFilter;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.ResNet.Convolution;
import io.attentivecutmix.network.Tensors;
import io.attentivecutmix.quantisation.Activations;
import io.attentivecutmix.quantisation.BiasCorrection;
import io.attentivecutmix.quantisation.Calibration;
import io.attentivecutmix.quantisation.Equalisation;
import io.attentivecutmix.quantisation.Preprocessing;
import io.attentivecutmix.quantisation.RangeChoice;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The network in 8 bits against the arithmetic that Calibration describes, written as plain loops. */
class Int8Test {
    private static final long SEED = 8;

    @BeforeEach
    void int8IsThere() {
        Assumptions.assumeTrue(CpuDevice.nativeInt8(), "this CPU has no VNNI");
        OpenMpThreads.set(1);
    }

    /**
     * Integers are exact, and scales, biases and sums differ from doubles by 1e-7 of a value of up to 255 steps: so a
     * value is another step only where that carries it over the middle between two, a few in 100,000.
     */
    @ParameterizedTest
    @CsvSource({"RESNET18, 64, true", "RESNET50, 64, false"})
    void everyTensorIsWhatTheFormatSays(ResNet network, int side, boolean equalised) {
        Tensors tensors = TestNetworks.random(network, SEED);
        float[] image = image(side);
        Map<String, int[]> exponents = equalised ? exponents(network) : Map.of();
        Calibration c = calibration(network, tensors, side, image, exponents, Set.of(), Set.of());
        Set<String> seen = new HashSet<>();
        try (Opened o = new Opened(network, tensors, side, c)) {
            o.extractor.input().put(0, image);
            new QuantisedNetwork(tensors, c, o.extractor).compare(image, (tensor, expected, step) -> {
                seen.add(tensor);
                float[] actual = o.extractor.tensor(tensor);
                String what = network + " " + tensor + ", seed " + SEED;
                assertEquals(expected.length, actual.length, what);
                int others = 0;
                for (int i = 0; i < actual.length; i++) {
                    double difference = Math.abs(actual[i] - expected[i]);
                    others += difference > 0.5 * step ? 1 : 0;
                    assertTrue(difference <= 1.01 * step + 1e-6 * c.limits().get(tensor), what + ": " + actual[i]
                            + " for " + expected[i]);
                }
                assertTrue(step == 0 || others <= 1 + actual.length / 20_000, what + ": " + others + " differ");
            });
        }
        assertEquals(network.convolutions().size(), seen.size());
    }

    @ParameterizedTest
    @EnumSource(value = ResNet.class, names = {"RESNET34", "RESNET101", "RESNET152"})
    void theOtherDepthsAreNearFloatToo(ResNet network) {
        Tensors tensors = TestNetworks.random(network, SEED);
        float[] image = image(32);
        double[] exact = doubles(exact(network, tensors, 32, image, Map.of()));
        double error = error(network, tensors, 32, image, exact, Set.of(), Set.of());
        assertTrue(error > 1e-2 && error < 6e-2, network + ", seed " + SEED + ": " + error);
    }

    /** Against FP32 the error is that of 8 bits: it is there, and it is small. */
    @ParameterizedTest
    @EnumSource(value = ResNet.class, names = {"RESNET18", "RESNET50"})
    void featuresAreNearThoseInFloat(ResNet network) {
        int side = 64;
        Tensors tensors = TestNetworks.random(network, SEED);
        float[] image = image(side);
        double[] exact = doubles(exact(network, tensors, side, image, Map.of()));
        Set<String> all = new HashSet<>();
        network.convolutions().forEach(x -> all.add(x.name()));
        Set<String> wide = Set.of("layer1", "layer2", "layer3", "layer4");
        double narrow = error(network, tensors, side, image, exact, Set.of(), Set.of());
        double streams = error(network, tensors, side, image, exact, Set.of(), wide);
        double stem = error(network, tensors, side, image, exact, Set.of("conv1"), wide);
        double shortcuts = error(network, tensors, side, image, exact, downsamples(network), Set.of());
        double floating = error(network, tensors, side, image, exact, all, wide);
        // 0.025, 0.016 to 0.020, 0.014 to 0.018, 0.016 to 0.023 with these weights
        assertTrue(narrow > 1e-2 && narrow < 4e-2, "all in 8 bits: " + narrow);
        assertTrue(streams < narrow && stem < streams && shortcuts < narrow,
                "something in float: " + streams + ", " + stem + ", " + shortcuts);
        // BF16 where the CPU has it, else FP32
        assertTrue(floating < 1e-2, "all in float: " + floating);
    }

    private static Set<String> downsamples(ResNet network) {
        Set<String> names = new HashSet<>();
        network.convolutions().stream().map(Convolution::name).filter(n -> n.contains("downsample"))
                .forEach(names::add);
        return names;
    }

    private static double error(ResNet network, Tensors tensors, int side, float[] image, double[] exact,
            Set<String> floating, Set<String> wide) {
        Calibration c = calibration(network, tensors, side, image, Map.of(), floating, wide);
        try (Opened o = new Opened(network, tensors, side, c)) {
            o.extractor.input().put(0, image);
            return relativeL2(o.extractor.stage(Stage.LAYER4), exact);
        }
    }

    /**
     * The mean error of a channel, over positions, is what the correction is for; it is taken of every channel of the
     * feature map. One image is its own calibration here.
     */
    @ParameterizedTest
    @EnumSource(value = ResNet.class, names = {"RESNET18", "RESNET50"})
    void correctedBiasesBringChannelsNearerToTheirMeans(ResNet network) {
        int side = 64;
        Tensors tensors = TestNetworks.random(network, SEED);
        float[] image = image(side);
        Set<String> wide = Set.of("layer1", "layer2", "layer3", "layer4");
        Calibration c = calibration(network, tensors, side, image, Map.of(), Set.of(), wide);
        double[] exact = channelMeans(exact(network, tensors, side, image, Map.of()), network.channels());
        double[] errors = new double[2];
        for (Calibration x : List.of(c, withoutMeans(c))) {
            double[] found = channelMeans(features(network, tensors, image, x), network.channels());
            errors[x == c ? 0 : 1] = relativeL2(floats(found), exact);
        }
        // 0.0085 and 0.0100, 0.0094 and 0.0118 with these weights
        assertTrue(errors[0] < 0.95 * errors[1], network + ", seed " + SEED + ": " + errors[0] + " and " + errors[1]);
    }

    /** Its mean is what the convolutions behind it meet. */
    @Test
    void theMaxPoolsOutputIsObserved() {
        ResNet network = ResNet.RESNET18;
        Map<String, float[]> seen = new LinkedHashMap<>();
        try (OneDnn oneDnn = new OneDnn();
                SharedWeights weights =
                        new SharedWeights(oneDnn, TestNetworks.random(network, SEED), BatchNorm.RUNNING);
                Extractor e = new Extractor(oneDnn, weights, network, 64, Precision.FP32, BatchNorm.RUNNING, null)) {
            e.input().put(0, image(64));
            e.run((tensor, values, positions, channels) -> {
                float[] copy = new float[positions * channels];
                values.get(0, copy);
                seen.put(tensor, copy);
            });
            assertArrayEquals(e.stage(Stage.STEM), seen.get(Activations.POOLED));
            assertArrayEquals(e.tensor("conv1"), seen.get("conv1"));
            assertEquals(32 * 32 * 64, seen.get("conv1").length);
        }
        assertEquals(new Activations(network).tensors().size() + 1, seen.size());
    }

    @Test
    void convolutionsInFloatAreNotCorrected() {
        ResNet network = ResNet.RESNET18;
        Tensors tensors = TestNetworks.random(network, SEED);
        float[] image = image(64);
        Set<String> all = new HashSet<>();
        network.convolutions().forEach(x -> all.add(x.name()));
        Calibration c = calibration(network, tensors, 64, image, exponents(network), all, Set.of());
        assertArrayEquals(features(network, tensors, image, withoutMeans(c)), features(network, tensors, image, c));
    }

    private static float[] features(ResNet network, Tensors tensors, float[] image, Calibration c) {
        try (Opened o = new Opened(network, tensors, 64, c)) {
            o.extractor.input().put(0, image);
            return o.extractor.stage(Stage.LAYER4);
        }
    }

    private static float[] floats(double[] values) {
        float[] f = new float[values.length];
        for (int i = 0; i < f.length; i++) {
            f[i] = (float) values[i];
        }
        return f;
    }

    private static double[] channelMeans(float[] features, int channels) {
        double[] means = new double[channels];
        for (int i = 0; i < features.length; i++) {
            means[i % channels] += (double) features[i] * channels / features.length;
        }
        return means;
    }

    /** Powers of two change no bit in float. */
    @ParameterizedTest
    @EnumSource(value = ResNet.class, names = {"RESNET18", "RESNET50"})
    void equalisationIsExactInFloat(ResNet network) {
        Tensors tensors = TestNetworks.random(network, SEED);
        float[] image = image(64);
        assertArrayEquals(exact(network, tensors, 64, image, Map.of()),
                exact(network, tensors, 64, image, exponents(network)));
    }

    private static float[] exact(ResNet network, Tensors tensors, int side, float[] image,
            Map<String, int[]> exponents) {
        try (OneDnn oneDnn = new OneDnn();
                SharedWeights weights = new SharedWeights(oneDnn, tensors, BatchNorm.RUNNING,
                        Equalisation.of(network, exponents), BiasCorrection.NONE);
                Extractor e = new Extractor(oneDnn, weights, network, side, Precision.FP32, BatchNorm.RUNNING, null)) {
            e.input().put(0, image);
            return e.stage(Stage.LAYER4);
        }
    }

    @Test
    void everyInstructionSetWithVnniIsKnown() {
        assertFalse(Int8.adds32(dnnl_cpu_isa_sse41));
        assertFalse(Int8.adds32(dnnl_cpu_isa_avx2));
        assertFalse(Int8.adds32(dnnl_cpu_isa_avx512_core));
        assertTrue(Int8.adds32(dnnl_cpu_isa_avx2_vnni));
        assertTrue(Int8.adds32(dnnl_cpu_isa_avx2_vnni_2));
        assertTrue(Int8.adds32(dnnl_cpu_isa_avx512_core_vnni));
        assertTrue(Int8.adds32(dnnl_cpu_isa_avx512_core_bf16));
        assertTrue(Int8.adds32(dnnl_cpu_isa_avx512_core_amx));
        assertEquals(CpuDevice.nativeInt8(), CpuDevice.precisions().contains(Precision.INT8));
    }

    private record Opened(OneDnn oneDnn, SharedWeights weights, Extractor extractor) implements AutoCloseable {
        Opened(ResNet network, Tensors tensors, int side, Calibration c) {
            this(new OneDnn(), network, tensors, side, c);
        }

        private Opened(OneDnn oneDnn, ResNet network, Tensors tensors, int side, Calibration c) {
            this(oneDnn, new SharedWeights(oneDnn, tensors, c), network, side, c);
        }

        private Opened(OneDnn oneDnn, SharedWeights weights, ResNet network, int side, Calibration c) {
            this(oneDnn, weights,
                    new Extractor(oneDnn, weights, network, side, Precision.INT8, BatchNorm.RUNNING, c));
        }

        @Override
        public void close() {
            extractor.close();
            weights.close();
            oneDnn.close();
        }
    }

    private static float[] mean(FloatBuffer values, int positions, int channels) {
        float[] mean = new float[channels];
        for (int i = 0; i < positions * channels; i++) {
            mean[i % channels] += values.get(i) / positions;
        }
        return mean;
    }

    private static Calibration withoutMeans(Calibration c) {
        return new Calibration(c.network(), c.weightsSha256(), c.preprocessing(), c.ranges(), c.images(), c.limits(),
                c.exponents(), Map.of(), c.floating(), c.wide(), c.agreements());
    }

    /**
     * Limits are the largest magnitudes of this very image, a tenth cut off from one of them; means are its own too.
     */
    static Calibration calibration(ResNet network, Tensors tensors, int side, float[] image,
            Map<String, int[]> exponents, Set<String> floating, Set<String> wide) {
        Map<String, Float> limits = new LinkedHashMap<>();
        new Activations(network).tensors().keySet().forEach(t -> limits.put(t, 0f));
        Map<String, float[]> means = new LinkedHashMap<>();
        Map<String, String> sources = sources(network);
        try (OneDnn oneDnn = new OneDnn();
                SharedWeights weights = new SharedWeights(oneDnn, tensors, BatchNorm.RUNNING,
                        Equalisation.of(network, exponents), BiasCorrection.NONE);
                Extractor e = new Extractor(oneDnn, weights, network, side, Precision.FP32, BatchNorm.RUNNING, null)) {
            e.input().put(0, image);
            e.run((tensor, values, positions, channels) -> {
                if (sources.containsKey(tensor)) {
                    means.put(sources.get(tensor), mean(values, positions, channels));
                }
                if (tensor.equals(Activations.POOLED)) {
                    return;
                }
                for (int i = 0; i < positions * channels; i++) {
                    limits.merge(tensor, Math.abs(values.get(i)), Math::max);
                }
            });
        }
        limits.merge("layer1.0.conv1", 0.9f, (a, b) -> a * b);
        limits.merge("layer2.0.downsample.0", 0.9f, (a, b) -> a * b);
        return new Calibration(network, "0".repeat(64),
                new Preprocessing(side, Normalisation.IMAGENET, ResizeFilter.BICUBIC), new RangeChoice.Maximum(), 1,
                limits, exponents, real(network, means, exponents), floating, wide, List.of());
    }

    /** What convolutions read, by the name under which it is observed. */
    private static Map<String, String> sources(ResNet network) {
        Activations activations = new Activations(network);
        Map<String, String> sources = new HashMap<>();
        network.convolutions().stream().map(c -> activations.source(c).name())
                .forEach(name -> sources.put(name.equals("conv1") ? Activations.POOLED : name, name));
        return sources;
    }

    /** The network that was observed is equalised. */
    private static Map<String, float[]> real(ResNet network, Map<String, float[]> means,
            Map<String, int[]> exponents) {
        Activations activations = new Activations(network);
        means.forEach((tensor, m) -> {
            int[] e = exponents.get(activations.tensors().get(tensor).stream());
            for (int c = 0; c < m.length && e != null; c++) {
                m[c] = Math.scalb(m[c], e[c]);
            }
        });
        return means;
    }

    private static Map<String, int[]> exponents(ResNet network) {
        SplittableRandom random = new SplittableRandom(SEED);
        Map<String, int[]> exponents = new LinkedHashMap<>();
        new Activations(network).tensors().values().forEach(t -> {
            if (!t.name().equals(Activations.INPUT) && !t.stream().equals("layer4")) {
                exponents.computeIfAbsent(t.stream(), s -> random.ints(t.channels(), -2, 3).toArray());
            }
        });
        return exponents;
    }

    static float[] image(int side) {
        Random random = new Random(SEED);
        float[] image = new float[3 * side * side];
        for (int i = 0; i < image.length; i++) {
            image[i] = (float) (random.nextGaussian() * 0.6 + Math.sin(i / 97.0));
        }
        return image;
    }

    private static double[] doubles(float[] values) {
        double[] d = new double[values.length];
        for (int i = 0; i < d.length; i++) {
            d[i] = values[i];
        }
        return d;
    }

    private static double relativeL2(float[] actual, double[] expected) {
        assertEquals(expected.length, actual.length);
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < actual.length; i++) {
            difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
            norm += expected[i] * expected[i];
        }
        return Math.sqrt(difference / norm);
    }
}
