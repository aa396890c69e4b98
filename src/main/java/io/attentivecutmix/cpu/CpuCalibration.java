package io.attentivecutmix.cpu;

import io.attentivecutmix.engine.DeviceException;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.image.Images;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.quantisation.ActivationObserver;
import io.attentivecutmix.quantisation.Calibration;
import io.attentivecutmix.quantisation.CalibrationNetworks;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;

/**
 * The networks of a calibration on the processor: one in FP32 for each worker thread, and for as long as one
 * calibration is tried, one with it. One call at a time.
 */
public final class CpuCalibration implements CalibrationNetworks, AutoCloseable {
    private final EngineConfig config;
    private final List<Reduction> reductions;
    private final int cells;
    private final Workers workers;
    private final OneDnn oneDnn;
    private final List<float[]> inputs = new ArrayList<>();
    private final InputStage[] stages;
    private final HeatMap[][] heatMaps;
    private final Network exact;
    /** Weights of the calibration tried last: those that follow each other mostly share them. */
    private SharedWeights quantisedWeights;
    private Calibration quantisedFor;

    /** A network on every worker thread. */
    private final class Network implements AutoCloseable {
        final Extractor[] extractors;

        Network(SharedWeights weights, Precision precision, Calibration calibration) {
            extractors = new Extractor[config.threads()];
            try {
                workers.runOnEach((worker, item) -> {
                    OpenMpThreads.set(1);
                    extractors[worker] = new Extractor(oneDnn, weights, config.network(),
                            config.options().inputSide(), precision, BatchNorm.RUNNING, calibration);
                });
            } catch (RuntimeException | Error e) {
                close();
                throw unwrapped(e);
            }
        }

        @Override
        public void close() {
            for (Extractor e : extractors) {
                if (e != null) {
                    e.close();
                }
            }
        }
    }

    private final SharedWeights exactWeights;

    /**
     * Opens the network in FP32.
     *
     * @param config as for an engine; its precision, calibration and reduction are not looked at
     */
    CpuCalibration(EngineConfig config) {
        this.config = config;
        cells = config.options().grid() * config.options().grid();
        reductions = new ArrayList<>(List.of(Reduction.MEAN, Reduction.LAST, Reduction.MAX, Reduction.L2));
        if (config.classifier() != null) {
            reductions.add(Reduction.CLASS);
        }
        int threads = config.threads();
        stages = new InputStage[threads];
        heatMaps = new HeatMap[threads][reductions.size()];
        for (int w = 0; w < threads; w++) {
            stages[w] = new InputStage(config.options());
            for (int r = 0; r < reductions.size(); r++) {
                heatMaps[w][r] = new HeatMap(reductions.get(r), config.network().channels(), config.classifier());
            }
        }
        workers = new Workers(threads);
        OneDnn library = null;
        SharedWeights weights = null;
        try {
            library = new OneDnn();
            oneDnn = library;
            weights = new SharedWeights(oneDnn, config.tensors(), BatchNorm.RUNNING);
            exactWeights = weights;
            exact = new Network(weights, Precision.FP32, null);
        } catch (RuntimeException | Error e) {
            workers.close();
            if (weights != null) {
                weights.close();
            }
            if (library != null) {
                library.close();
            }
            throw e;
        }
    }

    private static RuntimeException unwrapped(Throwable t) {
        Throwable cause = t instanceof Workers.Failure ? t.getCause() : t;
        if (cause instanceof Error e) {
            throw e;
        }
        return cause instanceof RuntimeException e ? e : new IllegalStateException(cause);
    }

    /**
     * Adds images to the list, as the network reads them.
     *
     * @throws IllegalArgumentException if one holds a value that is not finite; none was added then
     */
    public void add(Images images) {
        float[][] added = load(images);
        inputs.addAll(List.of(added));
    }

