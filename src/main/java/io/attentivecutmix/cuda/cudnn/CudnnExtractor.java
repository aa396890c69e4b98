package io.attentivecutmix.cuda.cudnn;

import io.attentivecutmix.cuda.Address;
import io.attentivecutmix.cuda.Closing;
import io.attentivecutmix.cuda.CudaRuntime;
import io.attentivecutmix.cuda.DeviceExtractor;
import io.attentivecutmix.cuda.DeviceProperties;
import io.attentivecutmix.cuda.Kernels;
import io.attentivecutmix.cuda.cudnn.Choices.StemKind;
import io.attentivecutmix.cuda.cudnn.Choices.StemShape;
import io.attentivecutmix.cuda.cudnn.NetworkLayout.Layer;
import io.attentivecutmix.cuda.cudnn.NetworkLayout.Place;
import io.attentivecutmix.cuda.kernels.KernelImages;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.method.BatchNorm;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.ShortPointer;

/**
 * The network on cuDNN. A batch is a list of launches over fixed addresses: one for each convolution with all that
 * follows it, and one or two for the stem and its pool.
 *
 * <p>FP16 and BF16 take the stem's input as uint8 pixels or packed; FP32 and TF32 packed only. Not thread-safe.
 */
final class CudnnExtractor implements DeviceExtractor {
    private static final int LEAST_CAPACITY = 16;

    private final CudaRuntime runtime;
    private final Kernels kernels;
    private final Pointer stream;
    private final Numerics numerics;
    private final ElementType type;
    private final int side;
    private final NetworkLayout layout;
    private final String library;
    private final List<AutoCloseable> owned = new ArrayList<>();
    private final CudnnSession session;
    private final WeightArena weights;
    private final Arenas arenas;
    private final Launches launches;
    private final Tuner tuner;
    private final ShortPointer stemWeights;
    private final FloatPointer stemBias;
    /** By N, null where that is not prepared: no boxing in a step. */
    private Batch[] batches = new Batch[LEAST_CAPACITY];
    private Pointer pooled = new Address(0);
    private Pointer input = new Address(0);
    private Pointer features = new Address(0);
    private boolean closed;

    /**
     * Uploads the weights.
     *
     * @param library where cuDNN was taken from, for {@link #description}
     */
    CudnnExtractor(EngineConfig config, DeviceProperties device, CudaRuntime runtime, Kernels kernels, Pointer stream,
            Cudnn cudnn, String library) {
        if (config.network() == null || config.tensors() == null) {
            throw new IllegalArgumentException("an extractor needs a network and its tensors");
        }
        if (config.options().batchNorm() == BatchNorm.PER_IMAGE) {
            throw new IllegalArgumentException(
                    "batchNorm is PER_IMAGE; allowed on CUDA: RUNNING (PER_IMAGE runs on cpu in FP32)");
        }
        this.runtime = runtime;
        this.kernels = kernels;
        this.stream = stream;
        this.library = library;
        this.numerics = new Numerics(config.precision(), config.tuning().deterministic());
        this.type = numerics.type();
        this.side = config.options().inputSide();
        this.layout = new NetworkLayout(config.network(), side);
        try {
            session = own(CudnnSession.open(cudnn, runtime));
            Planner planner = own(new Planner(session, type));
            weights = own(new WeightArena(runtime, kernels, layout.layers(), config.tensors(), type, stream));
            arenas = own(new Arenas(runtime, layout, type.bytes(), stream));
            launches = new Launches(session, kernels, type);
            PlanStore store = new PlanStore(config.tuning().planFolder(),
                    new PlanKey(cudnn.version(), device, config.precision()));
            tuner = new Tuner(session, planner, numerics, config.tuning(), runtime, launches, stream, store);
            stemWeights = new ShortPointer(new Address(weights.stem()));
            stemBias = new FloatPointer(new Address(weights.floatBias(0)));
        } catch (RuntimeException | Error e) {
            Closing.after(e, this);
            throw e;
        }
    }

    private <C extends AutoCloseable> C own(C closeable) {
        owned.add(closeable);
        return closeable;
    }

