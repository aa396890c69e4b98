package io.attentivecutmix;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.cuda.HostRuntime;
import io.attentivecutmix.cuda.TestCuda;
import io.attentivecutmix.method.CellGrid;
import io.attentivecutmix.method.Geometry;
import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.MixRecord;
import io.attentivecutmix.method.Mode;
import io.attentivecutmix.method.Pairing;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.Planner;
import io.attentivecutmix.method.Selection;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * What {@link AttentiveCutMix} promises always, over random cases: {@code -Ddeterminism.cases=1000000} for as many of
 * each kind (an image is a case), {@code -Ddeterminism.seed} for others.
 */
class DeterminismTest {
    private static final int CASES = Integer.getInteger("determinism.cases", 10_000);
    private static final int MIXES = Integer.getInteger("determinism.cases", 600);
    private static final long SEED = Long.getLong("determinism.seed", 91);

    private final Random random = new Random(SEED);

    private MixOptions options() {
        int grid = 1 + random.nextInt(9);
        int cells = grid * grid;
        Patches patches = random.nextBoolean() ? new Patches.Fixed(1 + random.nextInt(cells))
                : new Patches.Beta(0.1 + 2 * random.nextDouble(), true);
        return MixOptions.paper().withPatches(new Patches.Fixed(1)).withInputSide(32 * grid).withPatches(patches)
                .withMode(Mode.values()[random.nextInt(Mode.values().length)])
                .withProbability(random.nextBoolean() ? 1 : random.nextDouble());
    }

    /** An image's draws depend on the key and its sample alone: not on the batch, its split or a planner's past. */
    @Test
    void plans() {
        for (int done = 0; done < CASES; ) {
            MixOptions options = options();
            int n = 2 + random.nextInt(15);
            long first = random.nextLong() >>> 1 + random.nextInt(60);
            first = Math.min(first, Long.MAX_VALUE - n);
            Pairing pairing = Pairing.flip().at(random.nextLong(), random.nextInt(), random.nextLong());
            Planner planner = new Planner(options);
            MixPlan whole = planner.newPlan();
            planner.plan(pairing.firstSample(first), n, whole);
            MixPlan part = planner.newPlan();
            for (int from = 0; from < n; ) {
                int length = 1 + random.nextInt(n - from);
                planner.plan(pairing.firstSample(first + from), length, part);
                for (int i = 0; i < length; i++) {
                    String what = "seed " + SEED + ", case " + (done + from + i) + ", " + options;
                    assertEquals(whole.mixed[from + i], part.mixed[i], what);
                    assertEquals(whole.patches[from + i], part.patches[i], what);
                    assertEquals(Double.doubleToRawLongBits(whole.lambda[from + i]),
                            Double.doubleToRawLongBits(part.lambda[i]), what);
                    assertTrue(Arrays.equals(whole.cells, (from + i) * whole.words, (from + i + 1) * whole.words,
                            part.cells, i * part.words, (i + 1) * part.words), what);
                }
                from += length;
            }
            Pairing shuffled = Pairing.shuffled(pairing.seed(), pairing.epoch(), pairing.step()).firstSample(first);
            planner.plan(shuffled, n, part);
            MixPlan again = new MixPlan(options.grid());
            new Planner(options).plan(shuffled, n, again);
            assertTrue(Arrays.equals(part.partner, 0, n, again.partner, 0, n), "seed " + SEED + ", case " + done);
            done += n;
        }
    }

