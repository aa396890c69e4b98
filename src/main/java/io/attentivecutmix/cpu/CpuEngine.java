package io.attentivecutmix.cpu;

import io.attentivecutmix.engine.DeviceException;
import io.attentivecutmix.engine.Engine;
import io.attentivecutmix.engine.EngineChecks;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.image.Images;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.method.Selection;
import io.attentivecutmix.network.ResNet;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The CPU device: worker threads that each take an image through all stages.
 *
 * <p>Every worker has a network of its own that runs on that one thread, over weights that all share. So an image's
 * features, heat map and pixels do not depend on the number of threads, the size of the batch or the image's place in
 * it; and another busy process slows one worker, where a network spread over several threads would wait for it in
 * every layer.
 */
final class CpuEngine implements Engine {
    private final MixOptions options;
    private final int cells;
    private final int featureSize;
    private final int classes;
    private final String description;
    private final Workers workers;
    private final Worker[] perWorker;
    private final OneDnn oneDnn;
    private final SharedWeights weights;

    // The step under way: set by the caller before the workers begin, cleared after.
    private Images images;
    private MixPlan plan;
    private int[] labels;
    private float[] heat;
    private float[] features;
    private Images out;
    private final Workers.Task attendTask = this::attendImage;
    private final Workers.Task mixTask = this::mixImage;
    private boolean closed;

    /** What a worker owns; used by its thread alone. */
    private record Worker(InputStage input, Extractor extractor, HeatMap heatMap, float[] heat, PixelMixer mixer) {}

    CpuEngine(EngineConfig config) {
        options = config.options();
        cells = options.grid() * options.grid();
        check(config);
        ResNet network = config.network();
        classes = config.classifier() == null ? 0 : config.classifier().length;
        featureSize = network == null ? 0 : Math.multiplyExact(cells, network.channels());
        perWorker = new Worker[config.threads()];
        workers = new Workers(config.threads());
        OneDnn library = null;
        SharedWeights shared = null;
        try {
            if (network == null) {
                workers.runOnEach((worker, item) ->
                        perWorker[worker] = new Worker(null, null, null, null, new PixelMixer(options)));
            } else {
                library = new OneDnn();
                shared = config.calibration() == null
                        ? new SharedWeights(library, config.tensors(), options.batchNorm())
                        : new SharedWeights(library, config.tensors(), config.calibration());
                OneDnn l = library;
                SharedWeights s = shared;
                workers.runOnEach((worker, item) -> perWorker[worker] = build(config, l, s));
                shared.complete();
            }
        } catch (Workers.Failure e) {
            throw unwrapped(abandoned(e, library, shared));
        } catch (RuntimeException | Error e) {
            abandoned(e, library, shared);
            throw e;
        }
        oneDnn = library;
        weights = shared;
        description = "CPU, " + config.threads() + (config.threads() == 1 ? " thread" : " threads")
                + (network == null ? ", no extractor"
                        : ", " + network + " " + config.precision() + ", oneDNN " + OneDnn.version()
                                + " (" + OneDnn.isa() + ")");
    }

    private static void check(EngineConfig config) {
        if (config.threads() < 1) {
            throw new IllegalArgumentException("threads is " + config.threads() + "; allowed: 1 or more");
        }
        if (config.network() == null) {
            return;
        }
        MixOptions options = config.options();
        if (config.precision() == Precision.INT8) {
            CpuDevice.requireInt8();
            if (config.calibration() == null) {
                throw new IllegalArgumentException("precision is INT8 without a calibration; allowed: with one");
            }
        }
        EngineChecks.configuration(config, CpuDevice.precisions(), "this CPU");
        if (options.batchNorm() == BatchNorm.PER_IMAGE && config.precision() != CpuDevice.defaultPrecision(options)) {
            throw new IllegalArgumentException("precision is " + config.precision()
                    + "; allowed: FP32 (batchNorm PER_IMAGE is there to reproduce float results)");
        }
    }

    private static Worker build(EngineConfig config, OneDnn oneDnn, SharedWeights weights) {
        // Before any primitive is made on this thread: oneDNN fixes the number of threads in a primitive.
        OpenMpThreads.set(1);
        MixOptions options = config.options();
        InputStage input = new InputStage(options);
        HeatMap heatMap = new HeatMap(options.reduction(), config.network().channels(), config.classifier());
        float[] heat = new float[options.grid() * options.grid()];
        PixelMixer mixer = new PixelMixer(options);
        // Last, because it alone has something to close.
        Extractor extractor = new Extractor(oneDnn, weights, config.network(), options.inputSide(), config.precision(),
                options.batchNorm(), config.calibration());
        return new Worker(input, extractor, heatMap, heat, mixer);
    }

