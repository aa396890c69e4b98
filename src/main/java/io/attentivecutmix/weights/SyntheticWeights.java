package io.attentivecutmix.weights;

import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.ResNet.Block;
import io.attentivecutmix.network.ResNet.Convolution;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Makes the tensors that {@link Weights#synthetic} documents; {@code src/test/python/synthetic_weights.py} makes the
 * same bits.
 */
final class SyntheticWeights {
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;
    private static final float UNIT = 0x1p-23f;
    /** How much a block adds to the second moment expected of the residual stream. */
    private static final float GROWTH = 0.125f;

    private final long seed;
    private final Slab slab;
    private final Map<String, RawTensor> tensors = new LinkedHashMap<>();
    private int number;

    private SyntheticWeights(long seed, long elements) {
        this.seed = seed;
        slab = new Slab(elements * Float.BYTES);
    }

    static Map<String, RawTensor> make(ResNet network, long seed) {
        int channels = network.channels();
        int classes = ResNet.IMAGENET_CLASSES;
        long elements = (long) classes * channels + classes;
        for (Convolution c : network.convolutions()) {
            elements += c.weightSize() + 4L * c.out();
        }
        SyntheticWeights weights = new SyntheticWeights(seed, elements);
        weights.convolution(network.stem(), 1.5f, 1);
        float stream = 1;
        for (Block block : network.blocks()) {
            int last = block.path().size() - 1;
            for (int i = 0; i <= last; i++) {
                weights.convolution(block.path().get(i), i == last ? 0.5f : 1.5f, i == 0 ? stream : 1);
            }
            if (block.downsample() != null) {
                weights.convolution(block.downsample(), 1, stream);
                stream = 1;
            }
            stream += GROWTH;
        }
        weights.add("fc.weight", bound(channels), 0, classes, channels);
        weights.add("fc.bias", 0.25f, 0, classes);
        return weights.tensors;
    }

    private void convolution(Convolution c, float scale, float level) {
        add(c.name() + ".weight", bound(c.in() * c.kernel() * c.kernel()), 0, c.out(), c.in(), c.kernel(), c.kernel());
        add(c.batchNorm() + ".weight", 0.25f, scale, c.out());
        add(c.batchNorm() + ".bias", 0.25f, 0, c.out());
        add(c.batchNorm() + ".running_mean", 0.25f, 0, c.out());
        FloatBuffer variance = add(c.batchNorm() + ".running_var", 0.5f, 1, c.out());
        for (int i = 0; i < c.out(); i++) {
            variance.put(i, variance.get(i) * level);
        }
    }

    /** A uniform distribution over ±√(3/fan) has variance 1/fan: the sum keeps the second moment of its input. */
    private static float bound(int fanIn) {
        return (float) Math.sqrt(3.0 / fanIn);
    }

    private FloatBuffer add(String name, float spread, float centre, int... shape) {
        int count = 1;
        for (int side : shape) {
            count *= side;
        }
        ByteBuffer data = slab.take(count * Float.BYTES);
        FloatBuffer values = data.asFloatBuffer();
        long start = mix(seed + GOLDEN * (++number));
        float[] row = new float[Math.min(count, 8192)];
        for (int from = 0; from < count; from += row.length) {
            int length = Math.min(row.length, count - from);
            for (int i = 0; i < length; i++) {
                float u = (mix(start + GOLDEN * (from + i + 1)) >>> 40) * UNIT - 1;
                row[i] = u * spread + centre;
            }
            values.put(from, row, 0, length);
        }
        tensors.put(name, new RawTensor(DType.F32, shape, data));
        return values;
    }

    /** SplitMix64's finaliser (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). */
    static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
