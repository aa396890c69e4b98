package io.attentivecutmix.quantisation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.attentivecutmix.network.ResNet;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ChannelMeansTest {
    private static final String TENSOR = "layer1.0.conv1";

    /** Channels of magnitudes from 2^−96 to 2^93, whose sums would round in a double. */
    private static float value(SplittableRandom random, int channel) {
        return Math.scalb(random.nextFloat(), 3 * channel - 96);
    }

    private static Map<String, float[]> maxima() {
        Map<String, float[]> maxima = new HashMap<>();
        new Activations(ResNet.RESNET18).tensors().values().forEach(t -> {
            float[] max = new float[t.channels()];
            for (int c = 0; c < max.length && t.name().equals(TENSOR); c++) {
                max[c] = Math.scalb(1f, 3 * c - 96);
            }
            maxima.put(t.name(), max);
        });
        return maxima;
    }

    private static float[] image(int i, int positions) {
        SplittableRandom random = new SplittableRandom(i);
        float[] image = new float[positions * 64];
        for (int j = 0; j < image.length; j++) {
            image[j] = value(random, j % 64);
        }
        return image;
    }

    /** Nor on how images are spread over threads. */
    @Test
    void theOrderOfImagesDoesNotCount() {
        int images = 1000;
        int positions = 5;
        ChannelMeans one = new ChannelMeans(ResNet.RESNET18, maxima());
        ChannelMeans[] three = new ChannelMeans[3];
        for (int w = 0; w < 3; w++) {
            three[w] = new ChannelMeans(ResNet.RESNET18, maxima());
        }
        double[] sums = new double[64];
        for (int i = 0; i < images; i++) {
            float[] image = image(i, positions);
            one.add(TENSOR, FloatBuffer.wrap(image), positions, 64);
            float[] other = image(images - 1 - i, positions);
            three[i * i % 3].add(TENSOR, FloatBuffer.wrap(other), positions, 64);
            for (int j = 0; j < image.length; j++) {
                sums[j % 64] += image[j];
            }
        }
        three[0].add(three[1]);
        three[0].add(three[2]);
        float[] means = one.means(images).get(TENSOR);
        assertArrayEquals(means, three[0].means(images).get(TENSOR));
        for (int c = 0; c < 64; c++) {
            double expected = sums[c] / images / positions;
            // three digits
            assertEquals(expected, means[c], 0.005001 * expected, "channel " + c);
            assertEquals(Float.parseFloat(String.format(Locale.ROOT, "%.2e", means[c])), means[c]);
        }
    }

    @Test
    void whatNoConvolutionReadsIsLeftOut() {
        ChannelMeans means = new ChannelMeans(ResNet.RESNET18, maxima());
        means.add("layer4.1.conv2", FloatBuffer.allocate(512), 1, 512);
        means.add("layer2.0.downsample.0", FloatBuffer.allocate(128), 1, 128);
        Map<String, float[]> all = means.means(1);
        assertEquals(17, all.size());
        all.forEach((tensor, m) -> assertArrayEquals(new float[m.length], m, tensor));
    }

    /** A convolution reads what the max-pool leaves of the stem's output. */
    @Test
    void theStemsMeanIsTakenBehindTheMaxPool() {
        Map<String, float[]> maxima = maxima();
        maxima.get("conv1")[2] = 8;
        ChannelMeans means = new ChannelMeans(ResNet.RESNET18, maxima);
        float[] stem = new float[2 * 64];
        stem[2] = 8;
        means.add("conv1", FloatBuffer.wrap(stem), 2, 64);
        means.add(Activations.POOLED, FloatBuffer.wrap(stem), 1, 64);
        assertEquals(8, means.means(1).get("conv1")[2]);
        assertEquals(0, means.means(1).get("conv1")[1]);
    }
}
