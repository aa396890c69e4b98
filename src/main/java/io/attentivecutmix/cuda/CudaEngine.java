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
import io.attentivecutmix.image.Images;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.method.Geometry;
import io.attentivecutmix.method.LabelWeight;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.Mode;
import io.attentivecutmix.method.Normalisation;
import java.lang.System.Logger.Level;
import java.lang.ref.Reference;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * The CUDA device: a step is a chain of launches on one stream, from pixels to mixed pixels; neither feature map nor
 * heat map leaves the GPU.
 *
 * <p>Images of one size go through a CUDA graph from the second step on ({@link Graphs}): copies of the small tables,
 * resize, network, selection and mix in one call. What has an address of the caller's, the copies of the pixels, stays
 * outside. A ragged batch has the network alone in a graph. The host waits once a step, for the result; not at all
 * where images lie on the device.
 *
 * <p>An image's cells and pixels do not depend on the rest of its batch, except through the network: a library may
 * choose another implementation of a layer for another N.
 */
final class CudaEngine implements DeviceEngine {
    private static final System.Logger LOG = System.getLogger(CudaEngine.class.getName());
    /** Steps on callers' streams that may be under way at once; one slot more is for batches of the host. */
    private static final int TURNS = 2;
    /** Most images of a batch: keeps the tables of a step, for the largest grid, below 2 GiB. */
    private static final int MOST_IMAGES = 1 << 20;

    private final int ordinal;
    private final MixOptions options;
    private final boolean standardises;
    private final int cells;
    private final int channels;
    private final int classifierRows;
    private final LossGuard runtime;
    private final Kernels kernels;
    private final String description;
    private final Map<String, String> provenance;
    private final Scope scope = new Scope();
    private final Pointer stream;
    /** Null without weights. */
    private final DeviceExtractor extractor;
    private final BitSet prepared = new BitSet();
    private final Graphs graphs;
    private final PinnedMemory pinned;
    private final Lane pixels;
    private final Lane masks;
    private final Readback readback;
    private final Arena workspace;
    /** The network's input, where it is not the pixels themselves. */
    private final Batch input;
    private final FloatPointer normalisation;
    private final KernelAttention attention;
    private final KernelRegions regions;
    private final KernelImages canvas;
    private final Slot[] slots = new Slot[TURNS + 1];
    /** Happens when the last step on a caller's stream is complete; the next step may be on another. */
    private final Pointer last;
    private boolean anyEnqueued;
    private int turn;

    /** What a step does. */
    private enum Kind { ATTEND, MIX, ATTEND_MIX }

    // The step under way.
    private Slot slot;
    private MixPlan plan;
    private Kind kind;
    private boolean extracts;
    private boolean takesPixels;
    private boolean wantsHeat;
    private boolean weighs;
    private boolean hasMasks;
    /** Whether all is the same in the next step of this form, whatever its plan says. */
    private boolean fixed;
    private final Consumer<Pointer> work = this::launch;
    private final Consumer<Pointer> network = this::launchNetwork;

    private DeviceLostException lost;
    private boolean closed;

    /**
     * Opens the device of a number.
     *
     * @param library makes the kernels, given host memory for what they need
     */
    CudaEngine(EngineConfig config, int ordinal, CudaRuntime cuda, Function<Structs, Kernels> library,
            ExtractorFactory extractors) {
        this.ordinal = ordinal;
        runtime = new LossGuard(cuda);
        options = config.options();
        standardises = options.normalisation().kind() == Normalisation.Kind.STANDARDISE;
        cells = options.grid() * options.grid();
        channels = config.network() == null ? 0 : config.network().channels();
        classifierRows = config.classifier() == null ? 0 : config.classifier().length;
        if (config.network() != null) {
            EngineChecks.configuration(config, CudaDevice.PRECISIONS, "CUDA");
        }
        int previous = runtime.currentDevice();
        runtime.useDevice(ordinal);
        try {
            DeviceProperties device = runtime.properties(ordinal);
            Structs structs = scope.own(new Structs());
            kernels = library.apply(structs);
            pinned = new PinnedMemory(runtime, ordinal);
            stream = own(runtime.createStream(), runtime::destroyStream);
            last = own(runtime.createEvent(false), runtime::destroyEvent);
            normalisation = normalisation(structs);
            FloatPointer ofPixels = standardises ? normalisation : null;
            Memory memory = new Memory(runtime, this::idle);
            workspace = scope.own(memory.device("workspace of a resize"));
            pixels = scope.own(new Lane(false, options, memory, kernels, structs, ofPixels, workspace));
            masks = scope.own(new Lane(true, options, memory, kernels, structs, null, workspace));
            readback = scope.own(new Readback(cells, channels, memory));
            for (int s = 0; s < slots.length; s++) {
                slots[s] = scope.own(new Slot(s, (cells + 63) / 64, memory));
            }
            input = new Batch(structs, Tables.Role.IN, false);
            attention = new KernelAttention(structs.allocate(KernelAttention.class));
            regions = new KernelRegions(structs.allocate(KernelRegions.class));
            canvas = new KernelImages(structs.allocate(KernelImages.class));
            regions.grid(options.grid());
            regions.normalisation(ofPixels);
            attention.grid(options.grid());
            attention.reduction(options.reduction().ordinal());
            if (config.network() == null) {
                extractor = null;
            } else {
                extractor = scope.own(extractors.open(config, device, runtime, kernels, stream));
                attention.type(extractor.featureType().ordinal());
                attention.channels(channels);
                classifier(config);
            }
            // last, so that graphs go first, while what they work on is still there
            graphs = scope.own(new Graphs(runtime, stream, this::waitForAll));
            description = describe(device, config);
            provenance = provenance(device);
        } catch (RuntimeException | Error e) {
            if (e instanceof DeviceLostException gone) {
                lose(gone);
            }
            Closing.after(e, scope);
            throw e;
        } finally {
            restore(previous);
        }
    }

