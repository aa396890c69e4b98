package io.attentivecutmix.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class WorkersTest {
    @Test
    void everyItemRunsOnce() {
        for (int threads : new int[] {1, 2, 5}) {
            try (Workers workers = new Workers(threads)) {
                for (int items : new int[] {0, 1, 2, 7, 1000}) {
                    AtomicIntegerArray runs = new AtomicIntegerArray(Math.max(1, items));
                    workers.run((worker, item) -> runs.incrementAndGet(item), items);
                    for (int i = 0; i < items; i++) {
                        assertEquals(1, runs.get(i), "item " + i + " of " + items + " on " + threads + " threads");
                    }
                }
            }
        }
    }

    @Test
    void aWorkerNumberMeansAlwaysTheSameDaemonThread() {
        try (Workers workers = new Workers(3)) {
            Thread[] first = new Thread[3];
            workers.runOnEach((worker, item) -> {
                assertEquals(worker, item);
                first[worker] = Thread.currentThread();
            });
            for (int i = 0; i < 3; i++) {
                assertEquals("attentive-cutmix-cpu-" + i, first[i].getName());
                assertTrue(first[i].isDaemon());
            }
            workers.run((worker, item) -> assertSame(first[worker], Thread.currentThread()), 200);
        }
    }

    @Test
    void aFailureReachesTheCallerAndTheNextTaskRuns() {
        try (Workers workers = new Workers(2)) {
            AtomicInteger runs = new AtomicInteger();
            StackOverflowError error = new StackOverflowError("deep");
            Workers.Failure f = assertThrows(Workers.Failure.class, () -> workers.run((worker, item) -> {
                runs.incrementAndGet();
                if (item == 5) {
                    throw error;
                }
                Thread.sleep(1);
            }, 10_000));
            assertSame(error, f.getCause());
            assertEquals(5, f.item());
            assertTrue(runs.get() < 100, "items were handed out after the failure: " + runs);
            workers.run((worker, item) -> runs.set(-1), 1);
            assertEquals(-1, runs.get());
        }
    }

    @Test
    void anInterruptStopsBetweenItemsAndKeepsTheFlag() throws Exception {
        try (Workers workers = new Workers(2)) {
            AtomicInteger finished = new AtomicInteger();
            Thread caller = Thread.currentThread();
            assertThrows(CancellationException.class, () -> workers.run((worker, item) -> {
                if (item == 0) {
                    caller.interrupt();
                }
                Thread.sleep(20);
                finished.incrementAndGet();
            }, 10_000));
            assertTrue(Thread.interrupted(), "the flag was lost");
            int after = finished.get();
            assertTrue(after >= 1 && after < 100, "items finished: " + after);
            Thread.sleep(60);
            assertEquals(after, finished.get(), "an item ran on after the caller had been told");
            workers.run((worker, item) -> finished.set(-1), 1);
            assertEquals(-1, finished.get());
        }
    }

    @Test
    void anInterruptedCallerStartsNothing() {
        try (Workers workers = new Workers(1)) {
            Thread.currentThread().interrupt();
            AtomicInteger runs = new AtomicInteger();
            assertThrows(CancellationException.class, () -> workers.run((worker, item) -> runs.incrementAndGet(), 3));
            assertTrue(Thread.interrupted());
            assertEquals(0, runs.get());
        }
    }

    @Test
    void closeEndsTheThreads() {
        Set<Thread> threads = ConcurrentHashMap.newKeySet();
        Workers workers = new Workers(4);
        workers.runOnEach((worker, item) -> threads.add(Thread.currentThread()));
        workers.close();
        assertEquals(4, threads.size());
        for (Thread t : threads) {
            assertFalse(t.isAlive(), t.getName());
        }
        workers.close();
        assertThrows(IllegalStateException.class, () -> workers.run((worker, item) -> { }, 1));
    }

    @Test
    void itemsRunAtTheSameTime() {
        try (Workers workers = new Workers(2)) {
            CountDownLatch both = new CountDownLatch(2);
            // Ends only if two threads are inside at once.
            workers.run((worker, item) -> {
                both.countDown();
                both.await();
            }, 2);
        }
    }
}