    private float[][] load(Images images) {
        int side = config.options().inputSide();
        float[][] loaded = new float[images.count()][];
        run(images.count(), (worker, i) -> {
            float[] input = new float[3 * side * side];
            if (!stages[worker].load(images, i, FloatBuffer.wrap(input))) {
                throw new IllegalArgumentException("holds a value that is not finite");
            }
            loaded[i] = input;
        });
        return loaded;
    }

    private void run(int count, Workers.Task task) {
        try {
            workers.run(task, count);
        } catch (Workers.Failure f) {
            if (f.getCause() instanceof DeviceException e) {
                throw e;
            }
            if (f.getCause() instanceof IllegalArgumentException e) {
                throw new IllegalArgumentException("image " + f.item() + " " + e.getMessage(), e);
            }
            throw unwrapped(f);
        }
    }

    @Override
    public ResNet network() {
        return config.network();
    }

    @Override
    public int images() {
        return inputs.size();
    }

    @Override
    public int workers() {
        return config.threads();
    }

    @Override
    public List<Reduction> reductions() {
        return List.copyOf(reductions);
    }

    @Override
    public int cells() {
        return cells;
    }

    @Override
    public void observe(IntFunction<ActivationObserver> observers) {
        ActivationObserver[] perWorker = new ActivationObserver[config.threads()];
        for (int w = 0; w < perWorker.length; w++) {
            perWorker[w] = observers.apply(w);
        }
        run(inputs.size(), (worker, i) -> {
            exact.extractors[worker].input().put(0, inputs.get(i));
            exact.extractors[worker].run(perWorker[worker]);
        });
    }

    @Override
    public float[][] heat(int images) {
        return heat(exact, inputs.subList(0, images), 0);
    }

    @Override
    public float[][] heat(Calibration calibration, int images) {
        try (Network network = new Network(weights(calibration), Precision.INT8, calibration)) {
            return heat(network, inputs.subList(0, images), 0);
        }
    }

    private SharedWeights weights(Calibration calibration) {
        if (quantisedWeights == null || !quantisedFor.hasWeightsOf(calibration)) {
            if (quantisedWeights != null) {
                quantisedWeights.close();
                quantisedWeights = null;
            }
            quantisedWeights = new SharedWeights(oneDnn, config.tensors(), calibration);
            quantisedFor = calibration;
        }
        return quantisedWeights;
    }

    private float[][] heat(Network network, List<float[]> images, long first) {
        float[][] heat = new float[reductions.size()][images.size() * cells];
        run(images.size(), (worker, i) -> {
            Extractor extractor = network.extractors[worker];
            extractor.input().put(0, images.get(i));
            extractor.run();
            int label = config.classifier() == null ? 0 : (int) ((first + i) % config.classifier().length);
            for (int r = 0; r < heat.length; r++) {
                heatMaps[worker][r].reduce(extractor.output(), cells, label, heat[r], i * cells);
            }
        });
        return heat;
    }

    /** Both networks side by side, to compare them on images that are not kept. */
    public Comparison compare(Calibration calibration) {
        return new Comparison(new Network(weights(calibration), Precision.INT8, calibration));
    }

    /** Compares the networks on one batch after another. To be closed before its owner. */
    public final class Comparison implements AutoCloseable {
        private final Network quantised;
        private long images;

        private Comparison(Network quantised) {
            this.quantised = quantised;
        }

        /**
         * Heat maps of a batch.
         *
         * @return in FP32 and in 8 bits: for each reduction (images, G²)
         */
        public float[][][] heat(Images batch) {
            List<float[]> loaded = List.of(load(batch));
            float[][][] both = {CpuCalibration.this.heat(exact, loaded, images),
                CpuCalibration.this.heat(quantised, loaded, images)};
            images += batch.count();
            return both;
        }

        @Override
        public void close() {
            quantised.close();
        }
    }

    /** Frees everything; no call may be running. */
    @Override
    public void close() {
        workers.close();
        exact.close();
        exactWeights.close();
        if (quantisedWeights != null) {
            quantisedWeights.close();
            quantisedWeights = null;
        }
        oneDnn.close();
        NativeScope.trim();
    }
}
