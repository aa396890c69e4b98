package io.attentivecutmix;

import io.attentivecutmix.method.MixPlan;
import java.util.Arrays;
import java.util.Objects;
import java.util.stream.IntStream;

/** What the extractor found hot in each image of a batch; immutable. */
public final class Attention {
    private final int count;
    private final int grid;
    private final float[] heat;
    private final int[][] cells;
    private final boolean[] nonFinite;

    Attention(MixPlan plan, float[] heat) {
        count = plan.count;
        grid = plan.grid;
        this.heat = heat;
        nonFinite = Arrays.copyOf(plan.nonFinite, count);
        cells = new int[count][];
        for (int i = 0; i < count; i++) {
            cells[i] = selectedCells(plan, i);
        }
    }

    static int[] selectedCells(MixPlan plan, int i) {
        return IntStream.range(0, plan.grid * plan.grid).filter(c -> plan.selected(i, c)).toArray();
    }

    /** N. */
    public int count() {
        return count;
    }

    /** G: cells along one side. */
    public int grid() {
        return grid;
    }

    /** Heat map (G, G) of image i, row-major; a new array. */
    public float[] heat(int i) {
        Objects.checkIndex(i, count);
        return Arrays.copyOfRange(heat, i * grid * grid, (i + 1) * grid * grid);
    }

    /** The k hottest cells of image i, row-major indices in ascending order; a new array. */
    public int[] cells(int i) {
        return cells[i].clone();
    }

    /** Whether image i's heat map holds a value that is not finite. */
    public boolean nonFinite(int i) {
        return nonFinite[i];
    }
}
