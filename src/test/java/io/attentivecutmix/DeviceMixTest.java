package io.attentivecutmix;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.cuda.HostRuntime;
import io.attentivecutmix.cuda.TestCuda;
import io.attentivecutmix.image.DeviceImages;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.method.Geometry;
import io.attentivecutmix.method.LabelWeight;
import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Mode;
import io.attentivecutmix.method.Pairing;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.PixelFormat;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.weights.Weights;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Batches in device memory, on the caller's streams, against the CPU device; the streams are as lazy as a GPU's. */
class DeviceMixTest {
    private static final long SEED = 31;
    private static final int S = 96;
    private static final int N = 4;
    private static final MixOptions OPTIONS = MixOptions.paper().withInputSide(S).withPatches(new Patches.Fixed(3));
    private static Weights weights;

    private final Random random = new Random(SEED);
    private final HostRuntime runtime = new HostRuntime();
    private final List<Pointer> memory = new ArrayList<>();
    private final List<Pointer> streams = new ArrayList<>();

    @BeforeAll
    static void load() {
        TestCuda.assumeKernels();
        weights = Weights.synthetic(18, 5);
    }

    @AfterEach
    void nothingIsLeft() {
        memory.forEach(runtime::free);
        streams.forEach(runtime::destroyStream);
        assertEquals(List.of(), runtime.leftovers());
    }

    private AttentiveCutMix mixer(Device device, MixOptions options, PixelFormat output) {
        return AttentiveCutMix.builder().weights(weights).device(device).precision(Precision.FP32).options(
                options).threads(1) .output(output).build();
    }

    private Device gpu() {
        return Device.cuda(0, TestCuda.device(runtime));
    }

    private Pointer allocate(long bytes) {
        Pointer p = runtime.allocate(bytes);
        memory.add(p);
        return p;
    }

    private Pointer stream() {
        Pointer s = runtime.createStream();
        streams.add(s);
        return s;
    }

    private DeviceImages images(int h, int w, ElementType type, Layout layout) {
        return new DeviceImages(allocate(3L * N * h * w * type.bytes()).address(), N, h, w, type, layout);
    }

    private static BytePointer bytes(DeviceImages images) {
        return new BytePointer(new LongAddress(images.address())).capacity(images.bytes());
    }

    /** A pointer to an address. */
    private static final class LongAddress extends Pointer {
        LongAddress(long value) {
            super((Pointer) null);
            address = value;
        }
    }

    private ImageBatch upload(DeviceImages to) {
        byte[] pixels = new byte[3 * to.height() * to.width()];
        ImageBatch batch = new ImageBatch();
        for (int i = 0; i < N; i++) {
            random.nextBytes(pixels);
            batch.add(pixels, to.height(), to.width());
            bytes(to).position((long) i * pixels.length).put(pixels);
        }
        return batch;
    }

    private static void assertSame(MixedBatch expected, DeviceMix actual, DeviceImages out, String what) {
        actual.await();
        for (int i = 0; i < N; i++) {
            byte[] pixels = new byte[expected.pixels(i).limit()];
            bytes(out).position((long) i * pixels.length).get(pixels);
            byte[] wanted = new byte[pixels.length];
            expected.pixels(i).get(0, wanted);
            assertArrayEquals(wanted, pixels, what + ", image " + i + ", seed " + SEED);
            assertArrayEquals(expected.cells(i), actual.cells(i), what);
            assertEquals(expected.sourceWeight(i), actual.sourceWeight(i), what);
            assertEquals(expected.partner(i), actual.partner(i), what);
            assertEquals(expected.mixed(i), actual.mixed(i), what);
        }
        assertEquals(expected.record(), actual.record(), what);
        FloatBuffer rows = FloatBuffer.allocate(N * 10);
        actual.softLabels(10, 0.1f, rows);
        assertEquals(expected.softLabels(10, 0.1f), rows, what);
    }

