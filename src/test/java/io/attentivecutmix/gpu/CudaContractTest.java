package io.attentivecutmix.gpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.Attention;
import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.Device;
import io.attentivecutmix.ImageBatch;
import io.attentivecutmix.MixedBatch;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.HalfFloats;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.image.ResizeFilter;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.Geometry;
import io.attentivecutmix.method.LabelWeight;
import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixRecord;
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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The CUDA device against the CPU device, through the public API alone. Given the same record both write the same
 * bytes, weights and labels; what they select from the same images agrees as far as the precision's rounding lets it.
 */
@Tag("gpu")
@ExtendWith(DeviceUnderTest.Usable.class)
class CudaContractTest {
    private static final int K = 6;
    private static final int CLASSES = 1000;
    private static final int[] RAGGED = {224, 224, 375, 500, 97, 180, 224, 31, 500, 333, 33, 224, 224, 224};
    private static Weights weights;
    private static Weights small;

    @BeforeAll
    static void load() {
        weights = Weights.synthetic(50, 1);
        small = Weights.synthetic(18, 1);
    }

    private static Labels labels(int n) {
        int[] ids = new int[n];
        for (int i = 0; i < n; i++) {
            ids[i] = i * 37 % CLASSES;
        }
        return Labels.of(ids);
    }

    /** A mixer on the device under test in its FP32; skipped where it refuses the options, with what it says. */
    private static AttentiveCutMix mixer(Weights of, MixOptions options) {
        DeviceUnderTest.require(Precision.FP32);
        return supported(() -> DeviceUnderTest.mixer(of, Precision.FP32, options).build());
    }

    private static AttentiveCutMix supported(Supplier<AttentiveCutMix> build) {
        try {
            return build.get();
        } catch (IllegalArgumentException e) {
            return Assumptions.abort("skipped: " + e.getMessage());
        }
    }

    // ---- what is selected

    @Test
    void fp32SelectsTheSameCells() {
        ImageBatch images = Compare.uniform(0, 64, 224, 224);
        try (AttentiveCutMix reference = DeviceUnderTest.reference(weights, MixOptions.paper()).build();
                AttentiveCutMix mixer = mixer(weights, MixOptions.paper())) {
            Compare.sameCells("uniform", reference.attend(images), mixer.attend(images), K);
        }
    }

    @Test
    void fp32FeaturesAreTheSame() {
        ImageBatch images = Compare.batch(70, 224, 224, 180, 300);
        try (AttentiveCutMix reference = DeviceUnderTest.reference(weights, MixOptions.paper()).build();
                AttentiveCutMix mixer = mixer(weights, MixOptions.paper())) {
            double error = Compare.relativeL2(mixer.features(images), reference.features(images));
            assertTrue(error <= Compare.FP32_RELATIVE_L2, "relative L2 is " + error);
        }
    }

