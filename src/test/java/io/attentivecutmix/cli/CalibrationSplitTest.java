package io.attentivecutmix.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class CalibrationSplitTest {
    @Property(tries = 1000)
    void noImageIsInBothAndBothAreSpread(@ForAll @IntRange(min = 2, max = 2000) int size,
            @ForAll @IntRange(min = 1, max = 900) int observe, @ForAll @IntRange(min = 1, max = 900) int compare) {
        CalibrationSplit split = CalibrationSplit.of(size, observe, compare);
        int first = Math.min(observe, size - 1);
        assertEquals(first, split.observed().length);
        assertEquals(Math.min(compare, size - first), split.compared().length);
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
        assertArrayEquals(new int[] {1, 2, 3}, small.observed());
        assertArrayEquals(new int[] {0}, small.compared());
        CalibrationSplit large = CalibrationSplit.of(2_000_000_000, 1_000_000, 1_000_000);
        assertEquals(1_999_999_000, large.observed()[999_999]);
    }
}
