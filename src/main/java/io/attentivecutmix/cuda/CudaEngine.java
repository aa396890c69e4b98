package io.attentivecutmix.cuda;

import io.attentivecutmix.cuda.kernels.KernelAttention;
import io.attentivecutmix.cuda.kernels.KernelImages;
import io.attentivecutmix.cuda.kernels.KernelRegions;
import io.attentivecutmix.engine.DeviceEngine;
import io.attentivecutmix.engine.DeviceLostException;
import io.attentivecutmix.engine.EngineChecks;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.engine.Enqueued;
import io.attentivecutmix.engine.HostMemory;
import io.attentivecutmix.image.BatchForm;
import io.attentivecutmix.image.DeviceImages;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.HalfFloats;
import io.attentivecutmix.image.Images;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.method.Geometry;
import io.attentivecutmix.method.LabelWeight;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.Mode;
import io.attentivecutmix.method.Normalisation;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.BitSet;
import java.util.function.Consumer;
import java.util.function.Function;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * The CUDA device: a step is a chain of launches on one stream, from pixels to mixed pixels; neither feature map nor heat map
 * leaves the GPU.
 *
 * <p>Images of one size go through a CUDA graph from the second step on ({@link Graphs}): copies of the small tables, resize,
 * network, selection and mix in one call. What has an address of the caller's, the copies of the pixels, stays outside. A ragged
 * batch has the network alone in a graph. The host waits once a step, for the result; not at all where images lie on the device.
 *
 * <p>An image's cells and pixels do not depend on the rest of its batch, except through the network: a library may choose another
 * implementation of a layer for another N.
 */
final class CudaEngine implements DeviceEngine {
    private static final String EXTRACT = "extract";
    private static final String ATTEND = "attend";
    private static final String MIX = "mix";
    private static final String ATTEND_MIX = "attend and mix";
    /** Steps that may be under way at once: the host writes the tables of one while the device reads those of another. */
    private static final int SLOTS = 2;

    private final int ordinal;
    private final MixOptions options;
    private final int cells;
    private final int words;
    private final int classifierRows;
    private final int channels;
    private final CudaRuntime runtime;
    private final Kernels kernels;
    private final String description;
    private final Scope scope = new Scope();
    private final Pointer stream;
    private final DeviceExtractor extractor;
    private final Graphs graphs;
    private final PinnedMemory pinned;
    private final BitSet prepared = new BitSet();

    private final FloatPointer normalisation;
    private final Composer pixels;
    private final Composer maskPixels;
    private final Transfer pixelsIn;
    private final Transfer pixelsOut;
    private final Transfer masksIn;
    private final Transfer masksOut;
    private final Batch input;
    private final KernelAttention attention;
    private final KernelRegions regions;
    private final KernelImages canvas;
    private final Arena workspace;
    private final Arena heatMaps;
    private final Arena heatStaging;
    private final Arena featureStaging;
    private final Slot[] slots = new Slot[SLOTS];
    /** Happens when the last step is complete; the next one may be on another stream. */
    private final Pointer last;
    private boolean anyStep;
    private int turn;

    // The step under way.
    private Slot slot;
    private MixPlan plan;
    private String kind;
    private boolean extracts;
    private boolean takesPixels;
    private boolean wantsHeat;
    private boolean weighs;
    private boolean masks;
    /** Whether all is the same in the next step of this form, whatever its plan says. */
    private boolean fixed;
    private final Consumer<Pointer> work = this::launch;
    private final Consumer<Pointer> network = this::launchNetwork;

    private DeviceLostException lost;
    private boolean closed;

    /** The tables of a step, and what must happen before the next step may write them. */
    private final class Slot implements AutoCloseable {
        final int index;
        final Tables tables;
        final Pointer done;
        /** Whose results are still to be taken over, or null. */
        Step owner;
        /** Whose tables the device has, or null. */
        Step user;

