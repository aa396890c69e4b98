package io.attentivecutmix.gpu;

import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.Device;
import io.attentivecutmix.ImageBatch;
import io.attentivecutmix.MixedBatch;
import io.attentivecutmix.cpu.TestImages;
import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Pairing;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.weights.Weights;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * A training loop's worth of steps with flat memory: {@code Steps [steps [batch [depth [precision]]]]}, 10000 steps of
 * 32 images through ResNet-50 by default. Every thousandth of the way it asks for the device's free memory, every tenth
 * it prints a line. Fails if the last quarter's least free memory is more than 1 MiB below the second quarter's: the
 * first is for warming up.
 */
public final class Steps {
    static final long ALLOWED = 1 << 20;
    private static final int CLASSES = 1000;

    private Steps() {}

    public static void main(String[] args) {
        int steps = args.length > 0 ? Integer.parseInt(args[0]) : 10_000;
        int batch = args.length > 1 ? Integer.parseInt(args[1]) : 32;
        int depth = args.length > 2 ? Integer.parseInt(args[2]) : 50;
        Device device = DeviceUnderTest.DEVICE;
        Precision precision =
                args.length > 3 ? Precision.valueOf(args[3]) : device.defaultPrecision(MixOptions.paper());
        boolean gpu = !device.equals(Device.cpu());
        long[] free = run(steps, batch, Weights.synthetic(depth, 1), device, precision, gpu);
        System.out.printf(Locale.ROOT, "{\"steps\": %d, \"batch\": %d, \"network\": %d, \"precision\": \"%s\","
                + " \"device\": \"%s\", \"lostMiB\": %.2f}%n", steps, batch, depth, precision, device,
                gpu ? lost(free) / 1048576.0 : 0);
        if (gpu && lost(free) > ALLOWED) {
            throw new IllegalStateException("device memory is not flat: " + lost(free)
                    + " bytes less at the end than in the second quarter; allowed: " + ALLOWED);
        }
    }

    private static long[] run(int steps, int batch, Weights weights, Device device, Precision precision, boolean gpu) {
        ImageBatch images = Compare.uniform(0, batch, 224, 224);
        ImageBatch ragged = new ImageBatch();
        for (int i = 0; i < batch; i++) {
            int h = 200 + 13 * i % 70;
            ragged.add(TestImages.structured(i, h, 250).pixels(), h, 250);
        }
        int[] ids = new int[batch];
        Arrays.setAll(ids, i -> i * 37 % CLASSES);
        Labels labels = Labels.of(ids);
        List<ImageBatch> kinds = List.of(images, images, images, ragged);
        MixedBatch into = new MixedBatch();
        int every = Math.max(1, steps / 1000);
        int lines = Math.max(1, steps / 10);
        long[] free = new long[(steps + every - 1) / every];
        AttentiveCutMix.Builder builder =
                AttentiveCutMix.builder().device(device).weights(weights).precision(precision);
        try (AttentiveCutMix mixer = builder.build()) {
            System.out.println(mixer.description());
            mixer.prepare(batch);
            long last = System.nanoTime();
            for (int step = 0; step < steps; step++) {
                mixer.mix(kinds.get(step % kinds.size()), labels, Pairing.shuffled(1, 0, step), into);
                if (step % every == 0) {
                    free[step / every] = gpu ? CardMemory.freeBytes() : 0;
                }
                if ((step + 1) % lines == 0) {
                    long now = System.nanoTime();
                    long heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
                    System.out.printf(Locale.ROOT, "step %d: %.3f ms a step, heap %d MiB, device memory free %.2f MiB"
                            + "%n", step + 1, (now - last) / 1e6 / lines, heap >> 20, free[step / every] / 1048576.0);
                    last = now;
                }
            }
        }
        return free;
    }

    /** Bytes by which the least of the last quarter is below the least of the second. */
    static long lost(long[] free) {
        int quarter = free.length / 4;
        if (quarter == 0) {
            return 0;
        }
        long second = Arrays.stream(free, quarter, 2 * quarter).min().orElseThrow();
        long fourth = Arrays.stream(free, free.length - quarter, free.length).min().orElseThrow();
        return Math.max(0, second - fourth);
    }
}
