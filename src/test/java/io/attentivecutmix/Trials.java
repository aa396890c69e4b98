package io.attentivecutmix;

import java.util.Random;

/** Runs a check on many random inputs. A failure names its input's seed, which {@code -Dtrials.seed} tries early. */
public final class Trials {
    private static final long FIRST = Long.getLong("trials.seed", 20_261_101);
    private static final long[] ENDS = {0, 1, -1, Long.MIN_VALUE, Long.MAX_VALUE, Integer.MIN_VALUE, Integer.MAX_VALUE};

    private Trials() {
    }

    /** A check of one input. */
    @FunctionalInterface
    public interface Check {
        /** Fails by an exception; {@code random} is drawn from {@code seed}, yet not as {@code new Random(seed)} is. */
        void on(long seed, Random random) throws Exception;
    }

    /** Calls the check {@code tries} times, with the same seeds in each run: ends of the numbers, then random ones. */
    public static void run(int tries, Check check) {
        Random seeds = new Random(FIRST);
        for (int i = 0; i < tries; i++) {
            long seed = i < ENDS.length ? ENDS[i] : i == ENDS.length ? FIRST : seeds.nextLong();
            try {
                check.on(seed, new Random(seed ^ 0x5DEECE66DL << 8));
            } catch (Exception | AssertionError e) {
                throw new AssertionError("try " + i + " of " + tries + ", seed " + seed + ": " + e.getMessage(), e);
            }
        }
    }

    /** An int from {@code min} to {@code max}, both included; one in eight is an end or the number beside it. */
    public static int between(Random random, int min, int max) {
        if (random.nextInt(8) == 0) {
            int inward = Math.min(random.nextInt(2), max - min);
            return random.nextBoolean() ? min + inward : max - inward;
        }
        return min + random.nextInt(max - min + 1);
    }

    /** A float from 0 to 1, both included; one in eight is 0, 1 or the float beside it. */
    public static float share(Random random) {
        float[] ends = {0, Float.MIN_VALUE, Math.nextDown(1f), 1};
        return random.nextInt(8) == 0 ? ends[random.nextInt(ends.length)] : random.nextFloat();
    }
}