        Slot(int index) {
            this.index = index;
            tables = scope.own(new Tables(runtime, words));
            done = runtime.createEvent(false);
            scope.own(this);
        }

        /** Takes over the results of the last step that used this slot. */
        void collect() {
            if (owner != null) {
                runtime.synchronizeEvent(done);
                Step step = owner;
                owner = null;
                step.takeOver(tables);
            }
        }

        @Override
        public void close() {
            runtime.destroyEvent(done);
        }
    }

    private CudaEngine(EngineConfig config, int ordinal, CudaRuntime runtime, Function<Structs, Kernels> library,
            ExtractorFactory extractors) {
        this.ordinal = ordinal;
        this.runtime = runtime;
        options = config.options();
        cells = options.grid() * options.grid();
        words = (cells + 63) / 64;
        classifierRows = config.classifier() == null ? 0 : config.classifier().length;
        channels = config.network() == null ? 0 : config.network().channels();
        if (config.network() != null) {
            EngineChecks.configuration(config, CudaDevice.PRECISIONS, "CUDA");
        }
        int previous = runtime.currentDevice();
        runtime.useDevice(ordinal);
        try {
            DeviceProperties device = runtime.properties(ordinal);
            Structs structs = scope.own(new Structs());
            kernels = library.apply(structs);
            pinned = new PinnedMemory(runtime);
            Pointer own = runtime.createStream();
            scope.own(() -> runtime.destroyStream(own));
            stream = own;
            Pointer event = runtime.createEvent(false);
            scope.own(() -> runtime.destroyEvent(event));
            last = event;
            workspace = scope.own(Arena.device("workspace of a resize", runtime));
            heatMaps = scope.own(Arena.device("heat maps", runtime));
            heatStaging = scope.own(Arena.pinned("heat maps", runtime));
            featureStaging = scope.own(Arena.pinned("feature maps", runtime));
            normalisation = new FloatPointer(structs.allocate(6 * Float.BYTES));
            for (int c = 0; c < 3; c++) {
                normalisation.put(c, options.normalisation().mean().get(c));
                normalisation.put(3 + c, options.normalisation().std().get(c));
            }
            FloatPointer standardise = standardises() ? normalisation : null;
            pixels = scope.own(new Composer(false, options, runtime, kernels, structs, standardise, workspace));
            maskPixels = scope.own(new Composer(true, options, runtime, kernels, structs, null, workspace));
            pixelsIn = scope.own(new Transfer("images", false, runtime));
            pixelsOut = scope.own(new Transfer("mixed images", false, runtime));
            masksIn = scope.own(new Transfer("masks", true, runtime));
            masksOut = scope.own(new Transfer("mixed masks", true, runtime));
            input = new Batch(structs, Tables.Role.IN, false);
            attention = new KernelAttention(structs.allocate(KernelAttention.class));
            regions = new KernelRegions(structs.allocate(KernelRegions.class));
            canvas = new KernelImages(structs.allocate(KernelImages.class));
            for (int s = 0; s < SLOTS; s++) {
                slots[s] = new Slot(s);
            }
            regions.grid(options.grid());
            regions.normalisation(standardise);
            attention.grid(options.grid());
            attention.channels(Math.max(1, channels));
            attention.reduction(options.reduction().ordinal());
            if (config.network() == null) {
                extractor = null;
            } else {
                extractor = scope.own(extractors.open(config, device, runtime, kernels, stream));
                attention.type(extractor.featureType().ordinal());
                classifier(config);
            }
            // last: graphs go first, while what they work on is still there
            graphs = scope.own(new Graphs(runtime, stream));
            description = device.name() + " (" + device.architecture() + "), driver for CUDA "
                    + DeviceProperties.version(device.driverVersion()) + ", CUDA runtime "
                    + DeviceProperties.version(device.runtimeVersion())
                    + (extractor == null ? ", no extractor"
                            : ", " + config.network() + " " + config.precision() + ", " + extractor.description());
        } catch (RuntimeException | Error e) {
            try {
                scope.close();
            } catch (RuntimeException again) {
                e.addSuppressed(again);
            }
            throw e;
        } finally {
            restore(previous);
        }
    }

