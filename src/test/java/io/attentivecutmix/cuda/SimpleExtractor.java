package io.attentivecutmix.cuda;

import io.attentivecutmix.cuda.kernels.KernelImages;
import io.attentivecutmix.image.ElementType;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * In the network's place: the features of a cell are sums of its pixels. For tests of all that is around the network.
 */
final class SimpleExtractor implements DeviceExtractor {
    private static final int CHANNELS = 4;
    private static final int STRIDE = 32;

    private final CudaRuntime runtime;
    private final HostRuntime queues;
    private final int side;
    private final int channels;
    private final boolean takesPixels;
    private final Arena input;
    private final Arena features;
    private final Scope scope = new Scope();

    SimpleExtractor(int side, int channels, boolean takesPixels, CudaRuntime runtime, HostRuntime queues) {
        this.runtime = runtime;
        this.queues = queues;
        this.side = side;
        this.channels = channels;
        this.takesPixels = takesPixels;
        input = scope.own(new Memory(runtime, () -> {}).device("input"));
        features = scope.own(new Memory(runtime, () -> {}).device("features"));
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
        return takesPixels;
    }

    private int grid() {
        return side / STRIDE;
    }

    @Override
    public void prepare(int n) {
        input.grow((long) n * side * side * CHANNELS * Float.BYTES);
        features.grow((long) n * grid() * grid() * channels * Float.BYTES);
    }

    @Override
    public Pointer input() {
        return input.memory();
    }

    @Override
    public Pointer features() {
        return features.memory();
    }

    @Override
    public void enqueue(int n, Pointer stream) {
        // stands for what a library calls of the runtime, so that it can fail
        runtime.fill(features.memory(), 0, 1, stream);
        FloatPointer from = new FloatPointer(input.at(0));
        FloatPointer to = new FloatPointer(features.at(0));
        queues.submit(stream, () -> run(n, from, to));
    }

    /** Value c of pixel p of the batch, as the network sees it. */
    private interface Value {
        float at(long p, int c);
    }

    private void run(int n, FloatPointer from, FloatPointer to) {
        run(n, (p, c) -> from.get(CHANNELS * p + c), to);
    }

    private void run(int n, Value value, FloatPointer to) {
        int grid = grid();
        for (long cell = 0; cell < (long) n * grid * grid; cell++) {
            long image = cell / (grid * grid);
            long top = cell / grid % grid * STRIDE;
            long left = cell % grid * STRIDE;
            float sum = 0;
            for (int p = 0; p < STRIDE * STRIDE; p++) {
                long pixel = (image * side + top + p / STRIDE) * side + left + p % STRIDE;
                sum += value.at(pixel, 0) + value.at(pixel, 1);
            }
            for (int c = 0; c < channels; c++) {
                to.put(cell * channels + c, sum + c);
            }
        }
    }

    @Override
    public void enqueuePixels(int n, KernelImages images, FloatPointer normalisation, Pointer stream) {
        if (images.offsets() != null && !images.offsets().isNull() || images.height() != side
                || images.width() != side) {
            throw new AssertionError("pixels must be S by S, one image behind the other");
        }
        BytePointer pixels = new Address(images.pixels().address());
        FloatPointer to = new FloatPointer(features.at(0));
        queues.submit(stream, () -> run(n, (p, c) ->
                ((pixels.get(3 * p + c) & 0xff) / 255f - normalisation.get(c)) / normalisation.get(3 + c), to));
    }

    @Override
    public String description() {
        return "sums of pixels";
    }

    @Override
    public void close() {
        scope.close();
    }
}
