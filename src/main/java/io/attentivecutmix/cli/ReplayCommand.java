package io.attentivecutmix.cli;

import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.image.ImageDecoder;
import io.attentivecutmix.method.MixOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Repeats a run from its record. */
@Command(name = "replay", mixinStandardHelpOptions = true, versionProvider = Version.class, sortOptions = false,
        description = "Repeats a run of mix from what it recorded: the same pixels, without weights or extractor.",
        footer = {"", "Every picture is compared with the recorded checksum of its pixels; a difference fails the "
                + "run."})
final class ReplayCommand implements Callable<Integer> {
    private final Console console;

    @Option(names = "--from", required = true, paramLabel = "DIR", description = "The output folder of the run.")
    private Path from;

    @Option(names = "--images", paramLabel = "DIR", description = "Where its images are now; default: where they were.")
    private Path images;

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "Where everything is written.")
    private Path out;

    @Option(names = "--force", description = "Write into a folder that is not empty.")
    private boolean force;

    @Option(names = "--resume", description = "Go on with the replay in --out that was stopped or killed: what it "
            + "finished is compared with its checksums and kept, the rest is done.")
    private boolean resume;

    @ArgGroup(exclusive = false, heading = "%nWhere to run (weights are not needed):%n")
    private RunArgs run = new RunArgs();

    ReplayCommand(Console console) {
        this.console = console;
    }

    @Override
    @SuppressWarnings("try") // the lock is held, not used
    public Integer call() throws IOException, InterruptedException {
        run.requireNoCalibration("replay");
        Path runFile = from.resolve(OutputFolder.RUN);
        Path records = from.resolve(OutputFolder.RECORDS);
        if (!Files.isRegularFile(runFile) || !Files.isRegularFile(records)) {
            throw CommandException.usage("--from " + from + " has no " + OutputFolder.RUN + " and "
                    + OutputFolder.RECORDS
                    + "; allowed: the output folder of a run of mix");
        }
        JsonTree manifest = JsonTree.read(runFile, "options");
        MixOptions options = options(runFile, manifest);
        Path root = images == null ? manifest.path("images") : images.toAbsolutePath().normalize();
        ImageFormat format = Choices.parse(runFile + ": format", manifest.string("format"), ImageFormat.class);
        boolean labelled = !manifest.string("labels").equals("none");
        Path masks = manifest.has("masks") ? manifest.path("masks") : null;
        List<String> classes = List.of();
        Path classFile = from.resolve(OutputFolder.CLASSES);
        if (labelled && Files.isRegularFile(classFile)) {
            classes = JsonTree.read(classFile, "").strings("classes");
        }
        OutputFolder folder = OutputFolder.check(out, force, resume);
        folder.keepApart(from);
        ImageDecoder decoder = ImageDecoder.best();
        Manifest written = new Manifest();
        ExecutorService pool = FilePool.of(run.fileThreads());
        try (AttentiveCutMix mixer = run.builder(options).build();
                Interrupt interrupt = Interrupt.listen();
                FolderLock lock = folder.lock()) {
            Recorded recorded = Recorded.of(records, root, folder, format);
            Plan plan = new Plan().with("version", Version.TEXT).with("command", "replay")
                    .with("from", from.toAbsolutePath().normalize()).with("records", Plan.sha256(records))
                    .with("options", mixer.options().toJson()).with("images", root)
                    .with("device", mixer.device().name())
                    .with("decoder", decoder.description()).with("format", Choices.name(format))
                    .with("masks", masks == null ? "none" : masks).with("labels", manifest.string("labels"))
                    .with("classes", classes).withFiles("image_files", recorded.names(), root::resolve);
            if (masks != null) {
                plan.withFiles("mask_files", recorded.names(), image -> MaskFolder.path(masks, image));
            }
            Finished finished = Finished.nothing();
            if (resume && folder.hasPlan()) {
                plan.requireSame(folder);
                finished = Finished.ofMix(folder, pool, recorded::imagesOf);
                finished.counts().batches = recorded.upTo(finished.last());
                finished.tell(console, run.quiet, folder);
            } else {
                folder.create(force, OutputFolder.OF_MIX);
                plan.write(folder);
            }
            BatchLoader loader = new BatchLoader(pool, decoder, masks == null ? null : new MaskFolder(masks, decoder),
                    BadImage.FAIL,
                    options.grid(), 1);
            MixJob job = new MixJob(new MixJob.Settings(mixer, pool, run.inTurns(), loader, folder, format,
                    masks != null, labelled, classes, null, finished), console);
            Outcome outcome;
            try (RecordLines lines = new RecordLines(records, root, folder, format.ending(), finished.last());
                    Progress progress = Progress.of(console, run.quiet, "replay", "images",
                            manifest.integer("written"))) {
                progress.advance(finished.counts().written);
                outcome = job.run(lines, progress, interrupt);
            }
            written.write(folder, "replay", mixer, null, decoder.description(), g -> {
                g.writeStringProperty("from", from.toAbsolutePath().normalize().toString());
                g.writeStringProperty("images", root.toString());
                Json.string(g, "masks", masks == null ? null : masks.toString());
                g.writeStringProperty("format", Choices.name(format));
                g.writeStringProperty("labels", manifest.string("labels"));
                g.writeNumberProperty("differing", outcome.counts().differing);
                Summary.write(g, outcome);
            });
            Summary.show(console, run.quiet, outcome, folder, written.seconds());
            if (outcome.counts().differing > 0) {
                String then = manifest.string("decoder");
                console.error(outcome.counts().differing + " images differ from the recorded run"
                        + (then.equals(decoder.description()) ? ": its image files have changed"
                        : ", which decoded with " + then + "; this one with " + decoder.description()));
            }
            return outcome.status();
        } finally {
            FilePool.end(pool);
        }
    }

    /**
     * What the record names, as far as it can be read; the rest is told when its turn comes.
     *
     * @param sizes images by batch number
     * @param names of the images, each once
     */
    private record Recorded(TreeMap<Integer, Integer> sizes, Set<String> names) {
        static Recorded of(Path records, Path root, OutputFolder folder, ImageFormat format) throws IOException {
            Recorded recorded = new Recorded(new TreeMap<>(), new TreeSet<>());
            try (RecordLines lines = new RecordLines(records, root, folder, format.ending())) {
                while (lines.hasNext()) {
                    BatchTask task = lines.next();
                    recorded.sizes.put(task.number(), task.items().size());
                    task.items().forEach(item -> recorded.names.add(item.name()));
                }
            } catch (CommandException e) {
                return recorded;
            }
            return recorded;
        }

        int imagesOf(int batch) {
            return sizes.isEmpty() || batch > sizes.lastKey() ? -1 : sizes.getOrDefault(batch, 0);
        }

        int upTo(int batch) {
            return sizes.headMap(batch, true).size();
        }
    }

    private static MixOptions options(Path runFile, JsonTree manifest) {
        try {
            return MixOptions.fromJson(manifest.string("options"));
        } catch (IllegalArgumentException e) {
            throw CommandException.usage(runFile + ": " + e.getMessage(), e);
        }
    }
}
