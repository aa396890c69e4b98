package io.attentivecutmix.cli;

import io.attentivecutmix.Calibrator;
import io.attentivecutmix.image.ImageDecoder;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Mode;
import io.attentivecutmix.network.ResNet.Convolution;
import io.attentivecutmix.quantisation.Agreement;
import io.attentivecutmix.quantisation.Calibration;
import io.attentivecutmix.quantisation.RangeChoice;
import io.attentivecutmix.weights.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Prepares runs in 8 bits, and measures what they cost. */
@Command(name = "calibrate", mixinStandardHelpOptions = true, versionProvider = Version.class, sortOptions = false,
        description = "Looks at images and writes what mix, attend and demo need for --precision int8; then measures "
                + "on other images how far the hot cells are those of float.",
        footer = {"", "The file holds for the same weights, --input-side, --normalisation and --filter only. Images of "
                + "both kinds are spread evenly over the sorted list."})
final class CalibrateCommand implements Callable<Integer> {
    private static final int WARNINGS = 10;
    /** Images that an agreement must be measured on to be relied on. */
    private static final int LEAST_COMPARED = 50;

    private final Console console;
    private int rejected;

    @Option(names = "--images", required = true, paramLabel = "PATH",
            description = "Images like those to be mixed: a folder, searched with its sub-folders, or a file of one "
                    + "path per line.")
    private Path images;

    @Option(names = "--out", required = true, paramLabel = "FILE", description = "The calibration to write, as JSON.")
    private Path out;

    @Option(names = "--force", description = "Replace a file that is there.")
    private boolean force;

    @Option(names = "--calibration-images", paramLabel = "N",
            description = "How many images to calibrate with; default ${DEFAULT-VALUE}.")
    private int observed = 128;

    @Option(names = "--compared-images", paramLabel = "M",
            description = "How many other images to measure with; default ${DEFAULT-VALUE}.")
    private int compared = 512;

    @Option(names = "--on-bad-image", paramLabel = "WHAT",
            description = "fail or skip (default): what an image does that cannot be read.")
    private BadImage badImage = BadImage.SKIP;

    @Option(names = "--ranges", paramLabel = "NAME",
            description = "How far values reach before they are cut off: minimum-error (default), maximum, or "
                    + "percentile:SHARE, such as percentile:0.9999.")
    private String ranges = "minimum-error";

    @Option(names = "--target", paramLabel = "X",
            description = "Hot cells that are to be the same on average; what is needed for it stays in float. "
                    + "Default: 5.9 of 6, and as much of another k. 0: as fast as possible.")
    private Double target;

    @Option(names = "--allow-low-overlap",
            description = "Write the calibration even if fewer than 5.9 of 6 hot cells are the same on average, or "
                    + "fewer than 50 images could be measured with.")
    private boolean allowLow;

    @ArgGroup(exclusive = false, heading = "%nWhere to run:%n")
    private RunArgs run = new RunArgs();

    @ArgGroup(exclusive = false, heading = "%nThe method:%n")
    private MethodArgs method = new MethodArgs();

    CalibrateCommand(Console console) {
        this.console = console;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        MixOptions options = options();
        RangeChoice choice = ranges(ranges);
        requireFree();
        InputArgs input = new InputArgs();
        input.images = images;
        ImageList list = input.list(console);
        CalibrationSplit split = split(list);
        Weights weights = run.load(console);
        Calibrator.Builder builder = run.calibrator(weights).options(options).ranges(choice);
        if (target != null) {
            builder.target(target);
        }
        if (!run.quiet) {
            builder.progress(line -> console.line("%s", line));
        }
        ExecutorService pool = FilePool.of(run.fileThreads());
        try (Calibrator calibrator = builder.build()) {
            requireEnough(split.compared().length);
            BatchLoader loader = new BatchLoader(pool, ImageDecoder.best(), null, badImage, options.grid(), 1);
            Calibration calibration = measure(calibrator, new ImageReader(loader), list, split);
            return settle(calibration, RunCalibration.chosen(calibration.agreements(), options));
        } catch (BatchLoader.BadImageException e) {
            throw CommandException.failed(e.getMessage(), e);
        } finally {
            FilePool.end(pool);
            if (rejected > WARNINGS) {
                console.warning("%d images were rejected in all", rejected);
            }
        }
    }

    private MixOptions options() throws IOException {
        run.requireCpuAlone();
        if (badImage == BadImage.SUBSTITUTE) {
            throw CommandException.usage("--on-bad-image is 'substitute'; allowed for calibrate: fail, skip");
        }
        if (observed < 1) {
            throw CommandException.usage("--calibration-images is " + observed + "; allowed: 1 or more");
        }
        if (compared < 1) {
            throw CommandException.usage("--compared-images is " + compared + "; allowed: 1 or more");
        }
        MixOptions options = method.resolve();
        if (options.mode() != Mode.ATTENTIVE) {
            throw CommandException.usage("--mode is " + Choices.name(options.mode())
                    + "; allowed for calibrate: attentive");
        }
        if (options.batchNorm() != BatchNorm.RUNNING) {
            throw CommandException.usage("--batch-norm is " + Choices.name(options.batchNorm())
                    + "; allowed for calibrate: running");
        }
        return options;
    }

