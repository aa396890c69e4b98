package io.attentivecutmix.method;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.Trials;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SelectionTest {
    private static final float NAN = Float.NaN;
    private static final float INF = Float.POSITIVE_INFINITY;

    private static int[] select(int k, float... heat) {
        long[] mask = new long[(heat.length + 63) / 64];
        Selection.select(heat, 0, heat.length, k, mask, 0);
        return IntStream.range(0, heat.length).filter(c -> (mask[c >> 6] >>> (c & 63) & 1) != 0).toArray();
    }

    /** The rule as a comparator and a stable sort: nothing in common with the code. */
    private static int[] reference(int k, float... heat) {
        Comparator<Integer> byValue = (a, b) -> {
            boolean nanA = Float.isNaN(heat[a]);
            boolean nanB = Float.isNaN(heat[b]);
            if (nanA || nanB) {
                return nanA == nanB ? 0 : nanA ? 1 : -1;
            }
            return heat[a] > heat[b] ? -1 : heat[a] < heat[b] ? 1 : 0;
        };
        return IntStream.range(0, heat.length).boxed().sorted(byValue.thenComparing(c -> c)).limit(k)
                .mapToInt(c -> c).sorted().toArray();
    }

    @Test
    void selectsAsTheSortDoes() {
        Trials.run(2000, (seed, random) ->
                selectsAsTheSortDoes(seed, Trials.between(random, 1, 130), Trials.between(random, 0, 3)));
    }

    private static void selectsAsTheSortDoes(long seed, int cells, int kind) {
        Random random = new Random(seed);
        float[] heat = new float[cells];
        float[] special = {NAN, INF, -INF, 0f, -0f, Float.MIN_VALUE, -Float.MIN_VALUE, Float.MAX_VALUE, 1f, 1f,
            Float.intBitsToFloat(0xffffffff), Float.intBitsToFloat(0x7f800001)};
        for (int c = 0; c < cells; c++) {
            heat[c] = switch (kind) {
                case 0 -> random.nextFloat();
                case 1 -> Math.max(0, random.nextInt(5) - 2);
                case 2 -> special[random.nextInt(special.length)];
                default -> Float.intBitsToFloat(random.nextInt());
            };
        }
        int k = 1 + random.nextInt(cells);
        assertArrayEquals(reference(k, heat), select(k, heat), "seed " + seed);
        int[] ranks = new int[cells + 2];
        Selection.ranks(heat, 0, cells, ranks, 2);
        assertArrayEquals(reference(k, heat),
                IntStream.range(0, cells).filter(c -> ranks[c + 2] < k).toArray(), "ranks, seed " + seed);
    }

    @Test
    void largestGrid() {
        float[] heat = new float[1024];
        Random random = new Random(5);
        for (int c = 0; c < heat.length; c++) {
            heat[c] = random.nextInt(200);
        }
        for (int k : new int[] {1, 63, 64, 65, 512, 1023, 1024}) {
            assertArrayEquals(reference(k, heat), select(k, heat), "k " + k);
        }
    }

    @Test
    void readsAndWritesOnlyItsOwnPart() {
        float[] heat = {9, 9, 1, 3, 2, 9};
        long[] mask = {-1, -1, -1};
        assertFalse(Selection.select(heat, 2, 3, 1, mask, 1));
        assertArrayEquals(new long[] {-1, 0b010, -1}, mask);
    }

    @Test
    void reportsWhatIsNotFinite() {
        long[] mask = new long[1];
        assertTrue(Selection.select(new float[] {1, NAN, 2}, 0, 3, 1, mask, 0));
        assertEquals(0b100, mask[0]);
        assertTrue(Selection.select(new float[] {1, INF, 2}, 0, 3, 1, mask, 0));
        assertEquals(0b010, mask[0]);
        assertTrue(Selection.select(new float[] {1, -INF, NAN}, 0, 3, 2, mask, 0));
        assertEquals(0b011, mask[0]);
        assertFalse(Selection.select(new float[] {1, Float.MAX_VALUE, 2}, 0, 3, 1, mask, 0));
    }

    @Test
    void refusesWrongCounts() {
        long[] mask = new long[1];
        float[] heat = new float[49];
        assertEquals("k is 0; allowed: 1 to 49", assertThrows(IllegalArgumentException.class,
                () -> Selection.select(heat, 0, 49, 0, mask, 0)).getMessage());
        assertEquals("k is 50; allowed: 1 to 49", assertThrows(IllegalArgumentException.class,
                () -> Selection.select(heat, 0, 49, 50, mask, 0)).getMessage());
        assertEquals("cells is 0; allowed: 1 or more", assertThrows(IllegalArgumentException.class,
                () -> Selection.select(heat, 0, 0, 1, mask, 0)).getMessage());
    }

    @Test
    void rankOfEqualValuesFollowsTheIndex() {
        int[] ranks = new int[4];
        Selection.ranks(new float[] {0f, 5, -0f, NAN}, 0, 4, ranks, 0);
        assertArrayEquals(new int[] {1, 0, 2, 3}, ranks, Arrays.toString(ranks));
    }
}