    /**
     * Few bits of an activation survive (11 of FP16 and TF32, 8 of BF16), so near ties go the other way: of 6 cells at
     * least 5.9 must be the same on average.
     */
    @ParameterizedTest
    @EnumSource(value = Precision.class, names = {"FP16", "BF16", "TF32"})
    void lowPrecisionSelectsNearlyTheSameCells(Precision precision) {
        DeviceUnderTest.require(precision);
        ImageBatch images = Compare.uniform(0, 64, 224, 224);
        try (AttentiveCutMix reference = DeviceUnderTest.reference(weights, MixOptions.paper()).build();
                AttentiveCutMix mixer = DeviceUnderTest.mixer(weights, precision, MixOptions.paper()).build()) {
            double overlap = Compare.overlap(reference.attend(images), mixer.attend(images));
            System.out.println(precision + ": " + overlap + " of 6 cells on average as in FP32 on the CPU");
            assertTrue(overlap >= 5.9, precision + ": " + overlap + " of 6 cells on average");
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyReductionSelectsTheSameCells(Reduction reduction) {
        MixOptions options = MixOptions.paper().withReduction(reduction);
        ImageBatch images = Compare.uniform(0, 24, 224, 224);
        Labels labels = labels(24);
        try (AttentiveCutMix reference = DeviceUnderTest.reference(small, options).build();
                AttentiveCutMix mixer = mixer(small, options)) {
            Attention expected = reference.attend(images, labels, K);
            Attention actual = mixer.attend(images, labels, K);
            for (int i = 0; i < 24; i++) {
                double error = Compare.relativeL2(actual.heat(i), expected.heat(i));
                // CLASS sums with weights of both signs, which cancel: its error is that of the terms. LAST is a single
                // channel.
                boolean loose = reduction == Reduction.CLASS || reduction == Reduction.LAST;
                double allowed = (loose ? 20 : 1) * Compare.FP32_RELATIVE_L2;
                assertTrue(error <= allowed, reduction + ", image " + i + ": relative L2 is " + error);
                if (Compare.margin(expected.heat(i), K) > 20 * Compare.NEAR_TIE) {
                    assertArrayEquals(expected.cells(i), actual.cells(i), reduction + ", image " + i);
                }
            }
        }
    }

    @Test
    void statisticsPerImageSelectTheSameCells() {
        MixOptions options = MixOptions.paper().withBatchNorm(BatchNorm.PER_IMAGE);
        ImageBatch images = Compare.uniform(0, 16, 224, 224);
        try (AttentiveCutMix reference = DeviceUnderTest.reference(small, options).build();
                AttentiveCutMix mixer = mixer(small, options)) {
            Compare.sameCells("statistics per image", reference.attend(images), mixer.attend(images), K);
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyFilterAndSideSelectsTheSameCells(ResizeFilter filter) {
        for (int side : new int[] {64, 160, 256}) {
            int k = side == 64 ? 2 : K;
            MixOptions options = MixOptions.paper().withPatches(new Patches.Fixed(k)).withInputSide(side)
                    .withResizeFilter(filter);
            ImageBatch images = Compare.uniform(0, 12, 190, 251);
            try (AttentiveCutMix reference = DeviceUnderTest.reference(small, options).build();
                    AttentiveCutMix mixer = mixer(small, options)) {
                Compare.sameCells(filter + " to " + side, reference.attend(images), mixer.attend(images), k);
            }
        }
    }

    @Test
    void raggedShortRepeatedAndInterleavedBatches() {
        ImageBatch ragged = Compare.batch(40, RAGGED);
        ImageBatch uniform = Compare.uniform(0, 16, 224, 224);
        ImageBatch three = Compare.uniform(3, 3, 224, 224);
        ImageBatch one = Compare.uniform(9, 1, 150, 224);
        List<ImageBatch> order = List.of(uniform, three, uniform, uniform, ragged, one, ragged, three, uniform);
        try (AttentiveCutMix reference = DeviceUnderTest.reference(weights, MixOptions.paper()).build();
                AttentiveCutMix mixer = mixer(weights, MixOptions.paper())) {
            mixer.prepare(16);
            List<Attention> seen = new ArrayList<>();
            for (int step = 0; step < order.size(); step++) {
                Attention actual = mixer.attend(order.get(step));
                int before = order.indexOf(order.get(step));
                if (before == step) {
                    Attention expected = reference.attend(order.get(step));
                    for (int i = 0; i < expected.count(); i++) {
                        double error = Compare.relativeL2(actual.heat(i), expected.heat(i));
                        assertTrue(error <= Compare.FP32_RELATIVE_L2, "step " + step + ", image " + i + ": " + error);
                        if (Compare.margin(expected.heat(i), K) > Compare.NEAR_TIE) {
                            assertArrayEquals(expected.cells(i), actual.cells(i), "step " + step + ", image " + i);
                        }
                    }
                } else {
                    for (int i = 0; i < actual.count(); i++) {
                        assertArrayEquals(seen.get(before).heat(i), actual.heat(i), "the batch of step " + before
                                + " again in step " + step + ", image " + i);
                    }
                }
                seen.add(actual);
            }
        }
    }

    // ---- what is written

    /** Mixes on the device under test, then repeats its record on the CPU. */
    private static void mixesAsItsRecordSays(String what, AttentiveCutMix mixer, AttentiveCutMix cpu, ImageBatch images,
            Pairing pairing, MixedBatch into) {
        Labels labels = labels(images.count());
        mixer.mix(images, labels, pairing, into);
        MixRecord record = MixRecord.fromJson(into.record().toJson());
        MixedBatch expected = cpu.replay(images, labels, record);
        Compare.same(what, expected, into);
        Compare.sameLabels(what, expected, into, CLASSES);
        assertEquals(record, expected.record(), what);
    }

    @Test
    void stepsOfAllKindsOfBatchesGiveTheCpusBytes() {
        MixOptions options = MixOptions.paper();
        try (AttentiveCutMix mixer = mixer(small, options);
                AttentiveCutMix cpu = DeviceUnderTest.bare(Device.cpu(), options).build()) {
            MixedBatch into = new MixedBatch();
            ImageBatch uniform = Compare.uniform(0, 8, 224, 224);
            ImageBatch ragged = Compare.batch(40, RAGGED);
            mixesAsItsRecordSays("uniform", mixer, cpu, uniform, Pairing.shuffled(5, 0, 0), into);
            mixesAsItsRecordSays("ragged", mixer, cpu, ragged, Pairing.shuffled(5, 0, 1), into);
            mixesAsItsRecordSays("short", mixer, cpu, Compare.uniform(0, 3, 224, 224), Pairing.roll(), into);
            mixesAsItsRecordSays("repeated", mixer, cpu, uniform, Pairing.shuffled(5, 0, 0), into);
            mixesAsItsRecordSays("repeated with other partners", mixer, cpu, uniform, Pairing.flip(), into);
            mixesAsItsRecordSays("interleaved", mixer, cpu, ragged, Pairing.permuted(5, 1, 0), into);
            mixesAsItsRecordSays("grown", mixer, cpu, Compare.uniform(0, 20, 224, 224), Pairing.roll(), into);
            mixesAsItsRecordSays("odd rows", mixer, cpu, Compare.uniform(0, 4, 223, 227), Pairing.roll(), into);
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyPrecisionWritesTheBytesItsRecordSays(Precision precision) {
        DeviceUnderTest.require(precision);
        try (AttentiveCutMix mixer = DeviceUnderTest.mixer(small, precision, MixOptions.paper()).build();
                AttentiveCutMix cpu = DeviceUnderTest.bare(Device.cpu(), MixOptions.paper()).build()) {
            mixesAsItsRecordSays(precision.name(), mixer, cpu, Compare.batch(40, RAGGED), Pairing.shuffled(1, 2, 3),
                    new MixedBatch());
        }
    }

    static Stream<MixOptions> choices() {
        MixOptions paper = MixOptions.paper();
        MixOptions beta = paper.withPatches(new Patches.Beta(1, true));
        return Stream.of(beta, beta.withProbability(0.5), beta.withGeometry(Geometry.RESIZED),
                beta.withGeometry(Geometry.RESIZED).withProbability(0.5), paper.withLabelWeight(LabelWeight.NOMINAL),
                MixOptions.openMixup(0.5), paper.withInputSide(256).withPatches(new Patches.Fixed(33)),
                paper.withPatches(new Patches.Fixed(49)));
    }

    @ParameterizedTest
    @MethodSource("choices")
    void everyChoiceWritesTheBytesItsRecordSays(MixOptions options) {
        try (AttentiveCutMix mixer = mixer(small, options);
                AttentiveCutMix cpu = DeviceUnderTest.bare(Device.cpu(), options).build()) {
            mixesAsItsRecordSays(options.toString(), mixer, cpu, Compare.batch(40, RAGGED), Pairing.shuffled(1, 2, 3),
                    new MixedBatch());
        }
    }

    /** The baselines draw everything before a device is asked, so both devices do all of it alike. */
    @ParameterizedTest
    @EnumSource(value = Mode.class, names = "ATTENTIVE", mode = EnumSource.Mode.EXCLUDE)
    void baselinesGiveTheCpusBytes(Mode mode) {
        for (Geometry geometry : Geometry.values()) {
            MixOptions options = MixOptions.paper().withMode(mode).withGeometry(geometry)
                    .withPatches(new Patches.Beta(1, true)).withProbability(0.7);
            ImageBatch images = Compare.batch(40, RAGGED);
            try (AttentiveCutMix mixer = DeviceUnderTest.bare(DeviceUnderTest.DEVICE, options).build();
                    AttentiveCutMix cpu = DeviceUnderTest.bare(Device.cpu(), options).build()) {
                for (int step = 0; step < 3; step++) {
                    Pairing pairing = Pairing.shuffled(9, 0, step);
                    String what = mode + " " + geometry + ", step " + step;
                    MixedBatch expected = cpu.mix(images, labels(images.count()), pairing);
                    MixedBatch actual = mixer.mix(images, labels(images.count()), pairing);
                    Compare.same(what, expected, actual);
                    Compare.sameLabels(what, expected, actual, CLASSES);
                    assertEquals(expected.record(), actual.record(), what);
                }
            }
        }
    }

    static Stream<PixelFormat> formats() {
        return Arrays.stream(ElementType.values())
                .flatMap(type -> Arrays.stream(Layout.values()).map(layout -> new PixelFormat(type, layout)));
    }

    static Stream<PixelFormat> floatingFormats() {
        return formats().filter(format -> format.type() != ElementType.UINT8);
    }

    /**
     * A record made on the CPU, repeated on the device in every form of output, from images of one size and of many.
     */
    @ParameterizedTest
    @MethodSource("formats")
    void everyFormOfOutputIsTheCpus(PixelFormat format) {
        for (ImageBatch images : List.of(Compare.uniform(0, 5, 224, 224), Compare.batch(40, RAGGED))) {
            MixOptions options = MixOptions.paper();
            Labels labels = labels(images.count());
            try (AttentiveCutMix reference = DeviceUnderTest.reference(small, options).output(format).build();
                    AttentiveCutMix bare =
                            DeviceUnderTest.bare(DeviceUnderTest.DEVICE, options).output(format).build()) {
                MixedBatch expected = reference.mix(images, labels, Pairing.shuffled(3, 0, 0));
                Compare.same(format + ", " + images.count(), expected, bare.replay(images, labels, expected.record()));
            }
        }
    }

    /**
     * Tensors as input: mixed to the CPU's bytes from its record, and in FP32 attended to as the uint8 images they
     * hold.
     */
    @ParameterizedTest
    @MethodSource("floatingFormats")
    void everyFormOfInputIsMixedAsOnTheCpu(PixelFormat format) {
        int n = 4;
        int area = 224 * 224;
        ImageBatch images = Compare.uniform(0, n, 224, 224);
        ByteBuffer values =
                ByteBuffer.allocateDirect(n * area * 3 * format.type().bytes()).order(ByteOrder.nativeOrder());
        for (int i = 0; i < n; i++) {
            ByteBuffer pixels = images.pixels(i);
            for (int e = 0; e < 3 * area; e++) {
                float v = (pixels.get(e) & 255) / 255f;
                int at = i * 3 * area + (format.layout() == Layout.NHWC ? e : e % 3 * area + e / 3);
                switch (format.type()) {
                    case FLOAT16 -> values.putShort(2 * at, HalfFloats.toFloat16(v));
                    case BFLOAT16 -> values.putShort(2 * at, HalfFloats.toBfloat16(v));
                    default -> values.putFloat(4 * at, v);
                }
            }
        }
        ImageBatch tensors = ImageBatch.wrap(values, format.type(), format.layout(), n, 224, 224);
        try (AttentiveCutMix reference = DeviceUnderTest.reference(small, MixOptions.paper()).output(format).build();
                AttentiveCutMix mixer = supported(() -> DeviceUnderTest.mixer(small, Precision.FP32, MixOptions.paper())
                        .output(format).build())) {
            Compare.sameCells(format.toString(), reference.attend(tensors), mixer.attend(tensors), K);
            MixedBatch expected = reference.mix(tensors, labels(n), Pairing.roll());
            Compare.same(format.toString(), expected, mixer.replay(tensors, labels(n), expected.record()));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void masksAreMixedByTheSameCells(int elementBytes) {
        for (Geometry geometry : Geometry.values()) {
            ImageBatch images = new ImageBatch();
            for (int i = 0; i < 5; i++) {
                int h = 60 + 41 * i;
                int w = 250 - 17 * i;
                images.add(Compare.batch(i, h, w).pixels(0), h, w);
                ByteBuffer mask = ByteBuffer.allocateDirect(h * w * elementBytes).order(ByteOrder.nativeOrder());
                for (int b = 0; b < mask.capacity(); b++) {
                    mask.put(b, (byte) (b * 31 + i * 7 + b / 97));
                }
                images.mask(mask, elementBytes);
            }
            MixOptions options = MixOptions.paper().withGeometry(geometry);
            try (AttentiveCutMix reference = DeviceUnderTest.reference(small, options).build();
                    AttentiveCutMix bare = DeviceUnderTest.bare(DeviceUnderTest.DEVICE, options).build()) {
                MixedBatch expected = reference.mix(images, labels(5), Pairing.roll());
                assertEquals(elementBytes, expected.maskBytes());
                Compare.same(geometry + ", masks of " + elementBytes, expected,
                        bare.replay(images, labels(5), expected.record()));
            }
        }
    }

    @Test
    void labelsThatAreRowsAreMixedAlike() {
        int n = 6;
        float[] rows = new float[n * 10];
        for (int i = 0; i < n; i++) {
            rows[10 * i + i] = 0.75f;
            rows[10 * i + 9] = 0.25f;
        }
        Labels soft = Labels.rows(10, rows);
        ImageBatch images = Compare.uniform(0, n, 224, 224);
        try (AttentiveCutMix reference = DeviceUnderTest.reference(small, MixOptions.paper()).build();
                AttentiveCutMix bare = DeviceUnderTest.bare(DeviceUnderTest.DEVICE, MixOptions.paper()).build()) {
            MixedBatch expected = reference.mix(images, soft, Pairing.roll());
            MixedBatch actual = bare.replay(images, soft, expected.record());
            assertEquals(-1, expected.softLabels(10).mismatch(actual.softLabels(10)), "label rows");
        }
    }

    // ---- mixers beside and after each other

    @Test
    void twoMixersOnTwoThreadsDoNotDisturbEachOther() {
        ImageBatch images = Compare.uniform(0, 8, 224, 224);
        try (AttentiveCutMix first = mixer(small, MixOptions.paper());
                AttentiveCutMix second = mixer(small, MixOptions.paper())) {
            MixedBatch expected = first.mix(images, labels(8), Pairing.roll());
            List<CompletableFuture<Void>> running = Stream.of(first, second).map(m -> CompletableFuture.runAsync(() -> {
                MixedBatch into = new MixedBatch();
                for (int step = 0; step < 5; step++) {
                    Compare.same("beside another", expected, m.mix(images, labels(8), Pairing.roll(), into));
                }
            })).toList();
            running.forEach(CompletableFuture::join);
        }
    }

    @Test
    void mixersOpenedOneAfterTheOtherGiveTheSame() {
        ImageBatch images = Compare.uniform(0, 4, 224, 224);
        List<MixedBatch> results = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            try (AttentiveCutMix mixer = mixer(small, MixOptions.paper().withNormalisation(Normalisation.NONE))) {
                results.add(mixer.mix(images, labels(4), Pairing.roll()));
            }
        }
        Compare.same("opened again", results.get(0), results.get(1));
        Compare.same("opened again", results.get(0), results.get(2));
    }
}