    /** Releases what was built; what goes wrong then does not hide why. */
    private <T extends Throwable> T abandoned(T why, OneDnn library, SharedWeights shared) {
        try {
            release(library, shared);
        } catch (RuntimeException e) {
            why.addSuppressed(e);
        }
        return why;
    }

    /** The failure of a worker's building, as if it had happened on the caller's thread. */
    private static RuntimeException unwrapped(Workers.Failure f) {
        if (f.getCause() instanceof RuntimeException e) {
            return e;
        }
        if (f.getCause() instanceof Error e) {
            throw e;
        }
        return new IllegalStateException(f.getCause());
    }

    /** Arenas hold one image per worker whatever N is, so there is nothing to grow. */
    @Override
    public void prepare(int n) {
        if (n < 1) {
            throw new IllegalArgumentException("n is " + n + "; allowed: 1 or more");
        }
    }

    @Override
    public synchronized void attend(Images images, MixPlan plan, int[] classes, float[] heat, float[] features) {
        open();
        if (featureSize == 0) {
            throw new IllegalStateException("this engine was built without weights: it mixes with cells that are given,"
                    + " and cannot find them");
        }
        int n = EngineChecks.count(options, images, plan);
        EngineChecks.attention(options, images, plan, classes, this.classes);
        EngineChecks.atLeast("heat", heat, (long) n * cells, "N·G²");
        EngineChecks.atLeast("features", features, (long) n * featureSize, "N·G²·C");
        this.labels = classes;
        this.heat = heat;
        this.features = features;
        run(attendTask, images, plan, null);
    }

    private void attendImage(int worker, int i) {
        int k = plan.patches[i];
        if (k == 0) {
            return;
        }
        Worker w = perWorker[worker];
        float[] map = heat == null ? w.heat() : heat;
        int offset = heat == null ? 0 : i * cells;
        if (w.input().load(images, i, w.extractor().input())) {
            w.extractor().run();
            w.heatMap().reduce(w.extractor().output(), cells, labels == null ? 0 : labels[i], map, offset);
            if (features != null) {
                w.extractor().output().get(0, features, i * featureSize, featureSize);
            }
        } else {
            // What a network makes of an image with NaN or an infinity in it: nothing that can be used.
            Arrays.fill(map, offset, offset + cells, Float.NaN);
            if (features != null) {
                Arrays.fill(features, i * featureSize, (i + 1) * featureSize, Float.NaN);
            }
        }
        plan.nonFinite[i] = Selection.select(map, offset, cells, k, plan.cells, i * plan.words);
    }

    @Override
    public synchronized void mix(Images images, MixPlan plan, Images out) {
        open();
        EngineChecks.count(options, images, plan);
        EngineChecks.output(plan, out);
        run(mixTask, images, plan, out);
    }

    private void mixImage(int worker, int i) {
        perWorker[worker].mixer().mix(images, plan, i, out);
    }

    private void run(Workers.Task task, Images images, MixPlan plan, Images out) {
        this.images = images;
        this.plan = plan;
        this.out = out;
        try {
            workers.run(task, plan.count);
        } catch (Workers.Failure f) {
            if (f.getCause() instanceof DeviceException e) {
                throw e;
            }
            String message = "image " + f.item() + " failed: " + f.getCause();
            throw f.getCause() instanceof IllegalArgumentException e
                    ? new IllegalArgumentException(message, e)
                    : new IllegalStateException(message, f.getCause());
        } finally {
            // A caller's batch must not stay reachable through the engine.
            this.images = null;
            this.plan = null;
            this.out = null;
            labels = null;
            heat = null;
            features = null;
        }
    }

    private void open() {
        if (closed) {
            throw new IllegalStateException("the engine is closed");
        }
    }

    @Override
    public Map<String, String> provenance() {
        return CpuDevice.provenance();
    }

    @Override
    public List<String> implementations() {
        return featureSize == 0 ? List.of() : perWorker[0].extractor().implementations();
    }

    @Override
    public String description() {
        return description;
    }

    /** Waits for a running step, ends the worker threads and frees all native memory; again: does nothing. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            release(oneDnn, weights);
        }
    }

    private void release(OneDnn library, SharedWeights shared) {
        List<AutoCloseable> owners = new ArrayList<>();
        owners.add(workers);
        for (Worker w : perWorker) {
            if (w != null && w.extractor() != null) {
                owners.add(w.extractor());
            }
        }
        if (shared != null) {
            owners.add(shared);
        }
        if (library != null) {
            owners.add(library);
            owners.add(NativeScope::trim);
        }
        RuntimeException failure = null;
        for (AutoCloseable owner : owners) {
            try {
                owner.close();
            } catch (Exception e) {
                if (failure == null) {
                    failure = new IllegalStateException("closing failed: " + e, e);
                } else {
                    failure.addSuppressed(e);
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    /** The network of one worker, for tests of its stages; only while no step is running. */
    Extractor extractor(int worker) {
        return perWorker[worker].extractor();
    }
}
