package io.attentivecutmix.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.attentivecutmix.cpu.TestImages.Image;
import io.attentivecutmix.engine.Engine;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Images;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.method.Selection;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.Tensors;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class CpuEngineTest {
    private static final int S = 96;
    private static final int CELLS = 9;
    private static final ResNet NETWORK = ResNet.RESNET18;
    private static final MixOptions OPTIONS = MixOptions.paper().withInputSide(S);

    @AfterEach
    void nothingNativeIsLeft() {
        assertEquals(0, NativeScope.live(), "native objects outlive their engine");
        assertEquals(0, workerThreads().length, "worker threads outlive their engine");
    }

    @Test
    void heatMapAndCellsFollowFromTheFeatures() {
        float[][] classifier = new float[4][NETWORK.channels()];
        for (int row = 0; row < 4; row++) {
            for (int c = 0; c < NETWORK.channels(); c++) {
                classifier[row][c] = (float) Math.sin(c * (row + 1));
            }
        }
        int n = 5;
        TestImages images = batch(n);
        int[] classes = {0, 1, 2, 3, 0};
        for (Reduction reduction : Reduction.values()) {
            try (Engine engine = CpuDevice.open(new EngineConfig(NETWORK, TestNetworks.random(NETWORK, 1), classifier,
                    OPTIONS.withReduction(reduction), Precision.FP32, 2))) {
                MixPlan plan = plan(n, 3);
                float[] heat = new float[n * CELLS];
                float[] features = new float[n * CELLS * NETWORK.channels()];
                engine.attend(images, plan, classes, heat, features);
                for (int i = 0; i < n; i++) {
                    for (int cell = 0; cell < CELLS; cell++) {
                        int at = (i * CELLS + cell) * NETWORK.channels();
                        float[] f = Arrays.copyOfRange(features, at, at + NETWORK.channels());
                        double expected = switch (reduction) {
                            case MEAN -> sum(f, null, 1) / f.length;
                            case LAST -> f[f.length - 1];
                            case MAX -> max(f);
                            case L2 -> Math.sqrt(sum(f, null, 2));
                            case CLASS -> sum(f, classifier[classes[i]], 1);
                        };
                        assertEquals(expected, heat[i * CELLS + cell], 2e-7 * Math.max(1, Math.abs(expected)),
                                reduction + ", image " + i + ", cell " + cell);
                    }
                    long[] mask = new long[1];
                    Selection.select(heat, i * CELLS, CELLS, 3, mask, 0);
                    assertEquals(mask[0], plan.cells[i], reduction + ", image " + i);
                    assertEquals(3, Long.bitCount(plan.cells[i]));
                    assertFalse(plan.nonFinite[i]);
                }
                // The same without anybody asking for heat or features.
                MixPlan again = plan(n, 3);
                engine.attend(images, again, classes, null, null);
                assertArrayEquals(Arrays.copyOf(plan.cells, n), Arrays.copyOf(again.cells, n), reduction.name());
            }
        }
    }

    @Test
    void imagesWithoutPatchesAreLeftAlone() {
        try (Engine engine = open(OPTIONS, 2)) {
            MixPlan plan = plan(4, 2);
            plan.patches[1] = 0;
            plan.cells[1] = 0x155;
            plan.nonFinite[1] = true;
            float[] heat = new float[4 * CELLS];
            Arrays.fill(heat, -3);
            engine.attend(batch(4), plan, null, heat, null);
            assertEquals(0x155, plan.cells[1]);
            assertTrue(plan.nonFinite[1]);
            for (int c = 0; c < CELLS; c++) {
                assertEquals(-3, heat[CELLS + c]);
                assertNotEquals(-3, heat[2 * CELLS + c]);
            }
        }
    }

    /** oneDNN's ReLU turns NaN into 0, so that it has to be noticed before the network. */
    @Test
    void anImageWithAValueThatIsNotFiniteIsCounted() {
        try (Engine engine = open(OPTIONS.withNormalisation(Normalisation.ALREADY_NORMALISED), 1)) {
            for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
                for (int at : new int[] {0, 12345, S * S * 3 - 1}) {
                    TestImages images =
                            InputStageTest.floating(ElementType.FLOAT32, Layout.NHWC, TestImages.structured(1, S, S));
                    images.pixels(0).putFloat(4 * at, bad);
                    MixPlan plan = plan(1, 2);
                    float[] heat = new float[CELLS];
                    engine.attend(images, plan, null, heat, null);
                    assertTrue(plan.nonFinite[0], bad + " at " + at);
                    assertTrue(Float.isNaN(heat[8]));
                    assertEquals(0b11, plan.cells[0], "all equal: the first cells");
                }
            }
        }
    }

    @Test
    void weightsThatAreNotFiniteAreRefused() {
        Tensors tensors = TestNetworks.random(NETWORK, 1);
        Tensors negativeVariance = name -> {
            float[] values = tensors.tensor(name);
            if (name.equals("layer2.0.bn1.running_var")) {
                values[3] = -1;
            }
            return values;
        };
        refused("layer layer2.0.conv1 with its batch norm layer2.0.bn1 has a weight of NaN; allowed: finite values",
                () -> CpuDevice.open(new EngineConfig(NETWORK, negativeVariance, null, OPTIONS, Precision.FP32, 1)));
    }

    @Test
    void anEngineWithoutWeightsOnlyMixes() {
        try (Engine engine = CpuDevice.open(new EngineConfig(null, null, null, OPTIONS, Precision.FP32, 2))) {
            TestImages images = batch(3);
            MixPlan plan = plan(3, 1);
            for (int i = 0; i < 3; i++) {
                plan.partner[i] = (i + 1) % 3;
                plan.mixed[i] = true;
                plan.cells[i] = 1 << 4;
            }
            assertThrows(IllegalStateException.class, () -> engine.attend(images, plan, null, null, null));
            Image[] outs = new Image[3];
            for (int i = 0; i < 3; i++) {
                Image like = images.images().get((i + 1) % 3);
                outs[i] = new Image(like.h(), like.w(), TestImages.buffer(like.h() * like.w() * 3));
            }
            engine.mix(images, plan, TestImages.bytes(outs));
            // Image 2 has its background's size, 96×96: no resize, so the middle cell is image 2 and the corner image
            // 0.
            Image source = images.images().get(2);
            Image background = images.images().get(0);
            assertEquals(S, background.h());
            assertEquals(background.pixels().get(0), outs[2].pixels().get(0));
            if (source.h() == S && source.w() == S) {
                assertEquals(source.pixels().get((48 * S + 48) * 3), outs[2].pixels().get((48 * S + 48) * 3));
            }
            assertTrue(engine.description().contains("no extractor"));
        }
    }

    @Test
    void wrongCallsAreRefusedByNameAndTheEngineGoesOn() {
        try (Engine engine = open(OPTIONS, 2)) {
            TestImages images = batch(2);
            refused("images has 2 images; allowed: 3 (as the plan)",
                    () -> engine.attend(images, plan(3, 1), null, null, null));
            MixPlan other = new MixPlan(7);
            other.resize(2);
            refused("plan has a grid of 7; allowed: 3 (inputSide/32)",
                    () -> engine.attend(images, other, null, null, null));
            refused("patches of image 0 is 10; allowed: 0 to 9 (G²)",
                    () -> engine.attend(images, plan(2, 10), null, null, null));
            refused("heat has 17 elements; allowed: 18 or more (N·G²)",
                    () -> engine.attend(images, plan(2, 1), null, new float[17], null));
            refused("features has 1 elements; allowed: 9216 or more (N·G²·C)",
                    () -> engine.attend(images, plan(2, 1), null, null, new float[1]));
            refused("n is 0; allowed: 1 or more", () -> engine.prepare(0));
            engine.attend(images, plan(2, 1), null, null, null);
        }
        try (Engine engine = open(OPTIONS.withNormalisation(Normalisation.ALREADY_NORMALISED), 1)) {
            refused("images are UINT8; allowed with normalisation ALREADY_NORMALISED: FLOAT16, BFLOAT16, FLOAT32",
                    () -> engine.attend(batch(1), plan(1, 1), null, null, null));
        }
        float[][] classifier = new float[10][NETWORK.channels()];
        try (Engine engine = CpuDevice.open(new EngineConfig(NETWORK, TestNetworks.random(NETWORK, 1), classifier,
                OPTIONS.withReduction(Reduction.CLASS), Precision.FP32, 1))) {
            refused("image 0 has no label; reduction CLASS needs one",
                    () -> engine.attend(batch(1), plan(1, 1), null, null, null));
            refused("label of image 1 is 10; allowed: 0 to 9 (rows of the classifier)",
                    () -> engine.attend(batch(2), plan(2, 1), new int[] {9, 10}, null, null));
        }
    }

    @Test
    void wrongConfigurationsAreRefusedAndLeaveNothingBehind() {
        refused("threads is 0; allowed: 1 or more", () -> open(OPTIONS, 0));
        refused("precision is FP16; allowed on this CPU: " + CpuDevice.precisions(), () -> CpuDevice.open(
                new EngineConfig(NETWORK, TestNetworks.random(NETWORK, 1), null, OPTIONS, Precision.FP16, 1)));
        refused("reduction is CLASS and the weights have no classifier (fc.weight);"
                + " allowed without one: MEAN, LAST, MAX, L2", () -> open(OPTIONS.withReduction(Reduction.CLASS), 1));
        refused("classifier has a row of 7 values; allowed: 512 (C of RESNET18)", () -> CpuDevice.open(
                new EngineConfig(NETWORK, TestNetworks.random(NETWORK, 1), new float[2][7],
                        OPTIONS.withReduction(Reduction.CLASS), Precision.FP32, 1)));
        // A tensor fails half-way through the building of three workers.
        IllegalArgumentException missing = new IllegalArgumentException("no tensor layer3.0.conv1.weight");
        Tensors incomplete = name -> {
            if (name.equals("layer3.0.conv1.weight")) {
                throw missing;
            }
            return TestNetworks.random(NETWORK, 1).tensor(name);
        };
        assertSame(missing, assertThrows(IllegalArgumentException.class, () -> CpuDevice.open(
                new EngineConfig(NETWORK, incomplete, null, OPTIONS, Precision.FP32, 3))));
    }

    @Test
    void perImageStatisticsAreFp32Only() {
        MixOptions options = OPTIONS.withBatchNorm(BatchNorm.PER_IMAGE);
        assertEquals(Precision.FP32, CpuDevice.defaultPrecision(options));
        if (CpuDevice.precisions().contains(Precision.BF16)) {
            refused("precision is BF16; allowed: FP32 (batchNorm PER_IMAGE is there to reproduce float results)",
                    () -> CpuDevice.open(new EngineConfig(NETWORK, TestNetworks.random(NETWORK, 1), null, options,
                            Precision.BF16, 1)));
        }
    }

    @Test
    void aFailureInAWorkerReachesTheCallerAndTheNextStepIsRight() {
        try (Engine engine = open(OPTIONS, 2)) {
            MixPlan expected = plan(6, 3);
            float[] expectedHeat = new float[6 * CELLS];
            engine.attend(batch(6), expected, null, expectedHeat, null);
            for (Throwable thrown : List.of(new IllegalStateException("reader closed"), new OutOfMemoryError("heap"))) {
                TestImages good = batch(6);
                Images failing = new Failing(good, 4, thrown);
                IllegalStateException e = assertThrows(IllegalStateException.class,
                        () -> engine.attend(failing, plan(6, 3), null, null, null));
                assertSame(thrown, e.getCause());
                assertTrue(e.getMessage().startsWith("image 4 failed: "), e.getMessage());
            }
            MixPlan plan = plan(6, 3);
            float[] heat = new float[6 * CELLS];
            engine.attend(batch(6), plan, null, heat, null);
            assertArrayEquals(expectedHeat, heat);
            assertArrayEquals(expected.cells, plan.cells);
        }
    }

    @Test
    void anInterruptEndsTheStepAndLeavesTheEngineUsable() {
        try (Engine engine = open(OPTIONS, 2)) {
            Thread.currentThread().interrupt();
            assertThrows(CancellationException.class, () -> engine.attend(batch(2), plan(2, 1), null, null, null));
            assertTrue(Thread.interrupted(), "the flag was lost");
            engine.attend(batch(2), plan(2, 1), null, null, null);
        }
    }

    @Test
    void closedMeansClosed() {
        Engine engine = open(OPTIONS, 2);
        assertEquals(2, workerThreads().length);
        engine.close();
        engine.close();
        assertThrows(IllegalStateException.class, () -> engine.attend(batch(1), plan(1, 1), null, null, null));
        assertThrows(IllegalStateException.class, () -> engine.mix(batch(1), plan(1, 1), batch(1)));
    }

    @Test
    void closeWaitsForTheRunningStep() throws Exception {
        Engine engine = open(OPTIONS, 2);
        AtomicReference<Throwable> failure = new AtomicReference<>();
        MixPlan plan = plan(60, 3);
        TestImages images = batch(60);
        Thread step = new Thread(() -> {
            try {
                engine.attend(images, plan, null, null, null);
            } catch (Throwable t) {
                failure.set(t);
            }
        });
        step.start();
        while (plan.cells[0] == 0 && step.isAlive()) {
            Thread.onSpinWait();
        }
        engine.close();
        step.join();
        assertEquals(null, failure.get());
        for (int i = 0; i < 60; i++) {
            assertEquals(3, Long.bitCount(plan.cells[i]), "image " + i);
        }
    }

    @Test
    void aStepAllocatesLessThanAKibibyteOfHeapPerImageAndNothingNative() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        int n = 8;
        for (BatchNorm batchNorm : BatchNorm.values()) {
            for (TestImages images : List.of(batch(n), halves(n))) {
                try (Engine engine = open(OPTIONS.withBatchNorm(batchNorm), 2)) {
                    MixPlan plan = plan(n, 3);
                    float[] heat = new float[n * CELLS];
                    for (int warm = 0; warm < 10; warm++) {
                        engine.attend(images, plan, null, heat, null);
                    }
                    long[] ids = new long[3];
                    Thread[] workers = workerThreads();
                    assertEquals(2, workers.length);
                    ids[0] = workers[0].getId();
                    ids[1] = workers[1].getId();
                    ids[2] = Thread.currentThread().getId();
                    long live = NativeScope.live();
                    int steps = 10;
                    long before = allocated(threads, ids);
                    for (int step = 0; step < steps; step++) {
                        engine.attend(images, plan, null, heat, null);
                    }
                    long perImage = (allocated(threads, ids) - before) / ((long) steps * n);
                    assertTrue(perImage < 1024, batchNorm + " " + images.elementType() + ": " + perImage
                            + " bytes of heap per image");
                    assertEquals(live, NativeScope.live());
                }
            }
        }
    }

    private static TestImages halves(int n) {
        Image[] images = new Image[n];
        for (int i = 0; i < n; i++) {
            images[i] = InputStageTest.floating(ElementType.FLOAT16, Layout.NCHW, image(i)).images().get(0);
        }
        return new TestImages(ElementType.FLOAT16, Layout.NCHW, List.of(images));
    }

    private static long allocated(ThreadMXBean threads, long[] ids) {
        long sum = 0;
        for (long id : ids) {
            sum += threads.getThreadAllocatedBytes(id);
        }
        return sum;
    }

    private static Thread[] workerThreads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(t -> t.getName().startsWith("attentive-cutmix-cpu-")).toArray(Thread[]::new);
    }

    private static void refused(String message, Runnable call) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, call::run).getMessage());
    }

    private static Engine open(MixOptions options, int threads) {
        return CpuDevice.open(
                new EngineConfig(NETWORK, TestNetworks.random(NETWORK, 1), null, options, Precision.FP32, threads));
    }

    private static MixPlan plan(int n, int k) {
        MixPlan plan = new MixPlan(3);
        plan.resize(n);
        Arrays.fill(plan.patches, 0, n, k);
        return plan;
    }

    private static TestImages batch(int n) {
        Image[] images = new Image[n];
        for (int i = 0; i < n; i++) {
            images[i] = image(i);
        }
        return TestImages.bytes(images);
    }

    private static Image image(int i) {
        return i % 2 == 0 ? TestImages.structured(i, S, S) : TestImages.structured(i, 60 + i, 110 - i);
    }

    private static double sum(float[] values, float[] weights, int power) {
        double sum = 0;
        for (int i = 0; i < values.length; i++) {
            sum += (weights == null ? 1 : weights[i]) * Math.pow(values[i], power);
        }
        return sum;
    }

    private static double max(float[] values) {
        double max = values[0];
        for (float v : values) {
            max = Math.max(max, v);
        }
        return max;
    }

    /** A batch whose image {@code bad} cannot be read. */
    private record Failing(TestImages images, int bad, Throwable thrown) implements Images {
        @Override
        public int count() {
            return images.count();
        }

        @Override
        public int height(int i) {
            return images.height(i);
        }

        @Override
        public int width(int i) {
            return images.width(i);
        }

        @Override
        public ElementType elementType() {
            return images.elementType();
        }

        @Override
        public Layout layout() {
            return images.layout();
        }

        @Override
        public ByteBuffer pixels(int i) {
            if (i == bad) {
                if (thrown instanceof Error e) {
                    throw e;
                }
                throw (RuntimeException) thrown;
            }
            return images.pixels(i);
        }

        @Override
        public int maskBytes() {
            return 0;
        }

        @Override
        public ByteBuffer mask(int i) {
            return null;
        }
    }
}
