package io.attentivecutmix.cli;

import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.ImageBatch;
import io.attentivecutmix.MixedBatch;
import io.attentivecutmix.method.Geometry;
import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.MixRecord;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.zip.CRC32C;

/**
 * Reads, mixes and writes batch after batch. While batch b is mixed, a pool reads batch b+1 and writes batch b−1,
 * unless they take turns; there are never more than three batches in memory, however long the list is.
 *
 * <p>A batch's lines are added to labels.jsonl and records.jsonl only when all its images are on disk, so every line
 * names a whole file. However the run ends, these files get their names in the end, and hold what was finished.
 */
final class MixJob {
    /** Mixed batches in memory: one that is being mixed, one that is being written. */
    private static final int MIXED_BATCHES = 2;

    private final Settings settings;
    private final Console console;
    private final Outcome.Counts counts;
    private final ImageBatch batch;
    private final Labels labels = Labels.of();
    private final Deque<MixedBatch> free = new ArrayDeque<>();
    private final Deque<Pending> pending = new ArrayDeque<>();
    /** Whether a batch is without lines, so that no later one may have any: what is named is a first part. */
    private boolean gap;

    /**
     * What a job works with.
     *
     * @param pool for reading and writing
     * @param inTurns whether the pool rests while a batch is mixed, and the mixer while files are read and written
     * @param masks whether masks are written too
     * @param labelled whether items have classes
     * @param classes names by class id; may be empty
     * @param sheet is given rows until it is full; null for none
     * @param finished what an earlier run did, whose lines are kept
     */
    record Settings(AttentiveCutMix mixer, ExecutorService pool, boolean inTurns, BatchLoader loader, OutputFolder out,
            ImageFormat format,
            boolean masks, boolean labelled, List<String> classes, ContactSheet sheet, Finished finished) {
        /** What to call an item's class on a picture. */
        String text(Item item) {
            if (!labelled) {
                return item.name();
            }
            return item.classId() < classes.size() ? classes.get(item.classId()) : "class " + item.classId();
        }
    }

    /** A mixed batch whose images are being written. */
    private record Pending(BatchTask task, List<BatchLoader.Slot> slots, MixedBatch mixed, MixRecord record,
            List<Future<Written>> written) {}

    /** CRC-32C of an image's pixels, of its file, and of its mask's file (0 without). */
    private record Written(long pixels, long file, long mask) {}

    MixJob(Settings settings, Console console) {
        this.settings = settings;
        this.console = console;
        counts = settings.finished.counts();
        batch = settings.mixer.newBatch();
        for (int i = 0; i < MIXED_BATCHES; i++) {
            free.add(settings.mixer.newMixedBatch());
        }
    }

    /** The files that name what was written. */
    private record Lines(JsonLinesFile labels, JsonLinesFile records, JsonLinesFile rejected) {}

