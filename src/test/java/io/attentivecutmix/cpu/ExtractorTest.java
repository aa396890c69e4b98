package io.attentivecutmix.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.cpu.NetworkSteps.Stage;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.Tensors;
import java.util.Map;
import java.util.Random;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The network's arithmetic against plain loops in double, from the image to every stage's output. */
class ExtractorTest {
    private static final long SEED = 20;

    @BeforeAll
    static void oneDnnLoads() {
        assertEquals("", CpuDevice.unavailableReason().orElse(""));
        OpenMpThreads.set(1);
    }

    @ParameterizedTest
    @CsvSource({"RESNET18, 64", "RESNET50, 32"})
    void everyStageAgreesWithDoubleLoops(ResNet network, int side) {
        // Float rounding grows with depth: 53 layers of sums of up to 4608 products stay below 1e-6.
        compare(network, side, BatchNorm.RUNNING, 1e-6, 1e-6, 1e-6, 1e-6, 1e-6);
    }

    /**
     * A batch norm over few pixels divides by deviations that are small by chance, so rounding errors grow from layer
     * to layer in any float network. PyTorch 2.15 float32 against its own float64, side 96, random weights: 2e-7,
     * 6e-7, 1.3e-6, 2.1e-6, 3.8e-6 (ResNet-18) and 2e-7, 1.3e-6, 4.1e-6, 2.1e-5, 8.6e-5 (ResNet-50).
     */
    @Test
    void everyStageAgreesWithDoubleLoopsWithStatisticsPerImage() {
        compare(ResNet.RESNET18, 96, BatchNorm.PER_IMAGE, 5e-7, 1.5e-6, 3e-6, 5e-6, 1e-5);
        compare(ResNet.RESNET50, 96, BatchNorm.PER_IMAGE, 5e-7, 3e-6, 1e-5, 5e-5, 2e-4);
    }

    private static void compare(ResNet network, int side, BatchNorm batchNorm, double... tolerances) {
        Tensors tensors = TestNetworks.random(network, SEED);
        float[] image = image(side);
        Map<Stage, double[]> expected =
                new DoubleNetwork(network, tensors, batchNorm == BatchNorm.PER_IMAGE).run(image, side);
        try (OneDnn oneDnn = new OneDnn();
                SharedWeights weights = new SharedWeights(oneDnn, tensors, batchNorm);
                Extractor extractor = new Extractor(oneDnn, weights, network, side, Precision.FP32, batchNorm, null)) {
            extractor.input().put(0, image);
            for (Stage stage : Stage.values()) {
                double error = relativeL2(extractor.stage(stage), expected.get(stage));
                assertTrue(error <= tolerances[stage.ordinal()],
                        network + " " + batchNorm + " " + stage + ", seed " + SEED + ": relative L2 is " + error);
            }
        }
    }

    /** Blocked activations behind three interleaved channels: oneDNN 3.11 has nothing but its reference for that. */
    @Test
    void aReferenceImplementationIsRefusedByName() {
        try (OneDnn oneDnn = new OneDnn(); NativeScope scope = new NativeScope()) {
            dnnl_primitive_desc d = oneDnn.convolution(scope, "conv1",
                    oneDnn.describe(scope, dnnl_f32, dnnl_acdb, 1, 3, 32, 32),
                    oneDnn.describe(scope, dnnl_f32, dnnl_format_tag_any, 64, 3, 7, 7),
                    oneDnn.describe(scope, dnnl_f32, dnnl_a, 64),
                    oneDnn.describe(scope, dnnl_f32, dnnl_aBcd16b, 1, 64, 16, 16), 2, 3,
                    oneDnn.attributes(scope, false, true));
            assertEquals("ref:any", OneDnn.implementation(d));
            ReferenceImplementationException e = assertThrows(ReferenceImplementationException.class,
                    () -> NetworkSteps.requireFast("conv1", "FP32", d));
            assertEquals("conv1", e.layer());
            assertEquals("ref:any", e.implementation());
            assertTrue(e.getMessage().startsWith("layer conv1 in FP32 would run oneDNN's reference implementation"),
                    e.getMessage());
        }
    }

    @Test
    void aFailingCallIsNamedWithItsStatus() {
        try (OneDnn oneDnn = new OneDnn(); NativeScope scope = new NativeScope()) {
            // 3 channels in, but weights for 4.
            OneDnnException e = assertThrows(OneDnnException.class, () -> oneDnn.convolution(scope, "conv1",
                    oneDnn.describe(scope, dnnl_f32, dnnl_acdb, 1, 3, 32, 32),
                    oneDnn.describe(scope, dnnl_f32, dnnl_format_tag_any, 64, 4, 7, 7), null,
                    oneDnn.describe(scope, dnnl_f32, dnnl_acdb, 1, 64, 16, 16), 2, 3,
                    oneDnn.attributes(scope, false, true)));
            assertEquals(2, e.status());
            assertTrue(e.getMessage().startsWith(
                    "primitive descriptor of convolution conv1 failed: invalid arguments (status 2)"), e.getMessage());
        }
    }

    @Test
    void bf16StaysWithinItsRounding() {
        Assumptions.assumeTrue(CpuDevice.precisions().contains(Precision.BF16), "no BF16 on this CPU");
        ResNet network = ResNet.RESNET50;
        int side = 64;
        Tensors tensors = TestNetworks.random(network, SEED);
        float[] image = image(side);
        float[] exact = features(network, tensors, side, Precision.FP32, image);
        double[] expected = new double[exact.length];
        for (int i = 0; i < exact.length; i++) {
            expected[i] = exact[i];
        }
        double error = relativeL2(features(network, tensors, side, Precision.BF16, image), expected);
        // 8 bits of mantissa: 2^-9 per rounding; 50 layers of independent roundings come to a few times that.
        assertTrue(error > 1e-4 && error < 3e-2, "seed " + SEED + ": relative L2 is " + error);
    }

    private static float[] features(ResNet network, Tensors tensors, int side, Precision precision, float[] image) {
        try (OneDnn oneDnn = new OneDnn();
                SharedWeights weights = new SharedWeights(oneDnn, tensors, BatchNorm.RUNNING);
                Extractor extractor = new Extractor(oneDnn, weights, network, side, precision, BatchNorm.RUNNING,
                        null)) {
            extractor.input().put(0, image);
            extractor.run();
            float[] features = new float[extractor.featureSize()];
            extractor.output().get(0, features);
            return features;
        }
    }

    private static float[] image(int side) {
        Random random = new Random(SEED);
        float[] image = new float[side * side * 3];
        for (int i = 0; i < image.length; i++) {
            image[i] = (float) (Math.sin(i / 37.0) + 0.5 * random.nextGaussian());
        }
        return image;
    }

    static double relativeL2(float[] actual, double[] expected) {
        assertEquals(expected.length, actual.length);
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += (actual[i] - expected[i]) * (actual[i] - expected[i]);
            norm += expected[i] * expected[i];
        }
        return Math.sqrt(difference / norm);
    }
}
