package io.attentivecutmix.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.attentivecutmix.cpu.KernelsAgainstStagesTest.Device;
import io.attentivecutmix.cuda.kernels.AttentiveKernels;
import io.attentivecutmix.cuda.kernels.KernelRegions;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.image.ResizeFilter;
import io.attentivecutmix.method.Geometry;
import io.attentivecutmix.method.HostImages;
import io.attentivecutmix.method.MixGeometry;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.Mode;
import io.attentivecutmix.method.Pairing;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.Planner;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * acm_preprocess, acm_mix and acm_source_weights together, on their build for the CPU, do what the pixel mixer and the
 * planner do: ragged batches, cells and boxes, both geometries, pixels and segmentation masks of every width, byte for
 * byte.
 */
class MixKernelsTest {
    private static final long SEED = 79;
    private static final int[][] SIZES = {{61, 115}, {33, 31}, {224, 20}, {40, 40}, {33, 31}};

    private final Random random = new Random(SEED);

    @BeforeAll
    static void emulated() {
        KernelsAgainstStagesTest.emulated();
    }

    @Test
    void cellsInNativeGeometry() {
        check(Mode.RANDOM_CELLS, Geometry.NATIVE);
    }

    @Test
    void boxesInNativeGeometry() {
        check(Mode.CUTMIX, Geometry.NATIVE);
    }

    @Test
    void cellsOnAResizedCanvas() {
        check(Mode.RANDOM_CELLS, Geometry.RESIZED);
    }

    @Test
    void boxesOnAResizedCanvas() {
        check(Mode.CUTMIX, Geometry.RESIZED);
    }

    private void check(Mode mode, Geometry geometry) {
        for (int maskBytes : new int[] {1, 2, 4}) {
            for (ResizeFilter filter : ResizeFilter.values()) {
                // On a canvas every image is mixed: one that is not goes round the canvas, which is no kernel's affair.
                MixOptions options = MixOptions.paper().withPatches(new Patches.Beta(1, true)).withInputSide(160)
                        .withProbability(geometry == Geometry.RESIZED ? 1 : 0.8).withMode(mode).withGeometry(geometry)
                        .withResizeFilter(filter);
                HostImages in = new HostImages(SIZES, ElementType.UINT8, Layout.NHWC, maskBytes).fill(random);
                Planner planner = new Planner(options);
                MixPlan plan = planner.newPlan();
                Pairing pairing = Pairing.permuted(random.nextLong(), 0, 0);
                planner.plan(pairing, in.count(), plan);
                planner.boxes(pairing, in, plan);
                planner.weigh(in, plan);
                compare(options, plan, in, mode + " " + geometry + " " + filter + " masks of " + maskBytes + ", seed "
                        + SEED);
            }
        }
    }

    private static void compare(MixOptions options, MixPlan plan, HostImages in, String name) {
        int n = in.count();
        int[][] sizes = new int[n][];
        Arrays.setAll(sizes, i -> new int[] {
            MixGeometry.outHeight(options, plan, i, in), MixGeometry.outWidth(options, plan, i, in)});
        HostImages wanted = new HostImages(sizes, ElementType.UINT8, Layout.NHWC, in.maskBytes());
        PixelMixer mixer = new PixelMixer(options);
        for (int i = 0; i < n; i++) {
            mixer.mix(in, plan, i, wanted);
        }
        ElementType maskType = in.maskBytes() == 1 ? ElementType.UINT8
                : in.maskBytes() == 2 ? ElementType.FLOAT16 : ElementType.FLOAT32;
        Device pixels = mixed(options, plan, in, sizes, ElementType.UINT8, 3);
        Device masks = mixed(options, plan, in, sizes, maskType, 1);
        for (int i = 0; i < n; i++) {
            int area = sizes[i][0] * sizes[i][1];
            assertArrayEquals(bytes(wanted.pixels(i), 0, area * 3),
                    bytes(pixels.memory(), (int) pixels.offsets()[i], area * 3), name + ", pixels of image " + i);
            assertArrayEquals(bytes(wanted.mask(i), 0, area * in.maskBytes()),
                    bytes(masks.memory(), (int) masks.offsets()[i], area * in.maskBytes()), name + ", mask of image "
                    + i);
        }
    }

    /** Pixels (3 channels) or masks (1 channel) of the mixed batch, by the kernels. */
    private static Device mixed(MixOptions options, MixPlan plan, HostImages in, int[][] sizes, ElementType type,
            int channels) {
        int n = in.count();
        ResizeFilter filter = channels == 1 ? ResizeFilter.NEAREST : options.resizeFilter();
        Device images = room(SIZES, type, channels);
        for (int i = 0; i < n; i++) {
            ByteBuffer from = channels == 1 ? in.mask(i) : in.pixels(i);
            images.memory().put((int) images.offsets()[i], from, 0,
                    SIZES[i][0] * SIZES[i][1] * channels * type.bytes());
        }
        boolean resized = options.geometry() == Geometry.RESIZED;
        int[][] canvas = new int[n][];
        Arrays.setAll(canvas, i -> resized ? new int[] {options.inputSide(), options.inputSide()} : sizes[i]);
        Device fitted = room(canvas, type, channels);
        KernelsAgainstStagesTest.preprocess(images, fitted, filter, false);
        Device out = room(canvas, type, channels);
        try (KernelRegions regions = new KernelRegions();
                IntPointer partner = new IntPointer(Arrays.copyOf(plan.partner, n));
                BytePointer mixed = new BytePointer(n);
                LongPointer cells = new LongPointer(Arrays.copyOf(plan.cells, n * plan.words));
                IntPointer boxes = new IntPointer(Arrays.copyOf(plan.box, 4 * n));
                LongPointer taken = new LongPointer(n);
                FloatPointer weights = new FloatPointer(n)) {
            for (int i = 0; i < n; i++) {
                mixed.put(i, (byte) (plan.mixed[i] ? 1 : 0));
            }
            boolean box = options.mode() == Mode.CUTMIX;
            regions.grid(plan.grid).partner(partner).mixed(mixed).normalisation(null);
            regions.cells(box ? null : cells).boxes(box ? boxes : null);
            ok(AttentiveKernels.acm_mix(fitted.images(), resized ? fitted.images() : images.images(), out.images(),
                    regions, null));
            ok(AttentiveKernels.acm_source_weights(out.images(), regions, 0, taken, weights, null));
            for (int i = 0; i < n; i++) {
                assertEquals(plan.sourceWeight[i], weights.get(i), "weight of image " + i + ", seed " + SEED);
            }
        }
        if (!resized) {
            return out;
        }
        Device result = room(sizes, type, channels);
        KernelsAgainstStagesTest.preprocess(out, result, filter, false);
        return result;
    }

    private static Device room(int[][] sizes, ElementType type, int channels) {
        int[] h = Arrays.stream(sizes).mapToInt(s -> s[0]).toArray();
        int[] w = Arrays.stream(sizes).mapToInt(s -> s[1]).toArray();
        return KernelsAgainstStagesTest.device(h, w, type, Layout.NHWC, channels);
    }

    private static byte[] bytes(ByteBuffer buffer, int at, int length) {
        byte[] bytes = new byte[length];
        buffer.get(at, bytes);
        return bytes;
    }

    private static void ok(int status) {
        assertEquals(AttentiveKernels.ACM_OK, status,
                () -> "seed " + SEED + ": " + AttentiveKernels.acm_status_text(status).getString());
    }
}
