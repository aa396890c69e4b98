package io.attentivecutmix.cuda.cudnn;

import io.attentivecutmix.cuda.Address;
import io.attentivecutmix.cuda.Kernels;
import io.attentivecutmix.cuda.kernels.KernelAttention;
import io.attentivecutmix.cuda.kernels.KernelImages;
import io.attentivecutmix.cuda.kernels.KernelRegions;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.HalfFloats;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.ShortPointer;

/** The kernels that the extractor launches, as plain loops over host memory; the others are not for it to launch. */
final class LoopKernels implements Kernels {
    private static final int MAP_CHANNELS = 64;
    private static final int TAPS = 147;

    private final PlainRuntime runtime;
    private boolean computing = true;
    private double stemMillis = 1;
    private int stems;
    private int pools;
    private int epilogues;
    private int pixelBytes;

    LoopKernels(PlainRuntime runtime) {
        this.runtime = runtime;
    }

    /** What the stem takes by the runtime's clock. */
    void stemMillis(double millis) {
        stemMillis = millis;
    }

    /** Whether launches do anything. */
    void computing(boolean wanted) {
        computing = wanted;
    }

    int stems() {
        return stems;
    }

    int pools() {
        return pools;
    }

    int epilogues() {
        return epilogues;
    }

    /** Bytes of a pixel of the last stem's input. */
    int pixelBytes() {
        return pixelBytes;
    }

    private static ByteBuffer view(Pointer p, ElementType type, int count) {
        long bytes = (long) count * type.bytes();
        return new Address(p.address()).capacity(bytes).asByteBuffer().order(ByteOrder.nativeOrder());
    }

