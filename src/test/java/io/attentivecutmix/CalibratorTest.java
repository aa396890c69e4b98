package io.attentivecutmix;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Pairing;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.quantisation.Agreement;
import io.attentivecutmix.quantisation.Calibration;
import io.attentivecutmix.quantisation.RangeChoice;
import io.attentivecutmix.weights.Weights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** INT8 through the public API: calibrate, mix, measure. */
class CalibratorTest {
    private static final long SEED = 14;
    private static final Weights WEIGHTS = Weights.synthetic(18, SEED);
    /** 9 of 36 cells. */
    private static final MixOptions OPTIONS =
            MixOptions.paper().withInputSide(192).withPatches(new Patches.Fixed(9));

    @BeforeEach
    void int8IsThere() {
        Assumptions.assumeTrue(Device.cpu().precisions().contains(Precision.INT8), "this CPU has no VNNI");
    }

    private static ImageBatch images(long seed, int count) {
        ImageBatch batch = new ImageBatch();
        for (int i = 0; i < count; i++) {
            SplittableRandom random = new SplittableRandom(seed * 1000 + i);
            double[] wave = random.doubles(18, -15, 15).toArray();
            ByteBuffer pixels = ByteBuffer.allocateDirect(3 * 200 * 180);
            for (int y = 0; y < 200; y++) {
                for (int x = 0; x < 180; x++) {
                    for (int c = 0; c < 3; c++) {
                        double value = 128 + 60 * Math.sin(wave[6 * c] * y / 200 + wave[6 * c + 1] * x / 180)
                                + 60 * Math.sin(wave[6 * c + 2] * y / 200 + wave[6 * c + 3] * x / 180);
                        pixels.put((byte) Math.max(0, Math.min(255, value + random.nextInt(16))));
                    }
                }
            }
            batch.add(pixels.flip(), 200, 180);
        }
        return batch;
    }

    private static Calibrator.Builder builder() {
        return Calibrator.builder().weights(WEIGHTS).options(OPTIONS).threads(2);
    }

    private static Calibration calibrate(Calibrator.Builder builder, int... batches) {
        try (Calibrator calibrator = builder.build()) {
            int first = 0;
            for (int n : batches) {
                ImageBatch part = new ImageBatch();
                ImageBatch all = images(1, first + n);
                for (int i = first; i < first + n; i++) {
                    part.add(all.pixels(i), 200, 180);
                }
                calibrator.add(part);
                first += n;
            }
            assertEquals(first, calibrator.count());
            return calibrator.calibrate();
        }
    }

    private static AttentiveCutMix.Builder mixer(Precision precision) {
        return AttentiveCutMix.builder().weights(WEIGHTS).device(Device.cpu()).precision(precision).options(OPTIONS)
                .threads(2);
    }

    /** The calibrator measures what mixers do, and with these weights 8.6 of 9 cells and more are the same. */
    @Test
    void aCalibratedMixerFindsTheSameCells() {
        Calibration calibration = calibrate(builder().target(0), 16);
        ImageBatch others = images(2, 24);
        List<int[]> exact = new ArrayList<>();
        double shared = 0;
        int least = 9;
        try (AttentiveCutMix fp32 = mixer(Precision.FP32).build();
                AttentiveCutMix int8 = mixer(Precision.INT8).calibration(calibration).build()) {
            assertEquals(Precision.INT8, int8.precision());
            assertTrue(int8.description().contains("INT8"), int8.description());
            Attention expected = fp32.attend(others);
            Attention actual = int8.attend(others);
            for (int i = 0; i < others.count(); i++) {
                int same = 0;
                for (int cell : actual.cells(i)) {
                    for (int e : expected.cells(i)) {
                        same += cell == e ? 1 : 0;
                    }
                }
                shared += same;
                least = Math.min(least, same);
            }
        }
        assertTrue(shared / others.count() >= 8.6, "seed " + SEED + ": mean overlap is " + shared / others.count());
        try (Calibrator calibrator = builder().build();
                Calibrator.Comparison comparison = calibrator.compare(calibration)) {
            comparison.add(others);
            Agreement mean = comparison.agreements().get(0);
            assertEquals(Reduction.MEAN, mean.reduction());
            assertEquals(shared / others.count(), mean.meanOverlap(), 1e-12);
            assertEquals(least, mean.leastOverlap());
            assertEquals(List.of(Reduction.MEAN, Reduction.LAST, Reduction.MAX, Reduction.L2, Reduction.CLASS),
                    comparison.agreements().stream().map(Agreement::reduction).toList());
        }
    }

    /** Neither threads nor batches change a bit, of the calibration or of what is found with it. */
    @Test
    void theSameImagesGiveTheSameCalibration() {
        Calibration one = calibrate(builder().threads(1).target(8.5), 10);
        Calibration other = calibrate(builder().threads(3).target(8.5), 3, 7);
        assertEquals(one.toJson(), other.toJson());
        assertEquals(17, one.means().size(), "of every tensor that a convolution reads");
        ImageBatch batch = images(3, 5);
        try (AttentiveCutMix a = mixer(Precision.INT8).calibration(one).threads(1).build();
                AttentiveCutMix b = mixer(Precision.INT8).calibration(Calibration.fromJson(one.toJson())).threads(3)
                        .build()) {
            float[] all = a.features(batch);
            assertArrayEquals(all, b.features(batch));
            ImageBatch last = new ImageBatch();
            last.add(batch.pixels(4), 200, 180);
            float[] alone = b.features(last);
            for (int i = 0; i < alone.length; i++) {
                assertEquals(all[4 * alone.length + i], alone[i]);
            }
            assertArrayEquals(a.mix(batch, Pairing.roll()).cells(2), b.mix(batch, Pairing.roll()).cells(2));
        }
    }

