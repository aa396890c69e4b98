package io.attentivecutmix.quantisation;

/** How far a tensor's values reach before they are cut off, from the histogram of their magnitudes. */
public sealed interface RangeChoice {
    /** As far as the largest value seen: nothing is cut, and one outlier makes the steps of all others coarse. */
    record Maximum() implements RangeChoice {}

    /**
     * As far as a share of all values.
     *
     * @param share above 0.5, to 1
     */
    record Percentile(double share) implements RangeChoice {
        public Percentile {
            if (!(share > 0.5 && share <= 1)) {
                throw new IllegalArgumentException("share is " + share + "; allowed: above 0.5, to 1");
            }
        }
    }

    /** Where the sum of squared errors, of rounding and of cutting off, is least. */
    record MinimumError() implements RangeChoice {}
}
