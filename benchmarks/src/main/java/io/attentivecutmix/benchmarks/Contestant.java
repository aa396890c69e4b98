package io.attentivecutmix.benchmarks;

/** Something that does a batch of work, with all it needs already in place. */
interface Contestant extends AutoCloseable {
    /** Does the batch once; it is done when the call returns. */
    void run();

    @Override
    void close();
}
