package io.attentivecutmix.cli;

/** What the process tells its caller; listed in {@code --help} too. */
final class ExitStatus {
    /** Everything asked for was done. */
    static final int OK = 0;
    /** The run failed; what had been finished is on disk and named in its manifest. */
    static final int FAILED = 1;
    /** The command line, a file that it names, or their combination is not usable; nothing was written. */
    static final int USAGE = 2;
    /** The run finished, but some images were rejected; rejected.jsonl names them. */
    static final int REJECTED = 3;
    /** Stopped by the user between two batches; finished batches are on disk. */
    static final int INTERRUPTED = 130;

    private ExitStatus() {}
}
