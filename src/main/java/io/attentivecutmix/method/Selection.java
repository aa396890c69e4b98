package io.attentivecutmix.method;

import java.util.Arrays;

/**
 * The k hottest cells of a heat map, the same on every device: value descending, then cell index ascending. NaN sorts
 * below every number, −0 equals +0, infinities sort as numbers. The order is total, so the answer is unique.
 */
public final class Selection {
    private Selection() {}

    /**
     * Selects the k hottest cells. Allocates nothing.
     *
     * @param heat the map's values, row-major, from {@code offset}
     * @param cells number of cells, 1 or more
     * @param k how many to select, 1 to {@code cells}
     * @param mask ceil(cells/64) words from {@code maskOffset} are written: bit c of word c/64 is cell c, other bits 0
     * @return whether a value was NaN or infinite
     * @throws IllegalArgumentException if cells or k is not allowed
     */
    public static boolean select(float[] heat, int offset, int cells, int k, long[] mask, int maskOffset) {
        if (cells < 1) {
            throw new IllegalArgumentException("cells is " + cells + "; allowed: 1 or more");
        }
        if (k < 1 || k > cells) {
            throw new IllegalArgumentException("k is " + k + "; allowed: 1 to " + cells);
        }
        // The k-th largest key, built from its highest bit down: the largest t that at least k keys reach.
        int threshold = 0;
        for (int bit = 31; bit >= 0; bit--) {
            int candidate = threshold | 1 << bit;
            int reach = 0;
            for (int c = 0; c < cells; c++) {
                reach += Integer.compareUnsigned(key(heat[offset + c]), candidate) >= 0 ? 1 : 0;
            }
            if (reach >= k) {
                threshold = candidate;
            }
        }
        Arrays.fill(mask, maskOffset, maskOffset + (cells + 63) / 64, 0);
        boolean nonFinite = false;
        int ties = k;
        for (int c = 0; c < cells; c++) {
            nonFinite |= !Float.isFinite(heat[offset + c]);
            if (Integer.compareUnsigned(key(heat[offset + c]), threshold) > 0) {
                mask[maskOffset + (c >> 6)] |= 1L << (c & 63);
                ties--;
            }
        }
        for (int c = 0; ties > 0; c++) {
            if (key(heat[offset + c]) == threshold) {
                mask[maskOffset + (c >> 6)] |= 1L << (c & 63);
                ties--;
            }
        }
        return nonFinite;
    }

    /**
     * The rank of every cell: how many cells sort before it, so {@code rank < k} exactly for the k selected cells.
     *
     * @param heat the map's values, row-major, from {@code offset}
     * @param ranks (cells) written from {@code ranksOffset}
     */
    public static void ranks(float[] heat, int offset, int cells, int[] ranks, int ranksOffset) {
        for (int c = 0; c < cells; c++) {
            int key = key(heat[offset + c]);
            int rank = 0;
            for (int other = 0; other < cells; other++) {
                int order = Integer.compareUnsigned(key(heat[offset + other]), key);
                rank += order > 0 || order == 0 && other < c ? 1 : 0;
            }
            ranks[ranksOffset + c] = rank;
        }
    }

    /** An int that sorts, read as unsigned, as the value does: 0 for NaN, one key for both zeros. */
    static int key(float value) {
        if (value != value) {
            return 0;
        }
        int bits = Float.floatToRawIntBits(value + 0f);
        return bits ^ (bits >> 31 | 0x8000_0000);
    }
}
