package io.attentivecutmix.method;

import java.util.Arrays;
import java.util.Objects;

/**
 * Which image of the batch is the background of image i, and what the step's random draws are keyed by; immutable.
 *
 * <p>All draws of a step (partners, probability, λ, random cells, box) depend only on (seed, epoch, step) and on the
 * global index of an image, {@code firstSample + i}. Give every batch of an epoch another {@code step} or another
 * {@code firstSample}, and every rank its own {@code firstSample}, and no two images share a stream. What belongs to a
 * whole batch (the permutation, a λ drawn per batch) is keyed by the batch's first sample.
 */
public final class Pairing {
    /** How partners are found. */
    public enum Kind {
        /** A random permutation without fixed points, uniform over all of them. */
        SHUFFLED,
        /** A random permutation, uniform; may pair an image with itself. */
        PERMUTED,
        /** The image before, the last one for image 0: {@code (i − 1) mod N}. */
        ROLL,
        /** {@code N − 1 − i}; the middle image of an odd batch pairs with itself. */
        FLIP,
        /** The caller's indices. */
        EXPLICIT
    }

    private final Kind kind;
    private final int[] explicit;
    private final long seed;
    private final long epoch;
    private final long step;
    private final long firstSample;

    private Pairing(Kind kind, int[] explicit, long seed, long epoch, long step, long firstSample) {
        this.kind = kind;
        this.explicit = explicit;
        this.seed = seed;
        this.epoch = epoch;
        this.step = step;
        this.firstSample = firstSample;
    }

    /**
     * A seeded random permutation without fixed points, uniform over all such permutations (shuffles are drawn until
     * one has none); the default. Refuses a batch of 1.
     */
    public static Pairing shuffled(long seed, long epoch, long step) {
        return new Pairing(Kind.SHUFFLED, new int[0], seed, epoch, step, 0);
    }

    /** A seeded random permutation, uniform; an image may be its own background. */
    public static Pairing permuted(long seed, long epoch, long step) {
        return new Pairing(Kind.PERMUTED, new int[0], seed, epoch, step, 0);
    }

    /**
     * Image i gets image {@code (i − 1) mod N}, as a batch rolled by one. Refuses a batch of 1. Key 0, 0, 0: see {@link
     * #at}.
     */
    public static Pairing roll() {
        return new Pairing(Kind.ROLL, new int[0], 0, 0, 0, 0);
    }

    /**
     * Image i gets image {@code N − 1 − i}; the middle image of an odd batch gets itself. Key 0, 0, 0: see {@link #at}.
     */
    public static Pairing flip() {
        return new Pairing(Kind.FLIP, new int[0], 0, 0, 0, 0);
    }

    /**
     * The caller's own partners: image i gets image {@code partners[i]}, itself included. Any index may come more than
     * once. Key 0, 0, 0: see {@link #at}.
     *
     * @param partners (N) indices 0..N−1, copied
     * @throws IllegalArgumentException if there are none, or one is out of range
     */
    public static Pairing explicit(int... partners) {
        int[] copy = Objects.requireNonNull(partners, "partners").clone();
        if (copy.length == 0) {
            throw new IllegalArgumentException("partners is empty; allowed: one for each image of the batch");
        }
        for (int i = 0; i < copy.length; i++) {
            if (copy[i] < 0 || copy[i] >= copy.length) {
                throw new IllegalArgumentException("partners[" + i + "] is " + copy[i] + "; allowed: 0 to "
                        + (copy.length - 1) + " (batch of " + copy.length + ")");
            }
        }
        return new Pairing(Kind.EXPLICIT, copy, 0, 0, 0, 0);
    }

    /** The same pairing with another key for the draws. */
    public Pairing at(long seed, long epoch, long step) {
        return new Pairing(kind, explicit, seed, epoch, step, firstSample);
    }

