package io.attentivecutmix.cuda;

/**
 * Makes arenas whose blocks are replaced only when nothing is under way on them.
 *
 * @param runtime that the blocks come from
 * @param beforeReplacing waits for all work, and makes whoever remembers an address forget it
 */
record Memory(CudaRuntime runtime, Runnable beforeReplacing) {
    /**
     * Device memory; empty at first.
     *
     * @param what for messages, e.g. {@code images}
     */
    Arena device(String what) {
        return new Arena(what, runtime::allocate, runtime::free, runtime::freeBytes, beforeReplacing);
    }

    /** Page-locked host memory; empty at first. */
    Arena pinned(String what) {
        return new Arena(what, runtime::allocatePinned, runtime::freePinned, () -> -1, beforeReplacing);
    }
}
