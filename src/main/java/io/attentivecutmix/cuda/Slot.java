package io.attentivecutmix.cuda;

import org.bytedeco.javacpp.Pointer;

/**
 * The tables of a step and the event of its end: the host writes those of one step while the device reads those of
 * another. Owns both. Not thread-safe.
 */
final class Slot implements AutoCloseable {
    final int index;
    final Tables tables;
    final Pointer done;
    private final Memory memory;
    /** Whose results are still to be taken over, or null. */
    private EnqueuedStep uncollected;
    /** Whose tables the device has, or null. */
    private EnqueuedStep user;

    /** @param words longs of one image's cell mask */
    Slot(int index, int words, Memory memory) {
        this.index = index;
        this.memory = memory;
        done = memory.runtime().createEvent(false);
        tables = new Tables(memory, words);
    }

    /** Hands the slot to a step that was enqueued. */
    void lend(EnqueuedStep step) {
        uncollected = step;
        user = step;
    }

    /** Whether the tables are still those of this step. */
    boolean isOf(EnqueuedStep step) {
        return user == step;
    }

    /** Waits for the step that has the slot, and takes its results over, unless that was done. */
    void collect() {
        if (uncollected != null) {
            memory.runtime().synchronizeEvent(done);
            EnqueuedStep step = uncollected;
            uncollected = null;
            step.takeOver();
        }
    }

    /** Waits, and makes the tables free for the next step. */
    void reuse() {
        collect();
        user = null;
    }

    /** Makes room for n images; a step that has the tables loses them where they must move. */
    void grow(int n) {
        if (n > tables.capacity()) {
            reuse();
            // the tables lie elsewhere then, also where their block need not be replaced
            memory.beforeReplacing().run();
            tables.grow(n);
        }
    }

    @Override
    public void close() {
        try {
            tables.close();
        } finally {
            memory.runtime().destroyEvent(done);
        }
    }
}
