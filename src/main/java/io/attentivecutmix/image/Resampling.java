package io.attentivecutmix.image;

/**
 * Where each output position of one direction takes its values from, and with which weights; as Pillow computes it
 * (Pillow 13, {@code precompute_coeffs} and {@code normalize_coeffs_8bpc} of its Resample.c). Reused for other sizes;
 * memory grows and never shrinks.
 */
final class Resampling {
    /** Fractional bits of a fixed-point weight: 32 bits less 8 for the value less 2 for the overshoot of the filter. */
    static final int PRECISION_BITS = 32 - 8 - 2;

    private final ResizeFilter filter;
    private int inSize;
    private int outSize;
    private boolean fixedPoint;
    private int stride;
    private int[] first = new int[0];
    private int[] taps = new int[0];
    private double[] weights = new double[0];
    private int[] fixed = new int[0];

    Resampling(ResizeFilter filter) {
        this.filter = filter;
    }

    /** Prepares the table for {@code inSize} to {@code outSize}; does nothing when it is prepared for them already. */
    void prepare(int inSize, int outSize) {
        if (inSize == this.inSize && outSize == this.outSize) {
            return;
        }
        this.inSize = 0;
        fixedPoint = false;
        double scale = (double) inSize / outSize;
        double filterScale = Math.max(scale, 1.0);
        double support = (filter == ResizeFilter.BICUBIC ? 2.0 : 1.0) * filterScale;
        // Pillow's ksize, but never more than the input holds, so that an extreme ratio costs no memory.
        stride = (int) Math.min((long) Math.ceil(support) * 2 + 1, inSize);
        int length = Math.multiplyExact(stride, outSize);
        if (first.length < outSize) {
            first = new int[outSize];
            taps = new int[outSize];
        }
        if (weights.length < length) {
            weights = new double[length];
        }
        double inverse = 1.0 / filterScale;
        for (int out = 0; out < outSize; out++) {
            double centre = (out + 0.5) * scale;
            int from = Math.max((int) (centre - support + 0.5), 0);
            int count = Math.min((int) (centre + support + 0.5), inSize) - from;
            int at = out * stride;
            double sum = 0;
            for (int i = 0; i < count; i++) {
                double weight = weight((i + from - centre + 0.5) * inverse);
                weights[at + i] = weight;
                sum += weight;
            }
            if (sum != 0) {
                for (int i = 0; i < count; i++) {
                    weights[at + i] /= sum;
                }
            }
            first[out] = from;
            taps[out] = count;
        }
        this.inSize = inSize;
        this.outSize = outSize;
    }

    private double weight(double x) {
        double d = Math.abs(x);
        if (filter == ResizeFilter.BILINEAR) {
            return d < 1 ? 1 - d : 0;
        }
        if (d < 1) {
            return (1.5 * d - 2.5) * d * d + 1;
        }
        return d < 2 ? (((d - 5) * d + 8) * d - 4) * -0.5 : 0;
    }

    /** First input position of each output position. */
    int[] first() {
        return first;
    }

    /** Number of input positions of each output position. */
    int[] taps() {
        return taps;
    }

    /** Weights of output position o from index {@code o · stride()}. */
    int stride() {
        return stride;
    }

    /** The most output positions that have one and the same input position among theirs. */
    int overlap() {
        int most = 1;
        for (int out = 0, open = 0; out < outSize; out++) {
            for (; open < outSize && first[open] < first[out] + taps[out]; open++) {
                most = Math.max(most, open - out + 1);
            }
        }
        return most;
    }

    /** Weights that sum to one. */
    double[] weights() {
        return weights;
    }

    /** The weights in fixed point, rounded half away from zero. */
    int[] fixedWeights() {
        if (!fixedPoint) {
            int length = stride * outSize;
            if (fixed.length < length) {
                fixed = new int[length];
            }
            for (int i = 0; i < length; i++) {
                double scaled = weights[i] * (1 << PRECISION_BITS);
                fixed[i] = (int) (scaled < 0 ? -0.5 + scaled : 0.5 + scaled);
            }
            fixedPoint = true;
        }
        return fixed;
    }
}