    /**
     * Opens the device of a number.
     *
     * @param library makes the kernels, given host memory for what they need
     */
    static CudaEngine open(EngineConfig config, int ordinal, CudaRuntime runtime, Function<Structs, Kernels> library,
            ExtractorFactory extractors) {
        return new CudaEngine(config, ordinal, runtime, library, extractors);
    }

    private boolean standardises() {
        return options.normalisation().kind() == Normalisation.Kind.STANDARDISE;
    }

    /** Uploads the classifier's rows, which only the CLASS reduction reads. */
    private void classifier(EngineConfig config) {
        if (classifierRows == 0) {
            return;
        }
        long row = (long) channels * Float.BYTES;
        Arena rows = scope.own(Arena.device("classifier", runtime));
        rows.grow(row * classifierRows);
        try (Arena staging = Arena.pinned("classifier", runtime)) {
            staging.grow(row * classifierRows);
            for (int r = 0; r < classifierRows; r++) {
                new FloatPointer(staging.at(r * row)).put(config.classifier()[r], 0, channels);
            }
            runtime.copyToDevice(rows.memory(), staging.memory(), row * classifierRows, stream);
            runtime.synchronizeStream(stream);
        }
        attention.classifier(new FloatPointer(rows.at(0)));
        attention.classes(classifierRows);
    }

    private void restore(int previous) {
        if (previous != ordinal && lost == null) {
            runtime.useDevice(previous);
        }
    }

    private int enter() {
        if (closed) {
            throw new IllegalStateException("the engine is closed");
        }
        if (lost != null) {
            throw new DeviceLostException("the GPU was lost in an earlier call: " + lost.getMessage(), lost);
        }
        int previous = runtime.currentDevice();
        if (previous != ordinal) {
            runtime.useDevice(ordinal);
        }
        return previous;
    }

    /**
     * After a failure: remembers a lost device, lets nothing stay under way on memory that the next step writes, and forgets what
     * may lead to memory that was replaced.
     *
     * @return what to throw
     */
    private RuntimeException failed(RuntimeException e, Pointer on) {
        if (e instanceof DeviceLostException gone) {
            lost = gone;
            return e;
        }
        try {
            runtime.synchronizeStream(on);
            // an arena may have moved before the failure
            graphs.clear();
        } catch (DeviceLostException gone) {
            // what was reported first came of this
            lost = gone;
            gone.addSuppressed(e);
            return gone;
        } catch (RuntimeException again) {
            e.addSuppressed(again);
        }
        return e;
    }

    @Override
    public synchronized void prepare(int n) {
        if (n < 1) {
            throw new IllegalArgumentException("n is " + n + "; allowed: 1 or more");
        }
        int previous = enter();
        try {
            for (Slot s : slots) {
                ready(s, n, extractor != null);
            }
        } catch (RuntimeException e) {
            throw failed(e, stream);
        } finally {
            restore(previous);
        }
    }

    /** Makes room for n images; waits and forgets recorded steps only where something must grow. */
    private void ready(Slot s, int n, boolean needsNetwork) {
        s.collect();
        if (n > s.tables.capacity()) {
            idle();
            s.tables.grow(n);
        }
        if (needsNetwork && !prepared.get(n)) {
            idle();
            try {
                extractor.prepare(n);
            } catch (RuntimeException e) {
                // its arenas may be gone half-way
                prepared.clear();
                throw e;
            }
            prepared.set(n);
        }
    }

    /** Waits until nothing is under way, and forgets recorded steps: memory is about to move. */
    private void idle() {
        for (Slot s : slots) {
            if (s != null) {
                s.collect();
            }
        }
        if (anyStep) {
            runtime.synchronizeEvent(last);
        }
        runtime.synchronizeStream(stream);
        graphs.clear();
    }

