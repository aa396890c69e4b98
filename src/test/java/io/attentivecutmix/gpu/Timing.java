package io.attentivecutmix.gpu;

import java.util.Arrays;

/** How the programs of this package take a time, and how they print a table's line. */
final class Timing {
    private static final int ROUNDS = 7;

    private Timing() {}

    /**
     * Median milliseconds of one launch: the launch is repeated until a round lasts some milliseconds, for seven
     * rounds.
     */
    static double medianMillis(GpuMemory memory, Runnable launch) {
        // first use loads the module and fills caches
        double once = memory.millis(launch);
        int repeats = (int) Math.max(1, Math.min(1000, 5 / Math.max(once, 1e-4)));
        double[] rounds = new double[ROUNDS];
        for (int r = 0; r < ROUNDS; r++) {
            rounds[r] = memory.millis(() -> {
                for (int i = 0; i < repeats; i++) {
                    launch.run();
                }
            }) / repeats;
        }
        Arrays.sort(rounds);
        return rounds[ROUNDS / 2];
    }

    /** GB/s of so many bytes in so many milliseconds. */
    static double gigabytesPerSecond(double bytes, double millis) {
        return bytes / millis / 1e6;
    }
}