    /** Steps that wait in their streams: the third reuses the tables of the first, which nobody has asked for yet. */
    @Test
    void stepsUnderWayOnSeveralStreams() {
        Labels labels = Labels.of(1, 2, 3, 4);
        for (int[] size : new int[][] {{S, S}, {70, 130}}) {
            try (AttentiveCutMix cpu = mixer(Device.cpu(), OPTIONS, PixelFormat.UINT8_NHWC);
                    AttentiveCutMix gpu = mixer(gpu(), OPTIONS, PixelFormat.UINT8_NHWC)) {
                Pointer one = stream();
                Pointer two = stream();
                DeviceImages[] in = new DeviceImages[5];
                DeviceImages[] out = new DeviceImages[5];
                ImageBatch[] host = new ImageBatch[5];
                DeviceMix[] mixes = new DeviceMix[5];
                for (int b = 0; b < 5; b++) {
                    in[b] = images(size[0], size[1], ElementType.UINT8, Layout.NHWC);
                    out[b] = images(size[0], size[1], ElementType.UINT8, Layout.NHWC);
                    host[b] = upload(in[b]);
                }
                gpu.prepare(N);
                for (int round = 0; round < 4; round++) {
                    long waits = runtime.calls("synchronizeStream");
                    for (int b = 0; b < 5; b++) {
                        mixes[b] = gpu.mix(in[b], labels, Pairing.shuffled(SEED, round, b), out[b],
                                (b % 2 == 0 ? one : two).address());
                    }
                    if (round > 0) {
                        assertEquals(waits, runtime.calls("synchronizeStream"), "the host waited for a stream");
                    }
                    // the last two steps' tables are still theirs
                    FloatPointer rows = new FloatPointer(allocate(N * 10 * 4L));
                    mixes[3].softLabels(10, 0.1f, rows.address(), two.address());
                    assertThrows(IllegalStateException.class, () -> mixes[2].softLabels(10, 0.1f, rows.address(), 0));
                    runtime.synchronizeStream(two);
                    float[] values = new float[N * 10];
                    rows.get(values);
                    FloatBuffer wanted = FloatBuffer.allocate(N * 10);
                    mixes[3].softLabels(10, 0.1f, wanted);
                    assertArrayEquals(wanted.array(), values, "round " + round);
                    for (int b = 0; b < 5; b++) {
                        MixedBatch expected = cpu.mix(host[b], labels, Pairing.shuffled(SEED, round, b));
                        assertSame(expected, mixes[b], out[b], size[0] + "x" + size[1] + " round " + round + " batch "
                                + b);
                    }
                }
                assertTrue(runtime.calls("launch") >= 10, "steps were replayed: " + runtime.calls("launch"));
            }
        }
    }

    @Test
    void weightsAndCellsLieOnTheDevice() {
        try (AttentiveCutMix gpu = mixer(gpu(), OPTIONS, PixelFormat.UINT8_NHWC)) {
            DeviceImages in = images(S, S, ElementType.UINT8, Layout.NHWC);
            DeviceImages out = images(S, S, ElementType.FLOAT32, Layout.NCHW);
            upload(in);
            DeviceMix mix = gpu.mix(in, Pairing.roll(), out, 0);
            assertTrue(mix.event() != 0);
            mix.await();
            LongPointer cells = new LongPointer(new LongAddress(mix.cellsAddress()));
            FloatPointer shares = new FloatPointer(new LongAddress(mix.sourceWeightsAddress()));
            for (int i = 0; i < N; i++) {
                long mask = 0;
                for (int cell : mix.cells(i)) {
                    mask |= 1L << cell;
                }
                assertEquals(mask, cells.get(i));
                assertEquals(mix.sourceWeight(i), shares.get(i));
            }
        }
    }

