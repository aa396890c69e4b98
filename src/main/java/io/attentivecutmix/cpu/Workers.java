package io.attentivecutmix.cpu;

import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A fixed number of daemon threads that share the items of one task after another; the caller waits. A task costs no
 * memory.
 *
 * <p>Items are handed out by a counter, one at a time. The first failure stops the handing out, is thrown to the
 * caller as the cause of a {@link Failure}, and leaves the threads ready for the next task. An interrupt of the
 * waiting caller stops the handing out too: items under way are finished first, the flag stays set, and
 * CancellationException is thrown.
 */
final class Workers implements AutoCloseable {
    /** What is done with one item. */
    @FunctionalInterface
    interface Task {
        /**
         * @param worker 0 to threads − 1; no two calls with the same number at one time, and always on the same thread
         * @param item 0 to items − 1
         */
        void run(int worker, int item) throws Exception;
    }

    /** An item failed; the cause says how. */
    static final class Failure extends RuntimeException {
        private final int item;

        private Failure(int item, Throwable cause) {
            super("item " + item, cause);
            this.item = item;
        }

        int item() {
            return item;
        }
    }

    private final Thread[] threads;
    private final AtomicInteger next = new AtomicInteger();

    // Guarded by this object's monitor.
    private Task task;
    private int items;
    private boolean onePerWorker;
    private long step;
    private int running;
    private Throwable failure;
    private int failedItem;
    private boolean closed;

    Workers(int count) {
        threads = new Thread[count];
        for (int i = 0; i < count; i++) {
            int worker = i;
            threads[i] = new Thread(() -> work(worker), "attentive-cutmix-cpu-" + i);
            threads[i].setDaemon(true);
        }
        try {
            for (Thread t : threads) {
                t.start();
            }
        } catch (Error e) {
            // The system has no more threads: end those that did start.
            close();
            throw e;
        }
    }

    /** Runs the task for items 0 to items − 1, each on any one thread; returns when all are done. */
    void run(Task task, int items) {
        run(task, items, false);
    }

    /** Runs the task once on every thread, the item being the worker's number. */
    void runOnEach(Task task) {
        run(task, threads.length, true);
    }

    private synchronized void run(Task newTask, int newItems, boolean each) {
        if (closed) {
            throw new IllegalStateException("the worker threads have ended");
        }
        if (Thread.currentThread().isInterrupted()) {
            throw new CancellationException("interrupted before the step began");
        }
        task = newTask;
        items = newItems;
        onePerWorker = each;
        failure = null;
        next.set(0);
        running = threads.length;
        step++;
        notifyAll();
        boolean interrupted = false;
        while (running > 0) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
                stopHandingOut();
            }
        }
        task = null;
        Throwable failed = failure;
        failure = null;
        if (interrupted) {
            Thread.currentThread().interrupt();
            CancellationException e = new CancellationException("interrupted; the step is incomplete");
            if (failed != null) {
                e.addSuppressed(failed);
            }
            throw e;
        }
        if (failed != null) {
            throw new Failure(failedItem, failed);
        }
    }

    private void stopHandingOut() {
        // Far from overflow, however many threads count on from here.
        next.set(Integer.MAX_VALUE / 2);
    }

    private void work(int worker) {
        long seen = 0;
        while (true) {
            Task current;
            int count;
            boolean each;
            synchronized (this) {
                while (step == seen && !closed) {
                    try {
                        wait();
                    } catch (InterruptedException e) {
                        // Nobody is meant to interrupt a worker; it ends when the pool is closed.
                        continue;
                    }
                }
                if (closed) {
                    return;
                }
                seen = step;
                current = task;
                count = items;
                each = onePerWorker;
            }
            int item = -1;
            try {
                if (each) {
                    item = worker;
                    current.run(worker, item);
                } else {
                    while ((item = next.getAndIncrement()) < count) {
                        current.run(worker, item);
                    }
                }
            } catch (Throwable t) {
                fail(item, t);
            } finally {
                synchronized (this) {
                    running--;
                    notifyAll();
                }
            }
        }
    }

    private synchronized void fail(int item, Throwable t) {
        stopHandingOut();
        if (failure == null) {
            failure = t;
            failedItem = item;
        } else if (failure != t) {
            failure.addSuppressed(t);
        }
    }

    /** Ends the threads and waits until they have ended. No task may be running. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        boolean interrupted = false;
        for (Thread t : threads) {
            while (t.isAlive()) {
                try {
                    t.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
