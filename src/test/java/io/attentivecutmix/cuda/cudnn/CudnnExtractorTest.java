package io.attentivecutmix.cuda.cudnn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.attentivecutmix.cuda.cudnn.FakeCudnn.Engine;
import io.attentivecutmix.cuda.kernels.KernelImages;
import io.attentivecutmix.engine.DeviceUnavailableException;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.engine.OutOfDeviceMemoryException;
import io.attentivecutmix.engine.Tuning;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.Tensors;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The extractor on host memory, with a cuDNN that computes what the descriptors say, against the CPU device: weights'
 * order, strides, paddings, residuals and arenas.
 */
class CudnnExtractorTest {
    private static final Tuning HEURISTICS = new Tuning(false, false, Optional.empty());

    /** Sums are double here and float on the CPU, 53 layers deep; both are within 1e-6 of the exact network. */
    private static final double FLOAT_TOLERANCE = 2e-6;

    @ParameterizedTest
    @CsvSource({"RESNET18, FP32, 2", "RESNET34, TF32, 1", "RESNET50, FP32, 2", "RESNET101, FP32, 1",
        "RESNET152, FP32, 1"})
    void featuresAreTheCpuDevices(ResNet network, Precision precision, int n) {
        Rig rig = new Rig();
        try (CudnnExtractor extractor = rig.open(network, precision, HEURISTICS)) {
            assertEquals(ElementType.FLOAT32, extractor.inputType());
            assertEquals(ElementType.FLOAT32, extractor.featureType());
            rig.computing(false);
            extractor.prepare(n);
            rig.computing(true);
            double error = Rig.relativeL2(rig.run(extractor, network, n), Rig.expected(network, n));
            assertTrue(error < FLOAT_TOLERANCE, network + ", seed " + Rig.SEED + ": relative L2 is " + error);
            assertEquals(2 * network.convolutions().size(), rig.cudnn.executions(),
                    "once in prepare, once in the step");
            assertEquals(rig.stream.address(), rig.cudnn.stream().address());
        }
        assertEquals(0, rig.live());
    }

    @ParameterizedTest
    @CsvSource({"BIAS_FIRST, 0", "UNFUSED, 20"})
    void otherFormsGiveTheSame(Form form, int epilogues) {
        Rig rig = new Rig();
        ResNet network = ResNet.RESNET18;
        rig.cudnn.engines((f, mode) -> f == form ? List.of(Engine.of(3, 1)) : List.of());
        try (CudnnExtractor extractor = rig.open(network, Precision.FP32, HEURISTICS)) {
            extractor.prepare(1);
            double error = Rig.relativeL2(rig.run(extractor, network, 1), Rig.expected(network, 1));
            assertTrue(error < FLOAT_TOLERANCE, form + ", seed " + Rig.SEED + ": relative L2 is " + error);
            assertEquals(2 * epilogues, rig.kernels.epilogues());
        }
    }

    /** What runs is told for each batch size, in an order of its own, and by choices rather than by times. */
    @Test
    void implementationsAreListed() {
        Rig one = new Rig();
        Rig two = new Rig();
        one.computing(false);
        two.computing(false);
        try (CudnnExtractor a = one.open(ResNet.RESNET18, Precision.FP32, HEURISTICS);
                CudnnExtractor b = two.open(ResNet.RESNET18, Precision.FP32, HEURISTICS)) {
            assertEquals(List.of(), a.implementations());
            a.prepare(2);
            a.prepare(1);
            b.prepare(1);
            List<String> small = b.implementations();
            assertEquals("N 1 stem CUDNN", small.get(0));
            assertEquals(small, a.implementations().subList(0, small.size()));
            assertEquals(2 * small.size(), a.implementations().size());
            assertEquals("9.19.0", a.provenance().get("cuDNN"));
        }
    }

    @Test
    void bothKindsOfStemGiveTheSame() {
        assumeStructs();
        ResNet network = ResNet.RESNET18;
        float[] expected = Rig.expected(network, 2);
        for (Precision precision : new Precision[] {Precision.FP16, Precision.BF16}) {
            // 20 roundings of 11 or 8 bits on the way, independent of each other
            double tolerance = precision == Precision.FP16 ? 2e-3 : 1.6e-2;
            for (double stemMillis : new double[] {0.1, 10}) {
                Rig rig = new Rig();
                rig.kernels.stemMillis(stemMillis);
                try (CudnnExtractor extractor = rig.open(network, precision, Tuning.DEFAULT)) {
                    rig.computing(false);
                    extractor.prepare(2);
                    rig.computing(true);
                    int stems = rig.kernels.stems();
                    int pools = rig.kernels.pools();
                    double error = Rig.relativeL2(rig.run(extractor, network, 2), expected);
                    assertTrue(error > 1e-5 && error < tolerance, precision + ", seed " + Rig.SEED
                            + ": relative L2 is " + error);
                    assertEquals(stemMillis < 1 ? 1 : 0, rig.kernels.stems() - stems, "the faster stem runs");
                    assertEquals(stemMillis < 1 ? 0 : 1, rig.kernels.pools() - pools);
                }
                assertEquals(0, rig.live());
            }
        }
    }

