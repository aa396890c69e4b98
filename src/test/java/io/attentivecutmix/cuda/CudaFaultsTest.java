package io.attentivecutmix.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
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
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Every call that the CUDA device makes fails in turn, with a status of every kind: the exception says what the caller
 * can do, all is given back, and the engine works on or refuses as it says.
 */
class CudaFaultsTest {
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

    private static final Map<Integer, Class<? extends RuntimeException>> STATUSES = Map.of(
            2, OutOfDeviceMemoryException.class,
            35, DeviceUnavailableException.class,
            700, DeviceLostException.class,
            1, IllegalStateException.class);

    @Test
    void everyCallFailsInTurn() {
        for (Map.Entry<Integer, Class<? extends RuntimeException>> each : STATUSES.entrySet()) {
            int status = each.getKey();
            // the first reported at once, the others also later, as faults of running work are
            for (int delay : status == 700 ? new int[] {0, 3} : new int[] {0}) {
                int n = 1;
                while (oneFault(n, status, delay, each.getValue())) {
                    n++;
                }
                assertTrue(n > 60, "only " + n + " calls failed; the scenario makes more");
            }
        }
    }

    /** Whether there was an n-th call. */
    private static boolean oneFault(int n, int status, int delay, Class<? extends RuntimeException> type) {
        HostRuntime host = new HostRuntime();
        Faults faults = new Faults(host, n, status, delay);
        CudaRuntime runtime = faults.over(CudaRuntime.class, host);
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
            boolean lost = thrown instanceof DeviceLostException;
            if (lost) {
                CudaEngine dead = engine;
                assertThrows(DeviceLostException.class, () -> scenario(dead, host), where
                        + ": a lost device answers again");
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
            assertEquals(null, thrown, where);
            return false;
        }
        where += " (" + faults.failed() + ")";
        // what is given back at the end of a lost device's life fails silently: nothing can be done about it
        boolean atTheEnd = type == DeviceLostException.class && thrown == null;
        if (!atTheEnd) {
            assertNotNull(thrown, where + " went unnoticed");
            assertInstanceOf(type, thrown, where);
            assertTrue(thrown.getMessage().contains("injected"), where + ": " + thrown.getMessage());
        }
        assertEquals(List.of(), host.leftovers(), where);
        assertEquals(0, host.pinnedBytes(), where);
        return true;
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
