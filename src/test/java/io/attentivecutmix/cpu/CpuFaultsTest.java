package io.attentivecutmix.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.engine.Engine;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.engine.OutOfDeviceMemoryException;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.Tensors;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Every allocation and every oneDNN call of a CPU engine's life fails in turn, as SQLite's tests do it: for n = 1, 2, …
 * until the scenario passes. Each time nothing native is left and the exception says what the caller can do; after a
 * step that failed the engine gives the right cells again.
 */
class CpuFaultsTest {
    /** {@code -Dfaults=all}: every call, also on three threads; by default one of each name. */
    private static final boolean ALL = "all".equals(System.getProperty("faults"));
    private static final int N = 3;
    private static final MixOptions OPTIONS = MixOptions.paper().withPatches(new Patches.Fixed(1)).withInputSide(64);
    private static final Tensors TENSORS = cached(TestNetworks.random(ResNet.RESNET18, 3));

    @AfterEach
    void noFaults() {
        NativeScope.fault = null;
    }

    private static Tensors cached(Tensors tensors) {
        Map<String, float[]> all = new ConcurrentHashMap<>();
        return name -> all.computeIfAbsent(name, tensors::tensor).clone();
    }

    private static Engine open(int threads) {
        return CpuDevice.open(new EngineConfig(ResNet.RESNET18, TENSORS, null, OPTIONS, Precision.FP32, threads));
    }

    private static TestImages images() {
        TestImages.Image[] images = new TestImages.Image[N];
        for (int i = 0; i < N; i++) {
            images[i] = TestImages.structured(i, 50 + i, 64);
        }
        return TestImages.bytes(images);
    }

    private static long[] cells(Engine engine) {
        MixPlan plan = new MixPlan(2);
        plan.resize(N);
        for (int i = 0; i < N; i++) {
            plan.patches[i] = 1;
        }
        engine.attend(images(), plan, null, null, null);
        return plan.cells.clone();
    }

    /**
     * Whether a call can be made to fail after it was made. One that makes an object cannot: the object would be lost;
     * that it fails is seen where the object gets its owner.
     */
    private static boolean counts(String call) {
        return !call.matches(".*(_create|_create_with_tag|_clone)|primitive descriptor of .*");
    }

    /** What the n-th call was, if there were so many. */
    private static Optional<String> fault(int n, int threads, long[] expected) {
        AtomicInteger calls = new AtomicInteger();
        AtomicReference<String> failed = new AtomicReference<>();
        OpenMpThreads.found = null;
        NativeScope.fault = call -> {
            boolean now = counts(call) && calls.incrementAndGet() == n;
            if (now) {
                failed.set(call);
            }
            return now;
        };
        RuntimeException thrown = null;
        try (Engine engine = open(threads)) {
            try {
                assertArrayEquals(expected, cells(engine));
            } catch (RuntimeException e) {
                thrown = e;
                assertArrayEquals(expected, cells(engine), "the step after a failure of " + failed);
            }
        } catch (RuntimeException e) {
            thrown = e;
        }
        String where = "call " + n + ", " + failed;
        assertEquals(0, NativeScope.live(), where);
        assertEquals(0, NativeScope.bytes(), where);
        if (failed.get() == null) {
            return Optional.empty();
        }
        assertNotNull(thrown, where + " went unnoticed");
        boolean memory = failed.get().equals("malloc") || failed.get().endsWith("of a new object");
        if (memory) {
            assertEquals(OutOfDeviceMemoryException.class, thrown.getClass(), where);
        } else {
            // a step and close say what they were at
            Throwable cause = thrown instanceof OneDnnException ? thrown : thrown.getCause();
            assertEquals(OneDnnException.class, cause.getClass(), where + ": " + thrown);
            assertTrue(cause.getMessage().startsWith(failed.get()), cause.getMessage());
        }
        return Optional.of(failed.get());
    }

    @Test
    @Timeout(900)
    void everyAllocationAndCallFailsInTurn() {
        List<String> calls = Collections.synchronizedList(new ArrayList<>());
        long[] expected;
        open(1).close(); // what is done once in a process,
        OpenMpThreads.found = null; // but for what must be tried again when it fails
        NativeScope.fault = call -> counts(call) && !calls.add(call);
        try (Engine engine = open(1)) {
            expected = cells(engine);
        }
        assertTrue(calls.size() > 1000, "only " + calls.size() + " calls");
        Map<String, List<Integer>> places = new LinkedHashMap<>();
        for (int n = 1; n <= calls.size(); n++) {
            places.computeIfAbsent(calls.get(n - 1), name -> new ArrayList<>()).add(n);
        }
        int faults = 0;
        for (Map.Entry<String, List<Integer>> e : places.entrySet()) {
            List<Integer> at = e.getValue();
            for (int n : ALL ? at : List.of(at.get(at.size() / 2))) {
                assertEquals(e.getKey(), fault(n, 1, expected).orElse("nothing"));
                faults++;
            }
        }
        // a failure on one of several threads ends the others' building too
        for (int n = 50; n < calls.size(); n += ALL ? 7 : 1000) {
            fault(n, 3, expected);
            faults++;
        }
        System.getLogger(getClass().getName()).log(System.Logger.Level.INFO, "{0} faults at {1} calls of {2} names",
                faults, calls.size(), places.size());
    }
}
