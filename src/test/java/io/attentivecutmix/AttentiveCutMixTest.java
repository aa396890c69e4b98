package io.attentivecutmix;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.engine.DeviceUnavailableException;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.method.CellGrid;
import io.attentivecutmix.method.Geometry;
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
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The whole path through the public API on the CPU device, with a small network. */
class AttentiveCutMixTest {
    private static final int SIDE = 64;
    private static final MixOptions OPTIONS =
            MixOptions.paper().withPatches(new Patches.Fixed(2)).withInputSide(SIDE);
    private static Weights weights;
    private static AttentiveCutMix mixer;

    @BeforeAll
    static void build() {
        weights = Weights.synthetic(18, 0);
        mixer = builder().build();
    }

    @AfterAll
    static void close() {
        mixer.close();
    }

    private static AttentiveCutMix.Builder builder() {
        return AttentiveCutMix.builder().weights(weights).device(Device.cpu()).precision(Precision.FP32).options(
                OPTIONS) .threads(2).keepHeatMaps(true);
    }

    private static ImageBatch batch(long seed, int... sizes) {
        Random random = new Random(seed);
        ImageBatch batch = new ImageBatch();
        for (int i = 0; i < sizes.length; i += 2) {
            ByteBuffer view = batch.reserve(sizes[i], sizes[i + 1]);
            for (int b = 0; b < view.capacity(); b++) {
                view.put(b, (byte) (random.nextInt(64) + 64 * (i / 2 % 4)));
            }
        }
        return batch;
    }

    private static byte[] bytes(ByteBuffer view) {
        byte[] out = new byte[view.capacity()];
        view.get(0, out);
        return out;
    }

    @Test
    void pixelsComeFromTheSourceInsideItsHotCellsAndFromTheBackgroundElsewhere() {
        ImageBatch images = batch(1, 50, 70, 50, 70, 50, 70);
        MixedBatch mixed = mixer.mix(images, Labels.of(3, 1, 2), Pairing.explicit(1, 2, 0));
        Attention attention = mixer.attend(images);
        for (int i = 0; i < 3; i++) {
            assertArrayEquals(attention.cells(i), mixed.cells(i));
            assertArrayEquals(attention.heat(i), mixed.heat(i));
            int taken = 0;
            for (int y = 0; y < 50; y++) {
                for (int x = 0; x < 70; x++) {
                    int cell = CellGrid.cellOf(y, 50, 2) * 2 + CellGrid.cellOf(x, 70, 2);
                    boolean source = Arrays.binarySearch(mixed.cells(i), cell) >= 0;
                    taken += source ? 1 : 0;
                    ByteBuffer from = images.pixels(source ? i : mixed.partner(i));
                    for (int c = 0; c < 3; c++) {
                        int at = (y * 70 + x) * 3 + c;
                        assertEquals(from.get(at), mixed.pixels(i).get(at), "image " + i + " at " + y + ", " + x);
                    }
                }
            }
            assertEquals((float) (taken / 3500.0), mixed.sourceWeight(i));
        }
        assertEquals(3, mixed.sourceLabel(0));
        assertEquals(1, mixed.backgroundLabel(0));
        assertEquals(3 * 50 * 70 * 3, mixed.pixels().capacity());
    }

    @Test
    void hotCellsAreTheTopOfTheHeatMap() {
        Attention attention = mixer.attend(batch(2, 64, 64, 100, 80), Labels.of(0, 0), 3);
        for (int i = 0; i < 2; i++) {
            float[] heat = attention.heat(i);
            int coldest = 0;
            for (int c = 1; c < 4; c++) {
                coldest = heat[c] < heat[coldest] ? c : coldest;
            }
            assertEquals(3, attention.cells(i).length);
            assertFalse(Arrays.stream(attention.cells(i)).boxed().toList().contains(coldest));
            assertTrue(heat[coldest] > 0, "a mean of ReLU outputs is positive");
        }
    }

