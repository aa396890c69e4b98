package io.attentivecutmix;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.cpu.NativeLedger;
import io.attentivecutmix.cuda.HostRuntime;
import io.attentivecutmix.cuda.TestCuda;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Mode;
import io.attentivecutmix.method.Pairing;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.weights.Weights;
import java.io.File;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Mixers that are opened, used, closed, interrupted and forgotten by several threads at once, in random order: every
 * call is right or refused, and nothing is left. {@code -Dlifecycle.schedules=10000} for a long run,
 * {@code -Dlifecycle.seed} for another one.
 */
class LifeCycleTest {
    private static final int SCHEDULES = Integer.getInteger("lifecycle.schedules", 24);
    private static final long SEED = Long.getLong("lifecycle.seed", 5);
    /** One in so many schedules runs the network on the processor, which takes longest to open. */
    private static final int NETWORK_EVERY = 25;
    private static final int THREADS = 8;
    private static final int SLOTS = 3;
    private static final int CALLS = 5;
    private static final MixOptions CUTMIX = MixOptions.paper().withMode(Mode.CUTMIX);
    private static final MixOptions ATTENTIVE =
            MixOptions.paper().withPatches(new Patches.Fixed(1)).withInputSide(64);
    private static final Weights WEIGHTS = Weights.synthetic(18, 4);
    private static final Pairing PAIRING = Pairing.shuffled(1, 2, 3);

    @AfterEach
    void nothingIsLeft() {
        assertEquals(0, NativeLedger.objects());
        assertEquals(0, NativeLedger.bytes());
    }

    private static ImageBatch images() {
        ImageBatch batch = new ImageBatch();
        for (int i = 0; i < 4; i++) {
            ByteBuffer pixels = batch.reserve(20, 24);
            for (int at = 0; at < pixels.capacity(); at++) {
                pixels.put(at, (byte) (at * (i + 3) / 7));
            }
        }
        return batch;
    }

    private static byte[] bytes(MixedBatch mixed) {
        ByteBuffer pixels = mixed.pixels();
        byte[] all = new byte[pixels.remaining()];
        pixels.get(all);
        return all;
    }

    /** What can be opened, and what it must give. */
    private record Kind(Device device, MixOptions options, Weights weights, byte[] expected) {
        static Kind of(Device device, MixOptions options, Weights weights) {
            Kind kind = new Kind(device, options, weights, new byte[0]);
            try (AttentiveCutMix mixer = kind.open()) {
                return new Kind(device, options, weights, bytes(mixer.mix(images(), PAIRING)));
            }
        }

        AttentiveCutMix open() {
            AttentiveCutMix.Builder builder = AttentiveCutMix.builder().device(device).options(options).threads(2);
            return weights == null ? builder.build() : builder.weights(weights).precision(Precision.FP32).build();
        }
    }

    /** A mixer in a slot, and whether it was closed. */
    private record Held(AttentiveCutMix mixer, AtomicBoolean closed) {}

    /** One schedule: threads with what they do drawn from the seed; who comes first is up to the machine. */
    private static final class Schedule {
        final Kind kind;
        final long seed;
        final AtomicReferenceArray<Held> slots = new AtomicReferenceArray<>(SLOTS);
        final Queue<AttentiveCutMix> opened = new ConcurrentLinkedQueue<>();
        final Queue<Throwable> wrong = new ConcurrentLinkedQueue<>();
        final AtomicInteger right = new AtomicInteger();
        /** Of the mixers that only slots know: whether somebody has closed them. */
        final Queue<AtomicBoolean> forgotten = new ConcurrentLinkedQueue<>();
        final Thread[] threads = new Thread[THREADS];

        Schedule(Kind kind, long seed) {
            this.kind = kind;
            this.seed = seed;
        }