    @Override
    public synchronized void attend(Images images, MixPlan plan, int[] classes, float[] heat, float[] features) {
        int n = EngineChecks.count(options, images, plan);
        attentionChecks(images, plan, classes);
        EngineChecks.atLeast("heat", heat, (long) n * cells, "N·G²");
        EngineChecks.atLeast("features", features, (long) n * cells * channels, "N·G²·C");
        step(ATTEND, images, plan, classes, heat, features, null);
    }

    private void attentionChecks(BatchForm images, MixPlan plan, int[] classes) {
        if (closed) {
            throw new IllegalStateException("the engine is closed");
        }
        if (extractor == null) {
            throw new IllegalStateException("this engine was built without weights: it mixes with cells that are given,"
                    + " and cannot find them");
        }
        EngineChecks.attention(options, images, plan, classes, classifierRows);
    }

    @Override
    public synchronized void mix(Images images, MixPlan plan, Images out) {
        EngineChecks.count(options, images, plan);
        EngineChecks.output(plan, out);
        step(MIX, images, plan, null, null, null, out);
    }

    @Override
    public synchronized void attendMix(Images images, MixPlan plan, int[] classes, float[] heat, Images out) {
        int n = EngineChecks.count(options, images, plan);
        EngineChecks.output(plan, out);
        attentionChecks(images, plan, classes);
        EngineChecks.atLeast("heat", heat, (long) n * cells, "N·G²");
        step(ATTEND_MIX, images, plan, classes, heat, null, out);
    }

    private void step(String what, Images images, MixPlan of, int[] classes, float[] heat, float[] features, Images out) {
        int previous = enter();
        try {
            begin(slots[0], what, of, heat != null, false);
            if (kind.equals(ATTEND) && !extracts) {
                return;
            }
            // results of steps on other streams share memory with this one
            if (anyStep) {
                runtime.awaitEvent(stream, last);
            }
            masks = out != null && images.maskBytes() != 0;
            form(pixels.in, images, images.elementType(), 3);
            boolean moved = pixelsIn.place(images, pixels.in);
            if (out != null) {
                form(pixels.out, out, out.elementType(), 3);
                moved |= pixelsOut.place(out, pixels.out);
            }
            if (masks) {
                ElementType element = maskType(images.maskBytes());
                form(maskPixels.in, images, element, 1);
                form(maskPixels.out, out, element, 1);
                moved |= masksIn.place(images, maskPixels.in) | masksOut.place(out, maskPixels.out);
            }
            moved |= arrange(classes);
            if (moved) {
                graphs.clear();
            }
            pixelsIn.up(images, pixels.in, stream);
            if (masks) {
                masksIn.up(images, maskPixels.in, stream);
            }
            enqueue(masks ? images.maskBytes() : 0, stream);
            if (out != null) {
                pixelsOut.down(stream);
            }
            if (masks) {
                masksOut.down(stream);
            }
            if (wantsHeat) {
                runtime.copyToHost(heatStaging.memory(), heatMaps.memory(), heatBytes(), stream);
            }
            if (features != null) {
                featureStaging.grow(featureBytes());
                runtime.copyToHost(featureStaging.memory(), extractor.features(), featureBytes(), stream);
            }
            runtime.synchronizeStream(stream);
            if (out != null) {
                pixelsOut.deliver(out, pixels.out);
            }
            if (masks) {
                masksOut.deliver(out, maskPixels.out);
            }
            if (extracts) {
                slot.tables.read(of);
            }
            if (wantsHeat) {
                readHeat(heat);
            }
            if (features != null) {
                readFeatures(features);
            }
        } catch (RuntimeException e) {
            throw failed(e, stream);
        } finally {
            plan = null;
            restore(previous);
        }
    }

