package io.attentivecutmix.cuda.cudnn;

import io.attentivecutmix.cpu.CpuDevice;
import io.attentivecutmix.cpu.TestNetworks;
import io.attentivecutmix.cuda.Address;
import io.attentivecutmix.engine.Engine;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.engine.Tuning;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Images;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.Tensors;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.javacpp.Pointer;

/** An extractor on host memory with all that it stands on. */
final class Rig {
    static final int SIDE = 64;
    static final MixOptions OPTIONS = MixOptions.paper().withPatches(new Patches.Fixed(1)).withInputSide(SIDE);
    static final long SEED = 61;

    /** Drawing them takes longer than a small network's run. */
    private static final Map<ResNet, Map<String, float[]>> TENSORS = new ConcurrentHashMap<>();

    final PlainRuntime runtime = new PlainRuntime();
    final FakeCudnn cudnn = new FakeCudnn(runtime);
    final LoopKernels kernels = new LoopKernels(runtime);
    final Pointer stream = new Address(0x5000);

    /** Whether launches do anything. */
    void computing(boolean wanted) {
        cudnn.computing(wanted);
        kernels.computing(wanted);
    }

    CudnnExtractor open(ResNet network, Precision precision, Tuning tuning) {
        return open(config(network, precision, tuning, OPTIONS));
    }

    CudnnExtractor open(EngineConfig config) {
        return new CudnnExtractor(config, PlainRuntime.DEVICE, runtime, kernels, stream, cudnn, "");
    }

    static EngineConfig config(ResNet network, Precision precision, Tuning tuning, MixOptions options) {
        Tensors random = TestNetworks.random(network, SEED);
        Map<String, float[]> known = TENSORS.computeIfAbsent(network, r -> new ConcurrentHashMap<>());
        Tensors tensors = name -> known.computeIfAbsent(name, random::tensor).clone();
        return new EngineConfig(network, tensors, null, options, precision, 1, tuning);
    }

    /** Everything that was made and not given back. */
    int live() {
        return runtime.live() + cudnn.live();
    }

    /** (n, S, S, 3) normalised values that any 16-bit type holds. */
    static float[] images(int n) {
        Random random = new Random(SEED);
        float[] values = new float[n * SIDE * SIDE * 3];
        for (int i = 0; i < values.length; i++) {
            values[i] = Math.round(16 * (Math.sin(i / 37.0) + 0.5 * random.nextGaussian())) / 16f;
        }
        return values;
    }

    /** Writes images to the extractor's packed input. */
    static void put(CudnnExtractor extractor, float[] images) {
        int channels = extractor.inputChannels();
        float[] packed = new float[images.length / 3 * channels];
        for (int i = 0; i < images.length; i++) {
            packed[i / 3 * channels + i % 3] = images[i];
        }
        LoopKernels.write(extractor.input(), extractor.inputType(), packed);
    }

    /** (n, G, G, C) as they lie in the extractor's output. */
    static float[] features(CudnnExtractor extractor, ResNet network, int n) {
        int g = SIDE / ResNet.STRIDE;
        return LoopKernels.read(extractor.features(), extractor.featureType(), n * g * g * network.channels());
    }

    float[] run(CudnnExtractor extractor, ResNet network, int n) {
        put(extractor, images(n));
        extractor.enqueue(n, stream);
        return features(extractor, network, n);
    }

    /** What the CPU device finds for {@link #images} in FP32. */
    static float[] expected(ResNet network, int n) {
        MixOptions options = OPTIONS.withNormalisation(Normalisation.ALREADY_NORMALISED)
                .withBatchNorm(BatchNorm.RUNNING);
        int g = SIDE / ResNet.STRIDE;
        MixPlan plan = new MixPlan(g);
        plan.resize(n);
        Arrays.fill(plan.patches, 0, n, 1);
        float[] features = new float[n * g * g * network.channels()];
        try (Engine engine = CpuDevice.open(config(network, Precision.FP32, Tuning.DEFAULT, options))) {
            engine.attend(new FloatImages(n, images(n)), plan, null, null, features);
        }
        return features;
    }

    static double relativeL2(float[] actual, float[] expected) {
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.pow((double) actual[i] - expected[i], 2);
            norm += Math.pow(expected[i], 2);
        }
        return Math.sqrt(difference / norm);
    }

    private record FloatImages(int count, float[] values) implements Images {
        @Override
        public int height(int i) {
            return SIDE;
        }

        @Override
        public int width(int i) {
            return SIDE;
        }

        @Override
        public ElementType elementType() {
            return ElementType.FLOAT32;
        }

        @Override
        public Layout layout() {
            return Layout.NHWC;
        }

        @Override
        public ByteBuffer pixels(int i) {
            int size = SIDE * SIDE * 3;
            ByteBuffer buffer = ByteBuffer.allocateDirect(size * Float.BYTES).order(ByteOrder.nativeOrder());
            buffer.asFloatBuffer().put(values, i * size, size);
            return buffer;
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