        void run() throws InterruptedException {
            for (int t = 0; t < THREADS; t++) {
                Random random = new Random(seed * THREADS + t);
                threads[t] = new Thread(() -> {
                    try {
                        for (int call = 0; call < CALLS; call++) {
                            act(random);
                        }
                    } catch (Throwable e) {
                        wrong.add(e);
                    }
                }, "life-" + t);
            }
            for (Thread t : threads) {
                t.start();
            }
            for (Thread t : threads) {
                t.join(60_000);
                assertFalse(t.isAlive(), "hangs, seed " + seed);
            }
            for (AttentiveCutMix mixer : opened) {
                mixer.close();
                assertThrows(IllegalStateException.class, () -> mixer.mix(images(), PAIRING));
            }
        }

        void act(Random random) {
            int slot = random.nextInt(SLOTS);
            Held held = slots.get(slot);
            switch (random.nextInt(10)) {
                case 0, 1 -> open(slot, random.nextInt(8) == 0);
                case 2 -> {
                    if (held != null) {
                        held.closed().set(true);
                        held.mixer().close();
                        held.mixer().close();
                    }
                }
                case 3 -> threads[random.nextInt(THREADS)].interrupt();
                case 4 -> slots.set(slot, null);
                default -> {
                    if (held == null) {
                        open(slot, false);
                    } else {
                        mix(held.mixer());
                    }
                }
            }
        }

        /** @param forget whether only the garbage collector will know of it */
        void open(int slot, boolean forget) {
            AttentiveCutMix mixer;
            try {
                mixer = kind.open();
            } catch (CancellationException e) {
                assertTrue(Thread.interrupted(), "cancelled without an interrupt");
                return;
            }
            Held held = new Held(mixer, new AtomicBoolean());
            if (forget) {
                forgotten.add(held.closed());
            } else {
                opened.add(mixer);
            }
            slots.set(slot, held);
        }

        void mix(AttentiveCutMix mixer) {
            boolean interrupted = Thread.currentThread().isInterrupted();
            try {
                assertArrayEquals(kind.expected(), bytes(mixer.mix(images(), PAIRING)), "seed " + seed);
                right.incrementAndGet();
                assertTrue(!interrupted || Thread.currentThread().isInterrupted(), "an interrupt was swallowed");
            } catch (CancellationException e) {
                assertTrue(Thread.interrupted(), "cancelled without an interrupt");
            } catch (IllegalStateException e) {
                String said = String.valueOf(e.getMessage());
                assertTrue(said.contains("closed mixer") || said.contains("is inside the same mixer"),
                        "seed " + seed + ": " + e);
            }
        }
    }

    private static void schedules(Kind kind, int from, int count, AtomicInteger right, AtomicInteger forgotten)
            throws InterruptedException {
        for (int i = from; i < from + count; i++) {
            Schedule schedule = new Schedule(kind, SEED + i);
            schedule.run();
            assertEquals(List.of(), List.copyOf(schedule.wrong), "seed " + schedule.seed);
            right.addAndGet(schedule.right.get());
            forgotten.addAndGet((int) schedule.forgotten.stream().filter(closed -> !closed.get()).count());
        }
    }

    /** The garbage collector closes what was forgotten. */
    private static void collect(long leakedBefore, int forgotten) throws InterruptedException {
        for (int i = 0; i < 500 && AttentiveCutMix.leaked() < leakedBefore + forgotten; i++) {
            System.gc();
            Thread.sleep(10);
        }
        assertEquals(leakedBefore + forgotten, AttentiveCutMix.leaked(), "seed " + SEED + ": forgotten mixers");
        // counted before it is freed
        for (int i = 0; i < 500 && NativeLedger.objects() > 0; i++) {
            Thread.sleep(10);
        }
    }

    @Test
    @Timeout(3600)
    void randomSchedulesOnTheProcessor() throws Exception {
        long leaked = AttentiveCutMix.leaked();
        AtomicInteger right = new AtomicInteger();
        AtomicInteger forgotten = new AtomicInteger();
        int network = Math.max(2, SCHEDULES / NETWORK_EVERY);
        schedules(Kind.of(Device.cpu(), CUTMIX, null), 0, SCHEDULES - network, right, forgotten);
        schedules(Kind.of(Device.cpu(), ATTENTIVE, WEIGHTS), SCHEDULES - network, network, right, forgotten);
        collect(leaked, forgotten.get());
        assertTrue(right.get() > SCHEDULES / 2, right + " calls mixed");
        assertEquals(0, Thread.getAllStackTraces().keySet().stream()
                .filter(t -> t.getName().startsWith("attentive-cutmix-cpu") && t.isAlive()).count(), "worker threads");
    }

