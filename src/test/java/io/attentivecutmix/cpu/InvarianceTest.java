package io.attentivecutmix.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.attentivecutmix.engine.Engine;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.engine.Tuning;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.Tensors;
import io.attentivecutmix.quantisation.Calibration;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The bits of an image's features, heat map and cells depend on that image alone. */
class InvarianceTest {
    private static final int N = 9;
    private static final ResNet NETWORK = ResNet.RESNET50;
    private static final MixOptions OPTIONS =
            MixOptions.paper().withPatches(new Patches.Fixed(3)).withInputSide(64);

    @Test
    void threadsBatchSizeAndPlaceChangeNoBit() {
        for (Precision precision : CpuDevice.precisions()) {
            check(OPTIONS, precision);
        }
    }

    @Test
    void statisticsPerImageComeFromThatImageAlone() {
        check(OPTIONS.withBatchNorm(BatchNorm.PER_IMAGE), Precision.FP32);
    }

    private static void check(MixOptions options, Precision precision) {
        TestImages.Image[] images = new TestImages.Image[N];
        for (int i = 0; i < N; i++) {
            // Some need no resize, some shrink, some grow, most are not square.
            images[i] = i % 3 == 0
                    ? TestImages.structured(i, 64, 64)
                    : TestImages.structured(i, 30 + 17 * i, 150 - 9 * i);
        }
        Result alone = new Result(options, N);
        for (int threads = 1; threads <= 3; threads++) {
            try (Engine engine = open(options, precision, threads)) {
                if (threads == 1) {
                    for (int i = 0; i < N; i++) {
                        attend(engine, options, images, new int[] {i}, alone);
                    }
                    for (int i = 1; i < N; i++) {
                        assertFalse(Arrays.equals(alone.of(0), alone.of(i)), "images 0 and " + i + " are alike");
                    }
                }
                for (int n = 1; n <= N; n++) {
                    int[] forwards = new int[n];
                    int[] backwards = new int[n];
                    for (int i = 0; i < n; i++) {
                        forwards[i] = i;
                        backwards[i] = n - 1 - i;
                    }
                    for (int[] order : new int[][] {forwards, backwards}) {
                        Result batch = new Result(options, N);
                        attend(engine, options, images, order, batch);
                        String where = precision + " " + options.batchNorm() + ", " + threads + " threads, batch "
                                + Arrays.toString(order);
                        for (int i = 0; i < n; i++) {
                            // assertArrayEquals would take −0 for 0 and one NaN for another: compare bits.
                            assertArrayEquals(bits(alone.of(i)), bits(batch.of(i)), where + ", image " + i);
                            assertEquals(alone.cells[i], batch.cells[i], where + ", image " + i);
                        }
                    }
                }
            }
        }
    }

    private static final class Result {
        final int size;
        final float[] features;
        final long[] cells = new long[N];

        Result(MixOptions options, int n) {
            size = options.grid() * options.grid() * NETWORK.channels();
            features = new float[n * size];
        }

        float[] of(int i) {
            return Arrays.copyOfRange(features, i * size, (i + 1) * size);
        }
    }

    private static void attend(Engine engine, MixOptions options, TestImages.Image[] images, int[] order,
            Result result) {
        TestImages.Image[] batch = new TestImages.Image[order.length];
        MixPlan plan = new MixPlan(options.grid());
        plan.resize(order.length);
        Arrays.fill(plan.patches, 0, order.length, 3);
        for (int i = 0; i < order.length; i++) {
            batch[i] = images[order[i]];
        }
        float[] features = new float[order.length * result.size];
        engine.attend(TestImages.bytes(batch), plan, null, null, features);
        for (int i = 0; i < order.length; i++) {
            System.arraycopy(features, i * result.size, result.features, order[i] * result.size, result.size);
            result.cells[order[i]] = plan.cells[i];
        }
    }

    private static int[] bits(float[] values) {
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(values[i]);
        }
        return bits;
    }

    private static Engine open(MixOptions options, Precision precision, int threads) {
        Tensors tensors = TestNetworks.random(NETWORK, 3);
        Calibration calibration = precision != Precision.INT8 ? null
                : Int8Test.calibration(NETWORK, tensors, 64, Int8Test.image(64), Map.of(), Set.of(), Set.of("layer4"));
        return CpuDevice.open(new EngineConfig(NETWORK, tensors, null, options, precision, threads, calibration,
                Tuning.DEFAULT));
    }
}
