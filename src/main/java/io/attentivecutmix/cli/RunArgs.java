package io.attentivecutmix.cli;

import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.Calibrator;
import io.attentivecutmix.Device;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.weights.Hub;
import io.attentivecutmix.weights.Weights;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Option;

/** Where the extractor runs, and with which weights. */
final class RunArgs {
    private static final Pattern SYNTHETIC = Pattern.compile("synthetic(?::(18|34|50|101|152)(?::(-?[0-9]{1,18}))?)?");

    @Option(names = "--weights", paramLabel = "WHAT",
            description = "A safetensors file, a torch.save archive, hub:OWNER/MODEL to "
                    + "download one, or synthetic[:DEPTH[:SEED]] (default, ResNet-50): random weights, whose hot "
                    + "cells mean "
                    + "nothing.")
    private String weights = "synthetic";

    @Option(names = "--weights-sha256", paramLabel = "HEX", description = "Refuse other weights.")
    private String sha256;

    @Option(names = "--device", paramLabel = "NAME", description = "best (default), cpu, cuda or cuda:N.")
    private String device = "best";

    @Option(names = "--precision", paramLabel = "NAME",
            description = "fp32, bf16, int8, …; default: the fastest float that is native.")
    private Precision precision;

    @Option(names = "--calibration", paramLabel = "FILE",
            description = "For int8: what calibrate wrote. Default: the run calibrates itself from its first 64 "
                    + "images.")
    private Path calibration;

    @Option(names = "--threads", paramLabel = "N", description = "Worker threads; default: all processors.")
    private Integer threads;

    @Option(names = "--file-threads", paramLabel = "N",
            description = "Threads that read and write files meanwhile; default: as many as --threads. 0: as many, "
                    + "but reading, mixing and writing take turns.")
    private Integer fileThreads;

    @Option(names = "--deterministic",
            description = "On a GPU: only implementations that give the same bits in every run on one kind of card.")
    private boolean deterministic;

    @Option(names = {"-q", "--quiet"}, description = "No progress and no summary.")
    boolean quiet;

    /** Whether the user asked for certain weights. */
    boolean namesWeights() {
        return !weights.equals("synthetic");
    }

    /** The weights, loaded; says so if they are synthetic. */
    Weights load(Console console) {
        requireInt8ForCalibration();
        Weights loaded = find(console);
        if (sha256 != null && !sha256.equalsIgnoreCase(loaded.sha256())) {
            throw CommandException.usage("the weights have SHA-256 " + loaded.sha256()
                    + "; allowed by --weights-sha256: " + sha256);
        }
        if (loaded.isSynthetic() && !quiet) {
            console.line("The weights are synthetic, so the hot cells mean nothing. Give real ones with --weights "
                    + "FILE: a ResNet of "
                    + "torchvision or timm as safetensors or torch.save file, or hub:timm/resnet50.a1_in1k to "
                    + "download one.");
        }
        return loaded;
    }

    private Weights find(Console console) {
        Matcher synthetic = SYNTHETIC.matcher(weights);
        if (synthetic.matches()) {
            return Weights.synthetic(synthetic.group(1) == null ? 50 : Integer.parseInt(synthetic.group(1)),
                    synthetic.group(2) == null ? 0 : Long.parseLong(synthetic.group(2)));
        }
        if (weights.startsWith("synthetic:")) {
            throw CommandException.usage("--weights is '" + weights
                    + "'; allowed: synthetic, synthetic:DEPTH, synthetic:DEPTH:SEED with DEPTH 18, 34, 50, 101 or 152");
        }
        return Hub.isReference(weights) ? download(console) : Weights.load(Path.of(weights));
    }

    private Weights download(Console console) {
        Hub.Builder hub = Hub.builder();
        if (sha256 != null) {
            hub.sha256(sha256);
        }
        DownloadProgress progress = new DownloadProgress(console, quiet);
        try {
            return Weights.load(hub.progress(progress).build().fetch(weights), weights);
        } finally {
            progress.close();
        }
    }

