package io.attentivecutmix;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.cuda.HostRuntime;
import io.attentivecutmix.cuda.TestCuda;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.HalfFloats;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.image.ResizeFilter;
import io.attentivecutmix.method.Geometry;
import io.attentivecutmix.method.LabelWeight;
import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Mode;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.method.Pairing;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.PixelFormat;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.weights.Weights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The CUDA device's own code over host memory, the kernels' build for the CPU and oneDNN, against the CPU device: the
 * same cells, pixels, weights and labels, bit for bit. Features are equal, so cells could differ only where two cells'
 * heat is within the rounding of a float sum; no seed here has such a tie.
 */
class CudaDeviceTest {
    private static final long SEED = 20;
    private static final int S = 96;
    private static final MixOptions OPTIONS = MixOptions.paper().withInputSide(S).withPatches(new Patches.Fixed(3));
    private static Weights weights;

    private final Random random = new Random(SEED);
    private final HostRuntime runtime = new HostRuntime();

    @BeforeAll
    static void load() {
        TestCuda.assumeKernels();
        weights = Weights.synthetic(18, 5);
    }

    @AfterEach
    void nothingIsLeft() {
        assertEquals(List.of(), runtime.leftovers(), "seed " + SEED);
    }

    private AttentiveCutMix.Builder builder(Device device, MixOptions options, PixelFormat output) {
        return AttentiveCutMix.builder().weights(weights).device(device).precision(Precision.FP32).options(
                options).threads(1) .output(output);
    }

    private ImageBatch fill(ImageBatch batch, int maskBytes, int... sizes) {
        for (int i = 0; i < sizes.length; i += 2) {
            int h = sizes[i];
            int w = sizes[i + 1];
            ByteBuffer pixels = batch.reserve(h, w);
            int type = batch.elementType().bytes();
            for (int v = 0; v < 3 * h * w; v++) {
                // blobs rather than noise, so that cells differ clearly
                int y = v / 3 / w;
                int x = v / 3 % w;
                double value = 0.5 + 0.4 * Math.sin((y * (i + 2) + x * (3 + i % 5)) * 0.05 + v % 3)
                        + 0.1 * random.nextDouble();
                switch (batch.elementType()) {
                    case UINT8 -> pixels.put(v, (byte) (255 * Math.min(1, value)));
                    case FLOAT16 -> pixels.putShort(type * v, HalfFloats.toFloat16((float) value));
                    case BFLOAT16 -> pixels.putShort(type * v, HalfFloats.toBfloat16((float) value));
                    case FLOAT32 -> pixels.putFloat(type * v, (float) value);
                }
            }
            if (maskBytes > 0) {
                ByteBuffer mask = ByteBuffer.allocate(h * w * maskBytes).order(ByteOrder.nativeOrder());
                random.nextBytes(mask.array());
                batch.mask(mask, maskBytes);
            }
        }
        return batch;
    }

    private Labels labels(int n) {
        int[] ids = new int[n];
        for (int i = 0; i < n; i++) {
            ids[i] = i % 7;
        }
        return Labels.of(ids);
    }

    private static byte[] bytes(ByteBuffer buffer) {
        byte[] all = new byte[buffer.limit()];
        buffer.get(0, all);
        return all;
    }

    private static void assertSame(MixedBatch expected, MixedBatch actual, String what) {
        assertEquals(expected.count(), actual.count(), what);
        for (int i = 0; i < expected.count(); i++) {
            String image = what + ", image " + i + ", seed " + SEED;
            assertArrayEquals(expected.cells(i), actual.cells(i), image);
            assertEquals(expected.height(i), actual.height(i), image);
            assertEquals(expected.width(i), actual.width(i), image);
            assertArrayEquals(bytes(expected.pixels(i)), bytes(actual.pixels(i)), image);
            assertEquals(expected.sourceWeight(i), actual.sourceWeight(i), image);
            assertEquals(expected.partner(i), actual.partner(i), image);
            assertEquals(expected.sourceLabel(i), actual.sourceLabel(i), image);
            assertEquals(expected.backgroundLabel(i), actual.backgroundLabel(i), image);
            if (expected.maskBytes() > 0) {
                assertArrayEquals(bytes(expected.mask(i)), bytes(actual.mask(i)), image);
            }
        }
        assertEquals(expected.softLabels(7), actual.softLabels(7), what);
        assertEquals(expected.nonFiniteMaps(), actual.nonFiniteMaps(), what);
    }

