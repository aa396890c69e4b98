package io.attentivecutmix.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.cpu.TestImages;
import io.attentivecutmix.engine.DeviceLostException;
import io.attentivecutmix.engine.DeviceUnavailableException;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.engine.Enqueued;
import io.attentivecutmix.engine.HostMemory;
import io.attentivecutmix.engine.OutOfDeviceMemoryException;
import io.attentivecutmix.image.DeviceImages;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.network.ResNet;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

/**
 * Every call that the CUDA device makes fails in turn, with a status of every kind: the exception says what the caller
 * can do, all is given back, and the engine works on or refuses as it says.
 */
class CudaFaultsTest {
    private static final System.Logger LOG = System.getLogger(CudaFaultsTest.class.getName());
    private static final int S = 32;
    private static final int N = 3;
    private static final MixOptions OPTIONS = MixOptions.paper().withPatches(new Patches.Fixed(1)).withInputSide(S);

    @BeforeAll
    static void kernels() {
        TestCuda.assumeKernels();
    }

    private static EngineConfig config() {
        return new EngineConfig(ResNet.RESNET18, name -> new float[0], null, OPTIONS, Precision.FP32, 1);
    }

    private static TestImages images(int... sizes) {
        TestImages.Image[] images = new TestImages.Image[sizes.length];
        for (int i = 0; i < sizes.length; i++) {
            images[i] = TestImages.structured(i, sizes[i], S);
        }
        return TestImages.bytes(images);
    }

    private static TestImages copy(TestImages of, int[] sizeFrom) {
        TestImages.Image[] images = new TestImages.Image[of.count()];
        for (int i = 0; i < images.length; i++) {
            int from = sizeFrom[i];
            images[i] = new TestImages.Image(of.height(from), of.width(from),
                    TestImages.buffer(of.pixels(from).capacity()));
        }
        return TestImages.bytes(images);
    }

    private static MixPlan plan() {
        MixPlan plan = new MixPlan(1);
        plan.resize(N);
        for (int i = 0; i < N; i++) {
            plan.partner[i] = (i + 1) % N;
            plan.mixed[i] = true;
            plan.patches[i] = 1;
        }
        return plan;
    }

    /** Open, three equal steps (run, record, replay), a ragged one, a heat map, a larger batch size, close. */
    private static void scenario(CudaEngine engine, HostRuntime host) {
        TestImages same = images(S, S, S);
        int[] next = {1, 2, 0};
        for (int step = 0; step < 3; step++) {
            engine.attendMix(same, plan(), null, null, copy(same, next));
        }
        TestImages ragged = images(S, 40, 50);
        TestImages out = copy(ragged, next);
        engine.attendMix(ragged, plan(), null, null, out);
        float[] heat = new float[N];
        engine.attend(same, plan(), null, heat, null);
        assertTrue(heat[0] != 0 && Float.isFinite(heat[0]));
        engine.prepare(5);
        float[] features = new float[N * ResNet.RESNET18.channels()];
        engine.attend(same, plan(), null, null, features);
        onTheDevice(engine, host);
    }

    /** Three steps on the device's own images and on two streams, one of them collected late; labels. */
    private static void onTheDevice(CudaEngine engine, HostRuntime host) {
        int bytes = 3 * S * S * N;
        Pointer memory = host.allocate(2L * bytes + 4 * N * 5);
        Pointer stream = host.createStream();
        try {
            DeviceImages in = new DeviceImages(memory.address(), N, S, S, ElementType.UINT8, Layout.NHWC);
            DeviceImages out = new DeviceImages(memory.address() + bytes, N, S, S, ElementType.UINT8, Layout.NHWC);
            Enqueued first = engine.enqueue(in, plan(), true, new int[] {0, 1, 2}, out, 0);
            Enqueued second = engine.enqueue(in, plan(), true, new int[] {0, 1, 2}, out, stream.address());
            second.softLabels(5, 0, memory.address() + 2L * bytes, stream.address());
            engine.enqueue(in, plan(), true, new int[] {0, 1, 2}, out, 0).await();
            second.await();
            first.await();
        } finally {
            host.drain();
            host.destroyStream(stream);
            host.free(memory);
        }
    }

    /** Every status that means something of its own to a caller, and four that are a fault of ours; kinds alternate. */
    private static final int[] STATUSES = {2, 700, 35, 1, 900, 709, 3, 214, 901, 34, 220, 9, 46, 226, 902, 100, 702, 98,
        101, 710, 904, 127, 714, 400, 209, 715, 905, 802, 716, 910, 803, 717, 906, 804, 718, 4, 805, 719, 907, 806, 721,
        908, 807, 810, 808, 911, 809, 999};