    /** From here on nothing of this engine reaches CUDA; batches get ordinary memory. */
    private void lose(DeviceLostException why) {
        lost = why;
        runtime.lose(why);
        if (pinned != null) {
            pinned.close();
        }
    }

    private Pointer own(Pointer handle, Consumer<Pointer> destroy) {
        scope.own(() -> destroy.accept(handle));
        return handle;
    }

    private FloatPointer normalisation(Structs structs) {
        FloatPointer values = new FloatPointer(structs.allocate(6 * Float.BYTES));
        for (int c = 0; c < 3; c++) {
            values.put(c, options.normalisation().mean().get(c));
            values.put(3 + c, options.normalisation().std().get(c));
        }
        return values;
    }

    /** Uploads the classifier's rows, which only the CLASS reduction reads. */
    private void classifier(EngineConfig config) {
        if (classifierRows == 0) {
            return;
        }
        long row = (long) channels * Float.BYTES;
        Memory memory = new Memory(runtime, () -> {});
        Arena rows = scope.own(memory.device("classifier"));
        rows.grow(row * classifierRows);
        try (Arena staging = memory.pinned("classifier")) {
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

    private String describe(DeviceProperties device, EngineConfig config) {
        return device.name() + " (" + device.architecture() + "), driver for CUDA "
                + DeviceProperties.version(device.driverVersion()) + ", CUDA runtime "
                + DeviceProperties.version(device.runtimeVersion())
                + (extractor == null ? ", no extractor"
                        : ", " + config.network() + " " + config.precision() + ", " + extractor.description());
    }

    private Map<String, String> provenance(DeviceProperties device) {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("gpu", device.name());
        facts.put("uuid", device.uuid());
        facts.put("architecture", device.architecture());
        facts.put("driver", DeviceProperties.version(device.driverVersion()));
        facts.put("cudaRuntime", DeviceProperties.version(device.runtimeVersion()));
        if (extractor != null) {
            facts.putAll(new TreeMap<>(extractor.provenance()));
        }
        return facts;
    }

    private int enter() {
        requireOpen();
        runtime.requireAlive();
        int previous = runtime.currentDevice();
        if (previous != ordinal) {
            runtime.useDevice(ordinal);
        }
        return previous;
    }

    /** Refuses a closed engine. */
    void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the engine is closed");
        }
    }

    /** Leaves the program's current device as it was. */
    private void restore(int previous) {
        if (previous != ordinal && lost == null) {
            try {
                runtime.useDevice(previous);
            } catch (RuntimeException e) {
                // the step's own result or failure matters more
                LOG.log(Level.WARNING, "device {0} could not be made current again: {1}", previous, e.getMessage());
            }
        }
    }

    /**
     * After a failure: remembers a lost device, lets nothing stay under way on memory that the next step writes, and
     * forgets what may lead to memory that was replaced.
     *
     * @throws DeviceLostException if that is what lies behind it
     */
    private void failed(Throwable e, Pointer on) {
        if (e instanceof DeviceLostException gone) {
            lose(gone);
            return;
        }
        try {
            runtime.synchronizeStream(on);
            // what was placed may not be where a recorded step has it
            idle();
        } catch (DeviceLostException gone) {
            // what was reported first came of this
            lose(gone);
            gone.addSuppressed(e);
            throw gone;
        } catch (RuntimeException again) {
            e.addSuppressed(again);
        }
    }

