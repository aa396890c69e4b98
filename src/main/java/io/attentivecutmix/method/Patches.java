package io.attentivecutmix.method;

/** How many cells k are pasted. The upper bound G² is checked where G is known. */
public sealed interface Patches {
    /** The paper's 6. */
    Patches PAPER = new Fixed(6);

    /**
     * The same k for every image.
     *
     * @param k 1 or more
     */
    record Fixed(int k) implements Patches {
        public Fixed {
            if (k < 1) {
                throw new IllegalArgumentException("k is " + k + "; allowed: 1 to G²");
            }
        }
    }

    /**
     * k = floor(λ·G²), at least 1, with λ from Beta(α, α).
     *
     * @param alpha α, finite and above 0
     * @param perImage whether λ is drawn for each image, or once for the batch
     */
    record Beta(double alpha, boolean perImage) implements Patches {
        public Beta {
            if (!(alpha > 0) || Double.isInfinite(alpha)) {
                throw new IllegalArgumentException("alpha is " + alpha + "; allowed: finite values above 0");
            }
        }
    }
}
