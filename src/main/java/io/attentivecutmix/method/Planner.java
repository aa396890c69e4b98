package io.attentivecutmix.method;

import io.attentivecutmix.image.BatchForm;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Objects;

/**
 * Fills a {@link MixPlan}: {@link #plan} before the extractor runs, {@link #boxes} once the sizes are known,
 * {@link #weigh} once the cells are. Internal to the library.
 *
 * <p>Not thread-safe; a step allocates nothing.
 */
public final class Planner {
    private final MixOptions options;
    private final int cells;
    private final Draws draws = new Draws();

    /** A planner of one set of options. */
    public Planner(MixOptions options) {
        this.options = Objects.requireNonNull(options, "options");
        cells = options.grid() * options.grid();
    }

    /** A plan for this planner's grid. */
    public MixPlan newPlan() {
        return new MixPlan(options.grid());
    }

    /**
     * Draws what needs neither pixels nor sizes: partners, which images are mixed, λ, k, and the cells of
     * {@link Mode#RANDOM_CELLS}. Clears cells and boxes.
     *
     * <p>λ is k/G² for a fixed k. For Beta it is drawn, and k = floor(λ·G²) clamped to 1..G². k is 0 in {@link
     * Mode#CUTMIX}, where no cells are selected. An image that is not mixed has k = 0, no cells, and keeps its partner
     * and λ.
     *
     * @param pairing partners, and the key of every draw
     * @param n N, 1 or more
     * @param plan of this planner's grid
     * @throws IllegalArgumentException if n images cannot be paired so, or the plan has another grid
     */
    public void plan(Pairing pairing, int n, MixPlan plan) {
        checkGrid(plan);
        if (n < 1) {
            throw new IllegalArgumentException("batch has " + n + " images; allowed: 1 or more");
        }
        plan.resize(n);
        pairing.partners(n, plan.partner, draws);
        draws.step(pairing.seed(), pairing.epoch(), pairing.step());
        double shared = sharedLambda(pairing);
        for (int i = 0; i < n; i++) {
            long sample = pairing.firstSample() + i;
            draws.open(Draws.Purpose.PROBABILITY, sample);
            plan.mixed[i] = draws.uniform() < options.probability();
            double lambda = shared;
            if (options.patches() instanceof Patches.Beta beta && beta.perImage()) {
                draws.open(Draws.Purpose.IMAGE_LAMBDA, sample);
                lambda = draws.beta(beta.alpha());
            }
            plan.lambda[i] = lambda;
            plan.patches[i] = plan.mixed[i] && options.mode() != Mode.CUTMIX ? patches(lambda) : 0;
            plan.sourceWeight[i] = Float.NaN;
            if (options.mode() == Mode.RANDOM_CELLS && plan.mixed[i]) {
                draws.open(Draws.Purpose.CELLS, sample);
                randomCells(plan.patches[i], plan.cells, i * plan.words);
            }
        }
    }

    private double sharedLambda(Pairing pairing) {
        if (options.patches() instanceof Patches.Fixed fixed) {
            return (double) fixed.k() / cells;
        }
        Patches.Beta beta = (Patches.Beta) options.patches();
        if (beta.perImage()) {
            return 0;
        }
        draws.open(Draws.Purpose.BATCH_LAMBDA, pairing.firstSample());
        return draws.beta(beta.alpha());
    }

    private int patches(double lambda) {
        if (options.patches() instanceof Patches.Fixed fixed) {
            return fixed.k();
        }
        return Math.max(1, Math.min(cells, (int) (lambda * cells)));
    }

    /** Floyd's algorithm: k of the cells, every set equally likely, with k draws; the mask itself is the set. */
    private void randomCells(int k, long[] mask, int offset) {
        for (int last = cells - k; last < cells; last++) {
            int c = draws.below(last + 1);
            if ((mask[offset + (c >> 6)] >>> (c & 63) & 1) != 0) {
                c = last;
            }
            mask[offset + (c >> 6)] |= 1L << (c & 63);
        }
    }