    /**
     * Does all batches.
     *
     * @throws IOException if the files that name the results could not be finished; they keep the ending .partial then
     */
    Outcome run(Iterator<BatchTask> tasks, Progress progress, Interrupt interrupt) throws IOException {
        boolean append = settings.finished.last() >= 0;
        try (JsonLinesFile labelLines = new JsonLinesFile(settings.out.file(OutputFolder.LABELS), append);
                JsonLinesFile recordLines = new JsonLinesFile(settings.out.file(OutputFolder.RECORDS), append);
                JsonLinesFile rejectedLines = new JsonLinesFile(settings.out.file(OutputFolder.REJECTED), append)) {
            Lines lines = new Lines(labelLines, recordLines, rejectedLines);
            Outcome.End end = Outcome.End.COMPLETE;
            Throwable failure = null;
            try {
                if (!mixAll(tasks, progress, interrupt, lines)) {
                    end = Outcome.End.INTERRUPTED;
                }
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
            interrupt.requested(); // clears the thread's flag, so that waiting for the last files does not end at once
            failure = finishPending(lines, failure);
            if (failure != null) {
                end = Outcome.End.FAILED;
            }
            finishLines(lines, failure);
            return new Outcome(end, failure, counts);
        }
    }

    private static void finishLines(Lines lines, Throwable failure) throws IOException {
        try {
            lines.labels.finish();
            lines.records.finish();
            lines.rejected.finish();
        } catch (IOException e) {
            if (failure != null) {
                e.addSuppressed(failure);
            }
            throw e;
        }
    }

    private boolean mixAll(Iterator<BatchTask> tasks, Progress progress, Interrupt interrupt, Lines lines)
            throws IOException, InterruptedException {
        BatchTask task = tasks.hasNext() ? tasks.next() : null;
        BatchLoader.Loading loading = task == null ? null : settings.loader.start(task.number(), task.items());
        try {
            while (task != null) {
                if (interrupt.requested()) {
                    return false;
                }
                BatchLoader.Loaded loaded = loading.await();
                BatchTask current = task;
                task = tasks.hasNext() ? tasks.next() : null;
                loading = task == null || settings.inTurns ? null : settings.loader.start(task.number(), task.items());
                for (BatchLoader.Rejection rejection : loaded.rejections()) {
                    reject(rejection, lines);
                }
                if (!loaded.slots().isEmpty()) {
                    if (free.isEmpty()) {
                        finish(lines);
                    }
                    mix(current, loaded.slots());
                    if (settings.inTurns) {
                        finish(lines);
                    }
                }
                counts.batches++;
                progress.advance(current.items().size());
                loading = task == null || loading != null ? loading
                        : settings.loader.start(task.number(), task.items());
            }
            return true;
        } finally {
            if (loading != null) {
                loading.cancel();
            }
        }
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

    private void mix(BatchTask task, List<BatchLoader.Slot> slots) {
        batch.clear().ensure(slots.stream().mapToLong(s -> s.image().rgb().length).sum());
        int[] ids = new int[slots.size()];
        List<BatchLoader.Slot> places = new ArrayList<>(slots.size());
        for (int i = 0; i < slots.size(); i++) {
            BatchLoader.Slot slot = slots.get(i);
            batch.add(slot.image());
            if (slot.mask() != null) {
                batch.mask(slot.mask(), 1);
            }
            ids[i] = Math.max(0, slot.item().classId());
            counts.substituted += slot.substituted() ? 1 : 0;
            // without its pixels: they are in the batch now
            places.add(new BatchLoader.Slot(slot.place(), slot.item(), null, null));
        }
        labels.set(ids, ids.length);
        MixedBatch mixed = task.mixing().mix(settings.mixer, batch, labels, free.element());
        free.remove();
        counts.nonFiniteMaps += mixed.nonFiniteMaps();
        MixRecord record = mixed.record();
        addToSheet(places, mixed, record);
        List<Future<Written>> written = new ArrayList<>(places.size());
        pending.add(new Pending(task, places, mixed, record, written));
        for (int i = 0; i < places.size(); i++) {
            int image = i;
            written.add(settings.pool.submit(() -> write(places.get(image).place(), mixed, image)));
        }
    }

    /** Writes image i and its mask. */
    private Written write(Item place, MixedBatch mixed, int i) throws IOException {
        ByteBuffer pixels = mixed.pixels(i);
        int height = mixed.height(i);
        int width = mixed.width(i);
        long file = AtomicFile.write(path(OutputFolder.IMAGES, place.output()), false,
                out -> settings.format.write(out, pixels, height, width));
        long mask = settings.masks ? AtomicFile.write(path(OutputFolder.MASKS, mask(place)), false,
                out -> MaskFolder.write(out, mixed.mask(i), height, width)) : 0;
        CRC32C checksum = new CRC32C();
        checksum.update(pixels.duplicate());
        return new Written(checksum.getValue(), file, mask);
    }

    private Path path(String folder, String name) {
        return settings.out.file(folder).resolve(name);
    }

    private String mask(Item place) {
        return place.output().substring(0, place.output().length() - settings.format.ending().length()) + ".png";
    }

    /** CutMix's box as shares of the canvas it was drawn on; empty in other modes. */
    private double[] box(MixRecord record, MixedBatch mixed, int i) {
        boolean resized = settings.mixer.options().geometry() == Geometry.RESIZED;
        double width = resized ? settings.mixer.options().inputSide() : mixed.width(i);
        double height = resized ? settings.mixer.options().inputSide() : mixed.height(i);
        return record.images().get(i).box()
                .map(b -> new double[] {b.left() / width, b.top() / height, b.right() / width, b.bottom() / height})
                .orElse(new double[0]);
    }

    private void addToSheet(List<BatchLoader.Slot> slots, MixedBatch mixed, MixRecord record) {
        ContactSheet sheet = settings.sheet;
        if (sheet == null) {
            return;
        }
        boolean heat = switch (settings.mixer.options().mode()) {
            case ATTENTIVE -> settings.mixer.keepsHeatMaps();
            case RANDOM_CELLS, CUTMIX -> false;
        };
        for (int i = 0; i < slots.size() && !sheet.full(); i++) {
            int b = mixed.partner(i);
            boolean isMixed = mixed.mixed(i);
            sheet.add(new ContactSheet.Entry(
                    Pictures.of(batch.pixels(i), batch.height(i), batch.width(i)), settings.text(slots.get(i).item()),
                    heat && isMixed ? mixed.heat(i) : new float[0], settings.mixer.options().grid(), mixed.cells(i),
                    box(record, mixed, i),
                    Pictures.of(batch.pixels(b), batch.height(b), batch.width(b)), settings.text(slots.get(b).item()),
                    Pictures.of(mixed.pixels(i), mixed.height(i), mixed.width(i)), isMixed, mixed.sourceWeight(i)));
        }
    }

    private Throwable finishPending(Lines lines, Throwable failure) {
        Throwable first = failure;
        while (!pending.isEmpty()) {
            try {
                if (gap) {
                    await(pending.remove());
                } else {
                    finish(lines);
                }
            } catch (InterruptedException e) {
                gap = true; // nobody waits for the rest: the pool's end does
                pending.clear();
                first = first == null ? e : first;
            } catch (IOException | RuntimeException | Error e) {
                if (first == null) {
                    first = e;
                } else {
                    first.addSuppressed(e);
                }
            }
        }
        return first;
    }

    private static Written[] await(Pending p) throws IOException, InterruptedException {
        Written[] written = new Written[p.written.size()];
        for (int i = 0; i < written.length; i++) {
            written[i] = FilePool.await(p.written.get(i));
        }
        return written;
    }

    /** Waits until the first pending batch's images are on disk, then names them; if interrupted, it stays pending. */
    private void finish(Lines lines) throws IOException, InterruptedException {
        Pending p = pending.element();
        try {
            name(p, await(p), lines);
        } catch (IOException | RuntimeException | Error e) {
            gap = true;
            pending.remove();
            throw e;
        }
        pending.remove();
        free.add(p.mixed);
    }

    private void name(Pending p, Written[] written, Lines lines) throws IOException {
        int differing = 0;
        for (int i = 0; i < written.length; i++) {
            labelLine(p, i, lines.labels);
            counts.written++;
            counts.mixed += p.mixed.mixed(i) ? 1 : 0;
            if (!p.task.checksums().isEmpty() && p.task.checksums().get(i) != written[i].pixels()) {
                differing++;
                console.error(p.slots.get(i).place().output() + " differs from the recorded run");
            }
        }
        counts.differing += differing;
        lines.labels.flush(); // first: a record says that its labels are there
        recordLine(p, written, differing, lines.records);
        lines.records.flush();
    }

    private void labelLine(Pending p, int i, JsonLinesFile lines) throws IOException {
        BatchLoader.Slot slot = p.slots.get(i);
        Item source = slot.item();
        Item background = p.mixed.mixed(i) ? p.slots.get(p.mixed.partner(i)).item() : source;
        lines.add(json -> {
            json.writeStringProperty("file", OutputFolder.IMAGES + "/" + slot.place().output());
            if (settings.masks) {
                json.writeStringProperty("mask", OutputFolder.MASKS + "/" + mask(slot.place()));
            }
            json.writeStringProperty("source", source.name());
            json.writeStringProperty("background", background.name());
            if (slot.substituted()) {
                json.writeStringProperty("substitutes", slot.place().name());
            }
            if (settings.labelled) {
                json.writeNumberProperty("source_label", source.classId());
                json.writeNumberProperty("background_label", background.classId());
                if (!settings.classes.isEmpty()) {
                    json.writeStringProperty("source_class", settings.text(source));
                    json.writeStringProperty("background_class", settings.text(background));
                }
            } else {
                json.writeNullProperty("source_label");
                json.writeNullProperty("background_label");
            }
            json.writeNumberProperty("source_weight", p.mixed.sourceWeight(i));
            json.writeBooleanProperty("mixed", p.mixed.mixed(i));
            Json.ints(json, "cells", p.mixed.cells(i));
            p.record.images().get(i).box().ifPresent(box -> Json.ints(json, "box",
                    new int[] {box.left(), box.top(), box.right(), box.bottom()}));
            json.writeNumberProperty("height", p.mixed.height(i));
            json.writeNumberProperty("width", p.mixed.width(i));
            json.writeNumberProperty("batch", p.task.number());
        });
    }

    private void recordLine(Pending p, Written[] written, int differing, JsonLinesFile lines) throws IOException {
        lines.add(json -> {
            json.writeNumberProperty("batch", p.task.number());
            Json.strings(json, "images", p.slots.stream().map(s -> s.item().name()).toList());
            Json.strings(json, "places", p.slots.stream().map(s -> s.place().name()).toList());
            Json.strings(json, "outputs", p.slots.stream().map(s -> s.place().output()).toList());
            if (settings.labelled) {
                Json.ints(json, "labels", p.slots.stream().mapToInt(s -> s.item().classId()).toArray());
            }
            Json.longs(json, "crc32c", Arrays.stream(written).mapToLong(Written::pixels).toArray());
            Json.longs(json, "file_crc32c", Arrays.stream(written).mapToLong(Written::file).toArray());
            if (settings.masks) {
                Json.strings(json, "masks", p.slots.stream().map(s -> mask(s.place())).toList());
                Json.longs(json, "mask_crc32c", Arrays.stream(written).mapToLong(Written::mask).toArray());
            }
            if (differing > 0) {
                json.writeNumberProperty("differing", differing);
            }
            json.writeNumberProperty("non_finite_maps", p.mixed.nonFiniteMaps());
            json.writeName("record");
            json.writeRawValue(p.record.toJson());
        });
    }
}