    @Override
    public ElementType inputType() {
        return type;
    }

    @Override
    public int inputChannels() {
        return NetworkLayout.INPUT_CHANNELS;
    }

    @Override
    public ElementType featureType() {
        return type;
    }

    @Override
    public boolean takesPixels() {
        return type != ElementType.FLOAT32;
    }

    @Override
    public void prepare(int n) {
        requireOpen();
        if (n < 1) {
            throw new IllegalArgumentException("n is " + n + "; allowed: 1 or more");
        }
        if (n < batches.length && batches[n] != null) {
            return;
        }
        if (!arenas.holds(n)) {
            try {
                arenas.ensure(n);
            } catch (RuntimeException | Error e) {
                // what has moved has moved
                Closing.after(e, this::rebind);
                throw e;
            }
            rebind();
        }
        Batch batch = new Batch(n);
        try {
            choose(batch);
            if (arenas.ensureWorkspace(batch.workspaceBytes())) {
                rebind();
            }
            bind(batch);
            // once, so that the first step may be recorded: engines load their kernels in their first run
            session.setStream(stream);
            run(batch.stem(), stream);
            run(batch.rest(), stream);
            runtime.synchronizeStream(stream);
        } catch (RuntimeException | Error e) {
            Closing.after(e, batch);
            throw e;
        }
        if (n >= batches.length) {
            batches = Arrays.copyOf(batches, Math.max(n + 1, 2 * batches.length));
        }
        batches[n] = batch;
    }

    /** Finds a plan for every shape of a batch. */
    private void choose(Batch batch) {
        long start = System.nanoTime();
        tuner.begin();
        try (DeviceBuffer trial = new DeviceBuffer(runtime)) {
            List<Layer> layers = layout.layers();
            for (Layer l : layers.subList(1, layers.size())) {
                choose(batch, l, trial);
            }
            chooseStem(batch, layers.get(0), trial);
        }
        tuner.end(batch.n(), System.nanoTime() - start);
    }

    private void choose(Batch batch, Layer layer, DeviceBuffer trial) {
        ConvolutionShape shape = layer.shape(batch.n());
        if (!batch.plans().containsKey(shape)) {
            batch.plans().put(shape, tuner.choose(shape, operands(layer), trial));
        }
    }

    private void chooseStem(Batch batch, Layer stem, DeviceBuffer trial) {
        if (type == ElementType.FLOAT32) {
            choose(batch, stem, trial);
            return;
        }
        ConvolutionShape shape = stem.shape(batch.n());
        StemKind kind = tuner.chooseStem(new StemShape(batch.n(), side),
                scope -> List.of(stemKernel(scope, batch.n())),
                scope -> {
                    choose(batch, stem, trial);
                    Plan plan = batch.plans().get(shape);
                    trial.ensure(plan.workspaceBytes());
                    return cudnnStem(scope, plan, stem, trial.address());
                });
        batch.setStemKind(kind);
        if (kind == StemKind.CUDNN) {
            choose(batch, stem, trial);
        } else {
            Plan slower = batch.plans().remove(shape);
            if (slower != null) {
                slower.close();
            }
        }
    }

    private Operands operands(Layer l) {
        int i = l.index();
        return new Operands(arenas.address(l.from()), weights.weights(i), weights.bias(i), weights.floatBias(i),
                l.residual().map(arenas::address).orElse(0L), arenas.address(l.to()));
    }

