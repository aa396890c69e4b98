package io.attentivecutmix.quantisation;

import io.attentivecutmix.method.Reduction;
import java.util.Objects;

/**
 * How far cells and heat maps found in 8 bits agree with those found in float, over a set of images.
 *
 * @param reduction how channels became heat
 * @param images how many were compared, 1 or more
 * @param k hot cells of each, 1 or more
 * @param meanOverlap of k, how many cells are in both sets, on average
 * @param leastOverlap of the worst image
 * @param identical share of images whose two sets are the same, 0 to 1
 * @param heatError mean over images of ‖(h8 − mean(h8)) − (h − mean(h))‖ / ‖h − mean(h)‖: the error of what tells
 *     cells apart, so that a shift of the whole map counts for nothing. Images whose map is constant are left out
 * @param rankCorrelation mean over images of Spearman's, −1 to 1, of all cells; ties have their mean rank. Images whose
 *     float map is constant are left out, 0 if all are; an 8-bit map that alone is constant counts as 0
 */
public record Agreement(Reduction reduction, int images, int k, double meanOverlap, int leastOverlap,
        double identical, double heatError, double rankCorrelation) {
    public Agreement {
        Objects.requireNonNull(reduction, "reduction");
        if (images < 1) {
            throw new IllegalArgumentException("images is " + images + "; allowed: 1 or more");
        }
        if (k < 1) {
            throw new IllegalArgumentException("k is " + k + "; allowed: 1 or more");
        }
        require("leastOverlap", leastOverlap, 0, k);
        require("meanOverlap", meanOverlap, leastOverlap, k);
        require("identical", identical, 0, 1);
        require("heatError", heatError, 0, Double.MAX_VALUE);
        require("rankCorrelation", rankCorrelation, -1, 1);
    }

    private static void require(String name, double value, double least, double most) {
        if (!(value >= least && value <= most)) {
            throw new IllegalArgumentException(name + " is " + value + "; allowed: " + least + " to " + most);
        }
    }
}