    @Test
    void aHighTargetKeepsSomethingInFloat() {
        Calibration fast = calibrate(builder().target(0), 12);
        assertEquals(0, fast.floating().size());
        Calibration exact = calibrate(builder().target(9), 12);
        // either all nine are the same now, or nothing in float can do that and the fastest is left
        assertTrue(exact.agreements().get(0).meanOverlap() == 9 || exact.floating().isEmpty());
        assertTrue(exact.wide().size() > fast.wide().size() || fast.agreements().get(0).meanOverlap() == 9);
    }

    @Test
    void everyRangeChoiceGivesLimitsOfItsOwn() {
        float least = calibrate(builder().target(0).ranges(new RangeChoice.Percentile(0.9)), 4).limits().get("conv1");
        float most = calibrate(builder().target(0).ranges(new RangeChoice.Maximum()), 4).limits().get("conv1");
        assertTrue(least < 0.7 * most, least + " and " + most);
    }

    @Test
    void whatDoesNotFitIsRefused() {
        Calibration calibration = calibrate(builder().target(0), 2);
        refused("precision is INT8 without a calibration; allowed: with one, see Calibrator",
                () -> mixer(Precision.INT8).build());
        refused("calibration is given with precision FP32; allowed: INT8",
                () -> mixer(Precision.FP32).calibration(calibration).build());
        refused("calibration is given with precision not named; allowed: INT8",
                () -> AttentiveCutMix.builder().weights(WEIGHTS).device(Device.cpu()).options(OPTIONS)
                        .calibration(calibration).build());
        assertThrows(IllegalArgumentException.class, () -> mixer(Precision.INT8).calibration(calibration)
                .options(OPTIONS.withInputSide(224)).build());
        assertThrows(IllegalArgumentException.class, () -> AttentiveCutMix.builder()
                .weights(Weights.synthetic(18, SEED + 1)).device(Device.cpu()).options(OPTIONS)
                .precision(Precision.INT8).calibration(calibration).build());
        refused("batchNorm is PER_IMAGE; allowed with INT8: RUNNING",
                () -> builder().options(OPTIONS.withBatchNorm(BatchNorm.PER_IMAGE)).build());
        try (Calibrator calibrator = builder().build()) {
            assertEquals("no image was added; calibrate needs some that are like those to be mixed",
                    assertThrows(IllegalStateException.class, calibrator::calibrate).getMessage());
            ByteBuffer pixels = ByteBuffer.allocateDirect(2 * 4 * 3 * 192 * 192).order(ByteOrder.nativeOrder());
            pixels.putFloat(4 * (3 * 192 * 192 + 5), Float.NaN);
            ImageBatch spoiled = ImageBatch.wrap(pixels, ElementType.FLOAT32, Layout.NHWC, 2, 192, 192);
            refused("image 1 holds a value that is not finite", () -> calibrator.add(spoiled));
            assertEquals(0, calibrator.count());
        }
        refused("target is 9.5; allowed: 0 to 9 (k)", () -> builder().target(9.5).build());
        Calibrator closed = builder().build();
        closed.close();
        closed.close();
        assertThrows(IllegalStateException.class, () -> closed.add(images(1, 1)));
    }

    @Test
    void aComparisonIsClosedBeforeTheNext() {
        Calibration one = calibrate(builder().target(0), 2);
        Calibration other = calibrate(builder().target(0), 4);
        Calibrator calibrator = builder().build();
        Calibrator.Comparison first = calibrator.compare(one);
        first.add(images(2, 1));
        String open = "a comparison is open; allowed: one at a time, so close it first";
        assertEquals(open,
                assertThrows(IllegalStateException.class, () -> calibrator.compare(other)).getMessage());
        calibrator.add(images(3, 1));
        assertEquals(open, assertThrows(IllegalStateException.class, calibrator::calibrate).getMessage());
        first.close();
        first.close();
        assertEquals("add was called on a closed comparison",
                assertThrows(IllegalStateException.class, () -> first.add(images(2, 1))).getMessage());
        Calibrator.Comparison second = calibrator.compare(other);
        second.add(images(2, 3));
        calibrator.close();
        assertEquals(3, second.agreements().get(0).images());
        assertThrows(IllegalStateException.class, () -> second.add(images(2, 1)));
        second.close();
    }

    /** What was built keeps the choices it was built with. */
    @Test
    void aBuilderMayBeUsedAgain() {
        Calibrator.Builder builder = builder().target(0);
        try (Calibrator first = builder.build()) {
            builder.weights(Weights.synthetic(18, SEED + 1)).target(9);
            first.add(images(1, 2));
            assertEquals(WEIGHTS.sha256(), first.calibrate().weightsSha256());
        }
    }

    /** Two mixers that differ in nothing but the calibration are told apart. */
    @Test
    void theFingerprintNamesTheCalibration() {
        Calibration one = calibrate(builder().target(0), 2);
        Calibration other = calibrate(builder().target(0), 4);
        try (AttentiveCutMix a = mixer(Precision.INT8).calibration(one).build();
                AttentiveCutMix b = mixer(Precision.INT8).calibration(other).build();
                AttentiveCutMix c = mixer(Precision.FP32).build()) {
            assertEquals(one.sha256(), a.fingerprint().calibration().orElseThrow());
            assertEquals(other.sha256(), b.fingerprint().calibration().orElseThrow());
            assertTrue(c.fingerprint().calibration().isEmpty());
            assertTrue(a.fingerprint().toJson().contains("\"calibration\":\"" + one.sha256() + "\""));
        }
    }

    private static void refused(String message, org.junit.jupiter.api.function.Executable call) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, call).getMessage());
    }
}