    static RangeChoice ranges(String text) {
        if (text.equals("maximum")) {
            return new RangeChoice.Maximum();
        }
        if (text.equals("minimum-error")) {
            return new RangeChoice.MinimumError();
        }
        String percentile = "percentile:";
        if (text.startsWith(percentile)) {
            try {
                return new RangeChoice.Percentile(Double.parseDouble(text.substring(percentile.length())));
            } catch (IllegalArgumentException e) { // NumberFormatException is one
                throw CommandException.usage("--ranges is '" + text + "': " + e.getMessage()
                        + "; allowed: percentile:SHARE with a SHARE above 0.5, to 1", e);
            }
        }
        throw CommandException.usage("--ranges is '" + text + "'; allowed: minimum-error, maximum, percentile:SHARE");
    }

    private void requireFree() {
        if (Files.isDirectory(out)) {
            throw CommandException.usage("--out " + out + " is a folder; allowed: a file");
        }
        if (Files.exists(out) && !force) {
            throw CommandException.usage("--out " + out + " exists; allowed: a new name, or --force to replace it");
        }
    }

    private CalibrationSplit split(ImageList list) {
        if (list.size() < 2) {
            throw CommandException.usage("--images " + images + " has 1 image; allowed: 2 or more, since the "
                    + "calibration is measured on other images than it is made from");
        }
        CalibrationSplit split = CalibrationSplit.of(list.size(), observed, compared);
        if (list.size() < (long) observed + compared) {
            console.warning("%s has %d images, fewer than the %d to calibrate with and the %d to measure with: taking "
                    + "%d and %d", images, list.size(), observed, compared, split.observed().length,
                    split.compared().length);
        }
        return split;
    }

    /** A handful of images says little about the others, whatever was found on them. */
    private void requireEnough(int images) {
        if (images < LEAST_COMPARED && !allowLow) {
            throw CommandException.failed("the calibration would be measured on " + images + " images; needed: "
                    + LEAST_COMPARED + ". Nothing was written. Give more images, or --allow-low-overlap to write it "
                    + "all the same");
        }
    }

    private Calibration measure(Calibrator calibrator, ImageReader reader, ImageList list, CalibrationSplit split)
            throws InterruptedException {
        try (Progress progress = Progress.of(console, run.quiet, "observe", "images", split.observed().length)) {
            requireSome(reader.read(ImageReader.items(list, split.observed()), calibrator::add, this::reject, progress),
                    "calibrate with");
        }
        Calibration calibration = calibrator.calibrate();
        try (Calibrator.Comparison comparison = calibrator.compare(calibration);
                Progress progress = Progress.of(console, run.quiet, "compare", "images", split.compared().length)) {
            requireSome(reader.read(ImageReader.items(list, split.compared()), comparison::add, this::reject, progress),
                    "measure with");
            return calibration.withAgreements(comparison.agreements());
        }
    }

    private void requireSome(int read, String purpose) {
        if (read == 0) {
            throw CommandException.failed("none of the images to " + purpose + " could be read; nothing was written");
        }
    }

    private void reject(BatchLoader.Rejection rejection) {
        if (++rejected <= WARNINGS) {
            console.warning("rejected %s: %s", rejection.item().path(), rejection.reason());
        }
    }

    /** Shows what was found, then writes it or refuses to. */
    private int settle(Calibration calibration, Agreement chosen) throws IOException {
        if (!run.quiet) {
            table(calibration.agreements(), chosen);
            layers(calibration);
        }
        requireEnough(chosen.images()); // after those that could not be read
        if (RunCalibration.isLow(chosen)) {
            String found = String.format(Locale.ROOT, "in 8 bits, %.3f of %d hot cells are those of float on average "
                    + "(%s, %d images); needed: %.3f", chosen.meanOverlap(), chosen.k(),
                    Choices.name(chosen.reduction()), chosen.images(), RunCalibration.leastOverlap(chosen.k()));
            if (!allowLow) {
                throw CommandException.failed(found + ". Nothing was written. Try a higher --target, which keeps more "
                        + "layers in float, other --ranges, or more --calibration-images; or run with --precision bf16 "
                        + "or fp32. --allow-low-overlap writes it all the same");
            }
            console.warning("%s", found);
        }
        Path folder = out.toAbsolutePath().getParent();
        if (folder != null) {
            OutputFolder.make(folder);
        }
        calibration.save(out);
        if (!run.quiet) {
            console.line("wrote %s; use it with --precision int8 --calibration %s", out, out);
        }
        return rejected > 0 ? ExitStatus.REJECTED : ExitStatus.OK;
    }

    private void table(List<Agreement> agreements, Agreement chosen) {
        console.line("");
        console.line("INT8 beside FP32, %d images, %d hot cells each", chosen.images(), chosen.k());
        console.line("%-11s%8s%8s%12s%12s%12s", "reduction", "mean", "least", "identical", "heat error", "rank corr.");
        for (Agreement a : agreements) {
            console.line("%-11s%8.3f%8d%10.1f %%%12.4f%12.4f%s", Choices.name(a.reduction()), a.meanOverlap(),
                    a.leastOverlap(), 100 * a.identical(), a.heatError(), a.rankCorrelation(),
                    a == chosen ? "  (chosen)" : "");
        }
    }

    private void layers(Calibration calibration) {
        List<String> floating = calibration.network().convolutions().stream().map(Convolution::name)
                .filter(calibration.floating()::contains).toList();
        int all = calibration.network().convolutions().size();
        console.line("%d of %d convolutions in INT8%s", all - floating.size(), all,
                floating.isEmpty() ? "" : "; in float: " + String.join(", ", floating));
        if (!calibration.wide().isEmpty()) {
            console.line("float between the blocks of %s", String.join(", ", calibration.wide()));
        }
    }
}