    @Test
    void heatIsTheMeanOfTheFeatures() {
        ImageBatch images = batch(17, 64, 64, 40, 90);
        float[] features = mixer.features(images);
        assertEquals(2 * 4 * 512, features.length);
        Attention attention = mixer.attend(images);
        for (int cell = 0; cell < 8; cell++) {
            double sum = 0;
            for (int c = 0; c < 512; c++) {
                sum += features[cell * 512 + c];
            }
            // float rounding of a mean of 512 values
            assertEquals(sum / 512, attention.heat(cell / 4)[cell % 4], 1e-6 * sum / 512);
        }
    }

    @Test
    void batchSplitAndThreadCountChangeNothing() {
        int[] sizes = {64, 64, 30, 90, 64, 40, 90, 30, 77, 64, 64, 61, 128, 64};
        ImageBatch images = batch(3, sizes);
        Labels labels = Labels.of(0, 1, 2, 3, 4, 5, 6);
        Pairing pairing = Pairing.shuffled(5, 1, 9);
        MixedBatch whole = mixer.mix(images, labels, pairing);
        try (AttentiveCutMix single = builder().threads(1).build()) {
            MixedBatch again = single.mix(images, labels, pairing);
            for (int i = 0; i < 7; i++) {
                assertArrayEquals(whole.heat(i), again.heat(i), "image " + i);
                assertArrayEquals(bytes(whole.pixels(i)), bytes(again.pixels(i)), "image " + i);
            }
            for (int i = 0; i < 7; i++) {
                Attention alone = single.attend(new ImageBatch().add(bytes(images.pixels(i)), sizes[2 * i],
                        sizes[2 * i + 1]));
                assertArrayEquals(whole.heat(i), alone.heat(0), "image " + i + " on its own");
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Geometry.class)
    void replayGivesTheSamePixelsWithoutAnExtractor(Geometry geometry) {
        MixOptions options = OPTIONS.withGeometry(geometry).withPatches(new Patches.Beta(1, true)).withProbability(0.6);
        ImageBatch images = batch(4, 40, 50, 64, 64, 33, 80, 64, 30);
        Labels labels = Labels.of(4, 5, 6, 7);
        Pairing pairing = Pairing.permuted(8, 0, 3).firstSample(40);
        try (AttentiveCutMix full = builder().options(options).build();
                AttentiveCutMix bare = AttentiveCutMix.builder().device(Device.cpu()).options(options).build()) {
            MixedBatch first = full.mix(images, labels, pairing);
            MixRecord record = MixRecord.fromJson(first.record().toJson());
            MixedBatch again = bare.replay(images, labels, record);
            for (int i = 0; i < 4; i++) {
                assertArrayEquals(bytes(first.pixels(i)), bytes(again.pixels(i)), "image " + i);
                assertEquals(first.sourceWeight(i), again.sourceWeight(i));
                assertEquals(first.backgroundLabel(i), again.backgroundLabel(i));
                assertEquals(first.mixed(i) && geometry == Geometry.NATIVE ? images.height(first.partner(i))
                        : images.height(i), first.height(i));
            }
            assertEquals(record, again.record());
            assertThrows(IllegalStateException.class, () -> bare.mix(images, labels, pairing));
            assertThrows(IllegalStateException.class, () -> bare.attend(images, labels, 1));
            assertThrows(IllegalArgumentException.class, () -> bare.replay(batch(4, 40, 50), record));
        }
    }

    /** A record says which cells: neither weights nor labels are needed, whatever found them. */
    @Test
    void replayOfAClassMapNeedsNoClassifier() {
        MixOptions options = OPTIONS.withReduction(Reduction.CLASS);
        ImageBatch images = batch(20, 64, 64, 64, 64);
        try (AttentiveCutMix full = builder().options(options).build();
                AttentiveCutMix bare = AttentiveCutMix.builder().device(Device.cpu()).options(options).build()) {
            MixedBatch first = full.mix(images, Labels.of(3, 4), Pairing.roll());
            MixRecord record = first.record();
            assertArrayEquals(bytes(first.pixels(1)), bytes(bare.replay(images, Labels.of(3, 4), record).pixels(1)));
            assertArrayEquals(bytes(first.pixels(1)), bytes(bare.replay(images, record).pixels(1)));
            assertThrows(IllegalArgumentException.class, () -> bare.replay(images, Labels.of(3), record));
        }
    }

    @ParameterizedTest
    @EnumSource(value = Mode.class, names = "ATTENTIVE", mode = EnumSource.Mode.EXCLUDE)
    void baselinesNeedNoWeights(Mode mode) {
        MixOptions options = OPTIONS.withMode(mode);
        ImageBatch images = batch(5, 64, 64, 64, 64, 64, 64);
        try (AttentiveCutMix bare = AttentiveCutMix.builder().device(Device.cpu()).options(options).build()) {
            MixedBatch mixed = bare.mix(images, Pairing.roll().at(1, 2, 3));
            for (int i = 0; i < 3; i++) {
                ByteBuffer mask = ByteBuffer.allocate(64 * 64);
                mixed.sourceMask(i, mask);
                int taken = 0;
                for (int p = 0; p < 64 * 64; p++) {
                    taken += mask.get(p);
                    ByteBuffer from = images.pixels(mask.get(p) == 1 ? i : mixed.partner(i));
                    assertEquals(from.get(3 * p), mixed.pixels(i).get(3 * p));
                }
                assertEquals(taken / 4096f, mixed.sourceWeight(i));
                int image = i;
                assertThrows(IllegalStateException.class, () -> mixed.sourceLabel(image));
            }
            assertThrows(IllegalStateException.class, () -> mixed.softLabels(10));
            assertThrows(IllegalStateException.class, () -> mixed.heat(0));
        }
    }

    @Test
    void softLabelsSumToOneAndFollowTheWeights() {
        MixedBatch mixed = mixer.mix(batch(6, 64, 64, 64, 64, 64, 64), Labels.of(0, 2, 2), Pairing.explicit(1, 2, 0));
        FloatBuffer rows = mixed.softLabels(3);
        float w = mixed.sourceWeight(0);
        assertArrayEquals(new float[] {w, 0, 1 - w}, new float[] {rows.get(0), rows.get(1), rows.get(2)});
        assertEquals(1f, rows.get(5), "two images of one class");
        FloatBuffer smooth = mixed.softLabels(3, 0.3f);
        for (int i = 0; i < 3; i++) {
            // three float terms of at most 1: a sum off by more than 3 half ulps of 1 is a fault
            assertEquals(1, smooth.get(3 * i) + smooth.get(3 * i + 1) + smooth.get(3 * i + 2), 2e-7);
        }
        assertEquals(0.1f, smooth.get(1), 1e-7f);
        assertThrows(IllegalArgumentException.class, () -> mixed.softLabels(2));
    }

    @Test
    void floatingOutputIsTheUint8ResultNormalised() {
        ImageBatch images = batch(7, 64, 64, 64, 64);
        Pairing pairing = Pairing.roll();
        MixedBatch plain = mixer.mix(images, Labels.of(0, 1), pairing);
        try (AttentiveCutMix tensors = builder().output(new PixelFormat(ElementType.FLOAT32, Layout.NCHW)).build()) {
            MixedBatch mixed = tensors.mix(images, Labels.of(0, 1), pairing);
            FloatBuffer values = mixed.pixels().asFloatBuffer();
            assertEquals(2 * 3 * 4096, values.capacity());
            for (int i = 0; i < 2; i++) {
                for (int c = 0; c < 3; c++) {
                    for (int p = 0; p < 4096; p++) {
                        float v = (plain.pixels(i).get(3 * p + c) & 255) / 255f;
                        float wanted = (v - Normalisation.IMAGENET.mean().get(c)) / Normalisation.IMAGENET.std().get(c);
                        assertEquals(wanted, values.get((i * 3 + c) * 4096 + p));
                    }
                }
            }
        }
    }

    @Test
    void floatingInputOfTheSameValuesSelectsTheSameCells() {
        ImageBatch bytes = batch(8, 64, 64, 64, 64);
        ByteBuffer floats = ByteBuffer.allocateDirect(2 * 3 * 4096 * 4).order(ByteOrder.nativeOrder());
        for (int i = 0; i < 2; i++) {
            for (int p = 0; p < 4096; p++) {
                for (int c = 0; c < 3; c++) {
                    floats.putFloat(4 * ((i * 3 + c) * 4096 + p), (bytes.pixels(i).get(3 * p + c) & 255) / 255f);
                }
            }
        }
        ImageBatch tensors = ImageBatch.wrap(floats, ElementType.FLOAT32, Layout.NCHW, 2, 64, 64);
        Attention a = mixer.attend(bytes);
        Attention b = mixer.attend(tensors);
        for (int i = 0; i < 2; i++) {
            assertArrayEquals(a.heat(i), b.heat(i));
        }
        assertThrows(IllegalArgumentException.class, () -> mixer.mix(tensors, Labels.of(0, 1), Pairing.roll()),
                "uint8 output from a floating batch");
    }

    @Test
    void masksAreMixedByTheSameCells() {
        ImageBatch images = new ImageBatch();
        for (int i = 0; i < 2; i++) {
            ByteBuffer mask = ByteBuffer.allocate(4096);
            for (int p = 0; p < 4096; p++) {
                mask.put(p, (byte) (i + 1));
            }
            images.add(bytes(batch(9 + i, 64, 64).pixels(0)), 64, 64).mask(mask, 1);
        }
        MixedBatch mixed = mixer.mix(images, Labels.of(0, 1), Pairing.roll());
        ByteBuffer source = ByteBuffer.allocate(4096);
        for (int i = 0; i < 2; i++) {
            mixed.sourceMask(i, source);
            for (int p = 0; p < 4096; p++) {
                assertEquals(source.get(p) == 1 ? i + 1 : 2 - i, mixed.mask(i).get(p));
            }
        }
    }

    @Test
    void classReductionFollowsTheLabel() {
        try (AttentiveCutMix byClass = builder().options(OPTIONS.withReduction(Reduction.CLASS)).build()) {
            ImageBatch images = batch(10, 64, 64);
            assertNotEquals(Arrays.toString(byClass.attend(images, Labels.of(1)).heat(0)),
                    Arrays.toString(byClass.attend(images, Labels.of(2)).heat(0)));
            assertThrows(IllegalArgumentException.class, () -> byClass.attend(images));
            assertThrows(IllegalArgumentException.class, () -> byClass.attend(images, Labels.of(1000)));
        }
    }

    @Test
    void aReusedTargetAllocatesHardlyAnything() {
        int n = 16;
        int[] sizes = new int[2 * n];
        Arrays.fill(sizes, 64);
        ImageBatch images = batch(11, sizes);
        Labels labels = Labels.of(new int[n]);
        Pairing pairing = Pairing.shuffled(1, 0, 0);
        MixedBatch into = new MixedBatch();
        try (AttentiveCutMix steady = builder().keepHeatMaps(false).build()) {
            for (int i = 0; i < 20; i++) {
                assertSame(into, steady.mix(images, labels, pairing, into));
            }
            com.sun.management.ThreadMXBean threads =
                    (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
            long before = total(threads);
            for (int i = 0; i < 50; i++) {
                steady.mix(images, labels, pairing, into);
            }
            long perImage = (total(threads) - before) / (50 * n);
            assertTrue(perImage < 1024, perImage + " bytes of heap per image");
        }
    }

    private static long total(com.sun.management.ThreadMXBean threads) {
        long sum = 0;
        for (long id : threads.getAllThreadIds()) {
            sum += Math.max(0, threads.getThreadAllocatedBytes(id));
        }
        return sum;
    }

    @Test
    void refusalsComeBeforeAnythingIsWritten() {
        MixedBatch into = mixer.mix(batch(12, 64, 64, 64, 64), Labels.of(1, 2), Pairing.roll());
        byte[] kept = bytes(into.pixels(0));
        ImageBatch one = batch(13, 64, 64);
        ImageBatch thin = batch(14, 1, 64, 64, 64);
        assertThrows(IllegalArgumentException.class, () -> mixer.mix(thin, Labels.of(1, 2), Pairing.roll(), into));
        assertThrows(IllegalArgumentException.class, () -> mixer.mix(one, Labels.of(1, 2), Pairing.roll(), into));
        assertThrows(IllegalArgumentException.class, () ->
                mixer.mix(new ImageBatch(), Labels.of(), Pairing.roll(), into));
        assertEquals(2, into.count());
        assertArrayEquals(kept, bytes(into.pixels(0)));
        IllegalArgumentException alone = assertThrows(IllegalArgumentException.class,
                () -> mixer.mix(one, Labels.of(1), Pairing.shuffled(0, 0, 0), into));
        assertTrue(alone.getMessage().contains("1"), alone.getMessage());
        assertThrows(IllegalArgumentException.class, () -> mixer.attend(one, Labels.of(1), 5));
        assertThrows(IllegalArgumentException.class, () -> builder().threads(0));
        assertThrows(IllegalArgumentException.class, () -> builder().threads(1025));
        assertThrows(IllegalArgumentException.class, () -> builder().precision(Precision.TF32).build());
        assertThrows(DeviceUnavailableException.class, () -> builder().device(Device.cuda(99)).build());
    }

    /** Known mistake 16, where the caller builds it himself: the result's own memory as the next input. */
    @Test
    void anInPlaceCallIsRefused() {
        MixedBatch mixed = mixer.mix(batch(18, 64, 64, 64, 64), Labels.of(1, 2), Pairing.roll());
        ImageBatch same = ImageBatch.wrap(mixed.pixels(), ElementType.UINT8, Layout.NHWC, 2, 64, 64);
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class,
                () -> mixer.mix(same, Labels.of(1, 2), Pairing.roll(), mixed));
        assertTrue(e.getMessage().contains("memory of into"), e.getMessage());
        assertEquals(2, mixer.mix(same, Labels.of(1, 2), Pairing.roll()).count(), "another target is fine");
        mixer.mix(batch(18, 64, 64, 64, 64), Labels.of(1, 2), Pairing.roll(), mixed);
        ByteBuffer part = mixed.pixels().slice(100, 64 * 64 * 3);
        ImageBatch inside = ImageBatch.wrap(part, ElementType.UINT8, Layout.NHWC, 1, 64, 64);
        assertThrows(IllegalArgumentException.class, () -> mixer.mix(inside, Labels.of(1), Pairing.flip(), mixed));
    }

    @Test
    void viewsOfAResultAreTheCallersOwn() {
        MixedBatch mixed = mixer.mix(batch(19, 64, 64, 64, 64), Labels.of(1, 2), Pairing.roll());
        byte first = mixed.pixels(0).get(0);
        mixed.pixels(0).order(ByteOrder.BIG_ENDIAN).limit(5).position(3);
        assertEquals(first, mixed.pixels(0).get());
        mixer.mix(batch(19, 64, 64, 64, 64), Labels.of(1, 2), Pairing.roll(), mixed);
        assertEquals(first, mixed.pixels(0).get(0));
    }

    @Test
    void closeRefusesLaterCallsAndMayBeRepeated() {
        AttentiveCutMix closed = builder().build();
        closed.close();
        closed.close();
        assertThrows(IllegalStateException.class, () -> closed.attend(batch(15, 64, 64)));
        assertThrows(IllegalStateException.class, () -> closed.prepare(4));
    }

    @Test
    void aSecondCallerIsRefusedAndCloseWaits() throws Exception {
        AttentiveCutMix busy = builder().threads(1).build();
        int[] sizes = new int[2000];
        Arrays.fill(sizes, 64);
        ImageBatch images = batch(16, sizes);
        CountDownLatch started = new CountDownLatch(1);
        CompletableFuture<Attention> running = CompletableFuture.supplyAsync(() -> {
            started.countDown();
            return busy.attend(images);
        });
        started.await();
        // the other thread is given time to enter: had it met this one inside, it would be the one that is refused
        Thread.sleep(10);
        boolean refused = false;
        while (!running.isDone() && !refused) {
            try {
                busy.prepare(1);
                Thread.sleep(1);
            } catch (IllegalStateException e) {
                refused = true;
            }
        }
        assertTrue(refused, "1000 images were done before a second call could come");
        busy.close();
        assertEquals(1000, running.get(60, TimeUnit.SECONDS).count());
    }

    @Test
    void aForgottenMixerIsClosedAndCounted() throws Exception {
        long before = AttentiveCutMix.leaked();
        builder().build();
        for (int i = 0; i < 200 && AttentiveCutMix.leaked() == before; i++) {
            System.gc();
            Thread.sleep(20);
        }
        assertEquals(before + 1, AttentiveCutMix.leaked());
    }
}
