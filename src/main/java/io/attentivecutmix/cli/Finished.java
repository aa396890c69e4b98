package io.attentivecutmix.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;

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
     * Of {@code mix}: a line of records.jsonl for each batch that has any picture. A batch that misses some of its
     * images, and was not said to reject them, ends what is finished.
     *
     * @param imagesOf how many images the batch of this number has; 0 for another run's, negative behind the last one
     */
    static Finished ofMix(OutputFolder folder, ExecutorService pool, IntUnaryOperator imagesOf)
            throws IOException, InterruptedException {
        open(folder, OutputFolder.OF_MIX);
        Map<Integer, Integer> bad = rejectedByBatch(folder);
        Outcome.Counts counts = new Outcome.Counts();
        int[] last = {-1};
        Path records = LinePrefix.reopen(folder.file(OutputFolder.RECORDS));
        LinePrefix.cut(records, "record", line -> {
            List<String> outputs = line.strings("outputs");
            List<Check> checks = checks(folder, OutputFolder.IMAGES, outputs, line.integers("file_crc32c"));
            if (line.has("masks")) {
                checks.addAll(checks(folder, OutputFolder.MASKS, line.strings("masks"), line.integers("mask_crc32c")));
            }
            long batch = line.integer("batch");
            int substituted = differing(line.strings("images"), line.strings("places"));
            // every image has a picture or a line that rejects it, or both if another one was put in its place
            if (batch <= last[0] || missing(last[0], batch, imagesOf, bad) != outputs.size() - substituted
                    || !allHold(checks, pool)) {
                return false;
            }
            last[0] = (int) batch;
            counts.written += outputs.size();
            counts.substituted += substituted;
            counts.differing += line.has("differing") ? (int) line.integer("differing") : 0;
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
            return true;
        });
        rejected(folder, last[0], counts);
        if (labelled[0] != counts.written) {
            // somebody was at the files: they prove nothing
            for (String name : List.of(OutputFolder.RECORDS, OutputFolder.LABELS, OutputFolder.REJECTED)) {
                Files.deleteIfExists(JsonLinesFile.partial(folder.file(name)));
            }
            return nothing();
        }
        return new Finished(last[0], counts);
    }

    /** Images of the batches behind one, up to another, that were not rejected; negative if there is no such batch. */
    private static int missing(int last, long batch, IntUnaryOperator imagesOf, Map<Integer, Integer> bad) {
        int missing = 0;
        for (long b = last + 1L; b <= batch; b++) {
            int images = b > Integer.MAX_VALUE ? -1 : imagesOf.applyAsInt((int) b);
            if (images < 0) {
                return -1;
            }
            missing += images - bad.getOrDefault((int) b, 0);
        }
        return missing;
    }

    private static int differing(List<String> a, List<String> b) {
        if (a.size() != b.size()) {
            throw CommandException.usage("no line of ours");
        }
        return (int) IntStream.range(0, a.size()).filter(i -> !a.get(i).equals(b.get(i))).count();
    }

    private static Map<Integer, Integer> rejectedByBatch(OutputFolder folder) throws IOException, InterruptedException {
        Map<Integer, Integer> bad = new HashMap<>();
        LinePrefix.cut(LinePrefix.reopen(folder.file(OutputFolder.REJECTED)), "", line -> {
            bad.merge((int) line.integer("batch"), 1, Integer::sum);
            return true;
        });
        return bad;
    }

    /**
     * Of {@code attend}: a line of attention.jsonl for each image; the batch must be whole.
     *
     * @param policy of the run; where bad images fail, a batch with one is not finished
     */
    static Finished ofAttend(OutputFolder folder, Batches batches, BadImage policy, ExecutorService pool)
            throws IOException, InterruptedException {
        open(folder, OutputFolder.OF_ATTEND);
        Map<Integer, Integer> bad = policy == BadImage.FAIL ? Map.of() : rejectedByBatch(folder);
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
            Path file = below(root, names.get(i));
            if (i >= sums.size() || !file.startsWith(root)) {
                throw CommandException.usage("no line of ours");
            }
            checks.add(new Check(file, sums.get(i)));
        }
        return checks;
    }

    private static Path below(Path root, String name) {
        try {
            return root.resolve(name).normalize();
        } catch (InvalidPathException e) {
            throw CommandException.usage("no line of ours: " + e.getReason(), e);
        }
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