    /** Values of memory as floats; bytes as v/255. */
    static float[] read(Pointer p, ElementType type, int count) {
        ByteBuffer room = view(p, type, count);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = switch (type) {
                case FLOAT32 -> room.getFloat(4 * i);
                case FLOAT16 -> HalfFloats.fromFloat16(room.getShort(2 * i));
                case BFLOAT16 -> Float.intBitsToFloat(room.getShort(2 * i) << 16);
                case UINT8 -> (room.get(i) & 0xff) / 255f;
            };
        }
        return values;
    }

    /** Rounds floats to a type in memory. */
    static void write(Pointer p, ElementType type, float[] values) {
        ByteBuffer room = view(p, type, values.length);
        for (int i = 0; i < values.length; i++) {
            switch (type) {
                case FLOAT32 -> room.putFloat(4 * i, values[i]);
                case FLOAT16 -> room.putShort(2 * i, HalfFloats.toFloat16(values[i]));
                case BFLOAT16 -> room.putShort(2 * i, HalfFloats.toBfloat16(values[i]));
                case UINT8 -> throw new IllegalArgumentException("no output of this type");
            }
        }
    }

    @Override
    public void stemPack(FloatPointer weights, ElementType type, ShortPointer packed) {
        write(packed, type, read(weights, ElementType.FLOAT32, MAP_CHANNELS * TAPS));
    }

    @Override
    public void stem(KernelImages in, FloatPointer normalisation, ShortPointer weights, FloatPointer bias,
            ElementType type,
            Pointer out, Pointer stream) {
        runtime.spend(stemMillis);
        if (runtime.capturing() || !computing) {
            return;
        }
        stems++;
        int side = in.height();
        int channels = in.channels();
        ElementType from = ElementType.values()[in.type()];
        pixelBytes = channels * from.bytes();
        int n = (int) in.count();
        int mapSide = side / 2;
        float[] image = read(in.pixels(), from, n * side * side * channels);
        if (normalisation != null && from == ElementType.UINT8) {
            for (int i = 0; i < image.length; i++) {
                image[i] = (image[i] - normalisation.get(i % 3)) / normalisation.get(3 + i % 3);
            }
        }
        float[] w = read(weights, type, MAP_CHANNELS * TAPS);
        float[] b = read(bias, ElementType.FLOAT32, MAP_CHANNELS);
        float[] map = new float[n * mapSide * mapSide * MAP_CHANNELS];
        for (int i = 0; i < map.length; i++) {
            int k = i % MAP_CHANNELS;
            int x = i / MAP_CHANNELS % mapSide;
            int y = i / MAP_CHANNELS / mapSide % mapSide;
            int at = i / MAP_CHANNELS / mapSide / mapSide * side * side;
            double sum = b[k];
            for (int t = 0; t < TAPS; t++) {
                int iy = 2 * y + t % 49 / 7 - 3;
                int ix = 2 * x + t % 7 - 3;
                if (iy >= 0 && iy < side && ix >= 0 && ix < side) {
                    sum += (double) image[(at + iy * side + ix) * channels + t / 49] * w[k * TAPS + t];
                }
            }
            map[i] = (float) Math.max(0, sum);
        }
        pool(map, out, type, n, mapSide, mapSide, MAP_CHANNELS);
    }

    @Override
    public void maxPool(Pointer x, Pointer y, ElementType type, long n, long h, long w, long c, Pointer stream) {
        runtime.spend(0.25);
        if (runtime.capturing() || !computing) {
            return;
        }
        pools++;
        pool(read(x, type, (int) (n * h * w * c)), y, type, (int) n, (int) h, (int) w, (int) c);
    }

    private void pool(float[] map, Pointer y, ElementType type, int n, int h, int w, int c) {
        int oh = (h + 1) / 2;
        int ow = (w + 1) / 2;
        if (!runtime.holds(y.address(), (long) n * oh * ow * c * type.bytes())) {
            throw new AssertionError("the pool's output does not lie in device memory");
        }
        float[] pooled = new float[n * oh * ow * c];
        for (int i = 0; i < pooled.length; i++) {
            int oy = i / c / ow % oh;
            int ox = i / c % ow;
            float most = Float.NEGATIVE_INFINITY;
            for (int iy = Math.max(0, 2 * oy - 1); iy < Math.min(h, 2 * oy + 2); iy++) {
                for (int ix = Math.max(0, 2 * ox - 1); ix < Math.min(w, 2 * ox + 2); ix++) {
                    most = Math.max(most, map[((i / c / ow / oh * h + iy) * w + ix) * c + i % c]);
                }
            }
            pooled[i] = most;
        }
        write(y, type, pooled);
    }

    @Override
    public void biasResidualRelu(Pointer x, FloatPointer bias, Pointer residual, Pointer y, ElementType type,
            long rows, long c,
            boolean relu, Pointer stream) {
        runtime.spend(0.5);
        if (runtime.capturing() || !computing) {
            return;
        }
        epilogues++;
        int count = (int) (rows * c);
        float[] values = read(x, type, count);
        float[] added = residual == null ? new float[count] : read(residual, type, count);
        float[] b = read(bias, ElementType.FLOAT32, (int) c);
        for (int i = 0; i < count; i++) {
            float v = values[i] + added[i] + b[(int) (i % c)];
            values[i] = relu ? Math.max(0, v) : v;
        }
        write(y, type, values);
    }

    private static UnsupportedOperationException notForTheExtractor() {
        return new UnsupportedOperationException("the extractor launches no such kernel");
    }

    @Override
    public long preprocessWorkspace(KernelImages in, KernelImages out, int filter) {
        throw notForTheExtractor();
    }

    @Override
    public void preprocess(KernelImages in, KernelImages out, int filter, boolean normalise, FloatPointer normalisation,
            BytePointer spoiled, Pointer workspace, long workspaceBytes, Pointer stream) {
        throw notForTheExtractor();
    }

    @Override
    public void attend(KernelAttention attention, Pointer stream) {
        throw notForTheExtractor();
    }

    @Override
    public void mix(KernelImages source, KernelImages background, KernelImages out, KernelRegions regions,
            Pointer stream) {
        throw notForTheExtractor();
    }

    @Override
    public void attendMix(KernelAttention attention, KernelImages source, KernelImages background, KernelImages out,
            KernelRegions regions, Pointer stream) {
        throw notForTheExtractor();
    }

    @Override
    public void sourceWeights(KernelImages canvas, KernelRegions regions, boolean nominal, LongPointer pixels,
            FloatPointer weights, Pointer stream) {
        throw notForTheExtractor();
    }

    @Override
    public void softLabels(IntPointer ids, FloatPointer rows, IntPointer partner, FloatPointer weights, long n,
            long classes,
            float smoothing, FloatPointer out, Pointer stream) {
        throw notForTheExtractor();
    }
}
