package io.attentivecutmix.benchmarks;

import io.attentivecutmix.ImageBatch;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.image.RgbImage;
import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.weights.Weights;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import javax.imageio.ImageIO;

/**
 * What benchmarks work on: images of a few smooth waves with noise, the same everywhere, and weights that no training
 * made.
 */
final class Samples {
    static final long SEED = 7;
    static final int CLASSES = 1000;

    private Samples() {}

    static Weights weights() {
        return Weights.synthetic(50, SEED);
    }

    /** Image i. Its contrast is that of a photograph: large areas of one colour, edges, and grain of a few levels. */
    static RgbImage image(int i, int height, int width) {
        Random random = new Random(SEED * 1_000_003 + i);
        double[][] wave = new double[9][3];
        for (double[] w : wave) {
            w[0] = (random.nextDouble() - 0.5) * 30;
            w[1] = (random.nextDouble() - 0.5) * 30;
            w[2] = random.nextDouble() * 2 * Math.PI;
        }
        byte[] rgb = new byte[3 * height * width];
        for (int y = 0, at = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                for (int c = 0; c < 3; c++, at++) {
                    double value = 128;
                    for (int k = 0; k < 3; k++) {
                        double[] w = wave[3 * c + k];
                        value += 35 * Math.sin(w[0] * y / height + w[1] * x / width + w[2]);
                    }
                    value += random.nextInt(13) - 6;
                    rgb[at] = (byte) Math.max(0, Math.min(255, (int) value));
                }
            }
        }
        return new RgbImage(height, width, rgb);
    }

    static ImageBatch batch(int n, int height, int width) {
        return batch(0, n, height, width);
    }

    /** The n images from {@code first}. */
    static ImageBatch batch(int first, int n, int height, int width) {
        ImageBatch batch = new ImageBatch();
        for (int i = first; i < first + n; i++) {
            batch.add(image(i, height, width));
        }
        return batch;
    }

    static Labels labels(int n) {
        int[] ids = new int[n];
        for (int i = 0; i < n; i++) {
            ids[i] = i * 37 % CLASSES;
        }
        return Labels.of(ids);
    }

    /** The n images of {@link #batch} as one normalised float tensor, direct: what a network is fed with. */
    static ByteBuffer tensor(int n, int side, Layout layout) {
        return tensor(0, n, side, layout);
    }

    /** The same of the n images from {@code first}. */
    static ByteBuffer tensor(int first, int n, int side, Layout layout) {
        Normalisation norm = Normalisation.IMAGENET;
        ByteBuffer tensor = ByteBuffer.allocateDirect(4 * 3 * n * side * side).order(ByteOrder.nativeOrder());
        int area = side * side;
        for (int i = 0; i < n; i++) {
            byte[] rgb = image(first + i, side, side).rgb();
            for (int p = 0; p < area; p++) {
                for (int c = 0; c < 3; c++) {
                    float value = ((rgb[3 * p + c] & 0xff) / 255f - norm.mean().get(c)) / norm.std().get(c);
                    int at = 3 * i * area + (layout == Layout.NHWC ? 3 * p + c : c * area + p);
                    tensor.putFloat(4 * at, value);
                }
            }
        }
        return tensor;
    }

    static ImageBatch tensorBatch(int n, int side) {
        return ImageBatch.wrap(tensor(n, side, Layout.NHWC), ElementType.FLOAT32, Layout.NHWC, n, side, side);
    }

    /** A JPEG file (default quality of the JDK's writer) or a PNG file of image i. */
    static byte[] file(String format, int i, int height, int width) {
        byte[] rgb = image(i, height, width).rgb();
        BufferedImage picture = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int p = 0; p < height * width; p++) {
            picture.setRGB(p % width, p / width,
                    (rgb[3 * p] & 0xff) << 16 | (rgb[3 * p + 1] & 0xff) << 8 | rgb[3 * p + 2] & 0xff);
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            if (!ImageIO.write(picture, format, out)) {
                throw new IllegalArgumentException("format is " + format + "; allowed: what ImageIO writes");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    /** ‖a − b‖ / ‖b‖. */
    static double relativeError(float[] a, float[] b) {
        if (a.length != b.length) {
            throw new IllegalStateException(a.length + " values against " + b.length);
        }
        double difference = 0;
        double norm = 0;
        for (int i = 0; i < a.length; i++) {
            difference += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
            norm += (double) b[i] * b[i];
        }
        return Math.sqrt(difference / norm);
    }

    /**
     * Fails the run, as a benchmark that computes the wrong thing must.
     *
     * @param otherwise constant where this is called often: building a message would be counted as the benchmark's
     *     garbage
     */
    static void require(boolean right, String otherwise) {
        if (!right) {
            throw wrong(otherwise);
        }
    }

    static IllegalStateException wrong(String what) {
        return new IllegalStateException("wrong result: " + what);
    }
}
