package io.attentivecutmix.cli;

import io.attentivecutmix.image.ResizeFilter;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.Geometry;
import io.attentivecutmix.method.LabelWeight;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Mode;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.Reduction;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import picocli.CommandLine.Option;

/** The method's choices: a preset, then what the config file says, then what the command line says. */
final class MethodArgs {
    private static final long MAX_CONFIG_BYTES = 1 << 16;

    @Option(names = "--preset", paramLabel = "NAME",
            description = "Start from paper (default), original, open-mixup or "
                    + "open-mixup:ALPHA (ALPHA is 2 if not named).")
    private String preset;

    @Option(names = "--config", paramLabel = "FILE",
            description = "Options as JSON, as run.json has them under \"options\". They "
                    + "override the preset; options of the command line override them.")
    private Path config;

    @Option(names = "--mode", paramLabel = "MODE",
            description = "attentive (default), random-cells or cutmix; the last two are "
                    + "baselines and need no weights.")
    private Mode mode;

    @Option(names = "--k", paramLabel = "N", description = "Cells pasted per image; 1 to G*G. Default 6.")
    private Integer k;

    @Option(names = "--beta", paramLabel = "ALPHA",
            description = "Draw k from Beta(ALPHA, ALPHA), once per batch, in place of --k.")
    private Double beta;

    @Option(names = "--beta-per-image", description = "With --beta: draw for each image.")
    private boolean betaPerImage;

    @Option(names = "--reduction", paramLabel = "NAME",
            description = "How channels become heat: mean (default), last, max, l2, "
                    + "class.")
    private Reduction reduction;

    @Option(names = "--geometry", paramLabel = "NAME",
            description = "Where cells are cut: native (default) or resized.")
    private Geometry geometry;

    @Option(names = "--label-weight", paramLabel = "NAME", description = "pixels (default) or nominal (k / G*G).")
    private LabelWeight labelWeight;

    @Option(names = "--normalisation", paramLabel = "NAME",
            description = "Of the network's input: imagenet (default), none, or "
                    + "R,G,B/R,G,B: mean and standard deviation.")
    private String normalisation;

    @Option(names = "--batch-norm", paramLabel = "NAME", description = "running (default) or per-image.")
    private BatchNorm batchNorm;

    @Option(names = "--filter", paramLabel = "NAME",
            description = "For every resize: bicubic (default), bilinear, nearest.")
    private ResizeFilter filter;

    @Option(names = "--probability", paramLabel = "P",
            description = "Share of images that are mixed, drawn per image; 0 to 1. "
                    + "Default 1.")
    private Double probability;

    @Option(names = "--input-side", paramLabel = "S",
            description = "Side of the network's input: a multiple of 32, to 1024; the "
                    + "grid has G = S/32 cells along a side. Default 224.")
    private Integer inputSide;

    /** The options meant. */
    MixOptions resolve() throws IOException {
        MixOptions base = preset();
        MixOptions file = config == null ? base : config(base);
        try {
            return new MixOptions(or(mode, file.mode()), or(reduction, file.reduction()), patches(file.patches()),
                    or(labelWeight, file.labelWeight()), or(geometry, file.geometry()),
                    normalisation(file.normalisation()),
                    or(batchNorm, file.batchNorm()), or(filter, file.resizeFilter()),
                    or(probability, file.probability()),
                    or(inputSide, file.inputSide()));
        } catch (IllegalArgumentException e) {
            throw CommandException.usage(e.getMessage(), e);
        }
    }

    private static <T> T or(T value, T otherwise) {
        return value == null ? otherwise : value;
    }

    private MixOptions preset() {
        if (preset == null || preset.equals("paper")) {
            return MixOptions.paper();
        }
        if (preset.equals("original")) {
            return MixOptions.original();
        }
        if (preset.equals("open-mixup")) {
            return MixOptions.openMixup(2);
        }
        if (preset.startsWith("open-mixup:")) {
            try {
                return MixOptions.openMixup(Double.parseDouble(preset.substring("open-mixup:".length())));
            } catch (IllegalArgumentException e) { // NumberFormatException is one
                throw CommandException.usage("--preset is '" + preset + "': " + e.getMessage()
                        + "; allowed: open-mixup:ALPHA with a finite ALPHA above 0", e);
            }
        }
        throw CommandException.usage("--preset is '" + preset
                + "'; allowed: paper, original, open-mixup, open-mixup:ALPHA");
    }

    private MixOptions config(MixOptions base) throws IOException {
        if (!Files.isRegularFile(config)) {
            throw CommandException.usage("--config " + config
                    + (Files.exists(config) ? " is not a regular file" : " does not exist"));
        }
        if (Files.size(config) > MAX_CONFIG_BYTES) {
            throw CommandException.usage("--config " + config + " has " + Files.size(config) + " bytes; allowed: to "
                    + MAX_CONFIG_BYTES);
        }
        String json;
        MixOptions file;
        try {
            json = Files.readString(config);
            file = MixOptions.fromJson(json);
        } catch (MalformedInputException e) {
            throw CommandException.usage("--config " + config + " is not UTF-8", e);
        } catch (IllegalArgumentException e) {
            throw CommandException.usage("--config " + config + ": " + e.getMessage(), e);
        }
        Set<String> keys = JsonTree.parse("--config " + config, json, "").keys();
        try {
            return new MixOptions(
                    keys.contains("mode") ? file.mode() : base.mode(),
                    keys.contains("reduction") ? file.reduction() : base.reduction(),
                    keys.contains("patches") ? file.patches() : base.patches(),
                    keys.contains("labelWeight") ? file.labelWeight() : base.labelWeight(),
                    keys.contains("geometry") ? file.geometry() : base.geometry(),
                    keys.contains("normalisation") ? file.normalisation() : base.normalisation(),
                    keys.contains("batchNorm") ? file.batchNorm() : base.batchNorm(),
                    keys.contains("resizeFilter") ? file.resizeFilter() : base.resizeFilter(),
                    keys.contains("probability") ? file.probability() : base.probability(),
                    keys.contains("inputSide") ? file.inputSide() : base.inputSide());
        } catch (IllegalArgumentException e) {
            throw CommandException.usage("--config " + config + ": " + e.getMessage(), e);
        }
    }

    private Patches patches(Patches otherwise) {
        if (k != null && beta != null) {
            throw CommandException.usage("--k and --beta exclude each other");
        }
        if (betaPerImage && beta == null) {
            throw CommandException.usage("--beta-per-image needs --beta ALPHA");
        }
        if (k != null) {
            return new Patches.Fixed(k);
        }
        return beta == null ? otherwise : new Patches.Beta(beta, betaPerImage);
    }

    private Normalisation normalisation(Normalisation otherwise) {
        if (normalisation == null) {
            return otherwise;
        }
        if (normalisation.equals("imagenet")) {
            return Normalisation.IMAGENET;
        }
        if (normalisation.equals("none")) {
            return Normalisation.NONE;
        }
        String[] halves = normalisation.split("/", -1);
        if (halves.length == 2) {
            try {
                return Normalisation.standardise(numbers(halves[0]), numbers(halves[1]));
            } catch (NumberFormatException e) {
                // told below
            }
        }
        throw CommandException.usage("--normalisation is '" + normalisation
                + "'; allowed: imagenet, none, or mean and standard deviation as R,G,B/R,G,B");
    }

    private static List<Float> numbers(String text) {
        List<Float> numbers = new ArrayList<>();
        for (String part : text.split(",", -1)) {
            numbers.add(Float.parseFloat(part));
        }
        return numbers;
    }
}
