package io.attentivecutmix.method;

/**
 * The grid of G×G cells over an image of H×W pixels. Cell (r, c), index {@code r·G + c}, holds the rows
 * floor(r·H/G) to floor((r+1)·H/G), end exclusive, and the columns likewise: whatever H and W, the cells partition the
 * image. The static methods are for loops that must not allocate; they check nothing.
 *
 * @param grid G, 1 or more
 * @param height H in pixels, at least G
 * @param width W in pixels, at least G
 */
public record CellGrid(int grid, int height, int width) {
    public CellGrid {
        if (grid < 1) {
            throw new IllegalArgumentException("grid is " + grid + "; allowed: 1 or more");
        }
        if (height < grid || width < grid) {
            throw new IllegalArgumentException("image is " + height + " by " + width
                    + " pixels (H by W); allowed: at least " + grid + " by " + grid + " (G)");
        }
    }

    /** First row of the cells in grid row j; H for j = G. */
    public int top(int j) {
        return boundary(j, height, grid);
    }

    /** First column of the cells in grid column j; W for j = G. */
    public int left(int j) {
        return boundary(j, width, grid);
    }

    /** Index of the cell that holds the pixel. */
    public int cellOf(int y, int x) {
        if (y < 0 || y >= height || x < 0 || x >= width) {
            throw new IllegalArgumentException("pixel is row " + y + ", column " + x + "; allowed: rows 0 to "
                    + (height - 1) + ", columns 0 to " + (width - 1));
        }
        return cellOf(y, height, grid) * grid + cellOf(x, width, grid);
    }

    /** Pixels of one cell. */
    public long pixels(int cell) {
        if (cell < 0 || cell >= grid * grid) {
            throw new IllegalArgumentException("cell is " + cell + "; allowed: 0 to " + (grid * grid - 1));
        }
        int r = cell / grid;
        int c = cell % grid;
        return (long) (top(r + 1) - top(r)) * (left(c + 1) - left(c));
    }

    /**
     * Pixels of all cells of a mask.
     *
     * @param mask bit c of word {@code maskOffset + c/64} is cell c
     */
    public long pixels(long[] mask, int maskOffset) {
        return pixels(mask, maskOffset, grid, height, width);
    }

    /** floor(j·size/G). */
    public static int boundary(int j, int size, int grid) {
        return (int) ((long) j * size / grid);
    }

    /** The j with {@code boundary(j) <= pixel < boundary(j + 1)}: floor(((pixel + 1)·G − 1)/size). */
    public static int cellOf(int pixel, int size, int grid) {
        return (int) (((pixel + 1L) * grid - 1) / size);
    }

    /** Pixels of all cells of a mask on an image of height by width pixels. */
    public static long pixels(long[] mask, int maskOffset, int grid, int height, int width) {
        long sum = 0;
        for (int r = 0, cell = 0; r < grid; r++) {
            long columns = 0;
            for (int c = 0; c < grid; c++, cell++) {
                if ((mask[maskOffset + (cell >> 6)] >>> (cell & 63) & 1) != 0) {
                    columns += boundary(c + 1, width, grid) - boundary(c, width, grid);
                }
            }
            sum += columns * (boundary(r + 1, height, grid) - boundary(r, height, grid));
        }
        return sum;
    }
}