    @Override
    public synchronized Enqueued enqueue(DeviceImages images, MixPlan of, boolean attentive, int[] classes, DeviceImages out,
            long callersStream) {
        EngineChecks.count(options, images, of);
        EngineChecks.output(of, out);
        if (attentive) {
            attentionChecks(images, of, classes);
        }
        if (images.overlaps(out)) {
            throw new IllegalArgumentException("images and out share memory; allowed: memory apart, since a partner that is"
                    + " overwritten cannot be read");
        }
        int previous = enter();
        Pointer target = runtime.foreignStream(callersStream);
        try {
            turn = (turn + 1) % SLOTS;
            begin(slots[turn], attentive ? ATTEND_MIX : MIX, of, false, true);
            if (anyStep) {
                runtime.awaitEvent(target, last);
            }
            form(pixels.in, images, images.elementType(), 3);
            pixels.in.uniform(images.address(), of.count, images.height(), images.width());
            form(pixels.out, out, out.elementType(), 3);
            pixels.out.uniform(out.address(), of.count, out.height(), out.width());
            masks = false;
            if (arrange(classes)) {
                graphs.clear();
            }
            enqueue(0, target);
            runtime.recordEvent(slot.done, target);
            runtime.recordEvent(last, target);
            anyStep = true;
            Step step = new Step(slot, of, attentive);
            slot.owner = step;
            slot.user = step;
            return step;
        } catch (RuntimeException e) {
            throw failed(e, target);
        } finally {
            plan = null;
            restore(previous);
        }
    }

    private void begin(Slot s, String what, MixPlan of, boolean heat, boolean weights) {
        slot = s;
        s.user = null;
        plan = of;
        weighs = weights;
        extracts = false;
        for (int i = 0; i < of.count && !what.equals(MIX); i++) {
            extracts |= of.patches[i] > 0;
        }
        // nobody asks for a cell: the plan's are all empty, which is right
        kind = what.equals(ATTEND_MIX) && !extracts ? MIX : what;
        wantsHeat = heat && extracts;
        ready(s, of.count, extracts);
    }

    private static void form(Batch batch, BatchForm images, ElementType type, int channels) {
        batch.form(type, channels == 1 ? Layout.NHWC : images.layout(), channels);
        batch.begin(images.count());
        for (int i = 0; i < batch.count; i++) {
            batch.put(i, 0, images.height(i), images.width(i));
        }
    }

    /** The type whose size a mask's element has: masks are moved, never computed with. */
    private static ElementType maskType(int bytes) {
        return bytes == 1 ? ElementType.UINT8 : bytes == 2 ? ElementType.FLOAT16 : ElementType.FLOAT32;
    }

    /** Fills tables and structs, and takes what memory is missing; returns whether memory was replaced. */
    private boolean arrange(int[] classes) {
        Tables t = slot.tables;
        boolean mixes = !kind.equals(ATTEND);
        fixed = Composer.fixed(options, pixels.in) && (!mixes || pixels.out.uniform)
                && (!masks || maskPixels.in.uniform && maskPixels.out.uniform);
        t.write(plan, classes);
        pixels.bind(t);
        boolean moved = false;
        if (mixes) {
            moved = pixels.arrange(plan, t);
        } else {
            pixels.in.publish(t);
        }
        if (masks) {
            maskPixels.bind(t);
            moved |= maskPixels.arrange(plan, t);
        }
        if (extracts) {
            moved |= arrangeInput(t);
        }
        if (wantsHeat) {
            moved |= heatMaps.grow(heatBytes());
            heatStaging.grow(heatBytes());
        }
        attention.count(plan.count);
        if (extracts) {
            attention.features(extractor.features());
        }
        attention.patches(t.patches());
        attention.labels(t.labels());
        attention.cells(t.cells());
        attention.non_finite(t.nonFinite());
        attention.spoiled(t.spoiled());
        attention.heat(wantsHeat ? new FloatPointer(heatMaps.at(0)) : null);
        regions.partner(t.partner());
        regions.mixed(t.mixed());
        regions.cells(kind.equals(MIX) ? t.givenCells() : t.cells());
        regions.boxes(options.mode() == Mode.CUTMIX ? t.boxes() : null);
        return moved;
    }