    /**
     * The same pairing for a batch whose image 0 is sample {@code value} of the whole data set.
     *
     * @param value 0 or more
     */
    public Pairing firstSample(long value) {
        if (value < 0) {
            throw new IllegalArgumentException("firstSample is " + value + "; allowed: 0 or more");
        }
        return new Pairing(kind, explicit, seed, epoch, step, value);
    }

    /** How partners are found. */
    public Kind kind() {
        return kind;
    }

    /** Seed of the draws. */
    public long seed() {
        return seed;
    }

    /** Epoch of the draws. */
    public long epoch() {
        return epoch;
    }

    /** Step of the draws. */
    public long step() {
        return step;
    }

    /** Global index of image 0 of the batch. */
    public long firstSample() {
        return firstSample;
    }

    /**
     * Writes the partner of each image.
     *
     * @param n N, 1 or more
     * @param out (N) at least; written from index 0
     * @throws IllegalArgumentException if this pairing cannot pair n images
     */
    public void partners(int n, int[] out) {
        partners(n, out, new Draws());
    }

    /** As {@link #partners(int, int[])} with scratch of the caller's, so that nothing is allocated. */
    void partners(int n, int[] out, Draws draws) {
        if (n < 1) {
            throw new IllegalArgumentException("batch has " + n + " images; allowed: 1 or more");
        }
        if (out.length < n) {
            throw new IllegalArgumentException("out has room for " + out.length + " partners; needed: " + n);
        }
        if (n == 1 && (kind == Kind.SHUFFLED || kind == Kind.ROLL)) {
            throw new IllegalArgumentException("batch has 1 image, and pairing " + kind
                    + " pairs no image with itself; allowed: 2 or more images, or a pairing that permits fixed points");
        }
        switch (kind) {
            case SHUFFLED -> {
                draws.step(seed, epoch, step);
                draws.open(Draws.Purpose.PAIRING, firstSample);
                boolean done;
                do {
                    done = shuffle(n, out, draws, false);
                } while (!done);
            }
            case PERMUTED -> {
                draws.step(seed, epoch, step);
                draws.open(Draws.Purpose.PAIRING, firstSample);
                shuffle(n, out, draws, true);
            }
            case ROLL -> {
                for (int i = 0; i < n; i++) {
                    out[i] = i == 0 ? n - 1 : i - 1;
                }
            }
            case FLIP -> {
                for (int i = 0; i < n; i++) {
                    out[i] = n - 1 - i;
                }
            }
            case EXPLICIT -> {
                if (explicit.length != n) {
                    throw new IllegalArgumentException("explicit pairing has " + explicit.length
                            + " partners; allowed: as many as the batch has images, " + n);
                }
                System.arraycopy(explicit, 0, out, 0, n);
            }
        }
    }

    /**
     * Fisher and Yates from the last place down, j = below(i + 1). Without fixed points it stops at the first one, and
     * the caller shuffles again with the words that follow: what remains is uniform over all permutations without any.
     */
    private static boolean shuffle(int n, int[] out, Draws draws, boolean fixedPoints) {
        for (int i = 0; i < n; i++) {
            out[i] = i;
        }
        for (int i = n - 1; i >= 0; i--) {
            int j = i == 0 ? 0 : draws.below(i + 1);
            int swap = out[i];
            out[i] = out[j];
            out[j] = swap;
            if (!fixedPoints && out[i] == i) {
                return false;
            }
        }
        return true;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Pairing that && kind == that.kind && Arrays.equals(explicit, that.explicit)
                && seed == that.seed && epoch == that.epoch && step == that.step && firstSample == that.firstSample;
    }

    @Override
    public int hashCode() {
        return Objects.hash(kind, Arrays.hashCode(explicit), seed, epoch, step, firstSample);
    }

    @Override
    public String toString() {
        return "Pairing[" + kind + (kind == Kind.EXPLICIT ? " " + Arrays.toString(explicit) : "") + ", seed=" + seed
                + ", epoch=" + epoch + ", step=" + step + ", firstSample=" + firstSample + "]";
    }
}
