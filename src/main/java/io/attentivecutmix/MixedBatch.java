package io.attentivecutmix;

import io.attentivecutmix.engine.HostMemory;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Images;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.MixGeometry;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.MixRecord;
import io.attentivecutmix.method.Pairing;
import io.attentivecutmix.method.PixelFormat;
import io.attentivecutmix.method.SoftLabels;
import io.attentivecutmix.method.SourceMask;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.function.ToLongFunction;

/**
 * A mixed batch: pixels, labels, and what was done to get them. Reusable as the target of further mixes.
 *
 * <p>Its memory belongs to the JVM, so there is nothing to close; views stay valid, but their contents change when the
 * batch is the target of another mix. Not thread-safe while a mix writes it; any number of threads may read it after,
 * and every view that is handed out has a position, limit and order of its own.
 */
public final class MixedBatch {
    private final PixelStore pixelStore;
    private final PixelStore maskStore;
    private final Target target = new Target();
    private MixOptions options;
    private PixelFormat format = PixelFormat.UINT8_NHWC;
    private Pairing pairing;
    private MixPlan plan = new MixPlan(1);
    private Labels labels = Labels.of();
    private boolean hasLabels;
    private int maskBytes;
    private int[] sourceHeights = {};
    private int[] sourceWidths = {};
    private int[] heights = {};
    private int[] widths = {};
    private ByteBuffer[] pixels = {};
    private ByteBuffer[] masks = {};
    private float[] heat = {};
    private boolean hasHeat;

    /** An empty batch, to be the target of a mix. */
    public MixedBatch() {
        this(HostMemory::plain);
    }

    MixedBatch(IntFunction<HostMemory> allocator) {
        pixelStore = new PixelStore(allocator);
        maskStore = new PixelStore(allocator);
    }

    /** Takes over the call's inputs (labels may be null); the plan returned has room for N images. */
    MixPlan begin(MixOptions callOptions, PixelFormat callFormat, Images images, Labels callLabels) {
        options = callOptions;
        format = callFormat;
        maskBytes = images.maskBytes();
        hasHeat = false;
        if (plan.grid != callOptions.grid()) {
            plan = new MixPlan(callOptions.grid());
        }
        plan.resize(images.count());
        hasLabels = callLabels != null;
        if (hasLabels) {
            labels = callLabels.copyInto(labels);
        }
        return plan;
    }

    /** Where heat maps go, or null if they are not wanted. */
    float[] heat(boolean wanted) {
        hasHeat = wanted;
        if (!wanted) {
            return null;
        }
        int size = Math.multiplyExact(plan.count, plan.grid * plan.grid);
        if (heat.length < size) {
            heat = new float[size];
        }
        Arrays.fill(heat, 0, size, 0f);
        return heat;
    }

    /** Lays out N pieces of the mixed images' sizes; the plan is complete but for the source weights. */
    void place(Images images, Pairing callPairing) {
        pairing = callPairing;
        int n = plan.count;
        if (heights.length < n) {
            sourceHeights = new int[n];
            sourceWidths = new int[n];
            heights = new int[n];
            widths = new int[n];
            pixels = new ByteBuffer[n];
            masks = new ByteBuffer[n];
        }
        long total = 0;
        long maskTotal = 0;
        for (int i = 0; i < n; i++) {
            sourceHeights[i] = images.height(i);
            sourceWidths[i] = images.width(i);
            heights[i] = MixGeometry.outHeight(options, plan, i, images);
            widths[i] = MixGeometry.outWidth(options, plan, i, images);
            total += ImageBatch.imageBytes(heights[i], widths[i], format.type());
            maskTotal += (long) heights[i] * widths[i] * maskBytes;
        }
        // old views would keep old chunks alive while new ones are allocated
        Arrays.fill(pixels, null);
        Arrays.fill(masks, null);
        pixelStore.clear();
        pixelStore.expect(total);
        maskStore.clear();
        if (maskBytes > 0) {
            maskStore.expect(maskTotal);
        }
        for (int i = 0; i < n; i++) {
            pixels[i] = pixelStore.next(ImageBatch.imageBytes(heights[i], widths[i], format.type()));
            masks[i] = maskBytes == 0 ? null : maskStore.next(Math.multiplyExact(heights[i] * widths[i], maskBytes));
        }
    }

