package io.attentivecutmix.gpu;

import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.DeviceMix;
import io.attentivecutmix.image.DeviceImages;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Mode;
import io.attentivecutmix.method.Pairing;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.weights.Weights;
import java.util.Arrays;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import org.bytedeco.javacpp.BytePointer;

/**
 * Steps on images that stay on the card: {@code DeviceSteps [steps [batch,…]]}, 200 steps of 1, 8, 64 and 256 images by
 * default. One JSON line for each precision and batch: images/s with steps enqueued one behind the other, the median
 * and the 99th percentile of a step that is waited for, what the host spends on enqueuing one, and the time of the same
 * step without the extractor (plain CutMix).
 */
public final class DeviceSteps {
    private static final int SIDE = 224;
    private static final int WARM_UP = 10;

    private DeviceSteps() {}

    public static void main(String[] args) {
        int steps = args.length > 0 ? Integer.parseInt(args[0]) : 200;
        int[] batches = args.length > 1 ? Arrays.stream(args[1].split(",")).mapToInt(Integer::parseInt).toArray()
                : new int[] {1, 8, 64, 256};
        Weights weights = Weights.synthetic(50, 1);
        Set<Precision> precisions = DeviceUnderTest.DEVICE.precisions();
        try (GpuMemory memory = GpuMemory.open()) {
            for (Precision precision : precisions) {
                for (int batch : batches) {
                    line(memory, weights, precision, batch, steps);
                }
            }
        }
    }

    private static void line(GpuMemory memory, Weights weights, Precision precision, int batch, int steps) {
        DeviceImages in = images(memory, batch, ElementType.UINT8, Layout.NHWC);
        DeviceImages out = images(memory, batch, ElementType.FLOAT16, Layout.NCHW);
        MixOptions options = MixOptions.paper();
        try (AttentiveCutMix mixer = DeviceUnderTest.mixer(weights, precision, options).build();
                AttentiveCutMix bare = DeviceUnderTest.bare(DeviceUnderTest.DEVICE,
                        options.withMode(Mode.CUTMIX)).build()) {
            mixer.prepare(batch);
            double[][] waited = waited(mixer, in, out, steps);
            double enqueued = enqueued(mixer, in, out, steps);
            double without = enqueued(bare, in, out, steps);
            System.out.printf(Locale.ROOT,
                    "{\"precision\": \"%s\", \"batch\": %d, \"imagesPerSecond\": %.1f, \"p50Millis\": %.4f,"
                    + " \"p99Millis\": %.4f, \"hostMicros\": %.2f, \"withoutExtractorMillis\": %.4f, \"steps\": %d}%n",
                    precision, batch, batch / enqueued * 1e3, waited[0][steps / 2], waited[0][steps * 99 / 100],
                    waited[1][steps / 2] * 1e3, without, steps);
        }
    }

    private static DeviceImages images(GpuMemory memory, int n, ElementType type, Layout layout) {
        byte[] pixels = new byte[n * 3 * SIDE * SIDE * type.bytes()];
        new Random(n).nextBytes(pixels);
        try (BytePointer host = new BytePointer(pixels)) {
            return new DeviceImages(memory.upload(host, pixels.length).address(), n, SIDE, SIDE, type, layout);
        }
    }

    private static DeviceMix step(AttentiveCutMix mixer, DeviceImages in, DeviceImages out, int step) {
        // a single image is its own partner, which only some pairings permit; the work is the same
        Pairing pairing = in.count() == 1 ? Pairing.flip() : Pairing.shuffled(1, 0, step);
        return mixer.mix(in, Labels.of(new int[in.count()]), pairing, out, 0);
    }

    /** Sorted milliseconds of each step, (0) from the call to the result and (1) from the call to its return. */
    private static double[][] waited(AttentiveCutMix mixer, DeviceImages in, DeviceImages out, int steps) {
        double[][] millis = new double[2][steps];
        for (int s = -WARM_UP; s < steps; s++) {
            long start = System.nanoTime();
            DeviceMix mix = step(mixer, in, out, s + WARM_UP);
            long returned = System.nanoTime();
            mix.await();
            if (s >= 0) {
                millis[0][s] = (System.nanoTime() - start) / 1e6;
                millis[1][s] = (returned - start) / 1e6;
            }
        }
        Arrays.sort(millis[0]);
        Arrays.sort(millis[1]);
        return millis;
    }

    /** Milliseconds of a step with others enqueued behind it. */
    private static double enqueued(AttentiveCutMix mixer, DeviceImages in, DeviceImages out, int steps) {
        DeviceMix last = null;
        for (int s = 0; s < WARM_UP; s++) {
            last = step(mixer, in, out, s).await();
        }
        long start = System.nanoTime();
        for (int s = 0; s < steps; s++) {
            last = step(mixer, in, out, s);
        }
        last.await();
        return (System.nanoTime() - start) / 1e6 / steps;
    }
}
