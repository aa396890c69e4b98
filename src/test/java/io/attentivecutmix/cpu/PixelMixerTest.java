package io.attentivecutmix.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.Trials;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Images;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.image.ResizeFilter;
import io.attentivecutmix.method.Geometry;
import io.attentivecutmix.method.HostImages;
import io.attentivecutmix.method.MixGeometry;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.Mode;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.method.Pairing;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.PixelFormat;
import io.attentivecutmix.method.Planner;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class PixelMixerTest {
    private static final int[] AWKWARD =
            {7, 8, 9, 11, 13, 31, 32, 33, 61, 64, 65, 97, 115, 122, 127, 224, 230, 244, 251};

    private static int[] size(Random random, int grid) {
        if (random.nextInt(12) == 0) {
            int[] thin = {grid + random.nextInt(4), grid + random.nextInt(2049 - grid)};
            return random.nextBoolean() ? thin : new int[] {thin[1], thin[0]};
        }
        return new int[] {Math.max(grid, AWKWARD[random.nextInt(AWKWARD.length)]),
            Math.max(grid, AWKWARD[random.nextInt(AWKWARD.length)])};
    }

    private static <E> E any(Random random, E[] of) {
        return of[random.nextInt(of.length)];
    }

    private static MixOptions options(Random random) {
        MixOptions options = MixOptions.paper().withPatches(new Patches.Beta(1, true)).withProbability(0.9)
                .withInputSide(32 * (1 + random.nextInt(9)))
                .withMode(any(random, Mode.values()))
                .withGeometry(any(random, Geometry.values()))
                .withResizeFilter(any(random, ResizeFilter.values()));
        return random.nextInt(3) == 0 ? options.withNormalisation(Normalisation.NONE) : options;
    }

    /** A plan of random cells for cells modes, of a random box otherwise; weights included. */
    private static MixPlan plan(MixOptions options, Pairing pairing, Images in) {
        MixOptions drawn = options.mode() == Mode.CUTMIX ? options : options.withMode(Mode.RANDOM_CELLS);
        Planner planner = new Planner(drawn);
        MixPlan plan = planner.newPlan();
        planner.plan(pairing, in.count(), plan);
        planner.boxes(pairing, in, plan);
        planner.weigh(in, plan);
        return plan;
    }

    private static HostImages output(MixOptions options, MixPlan plan, Images in, PixelFormat format) {
        int[][] sizes = new int[in.count()][];
        Arrays.setAll(sizes, i -> new int[] {
            MixGeometry.outHeight(options, plan, i, in), MixGeometry.outWidth(options, plan, i, in)});
        return new HostImages(sizes, format.type(), format.layout(), in.maskBytes());
    }

    /** Every mode, geometry, filter, type, layout and mask size, on equal and ragged sizes, against the naive mix. */
    @Test
    void everyPixelIsTheOneItMustBe() {
        Trials.run(400, (seed, random) -> everyPixelIsTheOneItMustBe(seed));
    }

    private static void everyPixelIsTheOneItMustBe(long seed) {
        Random random = new Random(seed);
        MixOptions options = options(random);
        int n = 1 + random.nextInt(3);
        int[][] sizes = new int[n][];
        int[] one = size(random, options.grid());
        boolean ragged = random.nextBoolean();
        Arrays.setAll(sizes, i -> ragged ? size(random, options.grid()) : one);
        HostImages in = new HostImages(sizes, any(random, ElementType.values()), any(random, Layout.values()),
                any(random, new Integer[] {0, 1, 2, 4})).fill(random);
        ElementType[] outTypes = in.elementType() == ElementType.UINT8 ? ElementType.values()
                : new ElementType[] {ElementType.FLOAT16, ElementType.BFLOAT16, ElementType.FLOAT32};
        PixelFormat format = new PixelFormat(any(random, outTypes), any(random, Layout.values()));
        Pairing pairing = Pairing.permuted(seed, 0, 0);
        MixPlan plan = plan(options, pairing, in);
        HostImages out = output(options, plan, in, format);
        PixelMixer mixer = new PixelMixer(options);
        NaiveMix naive = new NaiveMix(options, in, plan);
        String message = "seed " + seed + ", " + options + ", " + in.elementType() + " " + in.layout() + " -> " + format
                + ", sizes " + Arrays.deepToString(sizes);
        for (int i = 0; i < n; i++) {
            mixer.mix(in, plan, i, out);
            long taken = naive.check(i, out, message);
            if (plan.mixed[i]) {
                boolean resized = options.geometry() == Geometry.RESIZED;
                long area = resized ? (long) options.inputSide() * options.inputSide()
                        : (long) in.height(plan.partner[i]) * in.width(plan.partner[i]);
                assertEquals((float) ((double) taken / area), plan.sourceWeight[i], message);
            }
        }
        out.checkGuards();
        in.checkGuards();
    }

    /** Every height and width from 7 to 260 by a prime, all 49 cells in a checkerboard and its complement. */
    @Test
    void everySizeUpTo260() {
        MixOptions options = MixOptions.paper();
        PixelMixer mixer = new PixelMixer(options);
        MixPlan plan = new MixPlan(7);
        plan.resize(2);
        plan.mixed[0] = true;
        plan.mixed[1] = true;
        plan.partner[0] = 1;
        for (int c = 0; c < 49; c++) {
            plan.cells[c & 1] |= 1L << c;
        }
        Random random = new Random(3);
        for (int size = 7; size <= 260; size++) {
            for (int[] shape : new int[][] {{size, 11}, {13, size}}) {
                HostImages in = new HostImages(new int[][] {shape, shape}, ElementType.UINT8, Layout.NHWC, 0)
                        .fill(random);
                HostImages out = output(options, plan, in, PixelFormat.UINT8_NHWC);
                NaiveMix naive = new NaiveMix(options, in, plan);
                long taken = 0;
                for (int i = 0; i < 2; i++) {
                    mixer.mix(in, plan, i, out);
                    taken += naive.check(i, out, Arrays.toString(shape));
                }
                assertEquals(shape[0] * shape[1], taken);
            }
        }
    }

    @Test
    void neverWritesItsInput() {
        Random random = new Random(4);
        for (Geometry geometry : Geometry.values()) {
            MixOptions options = MixOptions.paper().withGeometry(geometry);
            int[][] sizes = {{40, 50}, {61, 33}, {40, 50}};
            HostImages in = new HostImages(sizes, ElementType.UINT8, Layout.NHWC, 2)
                    .fill(random);
            List<byte[]> before = bytes(in);
            MixPlan plan = plan(options, Pairing.roll(), in);
            HostImages out = output(options, plan, in, PixelFormat.UINT8_NHWC);
            PixelMixer mixer = new PixelMixer(options);
            for (int i = 0; i < 3; i++) {
                mixer.mix(in, plan, i, out);
            }
            List<byte[]> after = bytes(in);
            for (int at = 0; at < before.size(); at++) {
                assertArrayEquals(before.get(at), after.get(at));
            }
        }
    }

    private static List<byte[]> bytes(HostImages images) {
        List<byte[]> all = new ArrayList<>();
        for (int i = 0; i < images.count(); i++) {
            for (ByteBuffer buffer : new ByteBuffer[] {images.pixels(i), images.mask(i)}) {
                if (buffer != null) {
                    byte[] copy = new byte[buffer.capacity()];
                    buffer.get(0, copy);
                    all.add(copy);
                }
            }
        }
        return all;
    }

    /** One thread, and four with a mixer each in any order, write the same bytes. */
    @Test
    void theThreadCountChangesNothing() throws Exception {
        Random random = new Random(6);
        MixOptions options = MixOptions.paper().withPatches(new Patches.Beta(1, true)).withProbability(0.8);
        int[][] sizes = new int[40][];
        Arrays.setAll(sizes, i -> size(random, 7));
        HostImages in = new HostImages(sizes, ElementType.UINT8, Layout.NHWC, 1).fill(random);
        PixelFormat format = new PixelFormat(ElementType.FLOAT16, Layout.NCHW);
        MixPlan plan = plan(options, Pairing.shuffled(6, 0, 0), in);
        HostImages alone = output(options, plan, in, format);
        PixelMixer mixer = new PixelMixer(options);
        for (int i = 0; i < 40; i++) {
            mixer.mix(in, plan, i, alone);
        }
        HostImages together = output(options, plan, in, format);
        ExecutorService pool = Executors.newFixedThreadPool(4);
        try {
            List<Callable<Void>> parts = new ArrayList<>();
            for (int part = 0; part < 4; part++) {
                int first = part;
                parts.add(() -> {
                    PixelMixer own = new PixelMixer(options);
                    for (int i = 36 + first; i >= 0; i -= 4) {
                        own.mix(in, plan, i, together);
                    }
                    return null;
                });
            }
            for (Future<Void> done : pool.invokeAll(parts)) {
                done.get();
            }
        } finally {
            pool.shutdownNow();
        }
        List<byte[]> expected = bytes(alone);
        List<byte[]> actual = bytes(together);
        for (int at = 0; at < expected.size(); at++) {
            assertArrayEquals(expected.get(at), actual.get(at), "buffer " + at);
        }
    }

    /** After warm-up: view objects of floating buffers only, at most three of them (in, partner, out). */
    @Test
    void steadyStateAllocatesNoArrays() {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        for (Geometry geometry : Geometry.values()) {
            for (ElementType type : new ElementType[] {ElementType.UINT8, ElementType.FLOAT16}) {
                MixOptions options = MixOptions.paper().withGeometry(geometry);
                HostImages in = new HostImages(new int[][] {{50, 60}, {60, 50}}, type, Layout.NHWC, 1)
                        .fill(new Random(1));
                MixPlan plan = plan(options, Pairing.roll(), in);
                HostImages out = output(options, plan, in, new PixelFormat(ElementType.FLOAT32, Layout.NCHW));
                PixelMixer mixer = new PixelMixer(options);
                for (int step = 0; step < 20; step++) {
                    mixer.mix(in, plan, step & 1, out);
                }
                long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
                for (int step = 0; step < 100; step++) {
                    mixer.mix(in, plan, step & 1, out);
                }
                long each = (threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before) / 100;
                assertTrue(each <= 512, geometry + " " + type + ": " + each + " bytes per image");
            }
        }
    }

    private static String refusal(Runnable call) {
        return assertThrows(IllegalArgumentException.class, call::run).getMessage();
    }

    @Test
    void refusesWhatDoesNotFit() {
        MixOptions options = MixOptions.paper();
        int[][] sizes = {{20, 30}, {30, 20}};
        HostImages in = new HostImages(sizes, ElementType.UINT8, Layout.NHWC, 0);
        MixPlan plan = plan(options, Pairing.roll(), in);
        PixelMixer mixer = new PixelMixer(options);
        assertEquals("output 0 is 20 by 30; allowed: 30 by 20, the size of the mixed image",
                refusal(() -> mixer.mix(in, plan, 0, new HostImages(sizes, ElementType.UINT8, Layout.NHWC, 0))));
        HostImages floats = new HostImages(sizes, ElementType.FLOAT32, Layout.NHWC, 0);
        int[][] turned = {{30, 20}, {20, 30}};
        HostImages out = new HostImages(turned, ElementType.UINT8, Layout.NHWC, 0);
        assertEquals("output type is UINT8; allowed for a FLOAT32 batch: the floating types",
                refusal(() -> mixer.mix(floats, plan, 0, out)));
        assertEquals("batch type is UINT8; allowed with normalisation ALREADY_NORMALISED: the floating types",
                refusal(() -> new PixelMixer(options.withNormalisation(Normalisation.ALREADY_NORMALISED))
                        .mix(in, plan, 0, new HostImages(turned, ElementType.FLOAT32, Layout.NHWC, 0))));
        assertEquals("output masks have 1 bytes per element; allowed: 0, as the batch",
                refusal(() -> mixer.mix(in, plan, 0, new HostImages(turned, ElementType.UINT8, Layout.NHWC, 1))));
        assertEquals("plan has grid 7; allowed: 8 (G at inputSide 256)",
                refusal(() -> new PixelMixer(options.withInputSide(256)).mix(in, plan, 0, out)));
    }
}