    /** Mixes batches with both devices, each batch as the caller's own memory and as the device's. */
    private void compare(MixOptions options, PixelFormat output, ElementType type, Layout layout, int maskBytes,
            int[]... sizes) {
        String what = options.mode() + " " + options.geometry() + " " + type + " " + layout + " to " + output;
        try (AttentiveCutMix cpu = builder(Device.cpu(), options, output).build();
                AttentiveCutMix gpu = builder(Device.cuda(0, TestCuda.device(runtime)), options, output).build()) {
            MixedBatch reused = gpu.newMixedBatch();
            for (int b = 0; b < sizes.length; b++) {
                ImageBatch batch = fill(b % 2 == 0 ? new ImageBatch(type, layout) : gpu.newBatch(type, layout),
                        maskBytes, sizes[b]);
                Pairing pairing = Pairing.shuffled(SEED, 1, b);
                MixedBatch expected = cpu.mix(batch, labels(batch.count()), pairing);
                MixedBatch into = b % 3 == 0 ? new MixedBatch() : reused;
                assertSame(expected, gpu.mix(batch, labels(batch.count()), pairing, into), what + ", batch " + b);
                // from the record: nothing is selected
                assertSame(expected, gpu.replay(batch, labels(batch.count()), expected.record()), what + ", replay "
                        + b);
            }
        }
    }

    private static final int[] SQUARE = {S, S, S, S, S, S};
    private static final int[] SHORT = {S, S, S, S};
    private static final int[] WIDE = {40, 120, 40, 120, 40, 120, 40, 120};
    private static final int[] RAGGED = {S, S, 61, 115, 130, 33, 61, 115, S, 70};

    @Test
    void uniformShortRaggedRepeatedAndInterleavedBatches() {
        compare(OPTIONS, PixelFormat.UINT8_NHWC, ElementType.UINT8, Layout.NHWC, 0, SQUARE, SQUARE, SQUARE, SQUARE,
                SHORT, WIDE, RAGGED, SQUARE, WIDE, SHORT, RAGGED);
    }

    @Test
    void everyFormInAndOut() {
        for (ElementType type : ElementType.values()) {
            for (Layout layout : Layout.values()) {
                if (type == ElementType.UINT8 && layout == Layout.NCHW) {
                    continue;
                }
                for (ElementType out : ElementType.values()) {
                    if (out == ElementType.UINT8 && type != ElementType.UINT8) {
                        continue;
                    }
                    Layout other = layout == Layout.NHWC ? Layout.NCHW : Layout.NHWC;
                    compare(OPTIONS.withInputSide(64).withPatches(new Patches.Fixed(2)),
                            new PixelFormat(out, out == type ? layout : other), type, layout, 0,
                            new int[] {64, 64, 64, 64}, new int[] {64, 64, 50, 70, 33, 64});
                }
            }
        }
    }

    @Test
    void resizedGeometry() {
        for (ElementType type : List.of(ElementType.UINT8, ElementType.FLOAT16)) {
            for (ElementType out : List.of(type, ElementType.FLOAT32)) {
                MixOptions options = OPTIONS.withGeometry(Geometry.RESIZED).withProbability(0.7);
                compare(options, new PixelFormat(out, Layout.NHWC), type, Layout.NHWC, 1, SQUARE, SQUARE, SQUARE, WIDE,
                        RAGGED);
            }
        }
    }

    @Test
    void masksOfEveryWidth() {
        for (int maskBytes : new int[] {1, 2, 4}) {
            compare(OPTIONS, PixelFormat.UINT8_NHWC, ElementType.UINT8, Layout.NHWC, maskBytes, SQUARE, SQUARE, SQUARE,
                    RAGGED, SQUARE, WIDE);
        }
    }

