package io.attentivecutmix.quantisation;

import io.attentivecutmix.image.ResizeFilter;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.network.ResNet;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/** Calibrations with arbitrary numbers, for tests. */
final class Calibrations {
    static final String SHA = "0123456789abcdef".repeat(4);
    static final Preprocessing PREPROCESSING =
            new Preprocessing(224, Normalisation.IMAGENET, ResizeFilter.BICUBIC);

    private Calibrations() {}

    static Map<String, Float> limits(ResNet network, Random random) {
        Map<String, Float> limits = new LinkedHashMap<>();
        new Activations(network).tensors().keySet()
                .forEach(name -> limits.put(name, Math.scalb(1 + random.nextFloat(), random.nextInt(199) - 100)));
        return limits;
    }

    /** Exponents for every stream that may have some. */
    static Map<String, int[]> exponents(ResNet network, Random random) {
        Map<String, int[]> exponents = new LinkedHashMap<>();
        for (Activations.Tensor t : new Activations(network).tensors().values()) {
            if (!t.stream().equals("layer4") && !t.stream().equals(Activations.INPUT)) {
                exponents.put(t.stream(), random.ints(t.channels(), -Calibration.MAX_EXPONENT,
                        Calibration.MAX_EXPONENT + 1).toArray());
            }
        }
        return exponents;
    }

    /** Three digits for every channel that a convolution reads, as a calibration finds them. */
    static Map<String, float[]> means(ResNet network, Random random) {
        Activations activations = new Activations(network);
        Map<String, float[]> means = new LinkedHashMap<>();
        network.convolutions().forEach(c -> means.computeIfAbsent(activations.source(c).name(), name -> {
            float[] m = new float[c.in()];
            for (int i = 0; i < m.length; i++) {
                m[i] = Float.parseFloat((100 + random.nextInt(900)) + "E" + (random.nextInt(4) - 5));
            }
            return m;
        }));
        means.get(Activations.INPUT)[1] *= -1;
        return means;
    }

    static List<Agreement> agreements(Random random) {
        List<Agreement> agreements = new ArrayList<>();
        for (Reduction r : Reduction.values()) {
            agreements.add(new Agreement(r, 1 + random.nextInt(1000), 6, 5 + random.nextDouble(), random.nextInt(6),
                    random.nextDouble(), random.nextDouble(), 2 * random.nextDouble() - 1));
        }
        return agreements;
    }

    /** As large as one of this network can be. */
    static Calibration full(ResNet network, long seed) {
        Random random = new Random(seed);
        return new Calibration(network, SHA, PREPROCESSING, new RangeChoice.Percentile(1 - random.nextDouble() / 8),
                128, limits(network, random), exponents(network, random), means(network, random),
                Set.of("conv1", "layer4.1.conv2"),
                Set.of("layer3", "layer4"), agreements(random));
    }

    /** Few numbers that can be told apart: for messages. */
    static Calibration small() {
        Map<String, Float> limits = new LinkedHashMap<>();
        new Activations(ResNet.RESNET18).tensors().keySet().forEach(name -> limits.put(name, 2.5f));
        int[] e = new int[64];
        e[1] = -8;
        e[2] = 8;
        return new Calibration(ResNet.RESNET18, SHA, PREPROCESSING, new RangeChoice.Percentile(0.9999), 128, limits,
                Map.of("layer1.0.conv1", e), Map.of("input", new float[] {0.25f, -1.5f, 0.0625f}),
                Set.of("conv1"), Set.of("layer4"),
                List.of(new Agreement(Reduction.MEAN, 512, 6, 5.96875, 4, 0.975, 0.0125, 0.996)));
    }
}