    @Override
    public synchronized void prepare(int n) {
        if (n < 1 || n > MOST_IMAGES) {
            throw new IllegalArgumentException("n is " + n + "; allowed: 1 to " + MOST_IMAGES);
        }
        int previous = enter();
        try {
            for (Slot s : slots) {
                s.grow(n);
            }
            prepareNetwork(n, extractor != null);
        } catch (RuntimeException | Error e) {
            failed(e, stream);
            throw e;
        } finally {
            restore(previous);
        }
    }

    /** Makes batches of n ready; waits and forgets recorded steps only where they are not. */
    private void prepareNetwork(int n, boolean needed) {
        if (needed && !prepared.get(n)) {
            idle();
            try {
                extractor.prepare(n);
            } catch (RuntimeException | Error e) {
                // its arenas may be gone half-way
                prepared.clear();
                throw e;
            }
            prepared.set(n);
        }
    }

    /** Waits until nothing is under way, and forgets recorded steps: memory is about to move. */
    private void idle() {
        waitForAll();
        graphs.clear();
    }

    private void waitForAll() {
        for (Slot s : slots) {
            s.collect();
        }
        if (anyEnqueued) {
            runtime.synchronizeEvent(last);
        }
        runtime.synchronizeStream(stream);
    }

    @Override
    public synchronized void attend(Images images, MixPlan plan, int[] classes, float[] heat, float[] features) {
        int n = EngineChecks.count(options, images, plan);
        attentionChecks(images, plan, classes);
        EngineChecks.atLeast("heat", heat, (long) n * cells, "N·G²");
        EngineChecks.atLeast("features", features, (long) n * cells * channels, "N·G²·C");
        step(Kind.ATTEND, images, plan, classes, heat, features, null);
    }

    private void attentionChecks(BatchForm images, MixPlan plan, int[] classes) {
        requireOpen();
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
        step(Kind.MIX, images, plan, null, null, null, out);
    }

    @Override
    public synchronized void attendMix(Images images, MixPlan plan, int[] classes, float[] heat, Images out) {
        int n = EngineChecks.count(options, images, plan);
        EngineChecks.output(plan, out);
        attentionChecks(images, plan, classes);
        EngineChecks.atLeast("heat", heat, (long) n * cells, "N·G²");
        step(Kind.ATTEND_MIX, images, plan, classes, heat, null, out);
    }

    /** A step on images of the host; its result is there when this returns. */
    private void step(Kind what, Images images, MixPlan of, int[] classes, float[] heat, float[] features, Images out) {
        int previous = enter();
        try {
            begin(slots[TURNS], what, of, heat != null, false);
            if (kind == Kind.ATTEND && !extracts) {
                return;
            }
            // a step on a caller's stream may still use the memory of this one
            if (anyEnqueued) {
                runtime.awaitEvent(stream, last);
            }
            hasMasks = out != null && images.maskBytes() != 0;
            pixels.place(images, out);
            if (hasMasks) {
                masks.place(images, out);
            }
            arrange(classes);
            pixels.copyUp(images, stream);
            if (hasMasks) {
                masks.copyUp(images, stream);
            }
            enqueue(hasMasks ? images.maskBytes() : 0, stream);
            copyDown(out != null, features != null);
            runtime.synchronizeStream(stream);
            deliver(out, heat, features);
        } catch (RuntimeException | Error e) {
            failed(e, stream);
            throw e;
        } finally {
            plan = null;
            restore(previous);
            // page-locked memory goes with its batch, and copies were under way on it until here
            Reference.reachabilityFence(images);
            Reference.reachabilityFence(out);
        }
    }

    private void copyDown(boolean mixed, boolean features) {
        if (mixed) {
            pixels.copyDown(stream);
        }
        if (hasMasks) {
            masks.copyDown(stream);
        }
        if (wantsHeat) {
            readback.copyHeat(plan.count, stream);
        }
        if (features) {
            readback.copyFeatures(plan.count, extractor, stream);
        }
    }

    private void deliver(Images out, float[] heat, float[] features) {
        if (out != null) {
            pixels.deliver(out);
        }
        if (hasMasks) {
            masks.deliver(out);
        }
        if (extracts) {
            slot.tables.read(plan);
        }
        if (wantsHeat) {
            readback.readHeat(plan, heat);
        }
        if (features != null) {
            readback.readFeatures(plan, slot.tables, extractor.featureType(), features);
        }
    }