    @Test
    void boxesDrawsAndProbabilities() {
        compare(OPTIONS.withMode(Mode.CUTMIX), PixelFormat.UINT8_NHWC, ElementType.UINT8, Layout.NHWC, 1, SQUARE,
                SQUARE, SQUARE, RAGGED, WIDE);
        compare(OPTIONS.withMode(Mode.CUTMIX).withGeometry(Geometry.RESIZED), PixelFormat.UINT8_NHWC, ElementType.UINT8,
                Layout.NHWC, 0, SQUARE, RAGGED);
        compare(OPTIONS.withPatches(new Patches.Beta(1,
                false)).withProbability(0.5).withLabelWeight(LabelWeight.NOMINAL),
                PixelFormat.UINT8_NHWC, ElementType.UINT8, Layout.NHWC, 0, SQUARE, SQUARE, SQUARE, RAGGED, SHORT);
        compare(OPTIONS.withProbability(0), PixelFormat.UINT8_NHWC, ElementType.UINT8, Layout.NHWC, 0, SQUARE, RAGGED,
                SQUARE);
    }

    @Test
    void everyFilterAndNormalisation() {
        for (ResizeFilter filter : ResizeFilter.values()) {
            compare(OPTIONS.withResizeFilter(filter).withNormalisation(Normalisation.NONE),
                    new PixelFormat(ElementType.FLOAT32, Layout.NCHW), ElementType.UINT8, Layout.NHWC, 0, WIDE, WIDE,
                    RAGGED);
        }
        compare(OPTIONS.withNormalisation(Normalisation.ALREADY_NORMALISED),
                new PixelFormat(ElementType.FLOAT32, Layout.NCHW), ElementType.FLOAT32, Layout.NCHW, 0, SQUARE, RAGGED);
    }

    @Test
    void everyReductionAndItsHeatMap() {
        for (Reduction reduction : Reduction.values()) {
            MixOptions options = OPTIONS.withReduction(reduction);
            try (AttentiveCutMix cpu = builder(Device.cpu(), options,
                    PixelFormat.UINT8_NHWC).keepHeatMaps(true).build();
                    AttentiveCutMix gpu = builder(Device.cuda(0, TestCuda.device(runtime)), options,
                            PixelFormat.UINT8_NHWC) .keepHeatMaps(true).build()) {
                for (int round = 0; round < 3; round++) {
                    ImageBatch batch = fill(new ImageBatch(), 0, SQUARE);
                    Pairing pairing = Pairing.roll().at(SEED, 0, round);
                    MixedBatch expected = cpu.mix(batch, labels(3), pairing);
                    MixedBatch actual = gpu.mix(batch, labels(3), pairing);
                    assertSame(expected, actual, reduction + " round " + round);
                    for (int i = 0; i < 3; i++) {
                        // float sums of 512 channels against double sums: each addition errs by half an ulp of the sum
                        float[] heat = expected.heat(i);
                        float most = 0;
                        for (float v : heat) {
                            most = Math.max(most, Math.abs(v));
                        }
                        assertArrayEquals(heat, actual.heat(i), most * 1e-5f, reduction + ", image " + i);
                    }
                    Attention a = cpu.attend(batch, labels(3), 4);
                    Attention b = gpu.attend(batch, labels(3), 4);
                    for (int i = 0; i < 3; i++) {
                        assertArrayEquals(a.cells(i), b.cells(i), reduction + " attend");
                    }
                }
                ImageBatch one = fill(new ImageBatch(), 0, 50, 60);
                assertArrayEquals(cpu.features(one), gpu.features(one), reduction + " features");
            }
        }
    }