    /** Forgets everything: a mix failed half-way, and nobody shall take its remains for a result. */
    void invalidate() {
        plan.count = 0;
        hasHeat = false;
    }

    /** Whether a batch lies in the memory that is written into. */
    boolean holds(ImageBatch images, ToLongFunction<ByteBuffer> addressOf) {
        return images.liesIn(pixelStore, addressOf);
    }

    /** What the engine writes into. */
    Images target() {
        return target;
    }

    private int check(int i) {
        return Objects.checkIndex(i, plan.count);
    }

    /** N; 0 before the first mix. */
    public int count() {
        return plan.count;
    }

    /** Height of mixed image i in pixels. */
    public int height(int i) {
        return heights[check(i)];
    }

    /** Width of mixed image i in pixels. */
    public int width(int i) {
        return widths[check(i)];
    }

    /** Type and layout of the values. */
    public PixelFormat format() {
        return format;
    }

    /** View of mixed image i, (H, W, 3) or (3, H, W) by {@link #format}: direct, native byte order, from index 0. */
    public ByteBuffer pixels(int i) {
        return ImageBatch.view(pixels[check(i)]);
    }

    /**
     * View of the whole batch as one tensor, (N, H, W, 3) or (N, 3, H, W): direct, native byte order, from index 0.
     *
     * @throws IllegalStateException if the images differ in size, or have 2 GiB or more together: use
     *     {@link #pixels(int)}
     */
    public ByteBuffer pixels() {
        for (int i = 1; i < plan.count; i++) {
            if (heights[i] != heights[0] || widths[i] != widths[0]) {
                throw new IllegalStateException("image " + i + " is " + heights[i] + "x" + widths[i]
                        + " and image 0 is "
                        + heights[0] + "x" + widths[0] + ", so the batch is no tensor; use pixels(i)");
            }
        }
        ByteBuffer whole = pixelStore.whole();
        if (whole == null) {
            throw new IllegalStateException("the batch is empty or has 2 GiB or more; use pixels(i)");
        }
        return whole;
    }

    /** Bytes of one element of the masks; 0 if the batch had none. */
    public int maskBytes() {
        return maskBytes;
    }

    /**
     * View of mixed image i's segmentation mask, (H, W) elements of {@link #maskBytes} bytes.
     *
     * @throws IllegalStateException if the batch had no masks
     */
    public ByteBuffer mask(int i) {
        check(i);
        if (maskBytes == 0) {
            throw new IllegalStateException("the batch had no masks");
        }
        return ImageBatch.view(masks[i]);
    }

    /** Index of image i's background. */
    public int partner(int i) {
        return plan.partner[check(i)];
    }

    /** Whether image i was mixed; if not it passed unchanged, with source weight 1. */
    public boolean mixed(int i) {
        return plan.mixed[check(i)];
    }

    /** The cells taken from image i, row-major indices in the G×G grid in ascending order; a new array. */
    public int[] cells(int i) {
        return Attention.selectedCells(plan, check(i));
    }

    /** Image i's share of the label, 0..1; the background has the rest. */
    public float sourceWeight(int i) {
        return plan.sourceWeight[check(i)];
    }

    /**
     * Class of image i itself, whose cells were pasted.
     *
     * @throws IllegalStateException if the batch had no labels, or rows of values
     */
    public int sourceLabel(int i) {
        return labels().id(check(i));
    }

    /**
     * Class of image i's background; of image i itself if it was not mixed.
     *
     * @throws IllegalStateException if the batch had no labels, or rows of values
     */
    public int backgroundLabel(int i) {
        return labels().id(plan.mixed[check(i)] ? plan.partner[i] : i);
    }

