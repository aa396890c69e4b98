package io.attentivecutmix.gpu;

import io.attentivecutmix.cuda.kernels.AttentiveKernels;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Memory that kernels work on, for calls of the generated binding that have no engine above them: a card's, or, where
 * the class path has the kernels' build for the CPU, the host's.
 */
sealed interface GpuMemory extends AutoCloseable permits CardMemory, HostMemory {
    /** That of the card, or the host's if the kernels are the build for the CPU. */
    static GpuMemory open() {
        return AttentiveKernels.acm_is_emulated() != 0 ? new HostMemory() : new CardMemory();
    }

    /** So many bytes on 256 bytes, undefined contents; freed with this object. */
    BytePointer allocate(long bytes);

    /** Copies the host's bytes to new memory; has finished when it returns. */
    default BytePointer upload(Pointer host, long bytes) {
        BytePointer memory = allocate(bytes);
        copy(memory, host, bytes);
        return memory;
    }

    /** Copies between any two memories; has finished when it returns. */
    void copy(Pointer to, Pointer from, long bytes);

    /** Enqueues a copy within the card's memory. */
    void enqueueCopy(Pointer to, Pointer from, long bytes);

    /** Milliseconds that the card takes for what {@code launch} enqueues on the default stream. */
    double millis(Runnable launch);

    /** Frees all. */
    @Override
    void close();

    /** Refuses a status other than success, with its text. */
    static void ok(int status, String call) {
        if (status != AttentiveKernels.ACM_OK) {
            String text = AttentiveKernels.acm_status_text(status).getString();
            throw new IllegalStateException(call + ": " + text + " (status " + status + ")");
        }
    }
}
