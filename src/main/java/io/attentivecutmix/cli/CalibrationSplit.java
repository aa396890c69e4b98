package io.attentivecutmix.cli;

import java.util.stream.IntStream;

/**
 * Which images of a list a calibration is made from, and which it is measured on: both spread evenly over the list, and
 * no image in both.
 *
 * @param observed indices, ascending
 * @param compared indices, ascending
 */
record CalibrationSplit(int[] observed, int[] compared) {
    /**
     * Of a list that is too short for both, all images are taken, in the proportion that was wanted, but 1 or more for
     * each.
     *
     * @param size of the list, 2 or more
     * @param observe how many to observe, 1 or more
     * @param compare how many to compare, 1 or more
     */
    static CalibrationSplit of(int size, int observe, int compare) {
        long wanted = (long) observe + compare;
        int first = size >= wanted ? observe : (int) Math.min(size - 1, Math.max(1, size * (long) observe / wanted));
        int second = size >= wanted ? compare : size - first;
        int all = first + second;
        // image i of all that are taken is observed where the share of observed ones reaches the next integer
        return new CalibrationSplit(
                IntStream.range(0, all).filter(i -> observes(i, first, all)).map(i -> place(i, size, all)).toArray(),
                IntStream.range(0, all).filter(i -> !observes(i, first, all)).map(i -> place(i, size, all)).toArray());
    }

    private static boolean observes(long i, int first, int all) {
        return (i + 1) * first / all > i * first / all;
    }

    private static int place(long i, int size, int all) {
        return (int) (i * size / all);
    }
}
