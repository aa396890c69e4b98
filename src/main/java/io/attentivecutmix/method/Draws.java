package io.attentivecutmix.method;

/**
 * Counter-based random draws: a value depends on (seed, epoch, step), on what it is for and on the global index of its
 * sample, on nothing else. So the order of images, the split into batches and the number of threads change nothing.
 *
 * <p>Exactly (version 1; frozen, held by golden values):
 * <ol>
 * <li>Step key: Philox4x32-10 with key (seed low, seed high) on counter (epoch low, epoch high, step low, step high);
 * its words 0 and 1 are the key of all draws of the step. Low and high are the 32-bit halves of the long.
 * <li>Stream: block b of a stream is Philox4x32-10 with that key on counter (b, purpose, sample low, sample high); its
 * words 4b to 4b+3 are drawn in order.
 * <li>{@link #uniform}: words a then b, {@code ((a >>> 5)·2^26 + (b >>> 6))·2^−53}.
 * <li>{@link #below}: word a, {@code m = a·n} in 64 bits; drawn again while {@code m mod 2^32 < 2^32 mod n}; m's high
 * word.
 * <li>{@link #normal}: Marsaglia's polar method: x then y, each {@code 2·uniform − 1}, again until 0 &lt; s = x² + y²
 * &lt; 1; {@code x·sqrt(−2·ln(s)/s)}; the method's second value is dropped.
 * <li>{@link #beta}: G/(G + G′) of two Gamma(α) draws, first all of G; see there.
 * </ol>
 * Every function is exact or from StrictMath, so every JVM draws the same bits.
 *
 * <p>Not thread-safe; reusable.
 */
public final class Draws {
    /** What a draw is for. The number is part of the frozen definition: never renumber, only append. */
    public enum Purpose {
        /** Permutation of a batch; its sample is the batch's first. */
        PAIRING(0),
        /** Whether an image is mixed. */
        PROBABILITY(1),
        /** λ of a whole batch; its sample is the batch's first. */
        BATCH_LAMBDA(2),
        /** λ of one image. */
        IMAGE_LAMBDA(3),
        /** Cells of {@link Mode#RANDOM_CELLS}. */
        CELLS(4),
        /** Centre of the box of {@link Mode#CUTMIX}. */
        BOX(5);

        private final int number;

        Purpose(int number) {
            this.number = number;
        }
    }

    /** Of the definition above; goes into fingerprints. Another number means other draws from the same seed. */
    public static final int VERSION = 1;

    private static final double TWO_POW_26 = 0x1p26;
    private static final double TWO_POW_MINUS_53 = 0x1p-53;

    private final int[] words = new int[4];
    private int key0;
    private int key1;
    private int purpose;
    private long sample;
    private int block;
    private int next;

    /** Sets the step of all streams opened from now on. */
    public void step(long seed, long epoch, long step) {
        Philox.block((int) epoch, (int) (epoch >>> 32), (int) step, (int) (step >>> 32),
                (int) seed, (int) (seed >>> 32), words);
        key0 = words[0];
        key1 = words[1];
        next = words.length;
    }

    /** Opens the stream of one purpose and sample at its beginning. */
    public void open(Purpose purpose, long sample) {
        this.purpose = purpose.number;
        this.sample = sample;
        block = 0;
        next = words.length;
    }

    /** The next 32 bits. */
    public int word() {
        if (next == words.length) {
            Philox.block(block, purpose, (int) sample, (int) (sample >>> 32), key0, key1, words);
            block++;
            next = 0;
        }
        return words[next++];
    }

    /** Uniform in [0, 1), 53 bits. */
    public double uniform() {
        double high = word() >>> 5;
        return (high * TWO_POW_26 + (word() >>> 6)) * TWO_POW_MINUS_53;
    }

    /** Uniform in 0..n−1, without bias. */
    public int below(int n) {
        if (n < 1) {
            throw new IllegalArgumentException("n is " + n + "; allowed: 1 or more");
        }
        long refused = (1L << 32) % n;
        long product;
        do {
            product = (word() & 0xFFFF_FFFFL) * n;
        } while ((product & 0xFFFF_FFFFL) < refused);
        return (int) (product >>> 32);
    }

    /** Standard normal. */
    public double normal() {
        double x;
        double s;
        do {
            x = 2 * uniform() - 1;
            double y = 2 * uniform() - 1;
            s = x * x + y * y;
        } while (s >= 1 || s == 0);
        return x * Math.sqrt(-2 * StrictMath.log(s) / s);
    }

    /**
     * Beta(α, α), in 0..1: G/(G + G′) with G and G′ from Gamma(α), in logarithms so that a small α cannot underflow
     * both.
     *
     * <p>α ≥ 1: G = Gamma(α). α &lt; 1: G = Gamma(α + 1)·U^(1/α), U = 1 − uniform drawn after it. With g = ln G of the
     * Gamma draws and u = ln U (0 for α ≥ 1), the result is {@code 1/(1 + exp((g′ − g) + (u′ − u)/α))}.
     */
    public double beta(double alpha) {
        boolean boost = alpha < 1;
        double shape = boost ? alpha + 1 : alpha;
        double g = StrictMath.log(gamma(shape));
        double u = boost ? StrictMath.log(1 - uniform()) : 0;
        double g2 = StrictMath.log(gamma(shape));
        double u2 = boost ? StrictMath.log(1 - uniform()) : 0;
        double boosted = boost ? (u2 - u) / alpha : 0;
        return 1 / (1 + StrictMath.exp(g2 - g + boosted));
    }

    /** Gamma(shape), shape 1 or more: Marsaglia and Tsang, "A simple method for generating gamma variables", 2000. */
    private double gamma(double shape) {
        double d = shape - 1.0 / 3;
        double c = 1 / Math.sqrt(9 * d);
        while (true) {
            double x = normal();
            double t = 1 + c * x;
            double v = t * t * t;
            if (v <= 0) {
                continue;
            }
            double u = uniform();
            double square = x * x;
            if (u < 1 - 0.0331 * (square * square)
                    || StrictMath.log(u) < 0.5 * square + d * (1 - v + StrictMath.log(v))) {
                return d * v;
            }
        }
    }
}
