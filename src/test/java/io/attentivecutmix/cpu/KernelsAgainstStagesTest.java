package io.attentivecutmix.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.cuda.kernels.AttentiveKernels;
import io.attentivecutmix.cuda.kernels.KernelAttention;
import io.attentivecutmix.cuda.kernels.KernelImages;
import io.attentivecutmix.cuda.kernels.KernelRegions;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.HalfFloats;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.image.ResizeFilter;
import io.attentivecutmix.image.Resizer;
import io.attentivecutmix.method.CellGrid;
import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.method.Selection;
import io.attentivecutmix.method.SoftLabels;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Every kernel that has a stage in Java, called through the generated binding on the kernels' build for the CPU, on the
 * input of that stage: bytes, cells, ranks and conversions bit for bit, heat within a bound. The pointers lead to host
 * memory, which that build works on.
 */
class KernelsAgainstStagesTest {
    private static final long SEED = 77;
    private static final float[] IMAGENET = {0.485f, 0.456f, 0.406f, 0.229f, 0.224f, 0.225f};

    private final Random random = new Random(SEED);

    @BeforeAll
    static void emulated() {
        String resource = "/io/attentivecutmix/cuda/kernels/linux-x86_64/libattentive_kernels.so";
        Assumptions.assumeTrue(KernelsAgainstStagesTest.class.getResource(resource) != null,
                "Skipped: the kernels' build for the CPU is not there (no g++ or CMake on this machine)");
        assertEquals(1, AttentiveKernels.acm_is_emulated(), "tests run on the CPU build of the kernels");
    }

    private static void ok(int status) {
        assertEquals(AttentiveKernels.ACM_OK, status,
                () -> "seed " + SEED + ": " + AttentiveKernels.acm_status_text(status).getString());
    }

    /** A batch as kernels see it; keeps its memory. */
    record Device(KernelImages images, ByteBuffer memory, List<Pointer> tables, long[] offsets) {}

    /** Room for images of these sizes, each on 16 bytes. */
    static Device device(int[] h, int[] w, ElementType type, Layout layout, int channels) {
        int n = h.length;
        long[] offsets = new long[n];
        int[] sizes = new int[2 * n];
        long at = 0;
        int mostH = 1;
        int mostW = 1;
        for (int i = 0; i < n; i++) {
            offsets[i] = at;
            at += ((long) h[i] * w[i] * channels * type.bytes() + 15) / 16 * 16;
            sizes[2 * i] = h[i];
            sizes[2 * i + 1] = w[i];
            mostH = Math.max(mostH, h[i]);
            mostW = Math.max(mostW, w[i]);
        }
        ByteBuffer memory = TestImages.buffer((int) at + 16);
        int skew = (int) (16 - new BytePointer(memory).address() % 16) % 16;
        for (int i = 0; i < n; i++) {
            offsets[i] += skew;
        }
        LongPointer offsetTable = new LongPointer(offsets);
        IntPointer sizeTable = new IntPointer(sizes);
        KernelImages images = new KernelImages();
        images.pixels(new BytePointer(memory));
        images.offsets(offsetTable);
        images.sizes(sizeTable);
        images.count(n);
        images.height(mostH);
        images.width(mostW);
        images.channels(channels);
        images.type(type.ordinal());
        images.layout(layout.ordinal());
        return new Device(images, memory, List.of(offsetTable, sizeTable), offsets);
    }

    private Device device(TestImages batch) {
        int n = batch.count();
        int[] h = new int[n];
        int[] w = new int[n];
        for (int i = 0; i < n; i++) {
            h[i] = batch.height(i);
            w[i] = batch.width(i);
        }
        Device device = device(h, w, batch.elementType(), batch.layout(), 3);
        for (int i = 0; i < n; i++) {
            device.memory().put((int) device.offsets()[i], batch.pixels(i), 0, batch.pixels(i).capacity());
        }
        return device;
    }

