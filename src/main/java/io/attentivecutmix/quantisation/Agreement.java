package io.attentivecutmix.quantisation;

import io.attentivecutmix.method.Reduction;
import java.util.Objects;

/**
 * How far cells and heat maps found in 8 bits agree with those found in float, over a set of images.
 *
 * @param reduction how channels became heat
 * @param images how many were compared
 * @param k hot cells of each
 * @param meanOverlap of k, how many cells are in both sets, on average
 * @param leastOverlap of the worst image
 * @param identical share of images whose two sets are the same, 0 to 1
 * @param heatError mean over images of ‖h8 − h‖ / ‖h − mean(h)‖: the error beside what tells cells apart. Images whose
 *     map is constant are left out
 * @param rankCorrelation mean over images of Spearman's, −1 to 1, of all cells; ties have their mean rank
 */
public record Agreement(Reduction reduction, int images, int k, double meanOverlap, int leastOverlap,
        double identical, double heatError, double rankCorrelation) {
    public Agreement {
        Objects.requireNonNull(reduction, "reduction");
    }
}