    /** {@code -Dfaults=all}: every call site with every status at every delay, rather than one of them. */
    private static final boolean ALL = "all".equals(System.getProperty("faults"));
    private static final int LONGEST_DELAY = 5;

    private static Class<? extends RuntimeException> type(int status) {
        return switch (CudaStatus.kind(status)) {
            case OUT_OF_MEMORY -> OutOfDeviceMemoryException.class;
            case UNAVAILABLE -> DeviceUnavailableException.class;
            case LOST -> DeviceLostException.class;
            case ENDING, CAPTURE, INTERNAL -> CudaStatus.Failure.class;
        };
    }

    @Test
    void everyCallFailsInTurn() {
        HostRuntime host = new HostRuntime();
        Faults none = new Faults(host, 0, 0, 0);
        try (CudaEngine engine = TestCuda.openSimple(config(), host, none.over(CudaRuntime.class, host),
                k -> none.over(Kernels.class, k))) {
            scenario(engine, host);
        }
        int calls = none.calls();
        assertTrue(calls > 60, "only " + calls + " calls; the scenario makes more");
        int faults = 0;
        for (int n = 1; n <= calls; n++) {
            if (ALL) {
                for (int status : STATUSES) {
                    int delays = CudaStatus.kind(status) == CudaStatus.Kind.LOST ? LONGEST_DELAY : 0;
                    for (int delay = 0; delay <= delays; delay++, faults++) {
                        oneFault(n, status, delay);
                    }
                }
            } else {
                // over the run every status comes several times
                int status = STATUSES[n % STATUSES.length];
                boolean lost = CudaStatus.kind(status) == CudaStatus.Kind.LOST;
                oneFault(n, status, lost ? n / 3 % (LONGEST_DELAY + 1) : 0);
                faults++;
            }
        }
        LOG.log(System.Logger.Level.INFO, "{0} faults at {1} calls", faults, calls);
    }

    /** The n-th call fails, or one a few calls later. */
    private static void oneFault(int n, int status, int delay) {
        try (HostRuntime host = new HostRuntime()) {
            Faults faults = new Faults(host, n, status, delay);
            CudaRuntime runtime = faults.over(CudaRuntime.class, host);
            CudaStatus.Kind kind = CudaStatus.kind(status);
            String where = "status " + status + " at call " + n + " + " + delay;
            RuntimeException thrown = null;
            CudaEngine engine = null;
            try {
                engine = TestCuda.openSimple(config(), host, runtime, k -> faults.over(Kernels.class, k));
                scenario(engine, host);
            } catch (RuntimeException e) {
                thrown = e;
            }
            if (engine != null) {
                CudaEngine known = engine;
                if (thrown instanceof DeviceLostException) {
                    refusesAtRest(known, faults, where);
                } else if (thrown != null && kind == CudaStatus.Kind.ENDING) {
                    assertThrows(CudaStatus.Failure.class, () -> scenario(known, host), where);
                } else if (thrown != null) {
                    // one fault of another kind: the engine works on, and right
                    scenario(engine, host);
                }
                try {
                    engine.close();
                } catch (RuntimeException e) {
                    thrown = thrown == null ? e : thrown;
                }
                engine.close();
            }
            if (faults.failed() == null) {
                assertTrue(delay > 0, where + " did not happen");
                assertNull(thrown, where);
                return;
            }
            where += " (" + faults.failed() + ")";
            // what cannot be given back at the end of a life is not reported; a broken recording gives way to launches
            boolean mayBeSilent = kind == CudaStatus.Kind.LOST || kind == CudaStatus.Kind.ENDING
                    || kind == CudaStatus.Kind.CAPTURE;
            if (thrown != null || !mayBeSilent) {
                assertNotNull(thrown, where + " went unnoticed");
                assertEquals(type(status), thrown.getClass(), where + ": " + thrown);
                assertTrue(thrown.getMessage().contains("injected"), where + ": " + thrown.getMessage());
            }
            assertEquals(List.of(), host.leftovers(), where);
            assertEquals(0, host.pinnedBytes(), where);
        }
    }