    /** Value descending, then index ascending; NaN below all numbers, both zeros equal: that fixes the set. */
    @Test
    void selection() {
        float[] special = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 0f, -0f, 1, Float.MIN_VALUE,
            Float.intBitsToFloat(0xffc00001)};
        for (int done = 0; done < CASES; done++) {
            int cells = 1 + random.nextInt(100);
            float[] heat = new float[cells];
            int kind = random.nextInt(3);
            for (int c = 0; c < cells; c++) {
                heat[c] = kind == 0 ? random.nextFloat() : kind == 1 ? special[random.nextInt(special.length)]
                        : random.nextInt(4);
            }
            int k = 1 + random.nextInt(cells);
            long[] mask = new long[(cells + 63) / 64];
            Selection.select(heat, 0, cells, k, mask, 0);
            String what = "seed " + SEED + ", case " + done;
            assertEquals(k, Arrays.stream(mask).map(Long::bitCount).sum(), what);
            for (int s = 0; s < cells; s++) {
                if ((mask[s >> 6] >>> (s & 63) & 1) != 0) {
                    for (int u = 0; u < cells; u++) {
                        if ((mask[u >> 6] >>> (u & 63) & 1) == 0 && !before(heat, s, u)) {
                            throw new AssertionError(what + ": cell " + s + " was taken and " + u + " was not: "
                                    + Arrays.toString(heat));
                        }
                    }
                }
            }
        }
    }

    private static boolean before(float[] heat, int a, int b) {
        float x = heat[a];
        float y = heat[b];
        if (x != x || y != y) {
            return x == x || y != y && a < b;
        }
        return x > y || x == y && a < b;
    }

    /** Pixels, masks, weights and labels, given the cells: the same on every device and thread count, and exact. */
    @Test
    void mixes() {
        HostRuntime runtime = new HostRuntime();
        List<Device> gpus = TestCuda.hasKernels() ? List.of(Device.cuda(0, TestCuda.device(runtime))) : List.of();
        for (int done = 0; done < MIXES; ) {
            MixOptions drawn = options();
            // kernels that run on the processor take long for large images
            MixOptions options = drawn.withMode(Mode.ATTENTIVE)
                    .withGeometry(drawn.grid() <= 2 ? Geometry.RESIZED : Geometry.NATIVE);
            List<AttentiveCutMix> mixers = new ArrayList<>();
            try {
                mixers.add(AttentiveCutMix.builder().device(Device.cpu()).options(options).threads(1).build());
                mixers.add(AttentiveCutMix.builder().device(Device.cpu()).options(options).threads(3).build());
                gpus.forEach(gpu -> mixers.add(AttentiveCutMix.builder().device(gpu).options(options).build()));
                for (int batch = 0; batch < 8 && done < MIXES; batch++) {
                    done += mix(mixers, options, "seed " + SEED + ", case " + done + ", " + options);
                }
            } finally {
                mixers.forEach(AttentiveCutMix::close);
            }
        }
        assertEquals(List.of(), runtime.leftovers());
    }

    private int mix(List<AttentiveCutMix> mixers, MixOptions options, String what) {
        int n = 2 + random.nextInt(15);
        boolean equal = random.nextBoolean();
        int grid = options.grid();
        int height = grid + random.nextInt(30);
        int width = grid + random.nextInt(30);
        ImageBatch images = new ImageBatch();
        int[] ids = new int[n];
        float[][] maps = new float[n][grid * grid];
        for (int i = 0; i < n; i++) {
            int h = equal ? height : grid + random.nextInt(30);
            int w = equal ? width : grid + random.nextInt(30);
            byte[] pixels = new byte[h * w * 3];
            random.nextBytes(pixels);
            images.reserve(h, w).put(pixels);
            byte[] mask = new byte[h * w];
            random.nextBytes(mask);
            images.mask(ByteBuffer.wrap(mask).order(ByteOrder.nativeOrder()), 1);
            ids[i] = random.nextInt(10);
            for (int c = 0; c < maps[i].length; c++) {
                maps[i][c] = random.nextInt(5);
            }
        }
        Pairing pairing = Pairing.permuted(random.nextLong(), 0, 0);
        MixRecord record = MixRecord.fromHeatMaps(options, pairing, maps);
        MixedBatch first = mixers.get(0).replay(images, Labels.of(ids), record);
        for (AttentiveCutMix other : mixers.subList(1, mixers.size())) {
            MixedBatch again = other.replay(images, Labels.of(ids), record);
            String where = what + ", " + other.description();
            for (int i = 0; i < n; i++) {
                assertEquals(first.pixels(i), again.pixels(i), where);
                assertEquals(first.mask(i), again.mask(i), where);
                assertEquals(first.sourceWeight(i), again.sourceWeight(i), where);
            }
            assertEquals(first.softLabels(10), again.softLabels(10), where);
        }
        if (equal && options.geometry() == Geometry.NATIVE) {
            for (int i = 0; i < n; i++) {
                exact(images, first, i, grid, height, width, what);
            }
        }
        return n;
    }

    /** Every pixel is a copy, and the weight is the count of image i's pixels over the area, rounded once. */
    private static void exact(ImageBatch images, MixedBatch mixed, int i, int grid, int height, int width,
            String what) {
        int[] cells = mixed.cells(i);
        boolean mixes = mixed.mixed(i);
        int taken = 0;
        byte[] expected = new byte[height * width * 3];
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int cell = CellGrid.cellOf(y, height, grid) * grid + CellGrid.cellOf(x, width, grid);
                boolean source = !mixes || Arrays.binarySearch(cells, cell) >= 0;
                taken += source ? 1 : 0;
                images.pixels(source ? i : mixed.partner(i)).get((y * width + x) * 3, expected, (y * width + x) * 3, 3);
            }
        }
        byte[] actual = new byte[expected.length];
        mixed.pixels(i).get(0, actual);
        assertArrayEquals(expected, actual, what + ", image " + i);
        assertEquals((float) ((double) taken / (height * width)), mixed.sourceWeight(i), what + ", image " + i);
    }
}