    /** The CPU device gives such an image a map of NaN; cuDNN's ReLU would hide it. */
    @Test
    void imagesWithValuesThatAreNotFinite() {
        try (AttentiveCutMix cpu = builder(Device.cpu(), OPTIONS,
                new PixelFormat(ElementType.FLOAT32, Layout.NHWC)).build();
                AttentiveCutMix gpu = builder(Device.cuda(0, TestCuda.device(runtime)), OPTIONS,
                        new PixelFormat(ElementType.FLOAT32, Layout.NHWC)).build()) {
            for (int[] sizes : new int[][] {SQUARE, SQUARE, RAGGED, SQUARE}) {
                ImageBatch batch = fill(new ImageBatch(ElementType.FLOAT32, Layout.NHWC), 0, sizes);
                batch.pixels(1).putFloat(400, Float.NaN);
                MixedBatch expected = cpu.mix(batch, labels(batch.count()), Pairing.roll());
                assertEquals(1, expected.nonFiniteMaps());
                assertSame(expected, gpu.mix(batch, labels(batch.count()), Pairing.roll()), "NaN");
                // the next batch has none: the mark must not stay
                ImageBatch clean = fill(new ImageBatch(ElementType.FLOAT32, Layout.NHWC), 0, sizes);
                assertSame(cpu.mix(clean, labels(clean.count()), Pairing.roll()),
                        gpu.mix(clean, labels(clean.count()), Pairing.roll()), "after NaN");
            }
        }
    }

    /**
     * Neither the feature map nor the heat map is ever copied to the host, and nothing is allocated from the third step
     * on.
     */
    @Test
    void whatAStepCopiesAndCalls() {
        try (AttentiveCutMix gpu = builder(Device.cuda(0, TestCuda.device(runtime)), OPTIONS,
                PixelFormat.UINT8_NHWC).build()) {
            ImageBatch batch = fill(gpu.newBatch(), 0, SQUARE);
            MixedBatch into = gpu.newMixedBatch();
            for (int step = 0; step < 3; step++) {
                gpu.mix(batch, labels(3), Pairing.roll(), into);
            }
            List<String> makers = List.of("allocate", "allocatePinned", "createStream", "createEvent", "instantiate");
            int[] made = makers.stream().mapToInt(runtime::calls).toArray();
            long copied = runtime.bytesToHost();
            int up = runtime.calls("copyToDevice");
            int waits = runtime.calls("synchronizeStream") + runtime.calls("synchronizeEvent");
            int launches = runtime.calls("launch");
            for (int step = 0; step < 5; step++) {
                gpu.mix(batch, labels(3), Pairing.roll(), into);
            }
            assertArrayEquals(made, makers.stream().mapToInt(runtime::calls).toArray(), makers.toString());
            // mixed pixels, and for each image at most: 16 bytes of alignment for each of three tables, one word, one
            // flag, one weight
            long perStep = (runtime.bytesToHost() - copied) / 5;
            long pixels = 3L * S * S * 3;
            assertTrue(perStep >= pixels + 3 * 9 && perStep <= pixels + 4 * 16 + 3 * 14, "bytes to the host: "
                    + perStep);
            assertEquals(5, runtime.calls("copyToDevice") - up,
                    "one copy of pixels a step; the tables' is in the graph");
            assertEquals(5, runtime.calls("synchronizeStream") + runtime.calls("synchronizeEvent") - waits,
                    "one wait a step");
            assertEquals(5, runtime.calls("launch") - launches, "one graph a step");
        }
    }

    /** Mixing alone needs no weights. */
    @Test
    void withoutAnExtractor() {
        MixOptions options = OPTIONS.withMode(Mode.CUTMIX);
        try (AttentiveCutMix cpu = AttentiveCutMix.builder().device(Device.cpu()).options(options).build();
                AttentiveCutMix gpu =
                        AttentiveCutMix.builder().device(Device.cuda(0,
                        TestCuda.device(runtime))).options(options).build()) {
            ImageBatch batch = fill(new ImageBatch(), 2, RAGGED);
            assertSame(cpu.mix(batch, labels(5), Pairing.flip().at(SEED, 0, 0)),
                    gpu.mix(batch, labels(5), Pairing.flip().at(SEED, 0, 0)), "no extractor");
        }
    }
}
