package io.attentivecutmix.method;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.Trials;
import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CellGridTest {
    @Test
    void cellsPartitionTheImage() {
        Trials.run(1000, (seed, random) ->
                cellsPartitionTheImage(Trials.between(random, 1, 32), Trials.between(random, 0, 2048)));
    }

    private static void cellsPartitionTheImage(int grid, int more) {
        int size = grid + more;
        assertEquals(0, CellGrid.boundary(0, size, grid));
        assertEquals(size, CellGrid.boundary(grid, size, grid));
        for (int j = 0; j < grid; j++) {
            int from = CellGrid.boundary(j, size, grid);
            int to = CellGrid.boundary(j + 1, size, grid);
            assertTrue(from < to, "cell " + j + " of " + grid + " over " + size + " is empty");
            for (int p = from; p < to; p++) {
                assertEquals(j, CellGrid.cellOf(p, size, grid), "pixel " + p);
            }
        }
    }

    @Test
    void maskPixelsAreThoseCounted() {
        Trials.run(300, (seed, random) -> maskPixelsAreThoseCounted(seed, Trials.between(random, 1, 9)));
    }

    private static void maskPixelsAreThoseCounted(long seed, int g) {
        Random random = new Random(seed);
        CellGrid grid = new CellGrid(g, g + random.nextInt(60), g + random.nextInt(60));
        long[] mask = new long[3];
        for (int c = 0; c < g * g; c++) {
            mask[1 + (c >> 6)] |= (random.nextBoolean() ? 1L : 0) << (c & 63);
        }
        long counted = 0;
        long all = 0;
        for (int y = 0; y < grid.height(); y++) {
            for (int x = 0; x < grid.width(); x++) {
                int c = grid.cellOf(y, x);
                counted += mask[1 + (c >> 6)] >>> (c & 63) & 1;
            }
        }
        for (int c = 0; c < g * g; c++) {
            all += grid.pixels(c);
        }
        assertEquals(counted, grid.pixels(mask, 1), "seed " + seed);
        assertEquals((long) grid.height() * grid.width(), all, "seed " + seed);
    }

    @Test
    void boundariesAreExactForTheLargestSizes() {
        for (int size : new int[] {Integer.MAX_VALUE, Integer.MAX_VALUE - 1, 1 << 30, 715_827_882}) {
            for (int j = 0; j <= 32; j++) {
                long exact = BigInteger.valueOf(j).multiply(BigInteger.valueOf(size)).divide(BigInteger.valueOf(32))
                        .longValueExact();
                assertEquals(exact, CellGrid.boundary(j, size, 32));
            }
            assertEquals(31, CellGrid.cellOf(size - 1, size, 32));
        }
    }

    @Test
    void refusesImagesSmallerThanTheGrid() {
        assertEquals("image is 6 by 224 pixels (H by W); allowed: at least 7 by 7 (G)",
                assertThrows(IllegalArgumentException.class, () -> new CellGrid(7, 6, 224)).getMessage());
        assertEquals("image is 224 by 6 pixels (H by W); allowed: at least 7 by 7 (G)",
                assertThrows(IllegalArgumentException.class, () -> new CellGrid(7, 224, 6)).getMessage());
        assertEquals("grid is 0; allowed: 1 or more",
                assertThrows(IllegalArgumentException.class, () -> new CellGrid(0, 6, 224)).getMessage());
        CellGrid grid = new CellGrid(7, 7, 9);
        assertThrows(IllegalArgumentException.class, () -> grid.cellOf(7, 0));
        assertThrows(IllegalArgumentException.class, () -> grid.cellOf(0, -1));
        assertThrows(IllegalArgumentException.class, () -> grid.pixels(49));
    }
}