    @Override
    public synchronized Enqueued enqueue(DeviceImages images, MixPlan of, boolean attentive, int[] classes,
            DeviceImages out, long callersStream) {
        EngineChecks.count(options, images, of);
        EngineChecks.output(of, out);
        if (attentive) {
            attentionChecks(images, of, classes);
        }
        if (images.overlaps(out)) {
            throw new IllegalArgumentException(
                    "images and out share memory; allowed: memory apart, since a partner that is"
                    + " overwritten cannot be read");
        }
        int previous = enter();
        Pointer target = runtime.foreignStream(callersStream);
        try {
            begin(slots[turn], attentive ? Kind.ATTEND_MIX : Kind.MIX, of, false, true);
            if (anyEnqueued) {
                runtime.awaitEvent(target, last);
            }
            hasMasks = false;
            pixels.place(images, out);
            arrange(classes);
            enqueue(0, target);
            runtime.recordEvent(slot.done, target);
            runtime.recordEvent(last, target);
            anyEnqueued = true;
            EnqueuedStep step = new EnqueuedStep(this, slot, of, kind == Kind.ATTEND_MIX);
            slot.lend(step);
            turn = (turn + 1) % TURNS;
            return step;
        } catch (RuntimeException | Error e) {
            failed(e, target);
            throw e;
        } finally {
            plan = null;
            restore(previous);
        }
    }

    /** See {@link Enqueued#softLabels}. */
    synchronized void softLabels(EnqueuedStep step, int classes, float smoothing, long address, long callersStream) {
        if (!step.slot().isOf(step)) {
            throw new IllegalStateException(
                    "a later step uses the tables of this one; allowed: before the second step after it");
        }
        int previous = enter();
        Pointer target = runtime.foreignStream(callersStream);
        try {
            runtime.awaitEvent(target, last);
            Tables t = step.slot().tables;
            kernels.softLabels(t.labels(), null, t.partner(), t.weights(), step.count(), classes, smoothing,
                    new FloatPointer(new Address(address)), target);
            runtime.recordEvent(last, target);
        } catch (RuntimeException | Error e) {
            failed(e, target);
            throw e;
        } finally {
            restore(previous);
        }
    }

    /** See {@link Enqueued#await}. */
    synchronized void collect(EnqueuedStep step) {
        if (step.taken()) {
            // also when the slot went on, or the engine was closed
            return;
        }
        if (lost != null) {
            throw new DeviceLostException("the GPU was lost before the step was complete: " + lost.getMessage(), lost);
        }
        int previous = enter();
        try {
            step.slot().collect();
        } catch (RuntimeException | Error e) {
            failed(e, stream);
            throw e;
        } finally {
            restore(previous);
        }
    }

    private void begin(Slot s, Kind what, MixPlan of, boolean heat, boolean weights) {
        slot = s;
        plan = of;
        weighs = weights;
        extracts = false;
        for (int i = 0; i < of.count && what != Kind.MIX; i++) {
            extracts |= of.patches[i] > 0;
        }
        // nobody asks for a cell: the plan's are all empty, which is right
        kind = what == Kind.ATTEND_MIX && !extracts ? Kind.MIX : what;
        wantsHeat = heat && extracts;
        if (of.count > MOST_IMAGES) {
            throw new IllegalArgumentException("batch has " + of.count + " images; allowed: up to " + MOST_IMAGES);
        }
        s.reuse();
        s.grow(of.count);
        prepareNetwork(of.count, extracts);
    }

    /** Fills tables and structs, and takes what memory is missing. */
    private void arrange(int[] classes) {
        Tables t = slot.tables;
        boolean mixes = kind != Kind.ATTEND;
        fixed = pixels.fixed(mixes) && (!hasMasks || masks.fixed(mixes));
        t.write(plan, classes);
        if (mixes) {
            pixels.arrange(plan, t);
        } else {
            pixels.arrangeInput(t);
        }
        if (hasMasks) {
            masks.arrange(plan, t);
        }
        if (extracts) {
            arrangeNetwork(t);
        }
        regions.partner(t.partner());
        regions.mixed(t.mixed());
        regions.cells(kind == Kind.MIX ? t.givenCells() : t.cells());
        regions.boxes(options.mode() == Mode.CUTMIX ? t.boxes() : null);
    }

