package io.attentivecutmix.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.Trials;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CalibrationSplitTest {
    @Test
    void noImageIsInBothAndBothAreSpread() {
        Trials.run(1000, (seed, random) -> check(Trials.between(random, 2, 2000), Trials.between(random, 1, 900),
                Trials.between(random, 1, 900)));
    }

    private static void check(int size, int observe, int compare) {
        CalibrationSplit split = CalibrationSplit.of(size, observe, compare);
        if (size >= observe + compare) {
            assertEquals(observe, split.observed().length);
            assertEquals(compare, split.compared().length);
        } else {
            assertEquals(size, split.observed().length + split.compared().length);
            double share = (double) size * observe / (observe + compare);
            assertTrue(split.observed().length >= 1 && split.compared().length >= 1);
            assertEquals(share, split.observed().length, 1.0, "as many as the proportion that was wanted gives");
        }
        int[] both = IntStream.concat(Arrays.stream(split.observed()), Arrays.stream(split.compared())).toArray();
        assertEquals(both.length, Arrays.stream(both).distinct().count());
        assertTrue(Arrays.stream(both).allMatch(i -> i >= 0 && i < size));
        for (int[] part : new int[][] {split.observed(), split.compared()}) {
            // no two neighbours lie further apart than an even spread of them has it, twice rounded up
            double step = (double) size / part.length;
            for (int i = 1; i < part.length; i++) {
                assertTrue(part[i] > part[i - 1], () -> Arrays.toString(part));
                assertTrue(part[i] - part[i - 1] < step + 2 * Math.ceil((double) size / both.length), () -> size + ", "
                        + observe + ", " + compare + ": " + Arrays.toString(part));
            }
        }
    }

    @Test
    void examples() {
        CalibrationSplit split = CalibrationSplit.of(100, 2, 3);
        assertArrayEquals(new int[] {40, 80}, split.observed());
        assertArrayEquals(new int[] {0, 20, 60}, split.compared());
        CalibrationSplit small = CalibrationSplit.of(4, 128, 512);
        assertArrayEquals(new int[] {3}, small.observed());
        assertArrayEquals(new int[] {0, 1, 2}, small.compared());
        CalibrationSplit oneMore = CalibrationSplit.of(129, 128, 512);
        assertEquals(25, oneMore.observed().length);
        assertEquals(104, oneMore.compared().length);
        CalibrationSplit large = CalibrationSplit.of(2_000_000_000, 1_000_000, 1_000_000);
        assertEquals(1_999_999_000, large.observed()[999_999]);
    }
}