    @Test
    void pixelsGoStraightIntoTheStem() {
        assumeStructs();
        ResNet network = ResNet.RESNET18;
        int n = 2;
        int values = n * Rig.SIDE * Rig.SIDE * 3;
        byte[] bytes = new byte[values];
        float[] normalised = new float[values];
        float[] normalisation = {0.485f, 0.456f, 0.406f, 0.229f, 0.224f, 0.225f};
        for (int i = 0; i < values; i++) {
            bytes[i] = (byte) (i * 7919 >> 3);
            normalised[i] = ((bytes[i] & 0xff) / 255f - normalisation[i % 3]) / normalisation[3 + i % 3];
        }
        Rig rig = new Rig();
        try (CudnnExtractor extractor = rig.open(network, Precision.FP16, HEURISTICS);
                BytePointer pixels = new BytePointer(bytes);
                FloatPointer constants = new FloatPointer(normalisation);
                KernelImages images = new KernelImages()) {
            assertTrue(extractor.takesPixels());
            extractor.prepare(n);
            images.pixels(pixels);
            images.offsets(null);
            images.sizes(null);
            images.count(n);
            images.height(Rig.SIDE);
            images.width(Rig.SIDE);
            images.channels(3);
            images.type(ElementType.UINT8.ordinal());
            images.layout(Layout.NHWC.ordinal());
            extractor.enqueuePixels(n, images, constants, rig.stream);
            float[] direct = Rig.features(extractor, network, n);
            assertEquals(3, rig.kernels.pixelBytes());
            Rig.put(extractor, normalised);
            extractor.enqueue(n, rig.stream);
            assertEquals(8, rig.kernels.pixelBytes());
            // the packed input has been rounded to FP16 once more
            assertEquals(0, Rig.relativeL2(direct, Rig.features(extractor, network, n)), 2e-3);
        }
    }

    @Test
    void aStemThatCudnnCannotRunIsOurKernels() {
        assumeStructs();
        Rig rig = new Rig();
        rig.computing(false);
        rig.kernels.stemMillis(10);
        rig.cudnn.refuseKernel(7);
        try (CudnnExtractor extractor = rig.open(ResNet.RESNET18, Precision.FP16, Tuning.DEFAULT)) {
            extractor.prepare(1);
            int executions = rig.cudnn.executions();
            extractor.enqueue(1, rig.stream);
            assertEquals(19, rig.cudnn.executions() - executions, "all convolutions but the stem");
        }
        try (CudnnExtractor extractor = rig.open(ResNet.RESNET18, Precision.FP32, HEURISTICS)) {
            assertThrows(DeviceUnavailableException.class, () -> extractor.prepare(1));
        }
        assertEquals(0, rig.live());
    }

    @Test
    void floatTypesTakeNoPixels() {
        Rig rig = new Rig();
        try (CudnnExtractor extractor = rig.open(ResNet.RESNET18, Precision.FP32, HEURISTICS)) {
            extractor.prepare(1);
            assertEquals(false, extractor.takesPixels());
            assertThrows(IllegalStateException.class, () -> extractor.enqueuePixels(1, null, null, rig.stream));
        }
    }

    @Test
    void batchesOfEarlierSizesStayUsable() {
        Rig rig = new Rig();
        ResNet network = ResNet.RESNET18;
        try (CudnnExtractor extractor = rig.open(network, Precision.FP32, HEURISTICS)) {
            extractor.prepare(1);
            float[] before = rig.run(extractor, network, 1);
            long old = extractor.features().address();
            rig.computing(false);
            extractor.prepare(20);
            rig.computing(true);
            assertNotEquals(old, extractor.features().address(), "a larger batch has other arenas");
            assertArrayEquals(before, rig.run(extractor, network, 1));
            extractor.prepare(2);
            float[] two = rig.run(extractor, network, 2);
            assertArrayEquals(before, Arrays.copyOf(two,
                    before.length), "the first image does not depend on N");
            int made = rig.cudnn.created();
            extractor.prepare(1);
            extractor.prepare(20);
            assertEquals(made, rig.cudnn.created(), "what is prepared is not prepared again");
        }
        assertEquals(0, rig.live());
    }