    private TestImages batch(ElementType type, Layout layout, int... sizes) {
        List<TestImages.Image> images = new ArrayList<>();
        for (int i = 0; i < sizes.length; i += 2) {
            ByteBuffer pixels = TestImages.buffer(sizes[i] * sizes[i + 1] * 3 * type.bytes());
            for (int e = 0; e < sizes[i] * sizes[i + 1] * 3; e++) {
                float v = random.nextFloat() * 3 - 1;
                switch (type) {
                    case UINT8 -> pixels.put(e, (byte) random.nextInt());
                    case FLOAT16 -> pixels.putShort(2 * e, HalfFloats.toFloat16(v));
                    case BFLOAT16 -> pixels.putShort(2 * e, HalfFloats.toBfloat16(v));
                    case FLOAT32 -> pixels.putFloat(4 * e, v);
                }
            }
            images.add(new TestImages.Image(sizes[i], sizes[i + 1], pixels));
        }
        return new TestImages(type, layout, images);
    }

    /** Returns one flag per image: 1 where the kernel met a value that is not finite. */
    static byte[] preprocess(Device in, Device out, ResizeFilter filter, boolean normalise) {
        byte[] flags = new byte[(int) in.images().count()];
        try (BytePointer spoiled = new BytePointer(flags);
                LongPointer bytes = new LongPointer(1); FloatPointer normalisation = new FloatPointer(IMAGENET)) {
            ok(AttentiveKernels.acm_preprocess_workspace(in.images(), out.images(), filter.ordinal(), bytes));
            try (LongPointer workspace = new LongPointer(bytes.get() / 8 + 2)) {
                // Java's own allocations are on 16 bytes; the kernel would say so otherwise.
                ok(AttentiveKernels.acm_preprocess(in.images(), out.images(), filter.ordinal(), normalise ? 1 : 0,
                        normalisation, spoiled, workspace, bytes.get(), null));
            }
            spoiled.get(flags);
        }
        return flags;
    }

    @Test
    void resizeIsTheResizers() {
        int[][] sizes = {{61, 115, 32, 32}, {33, 20, 64, 57}, {200, 31, 64, 30}, {7, 9, 7, 30}, {31, 230, 31, 50}};
        for (ResizeFilter filter : ResizeFilter.values()) {
            for (int[] s : sizes) {
                TestImages in = batch(ElementType.UINT8, Layout.NHWC, s[0], s[1]);
                Device out = device(new int[] {s[2]}, new int[] {s[3]}, ElementType.UINT8, Layout.NHWC, 3);
                preprocess(device(in), out, filter, false);
                ByteBuffer wanted = TestImages.buffer(s[2] * s[3] * 3);
                new Resizer(filter).resize(in.pixels(0), 0, s[0], s[1], wanted, 0, s[2], s[3]);
                byte[] got = new byte[wanted.capacity()];
                out.memory().get((int) out.offsets()[0], got);
                byte[] expected = new byte[got.length];
                wanted.get(0, expected);
                assertArrayEquals(expected, got, filter + " " + s[0] + "x" + s[1] + " to " + s[2] + "x" + s[3]
                        + ", seed " + SEED);
            }
        }
    }

    /**
     * Ragged batches of every type and layout, through every filter, against the stage that feeds the CPU's extractor.
     */
    @Test
    void inputIsTheInputStages() {
        for (ElementType type : ElementType.values()) {
            for (Layout layout : Layout.values()) {
                for (ResizeFilter filter : ResizeFilter.values()) {
                    TestImages in = batch(type, layout, 61, 45, 32, 32, 20, 90, 33, 32);
                    MixOptions options = MixOptions.paper().withPatches(new Patches.Fixed(1)).withInputSide(
                            32).withResizeFilter(filter) .withNormalisation(Normalisation.IMAGENET);
                    int[] side = {32, 32, 32, 32};
                    Device out = device(side, side, ElementType.FLOAT32, Layout.NHWC, 4);
                    preprocess(device(in), out, filter, true);
                    InputStage stage = new InputStage(options);
                    FloatBuffer wanted = FloatBuffer.allocate(32 * 32 * 3);
                    for (int i = 0; i < 4; i++) {
                        stage.load(in, i, wanted);
                        for (int p = 0; p < 32 * 32; p++) {
                            for (int c = 0; c < 4; c++) {
                                float got = out.memory().getFloat((int) out.offsets()[i] + (p * 4 + c) * 4);
                                float expected = c == 3 ? 0 : wanted.get(p * 3 + c);
                                assertEquals(Float.floatToRawIntBits(expected), Float.floatToRawIntBits(got),
                                        type + " " + layout + " " + filter + " image " + i + " pixel " + p + " channel "
                                        + c
                                                + ", seed " + SEED);
                            }
                        }
                    }
                }
            }
        }
    }

