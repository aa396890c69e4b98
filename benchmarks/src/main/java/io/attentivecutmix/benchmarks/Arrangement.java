package io.attentivecutmix.benchmarks;

/** Who works when on a list of files. Files: decoding and encoding. */
enum Arrangement {
    /** All threads mix a batch while as many others decode the next and encode the one before. */
    AHEAD("as many file threads beside the workers (default)", "--file-threads N"),
    /** All threads decode a batch, then all mix it, then all encode it. */
    TURNS("decode, mix and encode in turns", "--file-threads 0"),
    /** One thread works on files while all mix. */
    ONE_AHEAD("one file thread beside the workers", "--file-threads 1"),
    /** One thread works on files while the rest mix. */
    SPLIT("one file thread, one worker less", "--threads N-1 --file-threads 1");

    final String label;
    /** The command line's options for it with N processors. */
    final String options;

    Arrangement(String label, String options) {
        this.label = label;
        this.options = options;
    }
}