    /**
     * Draws the boxes of {@link Mode#CUTMIX}; does nothing in other modes. The published code's box (Yun et al., arXiv
     * 1905.04899), with λ as image i's share: on a canvas of H×W, sides a = floor(√λ·W), b = floor(√λ·H); centre x
     * uniform in 0..W−1, then y in 0..H−1; columns x − floor(a/2) to x + floor(a/2), rows likewise, ends exclusive,
     * clipped to the canvas. So an odd side loses a pixel, and a small box can be empty.
     *
     * @param pairing the one the plan was made with
     * @param images N images
     * @param plan filled by {@link #plan}; its boxes are written
     */
    public void boxes(Pairing pairing, BatchForm images, MixPlan plan) {
        if (options.mode() != Mode.CUTMIX) {
            return;
        }
        draws.step(pairing.seed(), pairing.epoch(), pairing.step());
        for (int i = 0; i < plan.count; i++) {
            if (!plan.mixed[i]) {
                continue;
            }
            int height = MixGeometry.canvasHeight(options, plan, i, images);
            int width = MixGeometry.canvasWidth(options, plan, i, images);
            double side = Math.sqrt(plan.lambda[i]);
            int a = (int) (side * width) / 2;
            int b = (int) (side * height) / 2;
            draws.open(Draws.Purpose.BOX, pairing.firstSample() + i);
            int x = draws.below(width);
            int y = draws.below(height);
            plan.box[4 * i] = Math.max(0, x - a);
            plan.box[4 * i + 1] = Math.max(0, y - b);
            plan.box[4 * i + 2] = Math.min(width, x + a);
            plan.box[4 * i + 3] = Math.min(height, y + b);
        }
    }

    /**
     * Writes every image's source weight.
     *
     * @param images N images
     * @param plan with its cells or boxes filled
     */
    public void weigh(BatchForm images, MixPlan plan) {
        checkGrid(plan);
        for (int i = 0; i < plan.count; i++) {
            int height = MixGeometry.canvasHeight(options, plan, i, images);
            int width = MixGeometry.canvasWidth(options, plan, i, images);
            plan.sourceWeight[i] = weight(options, plan, i, height, width);
        }
    }

    /**
     * Image i's share of the label: 1 when it is not mixed; k/G² by {@link LabelWeight#NOMINAL}; otherwise, and always
     * for a box, pixels taken from image i ÷ H·W of the canvas. Rounded to float once.
     */
    static float weight(MixOptions options, MixPlan plan, int i, int height, int width) {
        if (!plan.mixed[i]) {
            return 1;
        }
        long taken;
        long of = (long) height * width;
        if (options.mode() == Mode.CUTMIX) {
            int at = 4 * i;
            taken = (long) (plan.box[at + 2] - plan.box[at]) * (plan.box[at + 3] - plan.box[at + 1]);
        } else if (options.labelWeight() == LabelWeight.NOMINAL) {
            taken = 0;
            for (int w = i * plan.words; w < (i + 1) * plan.words; w++) {
                taken += Long.bitCount(plan.cells[w]);
            }
            of = (long) plan.grid * plan.grid;
        } else {
            taken = CellGrid.pixels(plan.cells, i * plan.words, plan.grid, height, width);
        }
        return ratio(taken, of);
    }

    /**
     * a/b as the nearest float. The way through double rounds twice, which is exact for b below 2^29: a quotient that
     * is not itself the middle of two floats is then further from every such middle than half a double's ulp.
     */
    static float ratio(long a, long b) {
        if (b < 1L << 29) {
            return (float) ((double) a / b);
        }
        return BigDecimal.valueOf(a).divide(BigDecimal.valueOf(b), MathContext.DECIMAL128).floatValue();
    }

    private void checkGrid(MixPlan plan) {
        if (plan.grid != options.grid()) {
            throw new IllegalArgumentException("plan has grid " + plan.grid + "; allowed: " + options.grid()
                    + " (G at inputSide " + options.inputSide() + ")");
        }
    }
}