    /** Every choice of the method that changes what is launched, each with images that are not mixed among them. */
    @Test
    void choicesOnTheDevice() {
        List<MixOptions> choices = List.of(OPTIONS.withProbability(0.5), OPTIONS.withProbability(0),
                OPTIONS.withGeometry(Geometry.RESIZED).withProbability(0.7), OPTIONS.withReduction(Reduction.CLASS),
                OPTIONS.withPatches(new Patches.Beta(1, false)).withLabelWeight(LabelWeight.NOMINAL));
        Labels labels = Labels.of(3, 2, 1, 0);
        for (MixOptions options : choices) {
            for (int[] size : new int[][] {{S, S}, {70, 130}}) {
                PixelFormat format = new PixelFormat(ElementType.FLOAT32, Layout.NCHW);
                try (AttentiveCutMix cpu = mixer(Device.cpu(), options, format);
                        AttentiveCutMix gpu = mixer(gpu(), options, format)) {
                    DeviceImages in = images(size[0], size[1], ElementType.UINT8, Layout.NHWC);
                    DeviceImages out = images(size[0], size[1], ElementType.FLOAT32, Layout.NCHW);
                    ImageBatch host = upload(in);
                    for (int round = 0; round < 6; round++) {
                        Pairing pairing = Pairing.shuffled(SEED, 2, round);
                        DeviceMix mix = gpu.mix(in, labels, pairing, out, 0);
                        String what = options + ", " + size[0] + ", round " + round;
                        assertSame(cpu.mix(host, labels, pairing), mix, out, what);
                        LongPointer cells = new LongPointer(new LongAddress(mix.cellsAddress()));
                        for (int i = 0; i < N; i++) {
                            long mask = 0;
                            for (int cell : mix.cells(i)) {
                                mask |= 1L << cell;
                            }
                            assertEquals(mask, cells.get(i), what + ", image " + i);
                        }
                    }
                }
            }
        }
    }

    /** What a step left on the device holds until the second step on the device after it, whatever the host does. */
    @Test
    void hostBatchesAndPreparingLeaveResultsOnTheDevice() {
        try (AttentiveCutMix gpu = mixer(gpu(), OPTIONS, PixelFormat.UINT8_NHWC)) {
            DeviceImages in = images(S, S, ElementType.UINT8, Layout.NHWC);
            DeviceImages out = images(S, S, ElementType.UINT8, Layout.NHWC);
            ImageBatch host = upload(in);
            Labels labels = Labels.of(0, 1, 2, 3);
            DeviceMix first = gpu.mix(in, labels, Pairing.roll(), out, 0);
            DeviceMix second = gpu.mix(in, labels, Pairing.flip(), out, 0);
            gpu.mix(host, labels, Pairing.shuffled(SEED, 0, 0));
            gpu.prepare(N);
            for (DeviceMix mix : List.of(first, second)) {
                FloatPointer rows = new FloatPointer(allocate(N * 10 * 4L));
                mix.softLabels(10, 0, rows.address(), 0);
                runtime.synchronizeStream(null);
                float[] values = new float[N * 10];
                rows.get(values);
                FloatBuffer wanted = FloatBuffer.allocate(N * 10);
                mix.softLabels(10, 0, wanted);
                assertArrayEquals(wanted.array(), values);
                assertEquals(mix.sourceWeight(1), new FloatPointer(new LongAddress(mix.sourceWeightsAddress())).get(1));
            }
        }
    }

    @Test
    void boxesAndBatchesOnTheHostInBetween() {
        MixOptions options = OPTIONS.withMode(Mode.CUTMIX);
        try (AttentiveCutMix cpu = mixer(Device.cpu(), options, PixelFormat.UINT8_NHWC);
                AttentiveCutMix gpu = mixer(gpu(), options, PixelFormat.UINT8_NHWC)) {
            DeviceImages in = images(S, S, ElementType.UINT8, Layout.NHWC);
            DeviceImages out = images(S, S, ElementType.UINT8, Layout.NHWC);
            ImageBatch host = upload(in);
            Labels labels = Labels.of(0, 1, 2, 3);
            Pointer stream = stream();
            for (int round = 0; round < 4; round++) {
                Pairing pairing = Pairing.permuted(SEED, 0, round);
                DeviceMix mix = gpu.mix(in, labels, pairing, out, stream.address());
                MixedBatch expected = cpu.mix(host, labels, pairing);
                assertEquals(expected.pixels(), gpu.mix(host, labels, pairing).pixels());
                assertSame(expected, mix, out, "round " + round);
            }
        }
    }