    @Test
    @Timeout(3600)
    void randomSchedulesOnTheGpu() throws Exception {
        TestCuda.assumeKernels();
        long leaked = AttentiveCutMix.leaked();
        AtomicInteger right = new AtomicInteger();
        AtomicInteger forgotten = new AtomicInteger();
        List<HostRuntime> runtimes = new ArrayList<>();
        Device device = Device.cuda(0, TestCuda.deviceWithout(runtimes));
        schedules(Kind.of(device, ATTENTIVE, WEIGHTS), 0, SCHEDULES / 2, right, forgotten);
        collect(leaked, forgotten.get());
        assertTrue(right.get() > SCHEDULES / 4, right + " calls mixed");
        for (HostRuntime runtime : runtimes) {
            // a forgotten one is counted before it is freed
            for (int i = 0; i < 500 && !runtime.leftovers().isEmpty(); i++) {
                Thread.sleep(10);
            }
            assertEquals(List.of(), runtime.leftovers(), "seed " + SEED);
        }
    }

    /** Every class loader has a copy of JavaCPP's library; what oneDNN has once must not mind. */
    @Test
    void severalClassLoadersGiveTheSame() throws Exception {
        URL[] path = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(LifeCycleTest::url).toArray(URL[]::new);
        String expected = probe();
        for (int round = 0; round < 2; round++) {
            try (URLClassLoader loader = new URLClassLoader(path, ClassLoader.getPlatformClassLoader())) {
                Class<?> other = loader.loadClass(LifeCycleTest.class.getName());
                assertFalse(other.equals(LifeCycleTest.class));
                var probe = other.getDeclaredMethod("probe");
                probe.setAccessible(true);
                assertEquals(expected, probe.invoke(null), "round " + round);
            }
        }
    }

    private static URL url(String entry) {
        try {
            return Path.of(entry).toUri().toURL();
        } catch (java.net.MalformedURLException e) {
            throw new AssertionError(e);
        }
    }

    static String probe() {
        try (AttentiveCutMix mixer = AttentiveCutMix.builder().device(Device.cpu()).options(ATTENTIVE)
                .weights(Weights.synthetic(18, 4)).precision(Precision.FP32).threads(1).build()) {
            return String.valueOf(Arrays.hashCode(mixer.features(images())));
        }
    }

    /** A process that ends under running mixers, closed and forgotten ones ends in time, without a crash. */
    @Test
    @Timeout(60)
    void theProcessEndsUnderRunningMixers(@TempDir Path folder) throws Exception {
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        Process child = new ProcessBuilder(java.toString(), "-XX:TieredStopAtLevel=1",
                "-XX:ErrorFile=" + folder.resolve("crash.log"), "-cp", System.getProperty("java.class.path"),
                Ending.class.getName()).redirectErrorStream(true).start();
        String said = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(child.waitFor(30, TimeUnit.SECONDS), "hangs");
        assertEquals(7, child.exitValue(), said);
        assertFalse(Files.exists(folder.resolve("crash.log")), said);
    }

    /** Ends while four threads mix. */
    static final class Ending {
        private Ending() {}

        /** @param args none */
        public static void main(String[] args) throws Exception {
            Kind boxes = new Kind(Device.cpu(), CUTMIX, null, new byte[0]);
            boxes.open().close();
            boxes.open();
            Kind network = new Kind(Device.cpu(), ATTENTIVE, WEIGHTS, new byte[0]);
            for (int t = 0; t < 4; t++) {
                AttentiveCutMix mixer = t == 0 ? network.open() : boxes.open();
                Thread thread = new Thread(() -> {
                    while (true) {
                        mixer.mix(images(), PAIRING);
                    }
                });
                thread.setDaemon(t % 2 == 0);
                thread.start();
            }
            Thread.sleep(200);
            System.exit(7);
        }
    }
}
