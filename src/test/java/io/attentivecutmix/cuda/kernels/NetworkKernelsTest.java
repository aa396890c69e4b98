package io.attentivecutmix.cuda.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.HalfFloats;
import io.attentivecutmix.image.Layout;
import java.util.Random;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.ShortPointer;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The kernels that replace parts of the network, through the generated binding on their build for the CPU, against
 * plain Java loops. What oneDNN fuses on the CPU has no stage of its own to compare with.
 */
class NetworkKernelsTest {
    private static final long SEED = 91;
    private final Random random = new Random(SEED);

    @BeforeAll
    static void emulated() {
        String resource = "/io/attentivecutmix/cuda/kernels/linux-x86_64/libattentive_kernels.so";
        Assumptions.assumeTrue(NetworkKernelsTest.class.getResource(resource) != null,
                "Skipped: the kernels' build for the CPU is not there (no g++ or CMake on this machine)");
        assertEquals(1, AttentiveKernels.acm_is_emulated(), "tests run on the CPU build of the kernels");
    }

    private static void ok(int status) {
        assertEquals(AttentiveKernels.ACM_OK, status,
                () -> "seed " + SEED + ": " + AttentiveKernels.acm_status_text(status).getString());
    }

    private float[] gaussian(int n, double scale) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) (random.nextGaussian() * scale);
        }
        return values;
    }

    @Test
    void maxPool() {
        int n = 2;
        int h = 7;
        int w = 10;
        int c = 12;
        float[] in = gaussian(n * h * w * c, 1);
        try (FloatPointer x = new FloatPointer(in); FloatPointer y = new FloatPointer((long) n * 4 * 5 * c)) {
            ok(AttentiveKernels.acm_max_pool(x, y, ElementType.FLOAT32.ordinal(), n, h, w, c, null));
            for (int i = 0; i < n * 4 * 5 * c; i++) {
                int channel = i % c;
                int ox = i / c % 5;
                int oy = i / c / 5 % 4;
                int image = i / c / 5 / 4;
                float most = Float.NEGATIVE_INFINITY;
                for (int iy = Math.max(0, 2 * oy - 1); iy < Math.min(h, 2 * oy + 2); iy++) {
                    for (int ix = Math.max(0, 2 * ox - 1); ix < Math.min(w, 2 * ox + 2); ix++) {
                        most = Math.max(most, in[((image * h + iy) * w + ix) * c + channel]);
                    }
                }
                assertEquals(most, y.get(i), "value " + i + ", seed " + SEED);
            }
        }
    }

    @Test
    void biasResidualRelu() {
        int rows = 9;
        int c = 20;
        float[] in = gaussian(rows * c, 1);
        float[] residual = gaussian(rows * c, 1);
        float[] bias = gaussian(c, 1);
        try (FloatPointer x = new FloatPointer(in);
                FloatPointer r = new FloatPointer(residual);
                FloatPointer b = new FloatPointer(bias);
                FloatPointer y = new FloatPointer((long) rows * c)) {
            ok(AttentiveKernels.acm_bias_residual_relu(x, b, r, y, ElementType.FLOAT32.ordinal(), rows, c, 1, null));
            for (int i = 0; i < rows * c; i++) {
                assertEquals(Math.max(0, in[i] + residual[i] + bias[i % c]), y.get(i), "value " + i + ", seed " + SEED);
            }
        }
    }

    @Test
    void stemInHalf() {
        stem(ElementType.FLOAT16, 0x1p-11);
    }

    @Test
    void stemInBfloat16() {
        stem(ElementType.BFLOAT16, 0x1p-8);
    }

    /**
     * 7×7 convolution of bytes, bias, ReLU, pool: within one rounding to the type and 147 of float sums of a double
     * result.
     */
    private void stem(ElementType type, double rounding) {
        int side = 32;
        float[] weights = gaussian(64 * 147, 0.1);
        float[] bias = gaussian(64, 0.5);
        byte[] bytes = new byte[side * side * 3];
        random.nextBytes(bytes);
        try (FloatPointer w = new FloatPointer(weights);
                FloatPointer b = new FloatPointer(bias);
                ShortPointer packed = new ShortPointer(14336);
                BytePointer pixels = new BytePointer(bytes);
                ShortPointer out = new ShortPointer(8 * 8 * 64);
                KernelImages in = new KernelImages()) {
            ok(AttentiveKernels.acm_stem_pack(w, type.ordinal(), packed));
            in.pixels(pixels);
            in.offsets(null);
            in.sizes(null);
            in.count(1);
            in.height(side);
            in.width(side);
            in.channels(3);
            in.type(ElementType.UINT8.ordinal());
            in.layout(Layout.NHWC.ordinal());
            ok(AttentiveKernels.acm_stem(in, null, packed, b, type.ordinal(), out, null));
            double[][][] map = map(side, weights, bias, bytes, type);
            for (int oy = 0; oy < 8; oy++) {
                for (int ox = 0; ox < 8; ox++) {
                    for (int k = 0; k < 64; k++) {
                        double most = 0;
                        for (int cy = Math.max(0, 2 * oy - 1); cy < Math.min(16, 2 * oy + 2); cy++) {
                            for (int cx = Math.max(0, 2 * ox - 1); cx < Math.min(16, 2 * ox + 2); cx++) {
                                most = Math.max(most, map[cy][cx][k]);
                            }
                        }
                        float got = widened(out.get(((long) oy * 8 + ox) * 64 + k), type);
                        assertEquals(most, got, most * rounding + 1e-4, oy + " " + ox + " " + k + ", seed " + SEED);
                    }
                }
            }
        }
    }

    private static double[][][] map(int side, float[] weights, float[] bias, byte[] bytes, ElementType type) {
        double[][][] map = new double[side / 2][side / 2][64];
        for (int cy = 0; cy < side / 2; cy++) {
            for (int cx = 0; cx < side / 2; cx++) {
                for (int k = 0; k < 64; k++) {
                    double sum = bias[k];
                    for (int tap = 0; tap < 147; tap++) {
                        int c = tap / 49;
                        int y = 2 * cy + tap % 49 / 7 - 3;
                        int x = 2 * cx + tap % 7 - 3;
                        if (y >= 0 && y < side && x >= 0 && x < side) {
                            float pixel = rounded((bytes[(y * side + x) * 3 + c] & 0xff) / 255f, type);
                            sum += (double) pixel * rounded(weights[k * 147 + tap], type);
                        }
                    }
                    map[cy][cx][k] = Math.max(0, sum);
                }
            }
        }
        return map;
    }

    private static float rounded(float v, ElementType type) {
        return widened(type == ElementType.FLOAT16 ? HalfFloats.toFloat16(v) : HalfFloats.toBfloat16(v), type);
    }

    private static float widened(short bits, ElementType type) {
        return type == ElementType.FLOAT16 ? HalfFloats.fromFloat16(bits) : HalfFloats.fromBfloat16(bits);
    }
}
