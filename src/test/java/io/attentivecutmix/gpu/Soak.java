package io.attentivecutmix.gpu;

import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.Device;
import io.attentivecutmix.ImageBatch;
import io.attentivecutmix.MixedBatch;
import io.attentivecutmix.cpu.NativeLedger;
import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Pairing;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.weights.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.LongConsumer;
import java.util.stream.Stream;

/**
 * Days of work in short: {@code Soak [steps [cycles [seconds]]]}, by default 1,000,000 steps of two small images
 * through ResNet-18 and 10,000 times opening a mixer, one step and closing; each stops after so many seconds, if given.
 * A hundred times it collects garbage and looks at what the process holds. Prints a table of slopes; fails if one is
 * above what noise allows. On the device that {@code -Dgpu.test.device} names.
 *
 * <p>A heap that grows, and one that is touched bit by bit, would look like a leak: with {@code -Xms512m -Xmx512m
 * -XX:+AlwaysPreTouch} resident memory is held flat too, otherwise it is only printed.
 */
public final class Soak {
    private static final int MOST_SAMPLES = 100;
    /** Of a run's growth behind the first third: pages that the system counts late, and the virtual machine's own. */
    static final long ALLOWED_BYTES = 8 << 20;
    /** A sample collects all garbage, which takes longer than many steps. */
    private static final int STEPS_PER_SAMPLE = 20;
    private static final int SIDE = 32;

    /** What a process holds; NaN where the system does not tell. */
    record Sample(long at, double[] values) {}

    private static final List<String> NAMES = List.of("resident bytes", "native bytes", "native objects", "threads",
            "file descriptors", "heap bytes after collection", "device bytes taken");

    private static long freeAtStart = -1;

    private Soak() {}

    /** See the class. */
    public static void main(String[] args) {
        long steps = args.length > 0 ? Long.parseLong(args[0]) : 1_000_000;
        long cycles = args.length > 1 ? Long.parseLong(args[1]) : 10_000;
        long seconds = args.length > 2 ? Long.parseLong(args[2]) : Long.MAX_VALUE / 1_000_000_000;
        List<String> faults = run(DeviceUnderTest.DEVICE, steps, cycles, seconds, ALLOWED_BYTES, System.out::print);
        if (!faults.isEmpty()) {
            throw new IllegalStateException("not flat: " + faults);
        }
    }

    /** Where text goes. */
    interface Out {
        void print(String text);
    }

    /**
     * What is not flat, in words.
     *
     * @param allowed growth of resident memory and heap behind the first third, in bytes
     */
    static List<String> run(Device device, long steps, long cycles, long seconds, long allowed, Out out) {
        Weights weights = Weights.synthetic(18, 1);
        MixOptions options = MixOptions.paper().withPatches(new Patches.Fixed(1)).withInputSide(SIDE);
        ImageBatch images = new ImageBatch();
        for (int i = 0; i < 2; i++) {
            ByteBuffer pixels = images.reserve(SIDE, SIDE);
            for (int at = 0; at < pixels.capacity(); at++) {
                pixels.put(at, (byte) (at * (i + 3) / 5));
            }
        }
        Labels labels = Labels.of(1, 2);
        MixedBatch into = new MixedBatch();
        AttentiveCutMix.Builder builder = AttentiveCutMix.builder().device(device).weights(weights).options(options)
                .threads(1).noPlanFolder().measure(false);
        List<String> faults = new ArrayList<>();
        try (AttentiveCutMix mixer = builder.build()) {
            out.print(String.format(Locale.ROOT, "%s, Java %s, heap up to %d MiB%n", mixer.description(),
                    System.getProperty("java.version"), Runtime.getRuntime().maxMemory() >> 20));
            faults.addAll(part("steps", steps, seconds, allowed, device, out,
                    n -> mixer.mix(images, labels, Pairing.shuffled(1, 0, n), into)));
        }
        faults.addAll(part("cycles", cycles, seconds, allowed, device, out, n -> {
            try (AttentiveCutMix mixer = builder.build()) {
                mixer.mix(images, labels, Pairing.shuffled(1, 1, n), into);
            }
        }));
        return faults;
    }

