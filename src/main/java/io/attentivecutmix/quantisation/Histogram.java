package io.attentivecutmix.quantisation;

/**
 * Counts magnitudes in equal bins. Bins are powers of two wide and become twice as wide whenever a value lies beyond,
 * so that the result depends on what was added and not on its order or on how it was split. Not thread-safe.
 */
final class Histogram {
    private static final int BINS = 4096;
    private static final int FIRST_EXPONENT = -40;
    private static final int STEPS = 64;

    private long[] counts = new long[BINS];
    /** Values that are exactly 0, as half of what a ReLU leaves; in no bin. */
    private long zeros;
    private int exponent = FIRST_EXPONENT;
    private float inverseWidth = Math.scalb(1f, -FIRST_EXPONENT);
    private float max;

    /** Adds |value|, which must be finite. */
    void add(float value) {
        float magnitude = Math.abs(value);
        if (magnitude == 0) {
            zeros++;
            return;
        }
        if (magnitude > max) {
            max = magnitude;
            while (magnitude * inverseWidth >= BINS) {
                widen();
            }
        }
        counts[(int) (magnitude * inverseWidth)]++;
    }

    private void widen() {
        long[] wider = new long[BINS];
        for (int i = 0; i < BINS; i++) {
            wider[i / 2] += counts[i];
        }
        counts = wider;
        exponent++;
        inverseWidth = Math.scalb(1f, -exponent);
    }

    /** Adds what another has counted; the other may be widened. */
    void add(Histogram other) {
        while (exponent < other.exponent) {
            widen();
        }
        while (other.exponent < exponent) {
            other.widen();
        }
        for (int i = 0; i < BINS; i++) {
            counts[i] += other.counts[i];
        }
        zeros += other.zeros;
        max = Math.max(max, other.max);
    }

    /** Where to cut off; 1 if every value was 0, since any positive limit does then. */
    float limit(RangeChoice choice, boolean signed) {
        if (max == 0) {
            return 1;
        }
        float limit = max;
        if (choice instanceof RangeChoice.Percentile p) {
            limit = percentile(p.share());
        } else if (choice instanceof RangeChoice.MinimumError) {
            limit = leastError(signed ? 127 : 255);
        }
        // a step of limit/255 must be a normal float
        return Math.max(limit, 1e-30f);
    }

    private float percentile(double share) {
        long total = zeros;
        for (long c : counts) {
            total += c;
        }
        long wanted = (long) Math.ceil(total * share);
        long sum = zeros;
        for (int i = 0; i < BINS; i++) {
            sum += counts[i];
            if (sum >= wanted) {
                return Math.min(max, Math.scalb(i + 1f, exponent));
            }
        }
        return max;
    }

    /**
     * The limit with the least sum of squared errors: of those from max down in 64 equal steps, then in steps of
     * 2^(1/4) for outliers that are thousands of times as large as the rest.
     */
    private float leastError(int levels) {
        double best = Double.MAX_VALUE;
        float limit = max;
        for (int t = STEPS; t > -STEPS; t--) {
            float candidate = t > 0 ? max * t / STEPS : (float) (max / STEPS * Math.pow(2, (t - 1) / 4.0));
            double error = error(candidate, levels);
            if (error < best) {
                best = error;
                limit = candidate;
            }
        }
        return limit;
    }

    private double error(double limit, int levels) {
        double step = limit / levels;
        double width = Math.scalb(1.0, exponent);
        double sum = 0;
        for (int i = 0; i < BINS; i++) {
            if (counts[i] > 0) {
                double value = (i + 0.5) * width;
                // inside, rounding spreads evenly over half a step to each side; what is below that becomes 0
                double error = value > limit ? (value - limit) * (value - limit)
                        : value < step / 2 ? value * value : step * step / 12;
                sum += counts[i] * error;
            }
        }
        return sum;
    }
}
