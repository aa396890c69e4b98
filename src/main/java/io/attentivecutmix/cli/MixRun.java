package io.attentivecutmix.cli;

import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.image.ImageDecoder;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Mode;
import io.attentivecutmix.method.Pairing;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.weights.Weights;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.stream.IntStream;

/** One run of {@code mix}, from checked arguments to the summary. */
record MixRun(String command, Console console, InputArgs input, RunArgs run, MixOptions options, Path out,
        boolean force, boolean resume,
        Pairing.Kind pairing, Batches.Order order, long seed, long epoch, Shard shard, Path masks, ImageFormat format,
        int sheetRows,
        boolean dryRun) {

    int call() throws IOException, InterruptedException {
        ImageList list = input.list(console);
        ClassLabels classes = input.classes(list, console);
        boolean attends = options.mode() == Mode.ATTENTIVE;
        if (attends && options.reduction() == Reduction.CLASS && !classes.present()) {
            throw CommandException.usage("--reduction class needs each image's class; give --labels or sub-folders");
        }
        if (!attends) {
            run.requireNoCalibration("--mode " + Choices.name(options.mode()));
        }
        if (!attends && run.namesWeights()) {
            console.warning("--weights is not used: mode %s has no extractor", Choices.name(options.mode()));
        }
        if (masks != null && !Files.isDirectory(masks)) {
            throw CommandException.usage("--masks " + masks + " is not a folder");
        }
        OutputFolder folder = OutputFolder.check(out, force, resume);
        folder.keepApart(list);
        Batches batches = new Batches(list.size(), input.limit(), input.batchSize, order, seed, epoch);
        boolean attentive = options.mode() == Mode.ATTENTIVE;
        boolean alone = pairing == Pairing.Kind.SHUFFLED || pairing == Pairing.Kind.ROLL;
        if (alone && (input.batchSize == 1 || batches.images() == 1)) {
            throw CommandException.usage("a batch of 1 image has no partner by --pairing " + Choices.name(pairing)
                    + "; allowed: a larger --batch-size and 2 images or more, or --pairing permuted or flip");
        }
        if (!run.quiet) {
            console.line("%d of %d images, %d per batch, shard %s; classes: %s", batches.images(shard), list.size(),
                    input.batchSize,
                    shard, classes.origin());
        }
        Weights weights = attentive ? run.load(console) : null;
        AttentiveCutMix.Builder builder = run.builder(options);
        RunCalibration int8 = weights == null ? RunCalibration.NONE
                : run.int8(console, options, weights, list, batches);
        if (weights != null) {
            int8.apply(builder.weights(weights).keepHeatMaps(sheetRows > 0));
        }
        ImageDecoder decoder = ImageDecoder.best();
        Manifest manifest = new Manifest();
        try (AttentiveCutMix mixer = builder.build()) {
            if (!run.quiet) {
                console.line("%s; decoder: %s", mixer.description(), decoder.description());
            }
            if (dryRun) {
                console.line("dry run: would write %d images to %s", batches.images(shard), folder.root());
                return ExitStatus.OK;
            }
            return write(list, classes, batches, alone ? 2 : 1, weights, int8, folder, decoder, manifest, mixer);
        }
    }

    @SuppressWarnings("try") // the lock is held, not used
    private int write(ImageList list, ClassLabels classes, Batches batches, int leastImages, Weights weights,
            RunCalibration int8, OutputFolder folder, ImageDecoder decoder, Manifest manifest, AttentiveCutMix mixer)
            throws IOException, InterruptedException {
        // outermost: a signal's hook waits until the summary is out
        try (Interrupt interrupt = Interrupt.listen(); FolderLock lock = folder.lock()) {
            Plan plan = plan(list, classes, mixer, weights, int8, decoder);
            boolean goesOn = resume && folder.hasPlan();
            if (goesOn) {
                plan.requireSame(folder);
            } else {
                folder.create(force, OutputFolder.OF_MIX);
                plan.write(folder);
            }
            int8.keep(folder);
            ContactSheet sheet = sheetRows == 0 ? null : new ContactSheet(title(), note(weights), sheetRows);
            Outcome outcome;
            ExecutorService pool = FilePool.of(run.fileThreads());
            try {
                Finished finished = goesOn ? Finished.ofMix(folder, pool, b -> imagesOf(batches, b))
                        : Finished.nothing();
                finished.counts().batches = (int) IntStream.rangeClosed(0, finished.last()).filter(shard::has).count();
                if (goesOn) {
                    finished.tell(console, run.quiet, folder);
                }
                MaskFolder maskFolder = masks == null ? null : new MaskFolder(masks, decoder);
                BatchLoader loader = new BatchLoader(pool, decoder, maskFolder, input.badImage, options.grid(),
                        leastImages);
                MixJob job = new MixJob(new MixJob.Settings(mixer, pool, run.inTurns(), loader, folder, format,
                        masks != null, classes.present(),
                        classes.classes(), sheet, finished), console);
                try (Progress progress = Progress.of(console, run.quiet, "mix", "images", batches.images(shard))) {
                    progress.advance(images(batches, finished.last()));
                    outcome = job.run(tasks(list, classes, batches, finished.last() + 1), progress, interrupt);
                }
                writeClasses(folder, classes);
                if (sheet != null && !sheet.isEmpty()) {
                    AtomicFile.write(folder.file(OutputFolder.SHEET), false,
                            stream -> Pictures.png(stream, sheet.render()));
                }
                manifest.write(folder, command, mixer, weights, decoder.description(), g -> {
                    int8.write(g);
                    g.writeNumberProperty("seed", seed);
                    g.writeNumberProperty("epoch", epoch);
                    g.writeStringProperty("pairing", Choices.name(pairing));
                    g.writeStringProperty("order", Choices.name(order));
                    g.writeNumberProperty("batch_size", input.batchSize);
                    g.writeStringProperty("shard", shard.toString());
                    g.writeStringProperty("images", list.root().toString());
                    g.writeNumberProperty("listed", list.size());
                    g.writeNumberProperty("planned", batches.images(shard));
                    Json.string(g, "masks", masks == null ? null : masks.toAbsolutePath().normalize().toString());
                    g.writeStringProperty("format", Choices.name(format));
                    g.writeStringProperty("labels", classes.origin());
                    g.writeStringProperty("on_bad_image", Choices.name(input.badImage));
                    Summary.write(g, outcome);
                });
            } finally {
                FilePool.end(pool);
            }
            Summary.show(console, run.quiet, outcome, folder, manifest.seconds());
            return outcome.status();
        }
    }

    /** How many images batch b has; 0 if it is another shard's, negative if there is none. */
    private int imagesOf(Batches batches, int b) {
        return b >= batches.count() ? -1 : shard.has(b) ? batches.size(b) : 0;
    }

    /** How many images this shard's batches up to a number have. */
    private int images(Batches batches, int last) {
        return IntStream.rangeClosed(0, last).filter(shard::has).map(batches::size).sum();
    }

    /** All that decides what is written. */
    private Plan plan(ImageList list, ClassLabels classes, AttentiveCutMix mixer, Weights weights,
            RunCalibration int8, ImageDecoder decoder) {
        Plan plan = new Plan().with("version", Version.TEXT).with("command", command)
                .with("options", mixer.options().toJson()).with("weights", weights == null ? "none" : weights.sha256())
                .with("device", mixer.device().name()).with(mixer.fingerprint()).with("precision", mixer.precision())
                .with("calibration", int8.sha256())
                .with("decoder", decoder.description()).with("seed", seed).with("epoch", epoch)
                .with("pairing", Choices.name(pairing)).with("order", Choices.name(order))
                .with("batch_size", input.batchSize).with("limit", Math.min(input.limit(), list.size()))
                .with("shard", shard).with(list, classes)
                .with("masks", masks == null ? "none" : masks.toAbsolutePath().normalize())
                .with("format", Choices.name(format)).with("on_bad_image", Choices.name(input.badImage));
        return masks == null ? plan
                : plan.withFiles("mask_files", list.names(), image -> MaskFolder.path(masks, image));
    }

    private String title() {
        String what = switch (options.mode()) {
            case ATTENTIVE -> "Attentive CutMix";
            case RANDOM_CELLS -> "Random cells";
            case CUTMIX -> "CutMix";
        };
        return options.patches() instanceof Patches.Fixed fixed && options.mode() != Mode.CUTMIX
                ? what + ", " + fixed.k() + " of " + options.grid() * options.grid() + " cells" : what;
    }

    private String note(Weights weights) {
        if (weights == null) {
            return "baseline " + Choices.name(options.mode()) + ": no extractor";
        }
        return "ResNet-" + weights.network().depth()
                + (weights.isSynthetic() ? ", SYNTHETIC weights: the hot cells mean nothing"
                : ", weights " + weights.source());
    }

    private static void writeClasses(OutputFolder folder, ClassLabels classes) throws IOException {
        if (!classes.classes().isEmpty()) {
            String json = Json.pretty(g -> Json.strings(g, "classes", classes.classes()));
            AtomicFile.write(folder.file(OutputFolder.CLASSES), false,
                    s -> s.write(json.getBytes(StandardCharsets.UTF_8)));
        }
    }

    private Iterator<BatchTask> tasks(ImageList list, ClassLabels classes, Batches batches, int first) {
        OutputNames names = new OutputNames(list, format.ending());
        return IntStream.range(first, batches.count()).filter(shard::has).mapToObj(b -> {
            List<Item> items = new ArrayList<>();
            for (int i : batches.indices(b)) {
                items.add(new Item(list.name(i), list.path(i), names.get(i), classes.present() ? classes.id(i) : -1));
            }
            Pairing step = pairing(b, batches.first(b));
            return new BatchTask(b, items, (mixer, images, labels, into) -> classes.present()
                    ? mixer.mix(images, labels, step, into) : mixer.mix(images, step, into), List.of());
        }).iterator();
    }

    private Pairing pairing(int batch, long firstSample) {
        return (switch (pairing) {
            case SHUFFLED -> Pairing.shuffled(seed, epoch, batch);
            case PERMUTED -> Pairing.permuted(seed, epoch, batch);
            case ROLL -> Pairing.roll().at(seed, epoch, batch);
            case FLIP -> Pairing.flip().at(seed, epoch, batch);
            case EXPLICIT -> throw new IllegalArgumentException("pairing is explicit");
        }).firstSample(firstSample);
    }
}