    @Test
    void aStepAllocatesNothing() {
        Rig rig = new Rig();
        try (CudnnExtractor extractor = rig.open(ResNet.RESNET50, Precision.FP32, HEURISTICS)) {
            rig.computing(false);
            extractor.prepare(1);
            extractor.prepare(200);
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            for (int i = 0; i < 20_000; i++) {
                extractor.enqueue(i % 2 == 0 ? 1 : 200, rig.stream);
            }
            long descriptors = rig.cudnn.created();
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 1000; i++) {
                extractor.enqueue(i % 2 == 0 ? 1 : 200, rig.stream);
            }
            long bytes = threads.getCurrentThreadAllocatedBytes() - before;
            assertTrue(bytes < 1000, "1000 steps allocated " + bytes + " bytes");
            assertEquals(descriptors, rig.cudnn.created());
        }
    }

    @Test
    void whatDoesNotFitLeavesEarlierBatchesUsable() {
        ResNet network = ResNet.RESNET18;
        float[] before = null;
        for (int call = 0; ; call++) {
            Rig rig = new Rig();
            try (CudnnExtractor extractor = rig.open(network, Precision.FP32, HEURISTICS)) {
                extractor.prepare(1);
                before = before == null ? rig.run(extractor, network, 1) : before;
                rig.computing(false);
                rig.runtime.fail(call, () -> new OutOfDeviceMemoryException("2: for the test"));
                boolean failed = false;
                try {
                    extractor.prepare(2);
                } catch (OutOfDeviceMemoryException e) {
                    failed = true;
                }
                rig.runtime.fail(-1, () -> new IllegalStateException("never"));
                if (call % 3 == 0) {
                    rig.computing(true);
                    assertArrayEquals(before, rig.run(extractor, network, 1), "after call " + call);
                } else {
                    extractor.enqueue(1, rig.stream);
                }
                if (!failed) {
                    assertTrue(call > 5, "the loop has met " + call + " calls");
                    return;
                }
                rig.computing(false);
                extractor.prepare(2);
            }
            assertEquals(0, rig.live(), "after call " + call);
        }
    }

    @Test
    void wrongUseIsRefused() {
        Rig rig = new Rig();
        EngineConfig perImage = Rig.config(ResNet.RESNET18, Precision.FP32, HEURISTICS,
                Rig.OPTIONS.withBatchNorm(BatchNorm.PER_IMAGE));
        assertEquals("batchNorm is PER_IMAGE; allowed on CUDA: RUNNING (PER_IMAGE runs on cpu in FP32)",
                assertThrows(IllegalArgumentException.class, () -> rig.open(perImage)).getMessage());
        CudnnExtractor extractor = rig.open(ResNet.RESNET18, Precision.FP32, HEURISTICS);
        assertEquals("batches of 1 images have not been prepared",
                assertThrows(IllegalStateException.class, () -> extractor.enqueue(1, rig.stream)).getMessage());
        assertEquals("n is 0; allowed: 1 or more",
                assertThrows(IllegalArgumentException.class, () -> extractor.prepare(0)).getMessage());
        extractor.prepare(1);
        assertThrows(IllegalStateException.class, () -> extractor.enqueue(2, rig.stream));
        assertThrows(IllegalStateException.class, () -> extractor.enqueue(1000, rig.stream));
        assertEquals("cuDNN 9.19.0, FP32", extractor.description());
        extractor.close();
        extractor.close();
        assertThrows(IllegalStateException.class, () -> extractor.prepare(1));
        assertThrows(IllegalStateException.class, () -> extractor.enqueue(1, rig.stream));
        assertThrows(IllegalStateException.class, extractor::features);
        assertEquals(0, rig.live());
    }

    @Test
    void weightsThatTheTypeCannotHoldAreRefused() {
        EngineConfig plain = Rig.config(ResNet.RESNET18, Precision.FP16, HEURISTICS, Rig.OPTIONS);
        refused(plain, "layer2.0.conv1.weight", 1e6f, "which FLOAT16 cannot hold");
        refused(plain, "layer2.0.bn1.bias", Float.NaN, "allowed: finite values");
    }

    private static void refused(EngineConfig plain, String tensor, float value, String message) {
        Rig rig = new Rig();
        Tensors tensors = name -> {
            float[] values = plain.tensors().tensor(name);
            if (name.equals(tensor)) {
                values[0] = value;
            }
            return values;
        };
        EngineConfig config = new EngineConfig(plain.network(), tensors, null, plain.options(), plain.precision(), 1,
                plain.tuning());
        String said = assertThrows(IllegalArgumentException.class, () -> rig.open(config)).getMessage();
        assertTrue(said.contains(message), said);
        assertTrue(said.contains("layer2.0"), said);
        assertEquals(0, rig.live());
    }

    /** The structs of the kernels' binding live in its library. */
    static void assumeStructs() {
        Assumptions.assumeTrue(CudnnExtractorTest.class.getResource(
                "/io/attentivecutmix/cuda/kernels/linux-x86_64/libattentive_kernels.so") != null,
                "Skipped: the kernels' build for the CPU is not there (no g++ or CMake on this machine)");
    }
}