    private static List<String> part(String what, long wanted, long seconds, long allowedBytes, Device device,
            Out out, LongConsumer work) {
        List<Sample> samples = new ArrayList<>();
        long start = System.nanoTime();
        long done = 0;
        double progress = 0;
        long wantedSamples = Math.max(4, Math.min(MOST_SAMPLES, wanted / STEPS_PER_SAMPLE));
        while (progress < 1) {
            if (progress * wantedSamples >= samples.size()) {
                samples.add(sample(done, device));
            }
            work.accept(done++);
            progress = Math.max((double) done / wanted, (System.nanoTime() - start) / 1e9 / seconds);
        }
        samples.add(sample(done, device));
        double took = (System.nanoTime() - start) / 1e9;
        out.print(String.format(Locale.ROOT, "%n%,d of %,d %s in %.0f s, %d samples%n%-28s %14s %14s %16s %16s%n", done,
                wanted, what, took, samples.size(), "", "first", "last", "slope / 10,000", "error of it"));
        List<String> faults = new ArrayList<>();
        for (int v = 0; v < NAMES.size(); v++) {
            double first = samples.get(0).values()[v];
            if (Double.isNaN(first)) {
                continue;
            }
            double[] line = line(samples.subList(samples.size() / 3, samples.size()), v);
            double last = samples.get(samples.size() - 1).values()[v];
            out.print(String.format(Locale.ROOT, "%-28s %,14.0f %,14.0f %,16.1f %,16.1f%n", NAMES.get(v), first, last,
                    10_000 * line[0], 10_000 * line[1]));
            if (NAMES.get(v).equals("resident bytes") && !heapIsFixed()) {
                continue;
            }
            double growth = line[0] * (done - samples.get(samples.size() / 3).at());
            double allowed = NAMES.get(v).contains("bytes") ? allowedBytes : 0.5;
            boolean exact = NAMES.get(v).startsWith("native");
            if (exact && last != first || growth > allowed && line[0] > 3 * line[1]) {
                faults.add(what + ": " + NAMES.get(v) + " grew by " + Math.round(growth));
            }
        }
        return faults;
    }

    private static boolean heapIsFixed() {
        MemoryUsage heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage();
        List<String> options = ManagementFactory.getRuntimeMXBean().getInputArguments();
        return heap.getInit() >= heap.getMax() && options.contains("-XX:+AlwaysPreTouch");
    }

    /** Slope and its standard error, by least squares. */
    static double[] line(List<Sample> samples, int value) {
        int n = samples.size();
        double x = samples.stream().mapToDouble(Sample::at).average().orElse(0);
        double y = samples.stream().mapToDouble(s -> s.values()[value]).average().orElse(0);
        double xx = 0;
        double xy = 0;
        for (Sample s : samples) {
            xx += (s.at() - x) * (s.at() - x);
            xy += (s.at() - x) * (s.values()[value] - y);
        }
        double slope = xx == 0 ? 0 : xy / xx;
        double left = 0;
        for (Sample s : samples) {
            double e = s.values()[value] - y - slope * (s.at() - x);
            left += e * e;
        }
        return new double[] {slope, n < 3 || xx == 0 ? 0 : Math.sqrt(left / (n - 2) / xx)};
    }

    static Sample sample(long at, double... values) {
        return new Sample(at, values);
    }

    private static Sample sample(long at, Device device) {
        System.gc();
        return sample(at, 1024 * status("VmRSS:"), NativeLedger.bytes(), NativeLedger.objects(), status("Threads:"),
                descriptors(), ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed(),
                device.equals(Device.cpu()) ? Double.NaN : freeAtStart() - CardMemory.freeBytes());
    }

    private static synchronized long freeAtStart() {
        if (freeAtStart < 0) {
            freeAtStart = CardMemory.freeBytes();
        }
        return freeAtStart;
    }

    /** A number of /proc/self/status. */
    private static double status(String name) {
        Path file = Path.of("/proc/self/status");
        if (!Files.isReadable(file)) {
            return Double.NaN;
        }
        try (Stream<String> lines = Files.lines(file)) {
            return lines.filter(l -> l.startsWith(name)).map(l -> l.replaceAll("[^0-9]", "")).findFirst()
                    .map(Double::parseDouble).orElse(Double.NaN);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static double descriptors() {
        Path folder = Path.of("/proc/self/fd");
        if (!Files.isDirectory(folder)) {
            return Double.NaN;
        }
        try (Stream<Path> all = Files.list(folder)) {
            return all.count() - 1; // but the one that lists
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