    /** Every call of a lost device fails at once, none reaches CUDA, and batches get ordinary memory. */
    private static void refusesAtRest(CudaEngine engine, Faults faults, String where) {
        int touched = faults.touched();
        TestImages same = images(S, S, S);
        DeviceImages device = new DeviceImages(256, N, S, S, ElementType.UINT8, Layout.NHWC);
        DeviceImages apart = new DeviceImages(1 << 20, N, S, S, ElementType.UINT8, Layout.NHWC);
        List<Executable> calls = List.of(
                () -> engine.prepare(1),
                () -> engine.attend(same, plan(), null, null, null),
                () -> engine.mix(same, plan(), copy(same, new int[] {1, 2, 0})),
                () -> engine.attendMix(same, plan(), null, null, copy(same, new int[] {1, 2, 0})),
                () -> engine.enqueue(device, plan(), true, null, apart, 0));
        for (Executable call : calls) {
            DeviceLostException e = assertThrows(DeviceLostException.class, call, where);
            assertTrue(e.getMessage().contains("lost in an earlier call"), e.getMessage());
        }
        assertEquals(0, engine.allocate(100).address(), where);
        engine.close();
        assertEquals(touched, faults.touched(), where + ": a call reached CUDA after the loss was known");
    }

    /** Memory ends at every size of the whole need, and in pieces: each time the same exception, and a retry works. */
    @Test
    void memoryEndsAtEverySize() {
        int refused = 0;
        for (boolean pieces : new boolean[] {false, true}) {
            long most = 0;
            long limit = 0;
            do {
                try (HostRuntime host = new HostRuntime()) {
                    if (pieces) {
                        host.largest(limit);
                    } else {
                        host.limit(limit);
                    }
                    RuntimeException thrown = null;
                    CudaEngine engine = null;
                    try {
                        engine = TestCuda.openSimple(config(), host, host, k -> k);
                        scenario(engine, host);
                    } catch (RuntimeException e) {
                        thrown = e;
                        refused++;
                        assertInstanceOf(OutOfDeviceMemoryException.class, e, "limit " + limit);
                    }
                    host.largest(Long.MAX_VALUE);
                    host.limit(Long.MAX_VALUE);
                    if (engine != null) {
                        scenario(engine, host);
                        most = Math.max(most, host.used());
                        engine.close();
                    }
                    assertEquals(List.of(), host.leftovers(), "limit " + limit);
                    assertTrue(thrown != null || limit > 0, "no limit at all");
                    limit += 1 << 20;
                }
            } while (most == 0 || limit <= most + (1 << 20));
        }
        assertTrue(refused > 10, refused + " sizes were refused");
    }

