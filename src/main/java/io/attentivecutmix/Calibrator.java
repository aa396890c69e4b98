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
import java.lang.ref.Reference;
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
 * <p>One call at a time; a second concurrent caller gets an {@link IllegalStateException}. Owns native memory and must
 * be closed, which waits for a running call. Images are kept as the network reads them: 12·S² bytes each of heap.
 */
public final class Calibrator implements AutoCloseable {
    private static final double STANDARD_SHARE = 5.9 / 6;
    private static final int PAPER_K = 6;

    private final Weights weights;
    private final MixOptions options;
    private final RangeChoice ranges;
    private final double target;
    private final Consumer<String> progress;
    private final int k;
    private final CpuCalibration networks;
    private final CallGate gate = new CallGate("calibrator");
    /** The one that is open, or null. */
    private Comparison comparing;

    private Calibrator(Builder builder) {
        weights = builder.weights;
        options = builder.options;
        ranges = builder.ranges;
        progress = builder.progress;
        // where k is drawn, agreement is measured for the paper's
        k = options.patches() instanceof Patches.Fixed fixed ? fixed.k()
                : Math.min(PAPER_K, options.grid() * options.grid());
        target = Double.isNaN(builder.target) ? STANDARD_SHARE * k : builder.target;
        if (target > k) {
            throw new IllegalArgumentException("target is " + target + "; allowed: 0 to " + k + " (k)");
        }
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
        Objects.requireNonNull(images, "images");
        gate.enter("add");
        try {
            Checks.batch(options, images);
            networks.add(images);
        } finally {
            leave();
        }
    }

    /** Images added so far. */
    public int count() {
        return networks.images();
    }

    /**
     * Finds a calibration. Its agreements are those of the images added, one for each reduction that the weights allow;
     * whether they are good enough is for the caller to say. Takes seconds to minutes.
     *
     * @throws IllegalStateException if no image was added, or a comparison is open
     */
    public Calibration calibrate() {
        gate.enter("calibrate");
        try {
            if (count() == 0) {
                throw new IllegalStateException(
                        "no image was added; calibrate needs some that are like those to be mixed");
            }
            requireNoComparison();
            return new CalibrationSearch(networks, weights.sha256(), Preprocessing.of(options), options.reduction(), k,
                    ranges, target, progress).run();
        } finally {
            leave();
        }
    }

    /**
     * Starts measuring a calibration on images that are not kept. One comparison is open at a time.
     *
     * @throws IllegalArgumentException if the calibration is for other weights or options
     * @throws IllegalStateException if another comparison is open
     */
    public Comparison compare(Calibration calibration) {
        gate.enter("compare");
        try {
            calibration.check(weights.network(), weights.sha256(), Preprocessing.of(options));
            requireNoComparison();
            comparing = new Comparison(networks.compare(calibration));
            return comparing;
        } finally {
            leave();
        }
    }

    private void requireNoComparison() {
        if (comparing != null) {
            throw new IllegalStateException("a comparison is open; allowed: one at a time, so close it first");
        }
    }

    private void leave() {
        gate.leave();
        Reference.reachabilityFence(this);
    }

    /** Refuses new calls, waits for the running one, then frees everything, an open comparison too; may be repeated. */
    @Override
    public void close() {
        if (gate.close()) {
            try {
                if (comparing != null) {
                    comparing.both.close();
                }
            } finally {
                networks.close();
            }
        }
    }

    /** FP32 and INT8 side by side; a part of its calibrator, which allows one call of either at a time. */
    public final class Comparison implements AutoCloseable {
        private final CpuCalibration.Comparison both;
        private final List<AgreementCounter> counters = new ArrayList<>();
        private boolean closed;

        private Comparison(CpuCalibration.Comparison both) {
            this.both = both;
            for (Reduction r : networks.reductions()) {
                counters.add(new AgreementCounter(r, k));
            }
        }

        /** Runs both networks on a batch; for {@link Reduction#CLASS}, the images count as class 0, 1, 2, … in turn. */
        public void add(ImageBatch images) {
            Objects.requireNonNull(images, "images");
            gate.enter("add");
            try {
                if (closed) {
                    throw new IllegalStateException("add was called on a closed comparison");
                }
                Checks.batch(options, images);
                float[][][] heat = both.heat(images);
                int cells = networks.cells();
                for (int r = 0; r < counters.size(); r++) {
                    for (int i = 0; i < images.count(); i++) {
                        counters.get(r).add(heat[0][r], i * cells, heat[1][r], i * cells, cells);
                    }
                }
            } finally {
                leave();
            }
        }

        /** The agreement of all images so far, one for each reduction that the weights allow. */
        public List<Agreement> agreements() {
            return counters.stream().map(AgreementCounter::result).toList();
        }

        /** Frees the network in 8 bits; may be repeated, and after the calibrator's close does nothing. */
        @Override
        public void close() {
            if (gate.isClosed()) {
                return;
            }
            gate.enter("close");
            try {
                if (!closed) {
                    closed = true;
                    comparing = null;
                    both.close();
                }
            } finally {
                leave();
            }
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