    /** Binds every prepared batch to the present addresses. One that cannot be is prepared no more. */
    private void rebind() {
        input = new Address(arenas.address(Place.INPUT));
        pooled = new Address(arenas.address(Place.A));
        features = new Address(arenas.address(layout.output()));
        RuntimeException failure = null;
        for (int n = 0; n < batches.length; n++) {
            if (batches[n] != null) {
                try {
                    bind(batches[n]);
                } catch (RuntimeException e) {
                    Batch lost = batches[n];
                    batches[n] = null;
                    Closing.after(e, lost);
                    failure = Closing.joined(failure, e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    private void bind(Batch batch) {
        DescriptorScope scope = new DescriptorScope(session);
        List<Step> stem = new ArrayList<>();
        List<Step> rest = new ArrayList<>();
        try {
            List<Layer> layers = layout.layers();
            if (batch.stemKind() == StemKind.KERNEL) {
                stem.add(stemKernel(scope, batch.n()));
            } else {
                Layer l = layers.get(0);
                stem.addAll(cudnnStem(scope, batch.plans().get(l.shape(batch.n())), l, arenas.workspace()));
            }
            for (Layer l : layers.subList(1, layers.size())) {
                launches.add(rest, scope, batch.plans().get(l.shape(batch.n())), operands(l), arenas.workspace());
            }
        } catch (RuntimeException | Error e) {
            Closing.after(e, scope);
            throw e;
        }
        batch.bind(scope, stem, rest);
    }

    private List<Step> cudnnStem(DescriptorScope scope, Plan plan, Layer l, long workspace) {
        List<Step> steps = new ArrayList<>();
        launches.add(steps, scope, plan, operands(l), workspace);
        launches.addPool(steps, arenas.address(l.to()), arenas.address(Place.A), plan.shape().n(), layout.mapSide(),
                l.convolution().out());
        return steps;
    }

    private Step stemKernel(DescriptorScope scope, int n) {
        Scratch struct = scope.own(Scratch.allocate(Loader.sizeof(KernelImages.class)));
        KernelImages packed = new KernelImages(struct.pointer());
        packed.pixels(input);
        packed.offsets(null);
        packed.sizes(null);
        packed.count(n);
        packed.height(side);
        packed.width(side);
        packed.channels(NetworkLayout.INPUT_CHANNELS);
        packed.type(type.ordinal());
        packed.layout(Layout.NHWC.ordinal());
        Pointer out = pooled;
        return s -> kernels.stem(packed, null, stemWeights, stemBias, type, out, s);
    }

    @Override
    public Pointer input() {
        requireOpen();
        return input;
    }

    @Override
    public Pointer features() {
        requireOpen();
        return features;
    }

    @Override
    public void enqueue(int n, Pointer on) {
        Batch batch = prepared(n);
        session.setStream(on);
        run(batch.stem(), on);
        run(batch.rest(), on);
    }

    @Override
    public void enqueuePixels(int n, KernelImages images, FloatPointer normalisation, Pointer on) {
        if (!takesPixels()) {
            throw new IllegalStateException("the extractor takes no pixels in " + numerics.precision());
        }
        Batch batch = prepared(n);
        session.setStream(on);
        kernels.stem(images, normalisation, stemWeights, stemBias, type, pooled, on);
        run(batch.rest(), on);
    }

    private static void run(Step[] steps, Pointer on) {
        for (Step s : steps) {
            s.enqueue(on);
        }
    }

    private Batch prepared(int n) {
        requireOpen();
        if (n < 1 || n >= batches.length || batches[n] == null) {
            throw new IllegalStateException("batches of " + n + " images have not been prepared");
        }
        return batches[n];
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the extractor is closed");
        }
    }

    @Override
    public Map<String, String> provenance() {
        return Map.of("cuDNN", PresetCudnn.text(session.cudnn().version()),
                "deterministic", String.valueOf(numerics.deterministic()));
    }

    @Override
    public List<String> implementations() {
        List<String> all = new ArrayList<>();
        for (Batch b : batches) {
            if (b != null) {
                all.add("N " + b.n() + " stem " + (type == ElementType.FLOAT32 ? StemKind.CUDNN : b.stemKind()));
                b.plans().values().stream().map(p -> p.shape() + " " + p.choice()).sorted().forEach(all::add);
            }
        }
        return all;
    }

    @Override
    public String description() {
        return "cuDNN " + PresetCudnn.text(session.cudnn().version()) + library + ", " + numerics.precision()
                + (numerics.deterministic() ? ", deterministic" : "");
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        for (Batch b : batches) {
            if (b != null) {
                owned.add(b);
            }
        }
        Arrays.fill(batches, null);
        Closing.reversed(owned);
    }
}
