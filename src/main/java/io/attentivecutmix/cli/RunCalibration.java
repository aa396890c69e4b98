package io.attentivecutmix.cli;

import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.Calibrator;
import io.attentivecutmix.image.ImageDecoder;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.quantisation.Agreement;
import io.attentivecutmix.quantisation.Calibration;
import io.attentivecutmix.quantisation.Preprocessing;
import io.attentivecutmix.weights.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.stream.IntStream;
import tools.jackson.core.JsonGenerator;

/** What a run computes its extractor in 8 bits with: a file of {@code calibrate}, or what its first images gave. */
final class RunCalibration {
    /** Of a run that is not in 8 bits. */
    static final RunCalibration NONE = new RunCalibration(null, null);

    /** Images that a run calibrates itself from. */
    static final int OWN_IMAGES = 64;
    /** Of the hot cells, how many must be those of float: 5.9 of the paper's 6. */
    private static final double LEAST_SHARE = 5.9 / 6;

    private final Calibration calibration;
    private final Path file;

    /**
     * @param calibration null for none
     * @param file where it was read from; null where the run made it
     */
    private RunCalibration(Calibration calibration, Path file) {
        this.calibration = calibration;
        this.file = file;
    }

    /** Reads a file and checks that it is for these weights and options. */
    static RunCalibration load(Path file, MixOptions options, Weights weights) {
        Calibration calibration = Calibration.load(file);
        try {
            calibration.check(weights.network(), weights.sha256(), Preprocessing.of(options));
        } catch (IllegalArgumentException e) {
            throw CommandException.usage("--calibration " + file + ": " + e.getMessage(), e);
        }
        return new RunCalibration(calibration, file);
    }

    /**
     * Calibrates from the first images of a run's order, which are the same for every shard. Images that cannot be read
     * are passed over: the run comes to them, and does with them as it is told.
     *
     * @param builder of a calibrator for the run's weights
     */
    static RunCalibration ofFirstImages(Console console, boolean quiet, Calibrator.Builder builder, MixOptions options,
            ImageList list, Batches batches, int fileThreads) throws InterruptedException {
        int[] first = IntStream.range(0, batches.count()).flatMap(b -> Arrays.stream(batches.indices(b)))
                .limit(OWN_IMAGES).toArray();
        ExecutorService pool = FilePool.of(fileThreads);
        try (Calibrator calibrator = builder.options(options).build()) {
            BatchLoader loader = new BatchLoader(pool, ImageDecoder.best(), null, BadImage.SKIP, options.grid(), 1);
            int read = new ImageReader(loader).read(ImageReader.items(list, first), calibrator::add, bad -> {},
                    Progress.NONE);
            if (read == 0) {
                throw CommandException.usage("none of the first " + first.length + " images can be read, so the run "
                        + "cannot calibrate itself; allowed: --calibration FILE, or another --precision");
            }
            RunCalibration made = new RunCalibration(calibrator.calibrate(), null);
            made.tell(console, quiet, chosen(made.calibration.agreements(), options));
            return made;
        } finally {
            FilePool.end(pool);
        }
    }

    /** Says in one line what the run found for itself, and warns where 8 bits find other cells. */
    private void tell(Console console, boolean quiet, Agreement agreement) {
        String found = String.format(Locale.ROOT, "calibrated for INT8 from the run's first %d images: %.3f of %d hot "
                + "cells are those of float, on the same images", calibration.images(), agreement.meanOverlap(),
                agreement.k());
        if (isLow(agreement)) {
            console.warning("%s, fewer than %.2f; see calibrate, or take --precision bf16 or fp32", found,
                    leastOverlap(agreement.k()));
        } else if (!quiet) {
            console.line("%s; kept as %s", found, OutputFolder.CALIBRATION);
        }
    }

    /** The least mean overlap of k cells that a calibration is taken with unasked. */
    static double leastOverlap(int k) {
        return LEAST_SHARE * k;
    }

    static boolean isLow(Agreement agreement) {
        return agreement.meanOverlap() < leastOverlap(agreement.k());
    }

    /** The agreement that counts: that of the run's own reduction. */
    static Agreement chosen(List<Agreement> agreements, MixOptions options) {
        return agreements.stream().filter(a -> a.reduction() == options.reduction()).findFirst().orElseThrow();
    }

    /** What to say where a device has no INT8; empty where it has. */
    static Optional<String> missing(String device, Set<Precision> precisions, Precision instead) {
        return precisions.contains(Precision.INT8) ? Optional.empty()
                : Optional.of("INT8 is not available on " + device + " (an x86 processor needs VNNI for it); the "
                        + "run goes on in " + instead);
    }

    /** Sets precision and calibration, if there is one. */
    AttentiveCutMix.Builder apply(AttentiveCutMix.Builder builder) {
        return calibration == null ? builder : builder.precision(Precision.INT8).calibration(calibration);
    }

    /** Keeps what the run made for itself beside its other files, so that another run can be given it. */
    void keep(OutputFolder folder) throws IOException {
        if (calibration != null && file == null) {
            calibration.save(folder.file(OutputFolder.CALIBRATION));
        }
    }

    /** For run.json: the file and its hash, or null. */
    void write(JsonGenerator g) {
        g.writeName("calibration");
        if (calibration == null) {
            g.writeNull();
            return;
        }
        g.writeStartObject();
        g.writeStringProperty("file", file == null ? OutputFolder.CALIBRATION
                : file.toAbsolutePath().normalize().toString());
        g.writeStringProperty("sha256", sha256());
        g.writeNumberProperty("images", calibration.images());
        g.writeEndObject();
    }

    /** Of the file's text as it is written, whatever spacing somebody changed by hand; "none" without one. */
    String sha256() {
        return calibration == null ? "none" : calibration.sha256();
    }
}