    private void arrangeNetwork(Tables t) {
        if (wantsHeat) {
            readback.growHeat(plan.count);
        }
        attention.count(plan.count);
        attention.features(extractor.features());
        attention.patches(t.patches());
        attention.labels(t.labels());
        attention.cells(t.cells());
        attention.non_finite(t.nonFinite());
        attention.spoiled(t.spoiled());
        attention.heat(wantsHeat ? readback.heat() : null);
        int side = options.inputSide();
        Batch in = pixels.in();
        takesPixels = in.uniform && in.height[0] == side && in.width[0] == side
                && in.hasForm(ElementType.UINT8, Layout.NHWC) && extractor.takesPixels();
        if (!takesPixels) {
            input.form(extractor.inputType(), Layout.NHWC, extractor.inputChannels());
            input.uniform(extractor.input().address(), plan.count, side, side);
            input.publish(t);
            workspace.grow(kernels.preprocessWorkspace(in.images, input.images, options.resizeFilter().ordinal()));
        }
    }

    /** Enqueues the step: through a graph where everything is the same each time. */
    private void enqueue(int maskBytes, Pointer target) {
        if (!fixed) {
            launch(target);
            return;
        }
        Batch in = pixels.in();
        Batch out = kind == Kind.ATTEND ? null : pixels.out();
        graphs.run(new Graphs.Key(kind.name(), slot.index, plan.count, in.height[0], in.width[0], extracts, wantsHeat,
                weighs, maskBytes, in.type, in.layout, out == null ? null : out.type, out == null ? null : out.layout,
                in.address[0], out == null ? 0 : out.address[0], hasMasks ? masks.in().address[0] : 0,
                hasMasks ? masks.out().address[0] : 0), work, target);
    }

    private void launch(Pointer on) {
        Tables t = slot.tables;
        t.copyUp(runtime, on);
        if (!fixed) {
            t.copyRoles(runtime, on);
        }
        if (extracts) {
            extract(on);
        }
        switch (kind) {
            case ATTEND -> kernels.attend(attention, on);
            case MIX -> pixels.mix(regions, on);
            case ATTEND_MIX -> pixels.attendMix(attention, regions, on);
        }
        if (hasMasks) {
            masks.mix(regions, on);
        }
        if (weighs) {
            kernels.sourceWeights(canvas(), regions, options.labelWeight() == LabelWeight.NOMINAL, null, t.weights(),
                    on);
        }
        if (extracts || weighs) {
            t.copyDown(runtime, on);
        }
    }

    private void extract(Pointer on) {
        Batch in = pixels.in();
        if (!takesPixels) {
            // bytes are always finite
            kernels.preprocess(in.images, input.images, options.resizeFilter().ordinal(), standardises,
                    standardises ? normalisation : null, in.type == ElementType.UINT8 ? null : slot.tables.spoiled(),
                    workspace.memory(), workspace.capacity(), on);
        }
        graphs.run(new Graphs.Key("network", 0, plan.count, 0, 0, true, takesPixels, false, 0, null, null, null, null,
                takesPixels ? in.address[0] : 0, 0, 0, 0), network, on);
    }

    private void launchNetwork(Pointer on) {
        if (takesPixels) {
            extractor.enqueuePixels(plan.count, pixels.in().images, standardises ? normalisation : null, on);
        } else {
            extractor.enqueue(plan.count, on);
        }
    }

    /** Images on the device have one size, and so has the canvas; its pixels are not read. */
    private KernelImages canvas() {
        boolean resized = options.geometry() == Geometry.RESIZED;
        canvas.pixels(stream);
        canvas.count(plan.count);
        canvas.height(resized ? options.inputSide() : pixels.in().height[0]);
        canvas.width(resized ? options.inputSide() : pixels.in().width[0]);
        canvas.channels(3);
        canvas.type(ElementType.UINT8.ordinal());
        canvas.layout(Layout.NHWC.ordinal());
        return canvas;
    }

    @Override
    public HostMemory allocate(int bytes) {
        return pinned.allocate(bytes);
    }

    @Override
    public Map<String, String> provenance() {
        return provenance;
    }

    @Override
    public synchronized List<String> implementations() {
        return extractor == null || closed ? List.of() : extractor.implementations();
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
        int previous = ordinal;
        RuntimeException failure = null;
        if (lost == null) {
            try {
                previous = runtime.currentDevice();
                runtime.useDevice(ordinal);
                waitForAll();
            } catch (DeviceLostException e) {
                lose(e);
            } catch (RuntimeException e) {
                failure = Scope.gone(e) ? null : e;
            }
        }
        try {
            scope.close();
            restore(previous);
        } catch (RuntimeException e) {
            failure = Closing.joined(failure, e);
        }
        if (failure != null) {
            throw failure;
        }
    }
}
