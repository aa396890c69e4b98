package io.attentivecutmix.method;

import java.util.Arrays;

/**
 * What one step does with the N images of a batch; reusable, so that a step allocates nothing. Internal to the library:
 * {@link MixRecord} is the value that users see.
 *
 * <p>It is filled in three steps: pairing and draws on the host ({@code Planner}), cells by the device or from a
 * record, then source weights from what was really taken. Arrays may be longer than N. Not thread-safe, but distinct
 * images may be filled by distinct threads.
 */
public final class MixPlan {
    /** Cells along one side of the grid. */
    public final int grid;
    /** Number of longs of one image's cell mask: ceil(G²/64); bit c of word c/64 is cell c (row-major). */
    public final int words;

    /** N. */
    public int count;
    /** (N) background image of each image. */
    public int[] partner = {};
    /** (N) whether the image is mixed at all; if not, it passes unchanged. */
    public boolean[] mixed = {};
    /** (N) k: how many cells to select. 0 in {@link Mode#CUTMIX} and for an image that is not mixed. */
    public int[] patches = {};
    /** (N) λ of Beta(α, α), or k/G²: the share the box of {@link Mode#CUTMIX} aims at. */
    public double[] lambda = {};
    /** (N, words) the selected cells; empty masks in {@link Mode#CUTMIX} and for images that are not mixed. */
    public long[] cells = {};
    /**
     * (N, 4) left, top, right, bottom, right and bottom exclusive, in pixels of the canvas ({@link MixGeometry}: the
     * mixed image itself under NATIVE, S×S under RESIZED); zeros unless CUTMIX.
     */
    public int[] box = {};
    /** (N) the label's share of image i. */
    public float[] sourceWeight = {};
    /** (N) whether the heat map held a value that is not finite. */
    public boolean[] nonFinite = {};

    public MixPlan(int grid) {
        this.grid = grid;
        this.words = (grid * grid + 63) / 64;
    }

    /** Makes room for n images and sets N; keeps arrays that are long enough. */
    public void resize(int n) {
        if (partner.length < n) {
            partner = new int[n];
            mixed = new boolean[n];
            patches = new int[n];
            lambda = new double[n];
            cells = new long[Math.multiplyExact(n, words)];
            box = new int[Math.multiplyExact(n, 4)];
            sourceWeight = new float[n];
            nonFinite = new boolean[n];
        }
        count = n;
        Arrays.fill(cells, 0, n * words, 0);
        Arrays.fill(box, 0, n * 4, 0);
        Arrays.fill(nonFinite, 0, n, false);
    }

    /** Whether cell c of image i is selected. */
    public boolean selected(int i, int c) {
        return (cells[i * words + (c >> 6)] >>> (c & 63) & 1) != 0;
    }
}
