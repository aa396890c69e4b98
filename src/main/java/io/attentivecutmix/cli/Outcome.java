package io.attentivecutmix.cli;

/**
 * How a run ended.
 *
 * @param end whether all batches were done
 * @param failure what stopped it, or null
 * @param counts what it did
 */
record Outcome(End end, Throwable failure, Counts counts) {
    /** Why a run stopped. */
    enum End {
        COMPLETE, FAILED, INTERRUPTED
    }

    /** What was done so far. */
    static final class Counts {
        int batches;
        int written;
        int mixed;
        int rejected;
        int substituted;
        int nonFiniteMaps;
        int differing;
    }

    int status() {
        return switch (end) {
            case INTERRUPTED -> ExitStatus.INTERRUPTED;
            case FAILED -> ExitStatus.FAILED;
            case COMPLETE -> counts.differing > 0 ? ExitStatus.FAILED
                    : counts.rejected > 0 ? ExitStatus.REJECTED : ExitStatus.OK;
        };
    }
}
