package io.attentivecutmix.method;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class DrawsTest {
    private static Draws open(long seed, long epoch, long step, Draws.Purpose purpose, long sample) {
        Draws draws = new Draws();
        draws.step(seed, epoch, step);
        draws.open(purpose, sample);
        return draws;
    }

    /** Every kind of draw against a second implementation in Python; see golden/draws/README.txt. */
    @Test
    void agreesWithTheGoldenValues() throws IOException {
        List<String> lines;
        try (InputStream in = getClass().getResourceAsStream("/golden/draws/draws.txt")) {
            lines = new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        }
        assertEquals(96, lines.size());
        for (String line : lines) {
            String[] f = line.split(" ");
            long seed = Long.parseLong(f[1]);
            long epoch = Long.parseLong(f[2]);
            long step = Long.parseLong(f[3]);
            switch (f[0]) {
                case "words" -> {
                    Draws draws = open(seed, epoch, step, purpose(f[4]), Long.parseLong(f[5]));
                    for (int at = 6; at < f.length; at++) {
                        assertEquals(Integer.parseUnsignedInt(f[at], 16), draws.word(), line);
                    }
                }
                case "uniform" -> {
                    Draws draws = open(seed, epoch, step, purpose(f[4]), Long.parseLong(f[5]));
                    for (int at = 6; at < f.length; at++) {
                        assertEquals(Double.parseDouble(f[at]), draws.uniform(), line);
                    }
                }
                case "below" -> {
                    Draws draws = open(seed, epoch, step, purpose(f[4]), Long.parseLong(f[5]));
                    int[] bounds = {1, 2, 3, 7, 49, 1000003, Integer.MAX_VALUE};
                    for (int at = 6; at < f.length; at++) {
                        assertEquals(Integer.parseInt(f[at]), draws.below(bounds[at - 6]), line);
                    }
                }
                case "beta" -> {
                    double alpha = Double.parseDouble(f[4]);
                    MixPlan plan = plan(MixOptions.paper().withPatches(new Patches.Beta(alpha, true)),
                            Pairing.flip().at(seed, epoch, step), 4);
                    for (int i = 0; i < 4; i++) {
                        double expected = Double.parseDouble(f[5 + i]);
                        assertEquals(expected, plan.lambda[i], 1e-12 * expected, line);
                    }
                }
                case "shuffled", "permuted" -> {
                    int[] expected = Arrays.stream(f).skip(5).mapToInt(Integer::parseInt).toArray();
                    Pairing pairing = f[0].equals("shuffled") ? Pairing.shuffled(seed, epoch, step)
                            : Pairing.permuted(seed, epoch, step);
                    int[] actual = new int[expected.length];
                    pairing.firstSample(Long.parseLong(f[4])).partners(actual.length, actual);
                    assertArrayEquals(expected, actual, line);
                }
                case "cells" -> {
                    int grid = Integer.parseInt(f[5]);
                    MixOptions options = MixOptions.paper().withPatches(new Patches.Fixed(1)).withInputSide(32 * grid)
                            .withMode(Mode.RANDOM_CELLS).withPatches(new Patches.Fixed(Integer.parseInt(f[6])));
                    MixPlan plan = plan(options, Pairing.flip().at(seed, epoch, step).firstSample(13), 1);
                    int[] cells = IntStream.range(0, grid * grid).filter(c -> plan.selected(0, c)).toArray();
                    assertArrayEquals(Arrays.stream(f).skip(7).mapToInt(Integer::parseInt).toArray(), cells, line);
                }
                case "box" -> {
                    MixOptions options = MixOptions.paper().withMode(Mode.CUTMIX);
                    Pairing pairing = Pairing.flip().at(seed, epoch, step).firstSample(21);
                    MixPlan plan = plan(options, pairing, 1);
                    int[][] size = {{Integer.parseInt(f[5]), Integer.parseInt(f[6])}};
                    new Planner(options).boxes(pairing, new HostImages(size, ElementType.UINT8, Layout.NHWC, 0), plan);
                    assertArrayEquals(Arrays.stream(f).skip(7).mapToInt(Integer::parseInt).toArray(),
                            Arrays.copyOf(plan.box, 4), line);
                }
                default -> throw new AssertionError(line);
            }
        }
    }

    private static MixPlan plan(MixOptions options, Pairing pairing, int n) {
        Planner planner = new Planner(options);
        MixPlan plan = planner.newPlan();
        planner.plan(pairing, n, plan);
        return plan;
    }

    private static Draws.Purpose purpose(String number) {
        return Draws.Purpose.values()[Integer.parseInt(number)];
    }

    /** Exact bits, so that no JVM may differ: alpha below 1 (boost), 1 and above. */
    @Test
    void betaIsFrozenToTheBit() {
        Draws draws = open(42, 1, 2, Draws.Purpose.IMAGE_LAMBDA, 3);
        assertEquals("0x1.ffffeff8efe49p-1", Double.toHexString(draws.beta(0.2)));
        assertEquals("0x1.1e6a0e000d84p-1", Double.toHexString(draws.beta(1)));
        assertEquals("0x1.b7f466f3b963bp-1", Double.toHexString(draws.beta(2)));
        assertEquals("-0x1.3c469665a63fp-2", Double.toHexString(draws.normal()));
    }

    /**
     * Mean 1/2, variance 1/(4(2α + 1)) and fourth central moment 3/(16(2α + 1)(2α + 3)) of Beta(α, α), from 200,000
     * draws; tolerance five standard errors.
     */
    @ParameterizedTest
    @ValueSource(doubles = {0.2, 1, 2})
    void betaHasItsMoments(double alpha) {
        int n = 200_000;
        Draws draws = new Draws();
        draws.step(7, 0, 0);
        double mean = 0;
        double second = 0;
        double fourth = 0;
        double eighth = 0;
        for (int i = 0; i < n; i++) {
            draws.open(Draws.Purpose.IMAGE_LAMBDA, i);
            double lambda = draws.beta(alpha);
            assertTrue(lambda >= 0 && lambda <= 1, "draw " + i + " is " + lambda);
            double d = lambda - 0.5;
            mean += d / n;
            second += d * d / n;
            fourth += d * d * d * d / n;
            eighth += Math.pow(d, 8) / n;
        }
        double variance = 1 / (4 * (2 * alpha + 1));
        double moment4 = 3 / (16 * (2 * alpha + 1) * (2 * alpha + 3));
        assertEquals(0, mean, 5 * Math.sqrt(variance / n));
        assertEquals(variance, second, 5 * Math.sqrt((moment4 - variance * variance) / n));
        assertEquals(moment4, fourth, 5 * Math.sqrt((eighth - moment4 * moment4) / n));
    }

    /** Extremes of alpha that Patches.Beta takes: never NaN, never out of 0..1. */
    @ParameterizedTest
    @ValueSource(doubles = {Double.MIN_VALUE, 1e-300, 1e-5, 0.999999, 1e5, 1e300, Double.MAX_VALUE})
    void betaStaysInRangeForEveryAlpha(double alpha) {
        int low = 0;
        for (int i = 0; i < 2000; i++) {
            double lambda = open(1, 2, 3, Draws.Purpose.IMAGE_LAMBDA, i).beta(alpha);
            assertTrue(lambda >= 0 && lambda <= 1, "alpha " + alpha + ", draw " + i + " is " + lambda);
            low += lambda < 0.5 ? 1 : 0;
        }
        if (alpha < 1e10) {
            // Binomial(2000, 1/2): five standard deviations are 112.
            assertEquals(1000, low, 112);
        }
    }

    /** Chi-square of 64 bins over 640,000 draws; 63 degrees of freedom, 1e-6 quantile 130. */
    @Test
    void uniformIsUniform() {
        Draws draws = open(3, 1, 4, Draws.Purpose.PROBABILITY, 0);
        int[] bins = new int[64];
        for (int i = 0; i < 640_000; i++) {
            double u = draws.uniform();
            assertTrue(u >= 0 && u < 1);
            bins[(int) (u * 64)]++;
        }
        assertTrue(chiSquare(bins, 10_000) < 130, Arrays.toString(bins));
    }

    /** First draws of 640,000 neighbouring samples are as uniform as one long stream. */
    @Test
    void neighbouringSamplesAreIndependent() {
        Draws draws = new Draws();
        draws.step(3, 1, 4);
        int[] pairs = new int[64];
        int last = 0;
        for (int i = 0; i < 640_000; i++) {
            draws.open(Draws.Purpose.PROBABILITY, i);
            int now = (int) (draws.uniform() * 8);
            pairs[last * 8 + now]++;
            last = now;
        }
        assertTrue(chiSquare(pairs, 10_000) < 130, Arrays.toString(pairs));
    }

    /** n = 3·2^29 has 8 words for every 3 values: without refusals one of the three remainders would be too rare. */
    @Test
    void belowHasNoBias() {
        Draws draws = open(9, 9, 9, Draws.Purpose.CELLS, 9);
        int[] bins = new int[3];
        for (int i = 0; i < 300_000; i++) {
            bins[draws.below(3 << 29) % 3]++;
        }
        // 2 degrees of freedom, 1e-6 quantile 27.6.
        assertTrue(chiSquare(bins, 100_000) < 27.6, Arrays.toString(bins));
        assertEquals("n is 0; allowed: 1 or more",
                assertThrows(IllegalArgumentException.class, () -> draws.below(0)).getMessage());
    }

    private static double chiSquare(int[] bins, double expected) {
        return Arrays.stream(bins).mapToDouble(b -> (b - expected) * (b - expected) / expected).sum();
    }

    /** Every part of the key opens another stream. */
    @Test
    void everyPartOfTheKeyMatters() {
        Set<Integer> firsts = new HashSet<>();
        long[] parts = {0, 1, -1, 1L << 32, 1L << 63};
        int streams = 0;
        for (long a : parts) {
            for (long b : parts) {
                for (long c : parts) {
                    for (long d : parts) {
                        for (Draws.Purpose purpose : Draws.Purpose.values()) {
                            firsts.add(open(a, b, c, purpose, d).word());
                            streams++;
                        }
                    }
                }
            }
        }
        // 3750 words of 32 bits: 0.0016 expected collisions; the draws are fixed, so this cannot fail by chance.
        assertEquals(streams, firsts.size());
        assertFalse(firsts.isEmpty());
    }
}