    /** A builder with everything but the form of the output. */
    AttentiveCutMix.Builder builder(MixOptions options) {
        requireInt8ForCalibration();
        AttentiveCutMix.Builder builder = AttentiveCutMix.builder().options(options).deterministic(deterministic);
        // best is what the builder takes by itself, which knows the options too
        if (!device.equals("best")) {
            builder.device(device());
        }
        // INT8 comes with its calibration, where there is one
        if (precision != null && precision != Precision.INT8) {
            builder.precision(precision);
        }
        if (threads != null) {
            builder.threads(threads);
        }
        return builder;
    }

    /** Refuses a calibration where nothing is computed with it. */
    void requireNoCalibration(String where) {
        if (calibration != null) {
            throw CommandException.usage("--calibration is given for " + where
                    + ", which has no extractor; allowed: no --calibration");
        }
    }

    private void requireInt8ForCalibration() {
        if (calibration != null && precision != Precision.INT8) {
            throw CommandException.usage("--calibration is given without --precision int8; allowed: both, or neither");
        }
    }

    /**
     * What to compute in 8 bits with, if that was asked for; says so where the device has no INT8.
     *
     * @param batches of the whole run, whose first images it calibrates itself from if no file was named
     */
    RunCalibration int8(Console console, MixOptions options, Weights weights, ImageList list, Batches batches)
            throws InterruptedException {
        if (precision != Precision.INT8) {
            return RunCalibration.NONE;
        }
        if (options.batchNorm() != BatchNorm.RUNNING) {
            throw CommandException.usage("--precision is 'int8' with --batch-norm " + Choices.name(options.batchNorm())
                    + "; allowed: --batch-norm running, or --precision fp32");
        }
        Device where = device();
        if (!where.available()) {
            return RunCalibration.NONE; // the builder says why
        }
        Optional<String> missing =
                RunCalibration.missing(where.name(), where.precisions(), where.defaultPrecision(options));
        if (missing.isPresent()) {
            console.warning("%s", missing.get());
            return RunCalibration.NONE;
        }
        if (calibration != null) {
            return RunCalibration.load(calibration, options, weights);
        }
        return RunCalibration.ofFirstImages(console, quiet, calibrator(weights), options, list, batches,
                fileThreads());
    }

    /** A builder of a calibrator with everything but the method's choices. */
    Calibrator.Builder calibrator(Weights weights) {
        Calibrator.Builder builder = Calibrator.builder().weights(weights);
        return threads == null ? builder : builder.threads(threads);
    }

    /** Refuses what has no meaning for a calibration, which is made on the processor, in FP32. */
    void requireCpuAlone() {
        if (!device.equals("best") && !device.equals("cpu")) {
            throw CommandException.usage("--device is '" + device + "'; allowed for calibrate: cpu");
        }
        if (precision != null || calibration != null) {
            throw CommandException.usage("--precision and --calibration are for the run that a calibration is made "
                    + "for; allowed for calibrate: neither");
        }
    }

    private Device device() {
        try {
            return Device.parse(device);
        } catch (IllegalArgumentException e) {
            throw CommandException.usage("--" + e.getMessage(), e);
        }
    }

    /**
     * Threads that read and write files. By default as many as mix: whichever of the two kinds has less to do leaves
     * the processors to the other.
     */
    int fileThreads() {
        if (fileThreads != null && fileThreads < 0) {
            throw CommandException.usage("--file-threads is " + fileThreads + "; allowed: 0 or more");
        }
        if (fileThreads != null && fileThreads > 0) {
            return fileThreads;
        }
        return threads == null ? Runtime.getRuntime().availableProcessors() : threads;
    }

    /**
     * Whether files wait while a batch is mixed, and the next batch while files are written. Not by default: on two
     * processors it makes no difference beyond the spread for files in the system's cache (benchmarks/results, "Who
     * works when" and "Whole folders"), and reading ahead hides a slow disk.
     */
    boolean inTurns() {
        return fileThreads != null && fileThreads == 0;
    }
}
