package io.attentivecutmix;

import io.attentivecutmix.engine.DeviceEngine;
import io.attentivecutmix.engine.Engine;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.engine.Enqueued;
import io.attentivecutmix.engine.Tuning;
import io.attentivecutmix.image.DeviceImages;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.Checks;
import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.MixRecord;
import io.attentivecutmix.method.Mode;
import io.attentivecutmix.method.Pairing;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.PixelFormat;
import io.attentivecutmix.method.Planner;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.quantisation.Calibration;
import io.attentivecutmix.quantisation.Preprocessing;
import io.attentivecutmix.weights.CacheFolder;
import io.attentivecutmix.weights.Weights;
import java.lang.System.Logger.Level;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Mixes image batches with Attentive CutMix (arXiv 2003.13048) on one device.
 *
 * <p>For every image i and its partner b: a ResNet's last feature map says which of the G×G cells of image i matter
 * most; those are pasted onto image b at the same place. So image i is the <em>source</em>, image b the
 * <em>background</em>, and {@code sourceWeight} is image i's share of the label: with 6 of 49 cells 12 %, so the
 * background holds the majority.
 *
 * <p><b>Threads:</b> one call at a time; a second concurrent caller gets an {@link IllegalStateException}. Use one
 * mixer per thread or take turns. A call uses all of the mixer's worker threads and has finished when it returns.
 *
 * <p><b>Ownership:</b> a mixer owns all native memory of its device and must be closed; one that is not is closed when
 * the garbage collector finds it, and the leak is logged and counted ({@link #leaked}); with
 * {@code -Dio.attentivecutmix.traceLeaks=true} the log holds the stack of the opener. {@link #close} waits for a
 * running call.
 *
 * <p><b>Determinism:</b> what is bit for bit the same, and when.
 * <ul>
 * <li><em>Always</em>, on every device, operating system and Java, whatever the number of threads and the split into
 * batches: the draws of an image (whether it is mixed, λ, k, random cells, box) for the same seed, epoch, step and
 * sample, as long as {@link io.attentivecutmix.method.Draws#VERSION} is the same; partners, and a λ that is drawn once
 * per batch, for the same batch as well; the cells, given the bits of the heat map
 * ({@link io.attentivecutmix.method.Selection}); pixels that are pasted but not resized, masks, label weights and soft
 * labels, given the cells.
 * <li><em>On one kind of processor with one version of oneDNN and one precision:</em> heat maps too, whatever the
 * number of threads, the batch and an image's place in it; so all of a result.
 * <li><em>On one model of GPU with one driver, cuDNN, precision and choice of implementations:</em> heat maps too, for
 * the same batch size. The choice is the same from run to run with {@link Builder#deterministic}, or from the same plan
 * file. Another batch size may be computed by another implementation, and differ in the last bits.
 * <li><em>Not promised:</em> equal bits of heat maps between the processor and a GPU, between two architectures, two
 * precisions or two versions of a library. Cells then differ only where two cells' heat is as close as the rounding.
 * </ul>
 * {@link #fingerprint} tells all that this depends on.
 */
public final class AttentiveCutMix implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(AttentiveCutMix.class.getName());
    private static final Cleaner CLEANER = Cleaner.create();
    private static final AtomicLong LEAKED = new AtomicLong();

    private final Device device;
    private final Precision precision;
    private final Optional<Calibration> calibration;
    private final MixOptions options;
    private final PixelFormat output;
    private final boolean hasExtractor;
    private final int classes;
    private final int channels;
    /** Kept in place of the weights, which the caller may want to forget. */
    private final Optional<String> weightsSha256;
    private final boolean keepHeatMaps;
    private final Engine engine;
    private final Planner planner;
    private final CallGate gate = new CallGate("mixer");
    private final Owned owned;
    private final Cleaner.Cleanable cleanable;
    private boolean nonFiniteReported;
    private int[] classIds = {};

    private AttentiveCutMix(Builder builder, Device device, Precision precision, int threads) {
        this.device = device;
        this.precision = precision;
        calibration = Optional.ofNullable(builder.calibration);
        options = builder.options;
        output = builder.output;
        keepHeatMaps = builder.keepHeatMaps;
        Weights weights = builder.weights;
        hasExtractor = weights != null;
        classes = hasExtractor ? weights.classes() : 0;
        channels = hasExtractor ? weights.network().channels() : 0;
        weightsSha256 = Optional.ofNullable(weights).map(Weights::tensorsSha256);
        planner = new Planner(options);
        boolean needsClassifier = hasExtractor && options.reduction() == Reduction.CLASS;
        engine = device.open(new EngineConfig(hasExtractor ? weights.network() : null, weights,
                needsClassifier ? weights.classifier() : null, options, precision, threads, builder.calibration,
                new Tuning(builder.measure, builder.deterministic, Optional.ofNullable(builder.planFolder))));
        owned = new Owned(engine, Boolean.getBoolean("io.attentivecutmix.traceLeaks")
                ? new Throwable("the mixer was opened here") : null);
        cleanable = CLEANER.register(this, owned);
    }

    /** What the cleaner holds: never the mixer itself, or it could not become unreachable. */
    private static final class Owned implements Runnable {
        private final Engine engine;
        private final Throwable opener;
        private final AtomicBoolean closed = new AtomicBoolean();

        Owned(Engine engine, Throwable opener) {
            this.engine = engine;
            this.opener = opener;
        }

        /** Runs at most once: from close, or from the cleaner's thread if the mixer was forgotten. */
        @Override
        public void run() {
            if (!closed.getAndSet(true)) {
                LEAKED.incrementAndGet();
                LOG.log(Level.WARNING, "a mixer was never closed; its memory is freed now", opener);
            }
            engine.close();
        }
    }

    /** A builder with {@link MixOptions#paper()} on {@link Device#best()}. */
    public static Builder builder() {
        return new Builder();
    }

    /** How many mixers of this process were forgotten rather than closed. */
    public static long leaked() {
        return LEAKED.get();
    }

    /**
     * An empty batch of uint8 images in memory that this mixer's device reads without a detour: page-locked for a GPU.
     * Any other batch works too, and is copied there first.
     */
    public ImageBatch newBatch() {
        return newBatch(ElementType.UINT8, Layout.NHWC);
    }

    /** As {@link #newBatch()}, of another type and layout ({@link ImageBatch#ImageBatch(ElementType, Layout)}). */
    public ImageBatch newBatch(ElementType type, Layout layout) {
        return new ImageBatch(type, layout, false, engine::allocate);
    }

    /**
     * An empty target in memory that this mixer's device writes without a detour; to be used again and again. It may
     * outlive the mixer. For a GPU, all batches of the process have at most as much page-locked memory as the largest
     * heap; what is beyond that is ordinary memory.
     */
    public MixedBatch newMixedBatch() {
        return new MixedBatch(engine::allocate);
    }

    /**
     * Grows the device's arenas so that steps of up to n images of S×S pixels allocate nothing; a GPU also chooses its
     * implementations for batches of n. Otherwise that is done in the first such step, and in the first of larger
     * images.
     *
     * @param n largest batch, 1 or more
     */
    public void prepare(int n) {
        if (n < 1) {
            throw new IllegalArgumentException("n is " + n + "; allowed: 1 or more");
        }
        gate.enter("prepare");
        try {
            engine.prepare(n);
        } finally {
            leave();
        }
    }

    /**
     * Mixes a batch into a new {@link MixedBatch}.
     *
     * @see #mix(ImageBatch, Labels, Pairing, MixedBatch)
     */
    public MixedBatch mix(ImageBatch images, Labels labels, Pairing pairing) {
        return mix(images, labels, pairing, new MixedBatch());
    }

    /**
     * Mixes a batch that has no labels into a new {@link MixedBatch}, which then answers no question about labels.
     *
     * @see #mix(ImageBatch, Labels, Pairing, MixedBatch)
     */
    public MixedBatch mix(ImageBatch images, Pairing pairing) {
        return run(images, null, pairing, new MixedBatch());
    }

    /**
     * Mixes a batch. With a reused {@code into}, batches of sizes seen before allocate no native memory and hardly any
     * heap.
     *
     * @param images N images, each at least G×G pixels; not changed
     * @param labels N labels
     * @param pairing who is mixed with whom, and the key of all draws
     * @param into where the result goes; overwritten
     * @return {@code into}, complete; after any exception it keeps what it held, or holds nothing
     * @throws IllegalArgumentException if an argument does not fit the options or another argument; nothing was written
     * @throws IllegalStateException if the mixer is closed, in use by another thread, or has no weights but needs them
     */
    public MixedBatch mix(ImageBatch images, Labels labels, Pairing pairing, MixedBatch into) {
        return run(images, Objects.requireNonNull(labels, "labels"), pairing, into);
    }

    /** As {@link #mix(ImageBatch, Labels, Pairing, MixedBatch)}, for a batch that has no labels. */
    public MixedBatch mix(ImageBatch images, Pairing pairing, MixedBatch into) {
        return run(images, null, pairing, into);
    }

    private MixedBatch run(ImageBatch images, Labels labels, Pairing pairing, MixedBatch into) {
        Objects.requireNonNull(images, "images");
        Objects.requireNonNull(pairing, "pairing");
        Objects.requireNonNull(into, "into");
        gate.enter("mix");
        try {
            check(options, images, labels);
            if (options.mode() == Mode.ATTENTIVE) {
                requireExtractor();
            }
            MixPlan plan = into.begin(options, output, images, labels);
            try {
                planner.plan(pairing, images.count(), plan);
                planner.boxes(pairing, images, plan);
                place(images, pairing, into);
                if (options.mode() == Mode.ATTENTIVE) {
                    engine.attendMix(images, plan, classIds(labels, plan.count), into.heat(keepHeatMaps),
                            into.target());
                    reportNonFinite(plan);
                } else {
                    engine.mix(images, plan, into.target());
                }
                planner.weigh(images, plan);
            } catch (Throwable e) {
                into.invalidate();
                throw e;
            }
            return into;
        } finally {
            leave();
        }
    }

    /**
     * Mixes a batch that lies in the GPU's memory, and leaves the result there: enqueues the step on a stream of the
     * caller's and returns. The step begins after what was enqueued on that stream before, and after the mixer's own
     * steps before it.
     *
     * @param images N images, each at least G×G pixels; not to be changed before {@link DeviceMix#event}
     * @param labels N labels; read only during the call
     * @param pairing who is mixed with whom, and the key of all draws
     * @param out N images of the same size, in memory apart from {@code images}; complete at {@link DeviceMix#event}.
     *     UINT8 only from UINT8 images; a floating type is normalised as {@link PixelFormat} says
     * @param stream raw handle (cudaStream_t), 0 for the default stream; must not be recording
     * @throws IllegalArgumentException if an argument does not fit the options, another argument or the device; nothing
     *     was enqueued
     * @throws IllegalStateException if the mixer is closed, in use by another thread, or has no weights but needs them
     */
    public DeviceMix mix(DeviceImages images, Labels labels, Pairing pairing, DeviceImages out, long stream) {
        return enqueue(images, Objects.requireNonNull(labels, "labels"), pairing, out, stream);
    }

    /** As {@link #mix(DeviceImages, Labels, Pairing, DeviceImages, long)}, for a batch that has no labels. */
    public DeviceMix mix(DeviceImages images, Pairing pairing, DeviceImages out, long stream) {
        return enqueue(images, null, pairing, out, stream);
    }

    private DeviceMix enqueue(DeviceImages images, Labels labels, Pairing pairing, DeviceImages out, long stream) {
        Objects.requireNonNull(images, "images");
        Objects.requireNonNull(pairing, "pairing");
        Objects.requireNonNull(out, "out");
        if (!(engine instanceof DeviceEngine onDevice)) {
            throw new IllegalArgumentException("images lie in a GPU's memory; allowed on " + device.name()
                    + ": an ImageBatch");
        }
        gate.enter("mix");
        try {
            Checks.form(options, images);
            Checks.output(images.elementType(), new PixelFormat(out.elementType(), out.layout()));
            Checks.labels(options, labels, images.count(), classes);
            if (out.count() != images.count() || out.height() != images.height() || out.width() != images.width()) {
                throw new IllegalArgumentException("out is " + out.count() + " images of " + out.height() + " by "
                        + out.width()
                        + "; allowed: " + images.count() + " of " + images.height() + " by " + images.width());
            }
            boolean attentive = options.mode() == Mode.ATTENTIVE;
            if (attentive) {
                requireExtractor();
            }
            MixPlan plan = new MixPlan(options.grid());
            plan.resize(images.count());
            planner.plan(pairing, images.count(), plan);
            planner.boxes(pairing, images, plan);
            Enqueued step = onDevice.enqueue(images, plan, attentive, idsOf(labels, plan.count), out, stream);
            return new DeviceMix(this, step, plan, pairing, labels == null ? null : labels.copyInto(Labels.of()),
                    images.height(), images.width());
        } finally {
            leave();
        }
    }

    /**
     * Repeats a mix from its record, into a new {@link MixedBatch}.
     *
     * @see #replay(ImageBatch, Labels, MixRecord, MixedBatch)
     */
    public MixedBatch replay(ImageBatch images, Labels labels, MixRecord record) {
        return replay(images, labels, record, new MixedBatch());
    }

    /** As {@link #replay(ImageBatch, Labels, MixRecord)}, for a batch that has no labels. */
    public MixedBatch replay(ImageBatch images, MixRecord record) {
        return repeat(images, null, record, new MixedBatch());
    }

    /**
     * Repeats a mix from its record, or mixes by cells of the caller's own: nothing is drawn and no extractor runs, so
     * the mixer needs no weights.
     *
     * @param images N images, as many and of the sizes the record was made for
     * @param labels N labels
     * @param record what to do; its options must be the mixer's
     * @param into where the result goes; overwritten
     * @return {@code into}, complete
     */
    public MixedBatch replay(ImageBatch images, Labels labels, MixRecord record, MixedBatch into) {
        return repeat(images, Objects.requireNonNull(labels, "labels"), record, into);
    }

    /** As {@link #replay(ImageBatch, Labels, MixRecord, MixedBatch)}, for a batch that has no labels. */
    public MixedBatch replay(ImageBatch images, MixRecord record, MixedBatch into) {
        return repeat(images, null, record, into);
    }

    private MixedBatch repeat(ImageBatch images, Labels labels, MixRecord record, MixedBatch into) {
        Objects.requireNonNull(images, "images");
        Objects.requireNonNull(record, "record");
        Objects.requireNonNull(into, "into");
        gate.enter("replay");
        try {
            record.checkOptions(options);
            // the cells are given: how they were found asks for neither classifier nor labels
            check(options.withReduction(Reduction.MEAN), images, labels);
            record.checkImages(images);
            MixPlan plan = into.begin(options, output, images, labels);
            try {
                record.into(plan);
                Pairing pairing = Pairing.explicit(Arrays.copyOf(plan.partner, plan.count))
                        .at(record.seed(), record.epoch(), record.step()).firstSample(record.firstSample());
                place(images, pairing, into);
                engine.mix(images, plan, into.target());
                planner.weigh(images, plan);
            } catch (Throwable e) {
                into.invalidate();
                throw e;
            }
            return into;
        } finally {
            leave();
        }
    }

    /**
     * Finds the hot cells without mixing; k as the options fix it.
     *
     * @throws IllegalStateException if the options draw k: name it with {@link #attend(ImageBatch, Labels, int)}
     */
    public Attention attend(ImageBatch images) {
        return find(images, null, fixedK());
    }

    /** As {@link #attend(ImageBatch)}, with the labels that {@link Reduction#CLASS} needs. */
    public Attention attend(ImageBatch images, Labels labels) {
        return attend(images, labels, fixedK());
    }

    private int fixedK() {
        if (options.patches() instanceof Patches.Fixed fixed) {
            return fixed.k();
        }
        throw new IllegalStateException("attend needs a k, since the options draw it: call attend(images, labels, k)");
    }

    /**
     * Finds the k hottest cells of each image without mixing, and copies the heat maps.
     *
     * @param images N images; not changed
     * @param labels N labels; read only for {@link Reduction#CLASS}
     * @param k 1 to G²
     */
    public Attention attend(ImageBatch images, Labels labels, int k) {
        return find(images, Objects.requireNonNull(labels, "labels"), k);
    }

    private Attention find(ImageBatch images, Labels labels, int k) {
        Objects.requireNonNull(images, "images");
        gate.enter("attend");
        try {
            requireExtractor();
            Checks.batch(options, images);
            Checks.labels(options.withMode(Mode.ATTENTIVE), labels, images.count(), classes);
            int cells = options.grid() * options.grid();
            if (k < 1 || k > cells) {
                throw new IllegalArgumentException("k is " + k + "; allowed: 1 to " + cells + " (G² at inputSide "
                        + options.inputSide() + ")");
            }
            MixPlan plan = new MixPlan(options.grid());
            plan.resize(images.count());
            Arrays.fill(plan.mixed, 0, plan.count, true);
            Arrays.fill(plan.patches, 0, plan.count, k);
            float[] heat = new float[Math.multiplyExact(plan.count, cells)];
            engine.attend(images, plan, classIds(labels, plan.count), heat, null);
            reportNonFinite(plan);
            return new Attention(plan, heat);
        } finally {
            leave();
        }
    }

    /**
     * Extracts without selecting or mixing, for comparisons with other implementations.
     *
     * @param images N images; not changed
     * @return last feature maps (N, G, G, C) in float, row-major; a new array
     */
    public float[] features(ImageBatch images) {
        Objects.requireNonNull(images, "images");
        gate.enter("features");
        try {
            requireExtractor();
            Checks.batch(options, images);
            MixPlan plan = new MixPlan(options.grid());
            plan.resize(images.count());
            Arrays.fill(plan.patches, 0, plan.count, 1);
            // any label does for a class map that nobody reads
            int[] anyClass = options.reduction() == Reduction.CLASS ? new int[plan.count] : null;
            long size = (long) plan.count * options.grid() * options.grid() * channels;
            if (size > Integer.MAX_VALUE - 8) {
                throw new IllegalArgumentException("images has " + plan.count + " images, whose features are " + size
                        + " values; allowed: below 2^31");
            }
            float[] features = new float[(int) size];
            engine.attend(images, plan, anyClass, null, features);
            return features;
        } finally {
            leave();
        }
    }

    private void check(MixOptions choices, ImageBatch images, Labels labels) {
        Checks.mix(choices, images, labels, classes, output);
        images.checkMasks();
    }

    private void requireExtractor() {
        if (!hasExtractor) {
            throw new IllegalStateException(
                    "this mixer was built without weights; give some to the builder, or use replay"
                    + " or a mode that needs none");
        }
    }

    /** Class ids for a reduction that reads them, else null. */
    private int[] classIds(Labels labels, int n) {
        return options.reduction() == Reduction.CLASS ? idsOf(labels, n) : null;
    }

    /** Class ids, or null where there are none; valid until the next call. */
    private int[] idsOf(Labels labels, int n) {
        if (labels == null || labels.isRows()) {
            return null;
        }
        if (classIds.length < n) {
            classIds = new int[n];
        }
        labels.ids(classIds);
        return classIds;
    }

    private void reportNonFinite(MixPlan plan) {
        if (nonFiniteReported) {
            return;
        }
        for (int i = 0; i < plan.count; i++) {
            if (plan.nonFinite[i]) {
                nonFiniteReported = true;
                LOG.log(Level.WARNING, "the heat map of image " + i
                        + " of a batch holds values that are not finite; such cells"
                        + " rank last. Reported once; MixedBatch.nonFiniteMaps() counts them");
                return;
            }
        }
    }

    private void place(ImageBatch images, Pairing pairing, MixedBatch into) {
        into.place(images, pairing);
        if (into.holds(images, device::address)) {
            throw new IllegalArgumentException(
                    "images lies in the memory of into; allowed: another MixedBatch, since a partner"
                    + " that is overwritten cannot be read");
        }
    }

    private void leave() {
        gate.leave();
        // the engine's handles are in use until here: the cleaner must not find the mixer unreachable before
        Reference.reachabilityFence(this);
    }

    /** The method's choices. */
    public MixOptions options() {
        return options;
    }

    /** Where the mixer runs. */
    public Device device() {
        return device;
    }

    /** Arithmetic of the extractor. */
    public Precision precision() {
        return precision;
    }

    /** The form of mixed pixels. */
    public PixelFormat output() {
        return output;
    }

    /** Whether mixed batches keep their heat maps. */
    public boolean keepsHeatMaps() {
        return keepHeatMaps;
    }

    /** Device, libraries, versions and threads, in one line. */
    public String description() {
        return engine.description();
    }

    /**
     * What results of this mixer come from: where two fingerprints are equal, the same calls give the same bits. On a
     * GPU it covers the batch sizes that have been prepared, or seen, when it is asked for.
     *
     * @throws IllegalStateException if the mixer is closed or in use by another thread
     */
    public Fingerprint fingerprint() {
        gate.enter("fingerprint");
        try {
            return Fingerprint.of(device, precision, options, engine, weightsSha256, calibration);
        } finally {
            leave();
        }
    }

    /** Refuses new calls, waits for the running one, then frees everything; may be called again. */
    @Override
    public void close() {
        if (gate.close()) {
            owned.closed.set(true);
            cleanable.clean();
        }
    }

    /** What a mixer is built from; everything has a default but the weights. */
    public static final class Builder {
        static final int MAX_THREADS = 1024;

        private Weights weights;
        private Device device;
        private Precision precision;
        private Calibration calibration;
        private MixOptions options = MixOptions.paper();
        private int threads;
        private PixelFormat output = PixelFormat.UINT8_NHWC;
        private boolean keepHeatMaps;
        private boolean deterministic;
        private boolean measure = true;
        private Path planFolder = CacheFolder.standard().resolve("plans");

        private Builder() {}

        /** The extractor's weights. Without, the mixer can only replay, or mix in a mode that needs none. */
        public Builder weights(Weights value) {
            weights = Objects.requireNonNull(value, "weights");
            return this;
        }

        /**
         * Where to run; default {@link Device#best()}, but {@link Device#cpu()} for {@link BatchNorm#PER_IMAGE}, which
         * runs nowhere else.
         */
        public Builder device(Device value) {
            device = Objects.requireNonNull(value, "device");
            return this;
        }

        /** Arithmetic of the extractor; default {@link Device#defaultPrecision}. */
        public Builder precision(Precision value) {
            precision = Objects.requireNonNull(value, "precision");
            return this;
        }

        /**
         * What {@link Precision#INT8} needs, from a {@link Calibrator} or a file; it must be for these weights and
         * options. Not to be given with another precision.
         */
        public Builder calibration(Calibration value) {
            calibration = Objects.requireNonNull(value, "calibration");
            return this;
        }

        /** The method's choices; default {@link MixOptions#paper()}. */
        public Builder options(MixOptions value) {
            options = Objects.requireNonNull(value, "options");
            return this;
        }

        /** Worker threads of the processor, 1 to 1024; default: as many as the JVM sees processors. */
        public Builder threads(int value) {
            if (value < 1 || value > MAX_THREADS) {
                throw new IllegalArgumentException("threads is " + value + "; allowed: 1 to " + MAX_THREADS);
            }
            threads = value;
            return this;
        }

        /** The form of mixed pixels; default uint8, NHWC. */
        public Builder output(PixelFormat value) {
            output = Objects.requireNonNull(value, "output");
            return this;
        }

        /** Whether every {@link MixedBatch} keeps its heat maps, for pictures and debugging; default no. */
        public Builder keepHeatMaps(boolean value) {
            keepHeatMaps = value;
            return this;
        }

        /**
         * Whether a GPU takes only implementations of a layer that give the same bits in every run on one kind of card,
         * chosen by a plan file or by rule and never by a measurement of this run; default no. The processor is
         * deterministic anyway.
         */
        public Builder deterministic(boolean value) {
            deterministic = value;
            return this;
        }

        /**
         * Whether a GPU times several implementations of each layer for each batch size that is new to it (seconds,
         * once) and keeps the fastest; default yes. Otherwise the first that cuDNN proposes is taken.
         */
        public Builder measure(boolean value) {
            measure = value;
            return this;
        }

        /**
         * Where a GPU's choices are kept from one process to the next, as readable files; created when needed. Default:
         * {@code plans} in the library's cache folder.
         */
        public Builder planFolder(Path value) {
            planFolder = Objects.requireNonNull(value, "planFolder");
            return this;
        }

        /** Keeps a GPU's choices for this process only. */
        public Builder noPlanFolder() {
            planFolder = null;
            return this;
        }

        /**
         * Loads the device's libraries, hashes the weights ({@link Weights#tensorsSha256}, once for each
         * {@link Weights}) and builds the extractor.
         *
         * @throws io.attentivecutmix.engine.DeviceUnavailableException if the device cannot be used, with the reason
         * @throws io.attentivecutmix.engine.OutOfDeviceMemoryException if the extractor's memory cannot be had
         * @throws IllegalArgumentException if the choices do not fit each other, the device or the weights
         */
        public AttentiveCutMix build() {
            Device where = device;
            if (where == null) {
                // statistics per image are there to reproduce float results, which only the processor does
                where = options.batchNorm() == BatchNorm.PER_IMAGE ? Device.cpu() : Device.best();
            }
            if (weights != null || !where.mixesWithoutLibraries()) {
                where.requireAvailable();
            }
            if (weights != null && precision != null && !where.precisions().contains(precision)) {
                throw new IllegalArgumentException("precision is " + precision + "; allowed on " + where.name() + ": "
                        + where.precisions() + where.whyNot(precision));
            }
            if (weights == null && keepHeatMaps) {
                throw new IllegalArgumentException("keepHeatMaps is true without weights; allowed: false");
            }
            if (weights != null && options.reduction() == Reduction.CLASS && !weights.hasClassifier()) {
                throw new IllegalArgumentException("reduction is CLASS, but " + weights.source()
                        + " has no classifier (fc.weight); allowed: MEAN, LAST, MAX, L2");
            }
            if (calibration == null ? precision == Precision.INT8 : precision != Precision.INT8) {
                throw new IllegalArgumentException(calibration == null
                        ? "precision is INT8 without a calibration; allowed: with one, see Calibrator"
                        : "calibration is given with precision " + (precision == null ? "not named" : precision)
                                + "; allowed: INT8");
            }
            if (calibration != null && weights != null) {
                calibration.check(weights.network(), weights.sha256(), Preprocessing.of(options));
            }
            Precision arithmetic = precision;
            if (arithmetic == null) {
                arithmetic = where.defaultPrecision(options);
            }
            return new AttentiveCutMix(this, where, arithmetic,
                    threads == 0 ? Runtime.getRuntime().availableProcessors() : threads);
        }
    }
}
