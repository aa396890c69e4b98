package io.attentivecutmix.cli;

import io.attentivecutmix.Attention;
import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.ImageBatch;
import io.attentivecutmix.image.ImageDecoder;
import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Mode;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.weights.Weights;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Shows what the extractor finds hot, without mixing. */
@Command(name = "attend", mixinStandardHelpOptions = true, versionProvider = Version.class, sortOptions = false,
        description = "Writes each image with its heat map laid over it, and attention.jsonl with heat values and "
                + "cells.")
final class AttendCommand implements Callable<Integer> {
    private static final String HEAT = "heat";
    private static final String FEATURES = "features";

    private final Console console;
    private Outcome.Counts counts = new Outcome.Counts();
    private final ImageBatch images = new ImageBatch();

    @Mixin
    private InputArgs input;

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "Where everything is written: heat/, "
            + "attention.jsonl, run.json, rejected.jsonl.")
    private Path out;

    @Option(names = "--force", description = "Write into a folder that is not empty.")
    private boolean force;

    @Option(names = "--resume",
            description = "Go on with the run in --out that was stopped or killed: what it finished is "
                    + "compared with its checksums and kept, the rest is done. Needs the same arguments and images.")
    private boolean resume;

    @Option(names = "--features",
            description = "Also write each image's last feature map, features/*.npy: (G, G, C) of float32.")
    private boolean features;

    @Option(names = "--no-pictures", description = "Write no pictures, only numbers.")
    private boolean noPictures;

    @ArgGroup(exclusive = false, heading = "%nWhere to run:%n")
    private RunArgs run = new RunArgs();

    @ArgGroup(exclusive = false, heading = "%nThe method:%n")
    private MethodArgs method = new MethodArgs();

    AttendCommand(Console console) {
        this.console = console;
    }

    private record Job(AttentiveCutMix mixer, BatchLoader loader, ExecutorService pool, OutputFolder folder,
            boolean byClass, int k) {}

    private record Lines(JsonLinesFile attention, JsonLinesFile rejected) {}

    @Override
    @SuppressWarnings("try") // the lock is held, not used
    public Integer call() throws IOException, InterruptedException {
        MixOptions options = method.resolve();
        if (options.mode() != Mode.ATTENTIVE) {
            throw CommandException.usage("--mode is " + Choices.name(options.mode())
                    + "; allowed for attend: attentive");
        }
        if (!(options.patches() instanceof Patches.Fixed fixed)) {
            throw CommandException.usage("k is drawn; allowed for attend: a fixed --k");
        }
        if (input.badImage == BadImage.SUBSTITUTE) {
            throw CommandException.usage("--on-bad-image is 'substitute'; allowed for attend: fail, skip");
        }
        ImageList list = input.list(console);
        boolean byClass = options.reduction() == Reduction.CLASS;
        ClassLabels classes = input.classes(list, console);
        if (byClass && !classes.present()) {
            throw CommandException.usage("--reduction class needs each image's class; give --labels or sub-folders");
        }
        OutputFolder folder = OutputFolder.check(out, force, resume);
        folder.keepApart(list);
        Weights weights = run.load(console);
        ImageDecoder decoder = ImageDecoder.best();
        Manifest manifest = new Manifest();
        Batches batches = new Batches(list.size(), input.limit(), input.batchSize, Batches.Order.SORTED, 0, 0);
        RunCalibration int8 = run.int8(console, options, weights, list, batches);
        ExecutorService pool = FilePool.of(run.fileThreads());
        try (AttentiveCutMix mixer = int8.apply(run.builder(options).weights(weights)).build();
                Interrupt interrupt = Interrupt.listen();
                FolderLock lock = folder.lock()) {
            Plan plan = plan(list, classes, mixer, weights, int8, decoder);
            boolean goesOn = resume && folder.hasPlan();
            Finished finished = Finished.nothing();
            if (goesOn) {
                plan.requireSame(folder);
                finished = Finished.ofAttend(folder, batches, input.badImage, pool);
                finished.tell(console, run.quiet, folder);
            } else {
                folder.create(force, OutputFolder.OF_ATTEND);
                plan.write(folder);
            }
            int8.keep(folder);
            counts = finished.counts();
            counts.batches = finished.last() + 1;
            BatchLoader loader = new BatchLoader(pool, decoder, null, input.badImage, options.grid(), 1);
            Outcome outcome = attend(new Job(mixer, loader, pool, folder, byClass, fixed.k()), list, classes,
                    batches, interrupt);
            manifest.write(folder, "attend", mixer, weights, decoder.description(), g -> {
                int8.write(g);
                g.writeStringProperty("images", list.root().toString());
                g.writeStringProperty("labels", classes.origin());
                Summary.write(g, outcome);
            });
            Summary.show(console, run.quiet, outcome, folder, manifest.seconds());
            return outcome.status();
        } finally {
            FilePool.end(pool);
        }
    }

    /** All that decides what is written. */
    private Plan plan(ImageList list, ClassLabels classes, AttentiveCutMix mixer, Weights weights,
            RunCalibration int8, ImageDecoder decoder) {
        return new Plan().with("version", Version.TEXT).with("command", "attend")
                .with("options", mixer.options().toJson()).with("weights", weights.sha256())
                .with("device", mixer.device().name()).with(mixer.fingerprint()).with("precision", mixer.precision())
                .with("calibration", int8.sha256())
                .with("decoder", decoder.description()).with("batch_size", input.batchSize)
                .with("limit", Math.min(input.limit(), list.size())).with(list, classes)
                .with("features", features).with("pictures", !noPictures)
                .with("on_bad_image", Choices.name(input.badImage));
    }

    private Outcome attend(Job job, ImageList list, ClassLabels classes, Batches batches, Interrupt interrupt)
            throws IOException {
        OutputNames names = new OutputNames(list, ".png");
        Outcome.End end = Outcome.End.COMPLETE;
        Throwable failure = null;
        try (JsonLinesFile attention = new JsonLinesFile(job.folder.file(OutputFolder.ATTENTION), counts.batches > 0);
                JsonLinesFile rejected = new JsonLinesFile(job.folder.file(OutputFolder.REJECTED), counts.batches > 0);
                Progress progress = Progress.of(console, run.quiet, "attend", "images", batches.images())) {
            Lines lines = new Lines(attention, rejected);
            try {
                BatchLoader.Loading next = null;
                for (int b = counts.batches; b < batches.count() && !interrupt.requested(); b++) {
                    BatchLoader.Loading loading = next == null
                            ? job.loader.start(b, items(list, classes, names, batches, b)) : next;
                    next = b + 1 < batches.count() && !run.inTurns()
                            ? job.loader.start(b + 1, items(list, classes, names, batches, b + 1)) : null;
                    batch(job, b, loading.await(), lines);
                    counts.batches++;
                    progress.advance(batches.size(b));
                }
                end = interrupt.requested() ? Outcome.End.INTERRUPTED : end;
            } catch (InterruptedException | CancellationException e) {
                interrupt.request();
                end = Outcome.End.INTERRUPTED;
            } catch (BatchLoader.BadImageException e) {
                reject(e.rejection(), lines);
                end = Outcome.End.FAILED;
                failure = e;
            } catch (IOException | RuntimeException | Error e) {
                end = Outcome.End.FAILED;
                failure = e;
            }
            interrupt.requested(); // clears the thread's flag, which would close the files' channels
            attention.finish();
            rejected.finish();
        }
        return new Outcome(end, failure, counts);
    }

    private static List<Item> items(ImageList list, ClassLabels classes, OutputNames names, Batches batches, int b) {
        List<Item> items = new ArrayList<>();
        for (int i : batches.indices(b)) {
            items.add(new Item(list.name(i), list.path(i), names.get(i), classes.present() ? classes.id(i) : -1));
        }
        return items;
    }

    private void reject(BatchLoader.Rejection rejection, Lines lines) throws IOException {
        BatchLoader.warn(console, rejection, ++counts.rejected);
        lines.rejected.add(json -> {
            json.writeNumberProperty("batch", rejection.batch());
            json.writeStringProperty("file", rejection.item().name());
            json.writeStringProperty("path", rejection.item().path().toString());
            json.writeStringProperty("reason", rejection.reason());
        });
        lines.rejected.flush();
    }

    private void batch(Job job, int number, BatchLoader.Loaded loaded, Lines lines)
            throws IOException, InterruptedException {
        for (BatchLoader.Rejection rejection : loaded.rejections()) {
            reject(rejection, lines);
        }
        List<BatchLoader.Slot> slots = loaded.slots();
        if (slots.isEmpty()) {
            return;
        }
        images.clear();
        int[] ids = new int[slots.size()];
        for (int i = 0; i < ids.length; i++) {
            images.add(slots.get(i).image());
            ids[i] = Math.max(0, slots.get(i).item().classId());
        }
        Attention found = job.byClass ? job.mixer.attend(images, Labels.of(ids), job.k) : job.mixer.attend(images);
        float[] maps = features ? job.mixer.features(images) : null;
        long[] pictures = noPictures ? new long[0] : pictures(job, slots, found);
        for (int i = 0; i < ids.length; i++) {
            Item item = slots.get(i).item();
            counts.nonFiniteMaps += found.nonFinite(i) ? 1 : 0;
            long featureSum = 0;
            if (maps != null) {
                int size = maps.length / ids.length;
                featureSum = npy(job, item, Arrays.copyOfRange(maps, i * size, (i + 1) * size), found.grid());
            }
            int image = i;
            long npy = featureSum;
            lines.attention.add(json -> {
                json.writeNumberProperty("batch", number);
                json.writeStringProperty("file", item.name());
                if (item.classId() >= 0) {
                    json.writeNumberProperty("label", item.classId());
                }
                json.writeNumberProperty("height", images.height(image));
                json.writeNumberProperty("width", images.width(image));
                json.writeNumberProperty("grid", found.grid());
                Json.ints(json, "cells", found.cells(image));
                Json.floats(json, "heat", found.heat(image));
                json.writeBooleanProperty("non_finite", found.nonFinite(image));
                if (!noPictures) {
                    json.writeStringProperty("picture", HEAT + "/" + item.output());
                    json.writeNumberProperty("picture_crc32c", pictures[image]);
                }
                if (features) {
                    json.writeStringProperty("features", FEATURES + "/" + npyName(item));
                    json.writeNumberProperty("features_crc32c", npy);
                }
            });
            counts.written++;
        }
        lines.attention.flush();
    }

    /**
     * Draws and writes on the pool; returns when all are on disk, so that a line of attention.jsonl has its picture.
     *
     * @return CRC-32C of each file
     */
    private long[] pictures(Job job, List<BatchLoader.Slot> slots, Attention found)
            throws IOException, InterruptedException {
        List<Future<Long>> written = new ArrayList<>(slots.size());
        for (int i = 0; i < slots.size(); i++) {
            Path file = job.folder.file(HEAT).resolve(slots.get(i).item().output());
            int image = i;
            written.add(job.pool.submit(() -> AtomicFile.write(file, false, stream -> Pictures.png(stream,
                    HeatMapOverlay.draw(
                            Pictures.of(images.pixels(image), images.height(image), images.width(image)),
                            found.heat(image), found.grid(), found.cells(image))))));
        }
        long[] checksums = new long[written.size()];
        for (int i = 0; i < checksums.length; i++) {
            checksums[i] = FilePool.await(written.get(i));
        }
        return checksums;
    }

    private static String npyName(Item item) {
        return item.output().substring(0, item.output().length() - ".png".length()) + ".npy";
    }

    private static long npy(Job job, Item item, float[] values, int grid) throws IOException {
        Path file = job.folder.file(FEATURES).resolve(npyName(item));
        String shape = "(" + grid + ", " + grid + ", " + values.length / (grid * grid) + ")";
        ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(values);
        return AtomicFile.write(file, false, stream -> Npy.write(stream, "<f4", shape, bytes.array()));
    }
}
