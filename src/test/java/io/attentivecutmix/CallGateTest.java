package io.attentivecutmix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class CallGateTest {
    private final CallGate gate = new CallGate("mixer");

    @Test
    void secondCallerIsRefusedWithBothNames() throws Exception {
        gate.enter("mix");
        IllegalStateException e = CompletableFuture.supplyAsync(
                () -> assertThrows(IllegalStateException.class, () -> gate.enter("attend"))).get(10, TimeUnit.SECONDS);
        assertTrue(e.getMessage().contains("attend") && e.getMessage().contains(Thread.currentThread().getName()),
                e.getMessage());
        gate.leave();
        gate.enter("mix");
        gate.leave();
    }

    @Test
    void closeWaitsForTheRunningCallAndFreesOnce() throws Exception {
        gate.enter("mix");
        CountDownLatch closing = new CountDownLatch(1);
        CompletableFuture<Boolean> close = CompletableFuture.supplyAsync(() -> {
            closing.countDown();
            return gate.close();
        });
        closing.await();
        while (!gate.isClosed()) {
            Thread.onSpinWait();
        }
        assertFalse(close.isDone(), "close returned while a call was running");
        assertThrows(IllegalStateException.class, () -> gate.enter("mix"));
        gate.leave();
        assertTrue(close.get(10, TimeUnit.SECONDS));
        assertFalse(gate.close(), "a second close would free twice");
        assertEquals("mix was called on a closed mixer",
                assertThrows(IllegalStateException.class, () -> gate.enter("mix")).getMessage());
    }

    @Test
    void interruptDoesNotCutTheWaitShortAndIsKept() throws Exception {
        gate.enter("mix");
        CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
        Thread closer = new Thread(() -> {
            gate.close();
            interrupted.complete(Thread.currentThread().isInterrupted());
        });
        closer.start();
        closer.interrupt();
        while (!gate.isClosed() || closer.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        assertFalse(interrupted.isDone());
        gate.leave();
        assertTrue(interrupted.get(10, TimeUnit.SECONDS));
    }
}
