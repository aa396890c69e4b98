package io.attentivecutmix;

/** Lets one call in at a time and none after close; close waits for the running call. */
final class CallGate {
    private final String what;
    private Thread caller;
    private boolean closed;

    /** @param what the guarded object's name in messages */
    CallGate(String what) {
        this.what = what;
    }

    /** Starts a call; {@link #leave} must follow in a finally block. */
    synchronized void enter(String call) {
        if (closed) {
            throw new IllegalStateException(call + " was called on a closed " + what);
        }
        if (caller != null) {
            throw new IllegalStateException(call + " was called on thread " + Thread.currentThread().getName()
                    + " while thread "
                    + caller.getName() + " is inside the same " + what + "; allowed: one call at a time, so use one "
                    + what + " per thread or take turns");
        }
        caller = Thread.currentThread();
    }

    synchronized void leave() {
        caller = null;
        notifyAll();
    }

    /**
     * Refuses new calls and waits until the running one has left. An interrupt does not cut the wait short, since what
     * is freed next may still be in use; the interrupt flag is restored.
     *
     * @return true for the one caller that has to free
     */
    synchronized boolean close() {
        if (closed) {
            return false;
        }
        closed = true;
        boolean interrupted = false;
        while (caller != null) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return true;
    }

    synchronized boolean isClosed() {
        return closed;
    }
}