    private Labels labels() {
        if (!hasLabels) {
            throw new IllegalStateException("the batch was mixed without labels");
        }
        return labels;
    }

    /** Rows (N, classes): w·y_i + (1−w)·y_b, each summing to 1 for class ids; a new heap buffer. */
    public FloatBuffer softLabels(int classes) {
        return softLabels(classes, 0);
    }

    /**
     * Rows (N, classes) with label smoothing: every y becomes (1−ε)·y + ε/classes before they are mixed; a new heap
     * buffer.
     *
     * @param classes number of classes, above every class id; for labels given as rows: their length
     * @param smoothing ε in 0..1
     */
    public FloatBuffer softLabels(int classes, float smoothing) {
        if (classes < 1) {
            throw new IllegalArgumentException("classes is " + classes + "; allowed: 1 or more");
        }
        FloatBuffer rows = FloatBuffer.allocate(Math.multiplyExact(plan.count, classes));
        softLabels(classes, smoothing, rows);
        return rows;
    }

    /**
     * Writes the rows of {@link #softLabels(int, float)}.
     *
     * @param into N·classes values from index 0, absolute; overwritten
     */
    public void softLabels(int classes, float smoothing, FloatBuffer into) {
        SoftLabels.fill(labels(), plan.partner, plan.sourceWeight, classes, smoothing, into);
    }

    /**
     * Writes which pixels of mixed image i came from image i itself.
     *
     * @param into H·W bytes from index 0, absolute: 1 where from image i, else 0. Under RESIZED geometry the way back
     *     from S×S pixels blends neighbours; there the mask is made on S×S pixels and resized by nearest
     */
    public void sourceMask(int i, ByteBuffer into) {
        SourceMask.fill(options, plan, check(i), heights[i], widths[i], into);
    }

    /**
     * Heat map (G, G) of image i, row-major; a new array. Zeros for an image that was not mixed.
     *
     * @throws IllegalStateException unless the mixer was built with {@code keepHeatMaps(true)} and its extractor ran
     */
    public float[] heat(int i) {
        check(i);
        if (!hasHeat) {
            throw new IllegalStateException("heat maps were not kept; build the mixer with keepHeatMaps(true)");
        }
        int cells = plan.grid * plan.grid;
        return Arrays.copyOfRange(heat, i * cells, (i + 1) * cells);
    }

    /** How many heat maps held a value that is not finite. */
    public int nonFiniteMaps() {
        int n = 0;
        for (int i = 0; i < plan.count; i++) {
            n += plan.nonFinite[i] ? 1 : 0;
        }
        return n;
    }

    /** Everything this mix used, to be stored or passed to {@link AttentiveCutMix#replay}; a copy. */
    public MixRecord record() {
        if (plan.count == 0) {
            throw new IllegalStateException("record was called before the first mix");
        }
        return MixRecord.of(options, pairing, plan, sourceHeights, sourceWidths);
    }

    /** The mixed images as the engine sees them. */
    private final class Target implements Images {
        @Override
        public int count() {
            return plan.count;
        }

        @Override
        public int height(int i) {
            return heights[i];
        }

        @Override
        public int width(int i) {
            return widths[i];
        }

        @Override
        public ElementType elementType() {
            return format.type();
        }

        @Override
        public Layout layout() {
            return format.layout();
        }

        @Override
        public ByteBuffer pixels(int i) {
            return pixels[i];
        }

        @Override
        public int maskBytes() {
            return maskBytes;
        }

        @Override
        public ByteBuffer mask(int i) {
            return masks[i];
        }

        @Override
        public long address(int i) {
            return pixelStore.deviceAddress(i);
        }

        @Override
        public long maskAddress(int i) {
            return maskBytes == 0 ? 0 : maskStore.deviceAddress(i);
        }
    }
}