    /** What spoils an image for the CPU's extractor is what the kernel notes, and nothing else. */
    @Test
    void spoiledImagesAreTheInputStages() {
        float[] values = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.MAX_VALUE, 70000, 0.5f};
        for (ElementType type : List.of(ElementType.FLOAT16, ElementType.BFLOAT16, ElementType.FLOAT32)) {
            for (Layout layout : Layout.values()) {
                for (ResizeFilter filter : ResizeFilter.values()) {
                    int n = values.length;
                    TestImages in = batch(type, layout, 61, 45, 32, 32, 20, 90, 33, 32, 32, 32, 40, 40);
                    for (int i = 0; i < n; i++) {
                        spoil(in, i, values[i]);
                    }
                    MixOptions options = MixOptions.paper().withPatches(new Patches.Fixed(1)).withInputSide(32)
                            .withResizeFilter(filter).withNormalisation(Normalisation.IMAGENET);
                    int[] side = {32, 32, 32, 32, 32, 32};
                    byte[] flags = preprocess(device(in), device(side, side, ElementType.FLOAT16, Layout.NHWC, 4),
                            filter, true);
                    InputStage stage = new InputStage(options);
                    for (int i = 0; i < n; i++) {
                        boolean usable = stage.load(in, i, FloatBuffer.allocate(32 * 32 * 3));
                        assertEquals(usable ? 0 : 1, flags[i], type + " " + layout + " " + filter + " " + values[i]
                                + ", seed " + SEED);
                    }
                }
            }
        }
    }

    /** The heat map of a spoiled image is the engine's: NaN everywhere, so the first k cells and a flag. */
    @Test
    void spoiledImagesHaveTheEnginesCells() {
        for (Reduction reduction : Reduction.values()) {
            try (Maps maps = new Maps(3, 64, reduction, false); BytePointer spoiled =
                    new BytePointer(new byte[] {1, 0, 1})) {
                maps.patches.put(1, 6).put(2, 49);
                maps.attention.spoiled(spoiled);
                ok(AttentiveKernels.acm_attend(maps.attention, null));
                int cells = GRID * GRID;
                float[] map = new float[cells];
                for (int i = 0; i < 3; i += 2) {
                    Arrays.fill(map, Float.NaN);
                    long[] mask = new long[1];
                    int[] ranks = new int[cells];
                    int[] gotRanks = new int[cells];
                    assertTrue(Selection.select(map, 0, cells, maps.patches.get(i), mask, 0));
                    Selection.ranks(map, 0, cells, ranks, 0);
                    maps.ranks.getPointer((long) i * cells).get(gotRanks);
                    assertEquals(mask[0], maps.cells.get(i), reduction.toString());
                    assertArrayEquals(ranks, gotRanks, reduction.toString());
                    assertEquals(1, maps.nonFinite.get(i), reduction.toString());
                    float[] heat = new float[cells];
                    maps.heat.getPointer((long) i * cells).get(heat);
                    assertArrayEquals(map, heat, reduction.toString());
                }
                assertEquals(0, maps.nonFinite.get(1), reduction.toString());
            }
        }
    }

    private static final int GRID = 7;

    /** (N) maps, the attention of them, and what it writes. */
    private final class Maps implements AutoCloseable {
        final int n;
        final int channels;
        final FloatPointer features;
        final FloatPointer classifier;
        final IntPointer labels;
        final IntPointer patches;
        final LongPointer cells;
        final BytePointer nonFinite;
        final IntPointer ranks;
        final FloatPointer heat;
        final KernelAttention attention = new KernelAttention();
        final float[][] rows;

        Maps(int n, int channels, Reduction reduction, boolean special) {
            this.n = n;
            this.channels = channels;
            float[] values = new float[n * GRID * GRID * channels];
            for (int i = 0; i < values.length; i++) {
                values[i] = Math.max(0, (float) random.nextGaussian());
                if (special && random.nextInt(channels * 10) == 0) {
                    values[i] = new float[] {Float.NaN, Float.POSITIVE_INFINITY, -0f}[random.nextInt(3)];
                }
            }
            rows = new float[3][channels];
            float[] flat = new float[3 * channels];
            for (int i = 0; i < flat.length; i++) {
                flat[i] = rows[i / channels][i % channels] = (float) random.nextGaussian();
            }
            features = new FloatPointer(values);
            classifier = new FloatPointer(flat);
            int[] label = random.ints(n, 0, 3).toArray();
            int[] k = random.ints(n, 0, GRID * GRID + 1).toArray();
            k[0] = 6;
            labels = new IntPointer(label);
            patches = new IntPointer(k);
            cells = new LongPointer(n);
            nonFinite = new BytePointer(n);
            ranks = new IntPointer((long) n * GRID * GRID);
            heat = new FloatPointer((long) n * GRID * GRID);
            attention.features(features);
            attention.type(ElementType.FLOAT32.ordinal());
            attention.grid(GRID);
            attention.count(n);
            attention.channels(channels);
            attention.reduction(reduction.ordinal());
            attention.patches(patches);
            attention.classifier(classifier);
            attention.classes(3);
            attention.labels(labels);
            attention.spoiled(null);
            attention.cells(cells);
            attention.non_finite(nonFinite);
            attention.ranks(ranks);
            attention.heat(heat);
        }

        @Override
        public void close() {
            for (Pointer p : List.of(features, classifier, labels, patches, cells, nonFinite, ranks, heat, attention)) {
                p.close();
            }
        }
    }

    @Test
    void attentionIsTheHeatMapsAndTheSelections() {
        int cells = GRID * GRID;
        for (Reduction reduction : Reduction.values()) {
            for (int channels : new int[] {4, 512, 2048}) {
                try (Maps maps = new Maps(3, channels, reduction, channels == 512)) {
                    ok(AttentiveKernels.acm_attend(maps.attention, null));
                    HeatMap stage = new HeatMap(reduction, channels, maps.rows);
                    for (int i = 0; i < 3; i++) {
                        int k = maps.patches.get(i);
                        String which = reduction + " C " + channels + " image " + i + " k " + k + ", seed " + SEED;
                        if (k == 0) {
                            assertEquals(0, maps.cells.get(i), which);
                            continue;
                        }
                        FloatBuffer map = FloatBuffer.allocate(cells * channels);
                        double magnitude = 0;
                        for (int e = 0; e < cells * channels; e++) {
                            float v = maps.features.get((long) i * cells * channels + e);
                            map.put(e, v);
                            magnitude = Float.isFinite(v) ? Math.max(magnitude, Math.abs(v)) : magnitude;
                        }
                        float[] wanted = new float[cells];
                        stage.reduce(map, cells, maps.labels.get(i), wanted, 0);
                        float[] got = new float[cells];
                        maps.heat.getPointer((long) i * cells).get(got);
                        // Float sums of C terms in 32 chains against double ones: C/32 + 6 roundings of at most the
                        // largest sum.
                        double sum = switch (reduction) {
                            case MEAN -> magnitude;
                            case L2 -> magnitude * Math.sqrt(channels);
                            case CLASS -> magnitude * 5 * channels;
                            case LAST, MAX -> 0;
                        };
                        double bound = sum * (channels / 32 + 8) * 0x1p-24;
                        for (int c = 0; c < cells; c++) {
                            if (Float.isFinite(wanted[c])) {
                                assertEquals(wanted[c], got[c], bound, which + " cell " + c);
                            } else {
                                assertEquals(wanted[c], got[c], which + " cell " + c);
                            }
                        }
                        long[] mask = new long[1];
                        int[] ranks = new int[cells];
                        int[] gotRanks = new int[cells];
                        boolean nonFinite = Selection.select(got, 0, cells, k, mask, 0);
                        Selection.ranks(got, 0, cells, ranks, 0);
                        maps.ranks.getPointer((long) i * cells).get(gotRanks);
                        assertEquals(mask[0], maps.cells.get(i), which);
                        assertArrayEquals(ranks, gotRanks, which);
                        assertEquals(nonFinite ? 1 : 0, maps.nonFinite.get(i), which);
                    }
                }
            }
        }
    }

    /** One launch from maps and images to mixed images, in every form, against the pixel mixer with the same cells. */
    @Test
    void mixedImagesAreThePixelMixers() {
        MixOptions options = MixOptions.paper();
        for (ElementType type : ElementType.values()) {
            for (Layout layout : Layout.values()) {
                for (ElementType to : ElementType.values()) {
                    if (to == ElementType.UINT8 && type != ElementType.UINT8) {
                        continue;
                    }
                    for (Layout toLayout : Layout.values()) {
                        mixed(options, type, layout, to, toLayout, 31, 61);
                        mixed(options, type, layout, to, toLayout, 32, 32);
                    }
                }
            }
        }
    }

    private void mixed(MixOptions options, ElementType type, Layout layout, ElementType to, Layout toLayout, int h,
            int w) {
        TestImages in = batch(type, layout, h, w, h, w, h, w);
        int[] heights = {h, h, h};
        int[] widths = {w, w, w};
        Device source = device(in);
        Device out = device(heights, widths, to, toLayout, 3);
        try (Maps maps = new Maps(3, 8, Reduction.MEAN, false);
                KernelRegions regions = new KernelRegions();
                IntPointer partner = new IntPointer(2, 0, 1);
                BytePointer mixed = new BytePointer(new byte[] {1, 1, 0});
                FloatPointer normalisation = new FloatPointer(IMAGENET)) {
            maps.patches.put(2, 0);
            regions.grid(GRID);
            regions.partner(partner);
            regions.mixed(mixed);
            regions.normalisation(normalisation);
            ok(AttentiveKernels.acm_attend_mix(maps.attention, source.images(), source.images(), out.images(), regions,
                    null));
            MixPlan plan = new MixPlan(GRID);
            plan.resize(3);
            for (int i = 0; i < 3; i++) {
                plan.partner[i] = partner.get(i);
                plan.mixed[i] = i < 2;
                plan.cells[i] = maps.cells.get(i);
            }
            samePixels(options, in, plan, to, toLayout, out);
            weights(source, regions, maps, plan, h, w);
        }
    }

    /** Compares what a kernel wrote with what the pixel mixer writes by the plan. */
    private static void samePixels(MixOptions options, TestImages in, MixPlan plan, ElementType to, Layout toLayout,
            Device out) {
        PixelMixer mixer = new PixelMixer(options);
        List<TestImages.Image> images = new ArrayList<>();
        for (int i = 0; i < in.count(); i++) {
            int bytes = in.height(i) * in.width(i) * 3 * to.bytes();
            images.add(new TestImages.Image(in.height(i), in.width(i), TestImages.buffer(bytes)));
        }
        TestImages wanted = new TestImages(to, toLayout, images);
        for (int i = 0; i < in.count(); i++) {
            mixer.mix(in, plan, i, wanted);
            byte[] expected = new byte[in.height(i) * in.width(i) * 3 * to.bytes()];
            byte[] got = new byte[expected.length];
            wanted.pixels(i).get(0, expected);
            out.memory().get((int) out.offsets()[i], got);
            String form = in.elementType() + " " + in.layout() + " to " + to + " " + toLayout;
            assertArrayEquals(expected, got, form + " image " + i + ", seed " + SEED);
        }
    }

    /**
     * Images with a NaN or an infinity, noted by acm_preprocess, are mixed in one launch by the engine's cells for
     * them: the first k, whatever their features hold. An image that is not mixed is flagged all the same.
     */
    @Test
    void spoiledImagesAreMixedByTheEnginesCells() {
        MixOptions options = MixOptions.paper();
        int cells = GRID * GRID;
        int[] size = {61, 61, 61, 61};
        int[] side = {32, 32, 32, 32};
        int[] partners = {3, 0, 1, 2};
        boolean[] taken = {true, true, true, false};
        for (ElementType type : List.of(ElementType.FLOAT16, ElementType.BFLOAT16, ElementType.FLOAT32)) {
            for (Layout layout : Layout.values()) {
                TestImages in = batch(type, layout, 61, 61, 61, 61, 61, 61, 61, 61);
                spoil(in, 0, Float.NaN);
                spoil(in, 2, Float.POSITIVE_INFINITY);
                spoil(in, 3, Float.NEGATIVE_INFINITY);
                Device source = device(in);
                Device resized = device(side, side, ElementType.FLOAT16, Layout.NHWC, 4);
                byte[] flags = preprocess(source, resized, ResizeFilter.BILINEAR, true);
                assertArrayEquals(new byte[] {1, 0, 1, 1}, flags, type + " " + layout + ", seed " + SEED);
                for (Reduction reduction : Reduction.values()) {
                    Device out = device(size, size, ElementType.FLOAT16, Layout.NCHW, 3);
                    try (Maps maps = new Maps(4, 8, reduction, false);
                            KernelRegions regions = new KernelRegions();
                            IntPointer partner = new IntPointer(partners);
                            BytePointer mixed = new BytePointer(new byte[] {1, 1, 1, 0});
                            BytePointer spoiled = new BytePointer(flags);
                            FloatPointer normalisation = new FloatPointer(IMAGENET)) {
                        maps.patches.put(1, 9).put(2, 17).put(3, 5);
                        maps.attention.spoiled(spoiled);
                        regions.grid(GRID);
                        regions.partner(partner);
                        regions.mixed(mixed);
                        regions.normalisation(normalisation);
                        ok(AttentiveKernels.acm_attend_mix(maps.attention, source.images(), source.images(),
                                out.images(), regions, null));
                        MixPlan plan = new MixPlan(GRID);
                        plan.resize(4);
                        for (int i = 0; i < 4; i++) {
                            float[] heat = new float[cells];
                            maps.heat.getPointer((long) i * cells).get(heat);
                            if (flags[i] != 0) {
                                Arrays.fill(heat, Float.NaN);
                            }
                            plan.partner[i] = partners[i];
                            plan.mixed[i] = taken[i];
                            boolean nonFinite = Selection.select(heat, 0, cells, maps.patches.get(i), plan.cells, i);
                            String which = type + " " + layout + " " + reduction + " image " + i + ", seed " + SEED;
                            assertEquals(flags[i] != 0, nonFinite, which);
                            assertEquals(nonFinite ? 1 : 0, maps.nonFinite.get(i), which);
                            assertEquals(plan.cells[i], maps.cells.get(i), which);
                        }
                        assertEquals((1L << 17) - 1, plan.cells[2], reduction.toString());
                        samePixels(options, in, plan, ElementType.FLOAT16, Layout.NCHW, out);
                    }
                }
            }
        }
    }

    private void spoil(TestImages in, int image, float value) {
        int at = random.nextInt(in.height(image) * in.width(image) * 3);
        switch (in.elementType()) {
            case FLOAT16 -> in.pixels(image).putShort(2 * at, HalfFloats.toFloat16(value));
            case BFLOAT16 -> in.pixels(image).putShort(2 * at, HalfFloats.toBfloat16(value));
            default -> in.pixels(image).putFloat(4 * at, value);
        }
    }

    private static void weights(Device source, KernelRegions regions, Maps maps, MixPlan plan, int h, int w) {
        regions.cells(maps.cells);
        try (LongPointer pixels = new LongPointer(3); FloatPointer weights = new FloatPointer(3)) {
            ok(AttentiveKernels.acm_source_weights(source.images(), regions, 0, pixels, weights, null));
            for (int i = 0; i < 3; i++) {
                long taken = plan.mixed[i] ? CellGrid.pixels(plan.cells, i, GRID, h, w) : (long) h * w;
                assertEquals(taken, pixels.get(i));
                assertEquals((float) ((double) taken / ((long) h * w)), weights.get(i));
            }
        }
    }

    @Test
    void softLabelsAreJavas() {
        for (int classes : new int[] {3, 257, 2049}) {
            int n = 5;
            int[] ids = random.ints(n, 0, classes).toArray();
            ids[1] = ids[0];
            int[] partner = {1, 0, 4, 2, 3};
            float[] w = new float[n];
            for (int i = 0; i < n; i++) {
                w[i] = random.nextFloat();
            }
            float[] wanted = new float[n * classes];
            SoftLabels.fill(Labels.of(ids), partner, w, classes, 0.1f, wanted);
            try (IntPointer idTable = new IntPointer(ids);
                    IntPointer partners = new IntPointer(partner);
                    FloatPointer weights = new FloatPointer(w);
                    FloatPointer out = new FloatPointer((long) n * classes)) {
                ok(AttentiveKernels.acm_soft_labels(idTable, null, partners, weights, n, classes, 0.1f, out, null));
                float[] got = new float[n * classes];
                out.get(got);
                assertArrayEquals(wanted, got, "classes " + classes + ", seed " + SEED);
            }
        }
    }

    @Test
    void wrongArgumentsHaveACodeAndWords() {
        int status = AttentiveKernels.acm_attend(null, null);
        assertEquals(AttentiveKernels.ACM_NULL_POINTER, status);
        assertTrue(AttentiveKernels.acm_status_text(status).getString().contains("null"));
    }
}
