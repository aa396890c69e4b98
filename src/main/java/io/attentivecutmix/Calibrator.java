package io.attentivecutmix;

import io.attentivecutmix.cpu.CpuCalibration;
import io.attentivecutmix.cpu.CpuDevice;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.Checks;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.quantisation.Agreement;
import io.attentivecutmix.quantisation.AgreementCounter;
import io.attentivecutmix.quantisation.Calibration;
import io.attentivecutmix.quantisation.CalibrationSearch;
import io.attentivecutmix.quantisation.Preprocessing;
import io.attentivecutmix.quantisation.RangeChoice;
import io.attentivecutmix.weights.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Prepares {@link Precision#INT8}: looks at images in FP32 on the processor and finds a {@link Calibration} with which
 * the same cells are found.
 *
 * <p>Give it images like those that will be mixed, some hundred of them, then call {@link #calibrate}; measure the
 * result on other images with {@link #compare}. The same images in the same order give the same calibration, whatever
 * the number of threads.
 *
 * <p>Not thread-safe; owns native memory and must be closed. Images are kept as the network reads them: 12·S² bytes
 * each of heap.
 */
public final class Calibrator implements AutoCloseable {
    private static final double STANDARD_SHARE = 5.9 / 6;
    private static final int PAPER_K = 6;

    private final Builder choices;
    private final int k;
    private final CpuCalibration networks;
    private boolean closed;

    private Calibrator(Builder builder) {
        choices = builder;
        MixOptions options = builder.options;
        // where k is drawn, agreement is measured for the paper's
        k = options.patches() instanceof Patches.Fixed fixed ? fixed.k()
                : Math.min(PAPER_K, options.grid() * options.grid());
        Weights weights = builder.weights;
        networks = CpuDevice.calibrate(new EngineConfig(weights.network(), weights,
                weights.hasClassifier() ? weights.classifier() : null, options, Precision.FP32, builder.threads));
    }

    /** A builder with {@link MixOptions#paper()}, {@link RangeChoice.MinimumError} and a target of 5.9 of 6 cells. */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Adds images to those that are looked at; copies what it needs.
     *
     * @throws IllegalArgumentException if the batch does not fit the options, or an image holds a value that is not
     *     finite; none was added then
     */
    public void add(ImageBatch images) {
        open();
        Checks.batch(choices.options, Objects.requireNonNull(images, "images"));
        networks.add(images);
    }

    /** Images added so far. */
    public int count() {
        return networks.images();
    }

    /**
     * Finds a calibration. Its agreements are those of the images added, one for each reduction that the weights allow;
     * whether they are good enough is for the caller to say. Takes seconds to minutes.
     *
     * @throws IllegalStateException if no image was added
     */
    public Calibration calibrate() {
        open();
        if (count() == 0) {
            throw new IllegalStateException("no image was added; calibrate needs some that are like those to be mixed");
        }
        double target = Double.isNaN(choices.target) ? STANDARD_SHARE * k : choices.target;
        return new CalibrationSearch(networks, choices.weights.sha256(), Preprocessing.of(choices.options),
                choices.options.reduction(), k, choices.ranges, target, choices.progress).run();
    }

    /**
     * Starts measuring a calibration on images that are not kept. Close it before the next {@link #calibrate}.
     *
     * @throws IllegalArgumentException if the calibration is for other weights or options
     */
    public Comparison compare(Calibration calibration) {
        open();
        calibration.check(choices.weights.network(), choices.weights.sha256(), Preprocessing.of(choices.options));
        return new Comparison(networks.compare(calibration));
    }

    private void open() {
        if (closed) {
            throw new IllegalStateException("the calibrator is closed");
        }
    }

    /** Frees everything; may be called again. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            networks.close();
        }
    }

    /** FP32 and INT8 side by side. */
    public final class Comparison implements AutoCloseable {
        private final CpuCalibration.Comparison both;
        private final List<AgreementCounter> counters = new ArrayList<>();

        private Comparison(CpuCalibration.Comparison both) {
            this.both = both;
            for (Reduction r : networks.reductions()) {
                counters.add(new AgreementCounter(r, k));
            }
        }

        /** Runs both networks on a batch; for {@link Reduction#CLASS}, the images count as class 0, 1, 2, … in turn. */
        public void add(ImageBatch images) {
            open();
            Checks.batch(choices.options, Objects.requireNonNull(images, "images"));
            float[][][] heat = both.heat(images);
            int cells = networks.cells();
            for (int r = 0; r < counters.size(); r++) {
                for (int i = 0; i < images.count(); i++) {
                    counters.get(r).add(heat[0][r], i * cells, heat[1][r], i * cells, cells);
                }
            }
        }

        /** The agreement of all images so far, one for each reduction that the weights allow. */
        public List<Agreement> agreements() {
            return counters.stream().map(AgreementCounter::result).toList();
        }

        @Override
        public void close() {
            both.close();
        }
    }

    /** What a calibrator is built from; only the weights have no default. */
    public static final class Builder {
        private Weights weights;
        private MixOptions options = MixOptions.paper();
        private int threads = Runtime.getRuntime().availableProcessors();
        private RangeChoice ranges = new RangeChoice.MinimumError();
        private double target = Double.NaN;
        private Consumer<String> progress = line -> { };

        private Builder() {}

        /** The extractor's weights. */
        public Builder weights(Weights value) {
            weights = Objects.requireNonNull(value, "weights");
            return this;
        }

        /**
         * What will be mixed: the calibration holds for its preprocessing, and the cells of its reduction and k are
         * what has to agree. Batch norm must be RUNNING.
         */
        public Builder options(MixOptions value) {
            options = Objects.requireNonNull(value, "options");
            return this;
        }

        /** Worker threads, 1 to 1024; default: as many as the JVM sees processors. */
        public Builder threads(int value) {
            if (value < 1 || value > AttentiveCutMix.Builder.MAX_THREADS) {
                throw new IllegalArgumentException("threads is " + value + "; allowed: 1 to "
                        + AttentiveCutMix.Builder.MAX_THREADS);
            }
            threads = value;
            return this;
        }

        /** How far tensors reach; default {@link RangeChoice.MinimumError}. */
        public Builder ranges(RangeChoice value) {
            ranges = Objects.requireNonNull(value, "ranges");
            return this;
        }

        /**
         * How many of k cells are to be the same on average; what is needed for it stays in float. 0 for as fast as
         * possible. Default 5.9 of 6, and as much of another k.
         */
        public Builder target(double meanOverlap) {
            if (!(meanOverlap >= 0)) {
                throw new IllegalArgumentException("target is " + meanOverlap + "; allowed: 0 to k");
            }
            target = meanOverlap;
            return this;
        }

        /** Is told in words what is being done, on the calling thread; default: nobody. */
        public Builder progress(Consumer<String> value) {
            progress = Objects.requireNonNull(value, "progress");
            return this;
        }

        /**
         * Opens the network in FP32.
         *
         * @throws io.attentivecutmix.engine.DeviceUnavailableException if oneDNN does not load, or the CPU has no INT8
         * @throws IllegalArgumentException if a choice is not allowed
         */
        public Calibrator build() {
            Objects.requireNonNull(weights, "weights");
            if (options.batchNorm() != BatchNorm.RUNNING) {
                throw new IllegalArgumentException("batchNorm is " + options.batchNorm()
                        + "; allowed with INT8: RUNNING");
            }
            return new Calibrator(this);
        }
    }
}
