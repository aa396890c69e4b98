package io.attentivecutmix.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.function.IntUnaryOperator;

/**
 * What an earlier run of the same plan finished, and proof of it: batches are finished in order, so it is a first part
 * of them, as far as the lines name files whose bytes have the checksums that were recorded. The rest is cut off and
 * done again.
 *
 * @param last number of the last batch that is finished, or −1
 * @param counts what was counted up to there, but for batches
 */
record Finished(int last, Outcome.Counts counts) {
    /** Nothing is finished. */
    static Finished nothing() {
        return new Finished(-1, new Outcome.Counts());
    }

    /**
     * Of {@code mix}: a line of records.jsonl for each batch that has any picture.
     *
     * @param imagesUpTo how many images the batches up to this number have
     */
    static Finished ofMix(OutputFolder folder, ExecutorService pool, IntUnaryOperator imagesUpTo)
            throws IOException, InterruptedException {
        open(folder, OutputFolder.OF_MIX);
        Outcome.Counts counts = new Outcome.Counts();
        int[] last = {-1};
        Path records = LinePrefix.reopen(folder.file(OutputFolder.RECORDS));
        LinePrefix.cut(records, "record", line -> {
            List<String> outputs = line.strings("outputs");
            List<Check> checks = checks(folder, OutputFolder.IMAGES, outputs, line.integers("file_crc32c"));
            if (line.has("masks")) {
                checks.addAll(checks(folder, OutputFolder.MASKS, line.strings("masks"), line.integers("mask_crc32c")));
            }
            int batch = (int) line.integer("batch");
            if (batch <= last[0] || !allHold(checks, pool)) {
                return false;
            }
            last[0] = batch;
            counts.written += outputs.size();
            counts.nonFiniteMaps += (int) line.integer("non_finite_maps");
            return true;
        });
        int[] labelled = {0};
        LinePrefix.cut(LinePrefix.reopen(folder.file(OutputFolder.LABELS)), "", line -> {
            if (line.integer("batch") > last[0]) {
                return false;
            }
            labelled[0]++;
            counts.mixed += line.truth("mixed") ? 1 : 0;
            counts.substituted += line.has("substitutes") ? 1 : 0;
            return true;
        });
        rejected(folder, last[0], counts);
        // every image has a picture or a line that rejects it, or both if another one was put in its place
        int images = imagesUpTo.applyAsInt(last[0]);
        if (labelled[0] != counts.written || counts.rejected != images - counts.written + counts.substituted) {
            // somebody was at the files: they prove nothing
            for (String name : List.of(OutputFolder.RECORDS, OutputFolder.LABELS, OutputFolder.REJECTED)) {
                Files.deleteIfExists(JsonLinesFile.partial(folder.file(name)));
            }
            return nothing();
        }
        return new Finished(last[0], counts);
    }

    /** Of {@code attend}: a line of attention.jsonl for each image; the batch must be whole. */
    static Finished ofAttend(OutputFolder folder, Batches batches, ExecutorService pool)
            throws IOException, InterruptedException {
        open(folder, OutputFolder.OF_ATTEND);
        Map<Integer, Integer> bad = new HashMap<>();
        LinePrefix.cut(LinePrefix.reopen(folder.file(OutputFolder.REJECTED)), "", line -> {
            bad.merge((int) line.integer("batch"), 1, Integer::sum);
            return true;
        });
        Path attention = LinePrefix.reopen(folder.file(OutputFolder.ATTENTION));
        Map<Integer, Integer> good = new HashMap<>();
        LinePrefix.cut(attention, "", line -> {
            List<Check> checks = new ArrayList<>();
            if (line.has("picture")) {
                checks.addAll(checks(folder, "", List.of(line.string("picture")),
                        List.of(line.integer("picture_crc32c"))));
            }
            if (line.has("features")) {
                checks.addAll(checks(folder, "", List.of(line.string("features")),
                        List.of(line.integer("features_crc32c"))));
            }
            boolean holds = allHold(checks, pool);
            if (holds) {
                good.merge((int) line.integer("batch"), 1, Integer::sum);
            }
            return holds;
        });
        int whole = 0;
        while (whole < batches.count()
                && good.getOrDefault(whole, 0) + bad.getOrDefault(whole, 0) == batches.size(whole)) {
            whole++;
        }
        int last = whole - 1;
        Outcome.Counts counts = new Outcome.Counts();
        LinePrefix.cut(attention, "", line -> {
            if (line.integer("batch") > last) {
                return false;
            }
            counts.written++;
            counts.nonFiniteMaps += line.truth("non_finite") ? 1 : 0;
            return true;
        });
        rejected(folder, last, counts);
        return new Finished(last, counts);
    }

    /** From here on the folder is that of a run under way: nothing says any more how it ended. */
    private static void open(OutputFolder folder, List<String> files) throws IOException {
        for (String name : List.of(OutputFolder.RUN, OutputFolder.CLASSES)) {
            if (files.contains(name)) {
                Files.deleteIfExists(folder.file(name));
            }
        }
        folder.removeTemporaries();
    }

    private static void rejected(OutputFolder folder, int last, Outcome.Counts counts)
            throws IOException, InterruptedException {
        LinePrefix.cut(LinePrefix.reopen(folder.file(OutputFolder.REJECTED)), "", line -> {
            boolean keep = line.integer("batch") <= last;
            counts.rejected += keep ? 1 : 0;
            return keep;
        });
    }

    /** A file that must have a checksum. */
    private record Check(Path file, long crc32c) {
        boolean holds() {
            try {
                return AtomicFile.crc32c(file) == crc32c;
            } catch (IOException e) {
                return false; // gone, or not to be read: it is written again
            }
        }
    }

    private static List<Check> checks(OutputFolder folder, String below, List<String> names, List<Long> sums) {
        List<Check> checks = new ArrayList<>();
        Path root = folder.file(below);
        for (int i = 0; i < names.size(); i++) {
            Path file = root.resolve(names.get(i)).normalize();
            if (i >= sums.size() || !file.startsWith(root)) {
                throw CommandException.usage("no line of ours");
            }
            checks.add(new Check(file, sums.get(i)));
        }
        return checks;
    }

    private static boolean allHold(List<Check> checks, ExecutorService pool) throws IOException, InterruptedException {
        List<Future<Boolean>> answers = new ArrayList<>(checks.size());
        for (Check check : checks) {
            answers.add(pool.submit(check::holds));
        }
        boolean all = true;
        for (Future<Boolean> answer : answers) {
            all &= FilePool.await(answer);
        }
        return all;
    }

    /** Tells the user what is not done again. */
    void tell(Console console, boolean quiet, OutputFolder folder) {
        if (!quiet) {
            console.line("%d images in %s are finished and as they were recorded", counts.written, folder.root());
        }
    }
}