    private boolean arrangeInput(Tables t) {
        int side = options.inputSide();
        Batch in = pixels.in;
        takesPixels = in.uniform && in.height[0] == side && in.width[0] == side && in.type == ElementType.UINT8
                && in.layout == Layout.NHWC && extractor.takesPixels();
        if (takesPixels) {
            return false;
        }
        input.form(extractor.inputType(), Layout.NHWC, extractor.inputChannels());
        input.uniform(extractor.input().address(), plan.count, side, side);
        input.publish(t);
        return workspace.grow(kernels.preprocessWorkspace(in.images, input.images, options.resizeFilter().ordinal()));
    }

    private long heatBytes() {
        return (long) plan.count * cells * Float.BYTES;
    }

    private long featureBytes() {
        return (long) plan.count * cells * channels * extractor.featureType().bytes();
    }

    /** Enqueues the step: through a graph where everything is the same each time. */
    private void enqueue(int maskBytes, Pointer target) {
        if (!fixed) {
            launch(target);
            return;
        }
        Batch in = pixels.in;
        Batch out = kind.equals(ATTEND) ? null : pixels.out;
        graphs.run(new Graphs.Key(kind, slot.index, plan.count, in.height[0], in.width[0], extracts, wantsHeat, maskBytes,
                in.type, in.layout, out == null ? null : out.type, out == null ? null : out.layout, in.address[0],
                out == null ? 0 : out.address[0]), work, target);
    }

    private void launch(Pointer on) {
        Tables t = slot.tables;
        t.copyUp(runtime, on);
        if (!fixed) {
            t.copyRoles(runtime, on);
        }
        if (extracts) {
            if (!takesPixels) {
                kernels.preprocess(pixels.in.images, input.images, options.resizeFilter().ordinal(), standardises(),
                        standardises() ? normalisation : null,
                        pixels.in.type == ElementType.UINT8 ? null : t.spoiled(), workspace.memory(), workspace.capacity(),
                        on);
            }
            graphs.run(new Graphs.Key(EXTRACT, 0, plan.count, 0, 0, true, takesPixels, 0, null, null, null, null,
                    takesPixels ? pixels.in.address[0] : 0, 0), network, on);
        }
        if (kind.equals(ATTEND)) {
            kernels.attend(attention, on);
        } else {
            pixels.before(on);
            if (kind.equals(MIX)) {
                pixels.mix(regions, on);
            } else {
                pixels.attendMix(attention, regions, on);
            }
            pixels.after(on);
            if (masks) {
                maskPixels.before(on);
                maskPixels.mix(regions, on);
                maskPixels.after(on);
            }
        }
        if (weighs) {
            kernels.sourceWeights(canvas(), regions, options.labelWeight() == LabelWeight.NOMINAL, (LongPointer) null,
                    t.weights(), on);
        }
        if (extracts || weighs) {
            t.copyDown(runtime, on);
        }
    }

    private void launchNetwork(Pointer on) {
        if (takesPixels) {
            extractor.enqueuePixels(plan.count, pixels.in.images, standardises() ? normalisation : null, on);
        } else {
            extractor.enqueue(plan.count, on);
        }
    }

    /** Images on the device have one size, and so has the canvas. */
    private KernelImages canvas() {
        boolean resized = options.geometry() == Geometry.RESIZED;
        canvas.pixels(stream);
        canvas.count(plan.count);
        canvas.height(resized ? options.inputSide() : pixels.in.height[0]);
        canvas.width(resized ? options.inputSide() : pixels.in.width[0]);
        canvas.channels(3);
        canvas.type(ElementType.UINT8.ordinal());
        canvas.layout(Layout.NHWC.ordinal());
        return canvas;
    }

    private void readHeat(float[] heat) {
        FloatPointer map = new FloatPointer(heatStaging.at(0));
        for (int i = 0; i < plan.count; i++) {
            if (plan.patches[i] > 0) {
                map.position((long) i * cells).get(heat, i * cells, cells);
            }
        }
    }

