package io.attentivecutmix.method;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.Trials;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PlannerTest {
    private static final MixOptions BETA =
            MixOptions.paper().withPatches(new Patches.Beta(1, true)).withProbability(0.6);

    private static MixPlan plan(MixOptions options, Pairing pairing, int n) {
        Planner planner = new Planner(options);
        MixPlan plan = planner.newPlan();
        planner.plan(pairing, n, plan);
        return plan;
    }

    private static HostImages images(int[][] sizes) {
        return new HostImages(sizes, ElementType.UINT8, Layout.NHWC, 0);
    }

    private static int cells(MixPlan plan, int i) {
        int sum = 0;
        for (int c = 0; c < plan.grid * plan.grid; c++) {
            sum += plan.selected(i, c) ? 1 : 0;
        }
        return sum;
    }

    @Test
    void fixedPatches() {
        MixPlan plan = plan(MixOptions.paper(), Pairing.roll(), 4);
        for (int i = 0; i < 4; i++) {
            assertTrue(plan.mixed[i]);
            assertEquals(6, plan.patches[i]);
            assertEquals(6 / 49.0, plan.lambda[i]);
            assertEquals((i + 3) % 4, plan.partner[i]);
            assertEquals(0, cells(plan, i));
        }
    }

    /** k = floor(λ·49), 1 to 49; every k comes (α = 1), the batch's λ is shared, an image's own is not. */
    @Test
    void betaPatches() {
        MixPlan plan = plan(BETA.withProbability(1), Pairing.flip().at(5, 0, 0), 5000);
        boolean[] seen = new boolean[50];
        for (int i = 0; i < 5000; i++) {
            assertEquals(Math.max(1, (int) Math.floor(plan.lambda[i] * 49)), plan.patches[i]);
            seen[plan.patches[i]] = true;
        }
        for (int k = 1; k <= 48; k++) {
            assertTrue(seen[k], "k " + k + " never drawn");
        }
        MixPlan batch = plan(MixOptions.openMixup(1), Pairing.flip().at(5, 0, 0), 5000);
        assertEquals(1, Arrays.stream(batch.lambda).distinct().count());
        assertEquals(1, Arrays.stream(batch.patches).distinct().count());
        MixPlan next = plan(MixOptions.openMixup(1), Pairing.flip().at(5, 0, 1), 2);
        assertTrue(next.lambda[0] != batch.lambda[0]);
        // α so small that λ is 0 or 1 to the last bit: both ends of the clamp.
        MixPlan ends = plan(MixOptions.paper().withPatches(new Patches.Beta(1e-9, true)), Pairing.flip(), 64);
        assertEquals(2, Arrays.stream(ends.patches, 0, 64).distinct().count());
        assertTrue(Arrays.stream(ends.patches, 0, 64).allMatch(k -> k == 1 || k == 49));
    }

    /** 100,000 draws: five standard deviations of Binomial(n, p) are 5·sqrt(n·p·(1 − p)). */
    @Test
    void probabilityIsAppliedOnce() {
        int n = 100_000;
        for (double p : new double[] {0, 0.1, 0.5, 0.9, 1}) {
            MixPlan plan = plan(MixOptions.paper().withProbability(p), Pairing.flip().at(1, 2, 3), n);
            int mixed = 0;
            for (int i = 0; i < n; i++) {
                mixed += plan.mixed[i] ? 1 : 0;
                assertEquals(plan.mixed[i] ? 6 : 0, plan.patches[i]);
            }
            assertEquals(n * p, mixed, 5 * Math.sqrt(n * p * (1 - p)));
        }
    }

    /** The probability only decides what is mixed: partners, λ and k of the others stay. */
    @Test
    void probabilityLeavesTheRestAlone() {
        MixPlan some = plan(BETA, Pairing.shuffled(1, 2, 3), 200);
        MixPlan all = plan(BETA.withProbability(1), Pairing.shuffled(1, 2, 3), 200);
        for (int i = 0; i < 200; i++) {
            assertEquals(all.partner[i], some.partner[i]);
            assertEquals(all.lambda[i], some.lambda[i]);
            assertEquals(some.mixed[i] ? all.patches[i] : 0, some.patches[i]);
        }
    }

    /**
     * The 6 sets of 2 cells out of G² = 4, equally likely. Chi-square with 5 degrees of freedom, 1e-6 quantile 35.9.
     */
    @Test
    void randomCellSetsAreEquallyLikely() {
        MixOptions options = MixOptions.paper().withPatches(new Patches.Fixed(2)).withInputSide(64)
                .withMode(Mode.RANDOM_CELLS);
        int n = 60_000;
        MixPlan plan = plan(options, Pairing.flip().at(8, 0, 0), n);
        int[] counts = new int[16];
        for (int i = 0; i < n; i++) {
            assertEquals(2, Long.bitCount(plan.cells[i]));
            counts[(int) plan.cells[i]]++;
        }
        double chi = 0;
        for (int set = 0; set < 16; set++) {
            if (Integer.bitCount(set) == 2) {
                chi += Math.pow(counts[set] - 10_000, 2) / 10_000;
            }
        }
        assertTrue(chi < 35.9, chi + " " + Arrays.toString(counts));
    }

    /** Draws of 64 images in one batch, in two of 32, in seven of 10 (last one short): the same, image by image. */
    @Test
    void theBatchSplitChangesNoDraw() {
        Trials.run(60, (seed, random) ->
                theBatchSplitChangesNoDraw(seed, Trials.between(random, 0, 2), Trials.between(random, 1, 40)));
    }

    private static void theBatchSplitChangesNoDraw(long seed, int mode, int size) {
        MixOptions options = BETA.withMode(Mode.values()[mode]);
        int n = 64;
        int[][] sizes = new int[n][];
        Random random = new Random(seed);
        for (int i = 0; i < n; i++) {
            sizes[i] = new int[] {7 + random.nextInt(90), 7 + random.nextInt(90)};
        }
        int[] self = new int[n];
        Arrays.setAll(self, i -> i);
        Planner planner = new Planner(options);
        MixPlan whole = planner.newPlan();
        Pairing pairing = Pairing.explicit(self).at(seed, 1, 2).firstSample(1000);
        planner.plan(pairing, n, whole);
        planner.boxes(pairing, images(sizes), whole);
        MixPlan part = planner.newPlan();
        for (int from = 0; from < n; from += size) {
            int count = Math.min(size, n - from);
            Pairing split = Pairing.explicit(Arrays.copyOf(self, count)).at(seed, 1, 2).firstSample(1000 + from);
            planner.plan(split, count, part);
            planner.boxes(split, images(Arrays.copyOfRange(sizes, from, from + count)), part);
            for (int i = 0; i < count; i++) {
                assertEquals(whole.mixed[from + i], part.mixed[i], "seed " + seed);
                assertEquals(whole.lambda[from + i], part.lambda[i], "seed " + seed);
                assertEquals(whole.patches[from + i], part.patches[i], "seed " + seed);
                for (int w = 0; w < part.words; w++) {
                    assertEquals(whole.cells[(from + i) * part.words + w], part.cells[i * part.words + w]);
                }
                for (int side = 0; side < 4; side++) {
                    assertEquals(whole.box[4 * (from + i) + side], part.box[4 * i + side], "seed " + seed);
                }
            }
        }
    }

    /**
     * The box never leaves the canvas, has at most the sides asked for, and its mean share is near λ where unclipped.
     */
    @Test
    void boxesAreInside() {
        Trials.run(300, (seed, random) ->
                boxesAreInside(seed, Trials.between(random, 7, 500), Trials.between(random, 7, 500)));
    }

    private static void boxesAreInside(long seed, int h, int w) {
        for (Geometry geometry : Geometry.values()) {
            MixOptions options = BETA.withMode(Mode.CUTMIX).withGeometry(geometry);
            Planner planner = new Planner(options);
            MixPlan plan = planner.newPlan();
            Pairing pairing = Pairing.roll().at(seed, 0, 0);
            HostImages images = images(new int[][] {{h, w}, {h + 3, w + 5}});
            planner.plan(pairing, 2, plan);
            planner.boxes(pairing, images, plan);
            planner.weigh(images, plan);
            for (int i = 0; i < 2; i++) {
                int height = geometry == Geometry.RESIZED ? 224 : images.height(1 - i);
                int width = geometry == Geometry.RESIZED ? 224 : images.width(1 - i);
                int boxWidth = plan.box[4 * i + 2] - plan.box[4 * i];
                int boxHeight = plan.box[4 * i + 3] - plan.box[4 * i + 1];
                if (!plan.mixed[i]) {
                    assertEquals(1, plan.sourceWeight[i]);
                    assertEquals(0, boxWidth + boxHeight);
                    continue;
                }
                assertTrue(plan.box[4 * i] >= 0 && plan.box[4 * i + 1] >= 0 && boxWidth >= 0 && boxHeight >= 0);
                assertTrue(plan.box[4 * i + 2] <= width && plan.box[4 * i + 3] <= height);
                assertTrue(boxWidth <= Math.sqrt(plan.lambda[i]) * width, "seed " + seed);
                assertTrue(boxHeight <= Math.sqrt(plan.lambda[i]) * height, "seed " + seed);
                assertEquals((float) ((double) boxWidth * boxHeight / ((double) height * width)), plan.sourceWeight[i]);
                assertEquals(0, plan.patches[i]);
            }
        }
    }

    @Test
    void weightsByBothRules() {
        HostImages images = images(new int[][] {{32, 32}, {61, 100}});
        for (Geometry geometry : Geometry.values()) {
            for (LabelWeight weight : LabelWeight.values()) {
                MixOptions options = MixOptions.paper().withGeometry(geometry).withLabelWeight(weight);
                Planner planner = new Planner(options);
                MixPlan plan = planner.newPlan();
                planner.plan(Pairing.roll(), 2, plan);
                plan.cells[0] = 1 | 1L << 48;
                plan.cells[1] = 1 | 1L << 48;
                planner.weigh(images, plan);
                boolean pixels = weight == LabelWeight.PIXELS && geometry == Geometry.NATIVE;
                // Of image 1's 61 rows the first and last cells have 8 and 9, of its 100 columns 14 and 15.
                assertEquals(pixels ? (8 * 14 + 9 * 15) / 6100f : 2 / 49f, plan.sourceWeight[0]);
                assertEquals(pixels ? (4 * 4 + 5 * 5) / 1024f : 2 / 49f, plan.sourceWeight[1]);
            }
        }
    }

    /** Rounded once, whatever the size: against 60-digit division. */
    @Test
    void ratioIsTheNearestFloat() {
        Trials.run(3000, (seed, random) -> ratioIsTheNearestFloat(seed));
    }

    private static void ratioIsTheNearestFloat(long seed) {
        Random random = new Random(seed);
        long b = 1 + (random.nextLong() >>> (34 + random.nextInt(29)));
        long a = random.nextInt(4) == 0 ? b / 2 + random.nextInt(2) : (long) (random.nextDouble() * b);
        float exact = new BigDecimal(a).divide(new BigDecimal(b), new MathContext(60)).floatValue();
        assertEquals(exact, Planner.ratio(a, b), a + "/" + b);
    }

    /** 1/2 + 2^−25 + 2^−55: double drops the last term, and leaves the middle of two floats, which rounds to even. */
    @Test
    void ratioIsNotRoundedTwice() {
        assertEquals(0.5f + 0x1p-24f, Planner.ratio((1L << 30) * ((1 << 24) + 1) + 1, 1L << 55));
        assertEquals(0.5f, Planner.ratio((1L << 30) * ((1 << 24) + 1) - 1, 1L << 55));
    }

    @Test
    void refusesPlansOfAnotherGrid() {
        Planner planner = new Planner(MixOptions.paper());
        MixPlan plan = new MixPlan(8);
        assertEquals("plan has grid 8; allowed: 7 (G at inputSide 224)", assertThrows(IllegalArgumentException.class,
                () -> planner.plan(Pairing.roll(), 2, plan)).getMessage());
        assertThrows(IllegalArgumentException.class, () -> planner.weigh(images(new int[][] {{7, 7}}), plan));
        assertEquals("batch has 0 images; allowed: 1 or more", assertThrows(IllegalArgumentException.class,
                () -> planner.plan(Pairing.roll(), 0, planner.newPlan())).getMessage());
    }
}
