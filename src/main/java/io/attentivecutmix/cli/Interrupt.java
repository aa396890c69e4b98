package io.attentivecutmix.cli;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Turns Ctrl-C, SIGTERM or an interrupt of the running thread into a request to stop between two batches.
 *
 * <p>The shutdown hook only raises the flag, then holds the JVM's end back until the run has finished its files, for a
 * bounded time. So the JVM itself gives the exit status: 130 after SIGINT, 143 after SIGTERM.
 */
final class Interrupt implements AutoCloseable {
    /**
     * Longer than one batch takes on a slow machine; after it, the JVM ends and files under work keep temporary names.
     */
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final CountDownLatch finished = new CountDownLatch(1);
    private final Thread hook = new Thread(this::stop, "stop-between-batches");
    private volatile boolean requested;

    private Interrupt() {}

    /** Listens until closed. */
    static Interrupt listen() {
        Interrupt interrupt = new Interrupt();
        try {
            Runtime.getRuntime().addShutdownHook(interrupt.hook);
        } catch (IllegalStateException e) {
            interrupt.requested = true; // the JVM is ending already
        }
        return interrupt;
    }

    private void stop() {
        requested = true;
        try {
            if (!finished.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                System.err.println("the running batch did not finish in " + PATIENCE.toSeconds()
                        + " s; files named .partial or .tmp are incomplete");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether to stop; clears the thread's interrupt flag, so that files can still be written through channels. */
    boolean requested() {
        if (Thread.interrupted()) {
            requested = true;
        }
        return requested;
    }

    /** For code that was interrupted while it waited. */
    void request() {
        requested = true;
    }

    /** Call when all files are finished. */
    @Override
    public void close() {
        finished.countDown();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // the hook is running and returns now that the latch is down
        }
    }
}