    /** A wait that takes long keeps its caller: close waits for it, and all ends well. */
    @Test
    @Timeout(30)
    void closeWaitsForASlowDevice() throws Exception {
        HostRuntime host = new HostRuntime();
        CountDownLatch waiting = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        CudaRuntime slow = (CudaRuntime) Proxy.newProxyInstance(CudaRuntime.class.getClassLoader(),
                new Class<?>[] {CudaRuntime.class}, (proxy, method, arguments) -> {
            if (method.getName().equals("synchronizeStream")) {
                waiting.countDown();
                release.await();
            }
            try {
                return method.invoke(host, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        });
        CudaEngine engine = TestCuda.openSimple(config(), host, slow, k -> k);
        TestImages images = images(S, S, S);
        TestImages out = copy(images, new int[] {1, 2, 0});
        CompletableFuture<Void> step =
                CompletableFuture.runAsync(() -> engine.attendMix(images, plan(), null, null, out));
        waiting.await();
        CompletableFuture<Void> close = CompletableFuture.runAsync(engine::close);
        assertThrows(TimeoutException.class, () -> close.get(50, TimeUnit.MILLISECONDS), "freed under a running step");
        release.countDown();
        step.get();
        close.get();
        assertEquals(images.pixels(0), out.pixels(0), "G is 1: the one cell is image 0's own");
        assertEquals(List.of(), host.leftovers());
    }

    /** A call that is not allowed breaks the recording; its stream takes nothing until that is ended, as CUDA's. */
    @Test
    void anAllocationWhileRecordingCostsTheRecordingOnly() {
        TestImages images = images(S, S, S);
        HostRuntime host = new HostRuntime();
        int[] calls = {0};
        try (CudaEngine engine = TestCuda.openSimple(config(), host, host, k -> {
            return (Kernels) Proxy.newProxyInstance(Kernels.class.getClassLoader(), new Class<?>[] {Kernels.class},
                    (proxy, method, arguments) -> {
                if (method.getName().equals("attendMix") && ++calls[0] == 2) {
                    // as a library that loads a kernel at its first launch
                    host.free(host.allocate(1));
                }
                try {
                    return method.invoke(k, arguments);
                } catch (InvocationTargetException e) {
                    throw e.getCause();
                }
            });
        })) {
            for (int step = 0; step < 4; step++) {
                TestImages out = copy(images, new int[] {1, 2, 0});
                engine.attendMix(images, plan(), null, null, out);
                assertEquals(images.pixels(0), out.pixels(0), "step " + step);
            }
            assertTrue(calls[0] >= 4, "the step was not launched piece by piece: " + calls[0]);
        }
        assertEquals(List.of(), host.leftovers());
    }

    /** A step that may not be recorded runs piece by piece, with the same result, and is not recorded again. */
    @Test
    void aBrokenRecordingIsDropped() {
        TestImages images = images(S, S, S);
        TestImages expected = copy(images, new int[] {1, 2, 0});
        HostRuntime plain = new HostRuntime();
        try (CudaEngine engine = TestCuda.openSimple(config(), plain, plain, k -> k)) {
            engine.attendMix(images, plan(), null, null, expected);
        }
        for (String call : List.of("beginCapture", "attendMix", "endCapture", "instantiate")) {
            HostRuntime host = new HostRuntime();
            int[] seen = {0};
            boolean kernel = call.equals("attendMix");
            CudaRuntime runtime = Failing.on(CudaRuntime.class, host, call, kernel ? Integer.MAX_VALUE : 1, 900, seen,
                    host);
            try (CudaEngine engine = TestCuda.openSimple(config(), host, runtime,
                    k -> Failing.on(Kernels.class, k, call, kernel ? 2 : Integer.MAX_VALUE, 900, seen, host))) {
                for (int step = 0; step < 4; step++) {
                    TestImages out = copy(images, new int[] {1, 2, 0});
                    engine.attendMix(images, plan(), null, null, out);
                    for (int i = 0; i < N; i++) {
                        assertEquals(expected.pixels(i), out.pixels(i), call + ", step " + step);
                    }
                }
                // the step once, the network alone once
                assertTrue(host.calls("beginCapture") <= 2, call + ": recorded " + host.calls("beginCapture")
                        + " times");
            }
            assertEquals(List.of(), host.leftovers(), call);
        }
    }

    /** An Error, too, ends a recording: a stream that records for ever would make every later call fail. */
    @Test
    void anErrorEndsARecording() {
        TestImages images = images(S, S, S);
        HostRuntime host = new HostRuntime();
        int[] calls = {0};
        try (CudaEngine engine = TestCuda.openSimple(config(), host, host,
                k -> Failing.with(Kernels.class, k, "attendMix", 2, () -> new OutOfMemoryError("injected"), calls))) {
            TestImages out = copy(images, new int[] {1, 2, 0});
            engine.attendMix(images, plan(), null, null, out);
            assertThrows(OutOfMemoryError.class, () -> engine.attendMix(images, plan(), null, null, out));
            engine.attendMix(images, plan(), null, null, out);
            assertEquals(images.pixels(0), out.pixels(0), "G is 1: the one cell is image 0's own");
        }
        assertEquals(List.of(), host.leftovers());
    }

    /** A host batch that needs more memory comes while a step on the device is under way. */
    @Test
    void memoryGrowsOnlyWhenNothingIsUnderWay() {
        HostRuntime host = new HostRuntime();
        int bytes = 3 * S * S * N;
        Pointer memory = host.allocate(2L * bytes);
        try (CudaEngine engine = TestCuda.openSimple(config(), host, host, k -> k)) {
            DeviceImages in = new DeviceImages(memory.address(), N, S, S, ElementType.UINT8, Layout.NHWC);
            DeviceImages out = new DeviceImages(memory.address() + bytes, N, S, S, ElementType.UINT8, Layout.NHWC);
            TestImages small = images(S, S, S);
            engine.attendMix(small, plan(), null, null, copy(small, new int[] {1, 2, 0}));
            Enqueued step = engine.enqueue(in, plan(), true, null, out, 0);
            TestImages large = images(20_000, 20_000, 20_000);
            engine.attend(large, plan(), null, null, null);
            step.await();
        }
        host.free(memory);
        assertEquals(List.of(), host.leftovers());
    }

    @Test
    void aStepOfALostDeviceSaysSo() {
        HostRuntime host = new HostRuntime();
        int bytes = 3 * S * S * N;
        Pointer memory = host.allocate(2L * bytes);
        int[] calls = {0};
        CudaRuntime runtime = Failing.with(CudaRuntime.class, host, "synchronizeEvent", 1,
                () -> CudaStatus.failure("cudaEventSynchronize", 700, "injected"), calls);
        CudaEngine engine = TestCuda.openSimple(config(), host, runtime, k -> k);
        DeviceImages in = new DeviceImages(memory.address(), N, S, S, ElementType.UINT8, Layout.NHWC);
        DeviceImages out = new DeviceImages(memory.address() + bytes, N, S, S, ElementType.UINT8, Layout.NHWC);
        Enqueued step = engine.enqueue(in, plan(), true, null, out, 0);
        assertThrows(DeviceLostException.class, step::await);
        host.abandon();
        engine.close();
        assertThrows(DeviceLostException.class, step::await);
        assertThrows(IllegalStateException.class, step::event);
        host.free(memory);
        assertEquals(List.of(), host.leftovers());
    }

    /** What batches have of page-locked memory is limited, and what nobody uses any more is given back before that. */
    @Test
    void batchesGetOrdinaryMemoryBeyondALimit() {
        HostRuntime host = new HostRuntime();
        PinnedMemory pinned = new PinnedMemory(host, 0, 10_000, new AtomicLong());
        for (int i = 0; i < 10; i++) {
            // unreachable at once
            assertTrue(pinned.allocate(4000).bytes().isDirect());
        }
        HostMemory one = pageLocked(pinned);
        HostMemory two = pageLocked(pinned);
        HostMemory three = pinned.allocate(4000);
        assertEquals(0, three.address(), "page-locked memory beyond the limit");
        assertEquals(4000, three.bytes().capacity());
        assertEquals(one.bytes().capacity(), two.bytes().capacity());
    }

    /** The first page-locked memory that is to be had: the garbage collector may take its time on a busy machine. */
    private static HostMemory pageLocked(PinnedMemory pinned) {
        HostMemory memory = pinned.allocate(4000);
        for (int i = 0; i < 50 && memory.address() == 0; i++) {
            memory = pinned.allocate(4000);
        }
        assertTrue(memory.address() != 0, "what nobody uses was not given back");
        return memory;
    }

    @Test
    void memoryThatDoesNotSufficeIsNamedAndASmallerBatchWorks() {
        HostRuntime host = new HostRuntime();
        TestImages images = images(S, S, S);
        try (CudaEngine engine = TestCuda.openSimple(config(), host, host, k -> k)) {
            engine.attend(images, plan(), null, null, null);
            host.limit(host.used() + (1 << 20));
            OutOfDeviceMemoryException e = assertThrows(OutOfDeviceMemoryException.class, () -> engine.prepare(50_000));
            assertTrue(e.getMessage().contains("out of memory"), e.getMessage());
            host.limit(Long.MAX_VALUE);
            TestImages out = copy(images, new int[] {1, 2, 0});
            engine.attendMix(images, plan(), null, null, out);
            assertEquals(out.pixels(0), images.pixels(0), "G is 1: the one cell is image 0's own");
        }
        assertEquals(List.of(), host.leftovers());
    }

    @Test
    void theProgramsCurrentDeviceIsLeftAsItWas() {
        HostRuntime host = new HostRuntime();
        host.setCurrent(3);
        TestImages images = images(S, S, S);
        CudaEngine engine = TestCuda.openSimple(config(), host, host, k -> k);
        assertEquals(3, host.currentDevice());
        engine.attend(images, plan(), null, null, null);
        assertEquals(3, host.currentDevice());
        engine.close();
        assertEquals(3, host.currentDevice());
        assertThrows(IllegalStateException.class, () -> engine.attend(images, plan(), null, null, null));
    }

    /** The table of reliability: what each status means to a caller. */
    @Test
    void statusesAreGroupedByWhatTheCallerCanDo() {
        Map<Class<?>, int[]> expected = Map.of(
                OutOfDeviceMemoryException.class, new int[] {2},
                DeviceUnavailableException.class,
                new int[] {3, 34, 35, 46, 100, 101, 127, 209, 802, 803, 804, 805, 806, 807, 808, 809},
                DeviceLostException.class,
                new int[] {214, 220, 226, 700, 702, 710, 714, 715, 716, 717, 718, 719, 721, 810, 911, 999},
                CudaStatus.Failure.class, new int[] {1, 4, 9, 98, 400, 709, 900, 901, 902, 904, 905, 906, 907, 908,
                910});
        expected.forEach((type, statuses) -> {
            for (int status : statuses) {
                RuntimeException e = CudaStatus.failure("cudaCall", status, "text");
                assertEquals(type, e.getClass(), "status " + status);
                assertTrue(e.getMessage().startsWith("cudaCall returned " + status + " (text)"), e.getMessage());
            }
        });
        assertTrue(CudaStatus.failure("c", 35, "").getMessage().contains("no NVIDIA driver"));
        assertTrue(CudaStatus.failure("c", 803, "").getMessage().contains("restart"));
    }
}
