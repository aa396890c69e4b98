package io.attentivecutmix.cpu;

import io.attentivecutmix.cuda.CudaRuntime;
import io.attentivecutmix.cuda.DeviceExtractor;
import io.attentivecutmix.cuda.HostRuntime;
import io.attentivecutmix.cuda.kernels.KernelImages;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.Precision;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * The CPU device's network in the place of the CUDA device's: on host memory, one image after the other, so that
 * features equal the CPU device's bit for bit. Its work waits in the stream like everything else.
 */
public final class OneDnnExtractor implements DeviceExtractor {
    private static final int CHANNELS = 4;

    private final CudaRuntime memory;
    private final HostRuntime queues;
    private final OneDnn oneDnn;
    private final SharedWeights weights;
    private final Extractor extractor;
    private final int side;
    private final int featureSize;
    private final float[] pixels;
    private final float[] values;
    private Pointer input;
    private Pointer features;
    private int capacity;
    private boolean closed;

    /**
     * @param memory to allocate from, which may fail
     * @param queues where work waits
     */
    public OneDnnExtractor(EngineConfig config, CudaRuntime memory, HostRuntime queues) {
        this.memory = memory;
        this.queues = queues;
        oneDnn = new OneDnn();
        OpenMpThreads.set(1);
        weights = new SharedWeights(oneDnn, config.tensors(), BatchNorm.RUNNING);
        side = config.options().inputSide();
        extractor = new Extractor(oneDnn, weights, config.network(), side, Precision.FP32, BatchNorm.RUNNING,
                null);
        weights.complete();
        int grid = config.options().grid();
        featureSize = grid * grid * config.network().channels();
        pixels = new float[side * side * CHANNELS];
        values = new float[featureSize];
    }

    @Override
    public ElementType inputType() {
        return ElementType.FLOAT32;
    }

    @Override
    public int inputChannels() {
        return CHANNELS;
    }

    @Override
    public ElementType featureType() {
        return ElementType.FLOAT32;
    }

    @Override
    public boolean takesPixels() {
        return false;
    }

    @Override
    public void prepare(int n) {
        if (n > capacity) {
            release();
            input = memory.allocate((long) n * pixels.length * Float.BYTES);
            features = memory.allocate((long) n * featureSize * Float.BYTES);
            capacity = n;
        }
    }

    @Override
    public Pointer input() {
        return input;
    }

    @Override
    public Pointer features() {
        return features;
    }

    @Override
    public void enqueue(int n, Pointer stream) {
        long from = input.address();
        long to = features.address();
        queues.submit(stream, () -> run(n, from, to));
    }

    private void run(int n, long from, long to) {
        OpenMpThreads.set(1);
        for (int i = 0; i < n; i++) {
            floats(from + (long) i * pixels.length * Float.BYTES).get(pixels);
            for (int p = 0; p < side * side; p++) {
                if (pixels[CHANNELS * p + 3] != 0) {
                    throw new AssertionError("the fourth channel of pixel " + p + " is " + pixels[CHANNELS * p + 3]);
                }
                extractor.input().put(3 * p, pixels, CHANNELS * p, 3);
            }
            extractor.run();
            extractor.output().get(0, values);
            floats(to + (long) i * featureSize * Float.BYTES).put(values);
        }
    }

    private static FloatPointer floats(long address) {
        return new FloatPointer(new NativeScope.Address(address));
    }

    @Override
    public void enqueuePixels(int n, KernelImages images, FloatPointer normalisation, Pointer stream) {
        throw new AssertionError("takesPixels is false");
    }

    @Override
    public String description() {
        return "oneDNN " + OneDnn.version();
    }

    private void release() {
        capacity = 0;
        try {
            if (input != null) {
                Pointer old = input;
                input = null;
                memory.free(old);
            }
        } finally {
            if (features != null) {
                Pointer old = features;
                features = null;
                memory.free(old);
            }
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            extractor.close();
            weights.close();
            oneDnn.close();
            release();
        }
    }
}