    private void readFeatures(float[] features) {
        int each = cells * channels;
        ElementType type = extractor.featureType();
        for (int i = 0; i < plan.count; i++) {
            if (plan.patches[i] == 0) {
                continue;
            }
            if (slot.tables.spoiled(i)) {
                Arrays.fill(features, i * each, (i + 1) * each, Float.NaN);
                continue;
            }
            long bytes = (long) each * type.bytes();
            ByteBuffer values = featureStaging.at(i * bytes).capacity(bytes).asByteBuffer().order(ByteOrder.nativeOrder());
            for (int v = 0; v < each; v++) {
                features[i * each + v] = switch (type) {
                    case FLOAT32 -> values.getFloat(4 * v);
                    case FLOAT16 -> HalfFloats.fromFloat16(values.getShort(2 * v));
                    case BFLOAT16 -> HalfFloats.fromBfloat16(values.getShort(2 * v));
                    case UINT8 -> throw new AssertionError("no network has uint8 features");
                };
            }
        }
    }

    /** A step on images that lie on the device. */
    private final class Step implements Enqueued {
        private final Slot of;
        private final MixPlan target;
        private final boolean attentive;
        private final int count;

        Step(Slot of, MixPlan target, boolean attentive) {
            this.of = of;
            this.target = target;
            this.attentive = attentive;
            count = target.count;
        }

        void takeOver(Tables tables) {
            if (attentive) {
                tables.read(target);
            }
            tables.readWeights(target);
        }

        @Override
        public long event() {
            return of.done.address();
        }

        @Override
        public long cells() {
            return (attentive ? of.tables.cells() : of.tables.givenCells()).address();
        }

        @Override
        public long sourceWeights() {
            return of.tables.weights().address();
        }

        @Override
        public void softLabels(int rowLength, float smoothing, long address, long callersStream) {
            synchronized (CudaEngine.this) {
                if (of.user != this) {
                    throw new IllegalStateException("a later step uses the tables of this one; allowed: before the second step"
                            + " after it");
                }
                int previous = enter();
                Pointer target = runtime.foreignStream(callersStream);
                try {
                    runtime.awaitEvent(target, last);
                    Tables t = of.tables;
                    kernels.softLabels(t.labels(), null, t.partner(), t.weights(), count, rowLength, smoothing,
                            new FloatPointer(new Address(address)), target);
                    runtime.recordEvent(last, target);
                } catch (RuntimeException e) {
                    throw failed(e, target);
                } finally {
                    restore(previous);
                }
            }
        }

        @Override
        public void await() {
            synchronized (CudaEngine.this) {
                if (of.owner != this) {
                    return;
                }
                int previous = enter();
                try {
                    of.collect();
                } catch (RuntimeException e) {
                    throw failed(e, stream);
                } finally {
                    restore(previous);
                }
            }
        }
    }

    @Override
    public HostMemory allocate(int bytes) {
        return pinned.allocate(bytes);
    }

    /** How many steps were replayed from a graph, for tests. */
    long replays() {
        return graphs.replays();
    }

    @Override
    public String description() {
        return description;
    }

    /** Waits for what is under way and gives everything back, once; on a lost device nothing can be given back. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        pinned.close();
        RuntimeException failure = null;
        int previous = ordinal;
        try {
            if (lost == null) {
                previous = runtime.currentDevice();
                runtime.useDevice(ordinal);
                for (Slot s : slots) {
                    s.collect();
                }
                if (anyStep) {
                    runtime.synchronizeEvent(last);
                }
                runtime.synchronizeStream(stream);
            }
        } catch (RuntimeException e) {
            if (!Scope.gone(e)) {
                failure = e;
            }
        }
        try {
            scope.close();
            restore(previous);
        } catch (RuntimeException e) {
            if (failure == null) {
                failure = e;
            } else {
                failure.addSuppressed(e);
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