    @Test
    void badArgumentsAreRefusedByName() {
        try (AttentiveCutMix cpu = mixer(Device.cpu(), OPTIONS, PixelFormat.UINT8_NHWC);
                AttentiveCutMix gpu = mixer(gpu(), OPTIONS, PixelFormat.UINT8_NHWC)) {
            DeviceImages in = images(S, S, ElementType.UINT8, Layout.NHWC);
            DeviceImages other = images(S, S + 1, ElementType.UINT8, Layout.NHWC);
            DeviceImages floats = images(S, S, ElementType.FLOAT16, Layout.NHWC);
            refused("images lie in a GPU's memory", () -> cpu.mix(in, Pairing.roll(), floats, 0));
            refused("out is 4 images of 96 by 97", () -> gpu.mix(in, Pairing.roll(), other, 0));
            refused("images and out share memory", () -> gpu.mix(in, Pairing.roll(), in, 0));
            refused("output type is UINT8", () -> gpu.mix(floats, Pairing.roll(), in, 0));
            refused("labels has 2 labels", () -> gpu.mix(in, Labels.of(1, 2), Pairing.roll(), floats, 0));
            refused("address is 0x1001", () -> new DeviceImages(0x1001, 1, 9, 9, ElementType.FLOAT16, Layout.NHWC));
            refused("count is 0", () -> new DeviceImages(0x1000, 0, 9, 9, ElementType.UINT8, Layout.NHWC));
        }
    }

    @Test
    void closingWaitsAndTakesResultsOver() {
        DeviceImages in = images(S, S, ElementType.UINT8, Layout.NHWC);
        DeviceImages out = images(S, S, ElementType.FLOAT16, Layout.NHWC);
        upload(in);
        AttentiveCutMix gpu = mixer(gpu(), OPTIONS, PixelFormat.UINT8_NHWC);
        DeviceMix mix = gpu.mix(in, Pairing.roll(), out, 0);
        gpu.close();
        assertThrows(IllegalStateException.class, () -> gpu.mix(in, Pairing.roll(), out, 0));
        assertEquals(3, mix.cells(0).length);
    }

    /** Closing from another thread waits for the running call; the next one is refused. */
    @Test
    void closingWhileAnotherThreadMixes() throws InterruptedException {
        AttentiveCutMix gpu = mixer(gpu(), OPTIONS, PixelFormat.UINT8_NHWC);
        ImageBatch host = new ImageBatch();
        for (int i = 0; i < N; i++) {
            host.add(new byte[3 * S * S], S, S);
        }
        AtomicReference<Throwable> end = new AtomicReference<>();
        CountDownLatch mixing = new CountDownLatch(2);
        Thread other = new Thread(() -> {
            try {
                while (true) {
                    gpu.mix(host, Pairing.roll());
                    mixing.countDown();
                }
            } catch (Throwable e) {
                end.set(e);
            }
        });
        other.start();
        mixing.await();
        gpu.close();
        other.join(30_000);
        assertFalse(other.isAlive(), "the other thread hangs");
        assertEquals(IllegalStateException.class, end.get().getClass(), () -> "ended with " + end.get());
        assertTrue(end.get().getMessage().contains("closed"), end.get().getMessage());
    }

    private static void refused(String message, Executable call) {
        String said = assertThrows(IllegalArgumentException.class, call).getMessage();
        assertTrue(said.startsWith(message), said);
    }
}
