package io.attentivecutmix.benchmarks;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * How the command line's cost grows with the folder: the same heap, 1,000 images, 10,000 images; time per image and
 * resident memory must stay. Files are hard links to 64 JPEGs of 500×375, so that a large folder needs no large disk;
 * each is read and decoded.
 */
final class Folders {
    private static final int DISTINCT = 64;
    private static final int PER_CLASS = 500;
    private static final List<String> HEAP = List.of("-Xms512m", "-Xmx512m");

    private Folders() {}

    /**
     * Runs {@code mix} for each size and adds to FOLDER/folders.json.
     *
     * @param arguments sizes, then after {@code --} what is passed on to the command line
     */
    static void measure(Path folder, List<String> arguments) throws IOException, InterruptedException {
        int dashes = arguments.indexOf("--");
        List<String> sizes = dashes < 0 ? arguments : arguments.subList(0, dashes);
        List<String> passed = dashes < 0 ? List.of() : arguments.subList(dashes + 1, arguments.size());
        Path file = folder.resolve("folders.json");
        JsonArray rows = Files.exists(file) ? JsonParser.parseString(Files.readString(file)).getAsJsonArray()
                : new JsonArray();
        Path work = Files.createTempDirectory("folders");
        try {
            for (String size : sizes) {
                rows.add(run(work, Integer.parseInt(size), passed));
                write(folder, rows);
            }
        } finally {
            delete(work);
        }
    }

    private static void write(Path folder, JsonArray rows) throws IOException {
        Files.createDirectories(folder);
        Path part = folder.resolve("folders.json.part");
        Files.writeString(part, new GsonBuilder().setPrettyPrinting().create().toJson(rows) + "\n");
        Files.move(part, folder.resolve("folders.json"), StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
    }

    private static JsonObject run(Path work, int n, List<String> passed) throws IOException, InterruptedException {
        Path images = make(work, n);
        Path out = work.resolve("out");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(HEAP);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), "io.attentivecutmix.cli.Main", "mix",
                "--images",
                images.toString(), "--out", out.toString(), "--quiet", "--format", "jpg"));
        command.addAll(passed);
        double busy = LoadProfiler.busyNanos();
        long start = System.nanoTime();
        Process process = new ProcessBuilder(command).inheritIO().start();
        long peak = 0;
        Duration own = Duration.ZERO;
        while (process.isAlive()) {
            peak = Math.max(peak, resident(process.pid()));
            own = process.info().totalCpuDuration().orElse(own);
            Thread.sleep(100);
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        double others = Math.max(0, LoadProfiler.busyNanos() - busy - own.toNanos()) / 1e9 / seconds;
        Samples.require(process.exitValue() == 0, "mix ended with " + process.exitValue());
        long lines;
        try (Stream<String> labels = Files.lines(out.resolve("labels.jsonl"))) {
            lines = labels.count();
        }
        Samples.require(lines == n, lines + " labels for " + n + " images");
        JsonObject row = new JsonObject();
        row.addProperty("images", n);
        row.addProperty("seconds", seconds);
        row.addProperty("imagesPerSecond", n / seconds);
        row.addProperty("peakResidentMiB", peak >> 10);
        row.addProperty("ownProcessors", own.toNanos() / 1e9 / seconds);
        row.addProperty("otherProcessors", others);
        row.addProperty("date", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        row.addProperty("commit", Environment.output("git", "rev-parse", "HEAD"));
        row.addProperty("heap", String.join(" ", HEAP));
        row.addProperty("arguments", "--format jpg " + String.join(" ", passed));
        System.out.println(row);
        delete(images);
        delete(out);
        return row;
    }

    /** Peak resident memory of a process so far in KiB; 0 where the system does not say. */
    private static long resident(long pid) {
        try {
            return Files.readString(Path.of("/proc", Long.toString(pid), "status")).lines().filter(l ->
                    l.startsWith("VmHWM:"))
                    .mapToLong(l -> Long.parseLong(l.replaceAll("[^0-9]", ""))).findFirst().orElse(0);
        } catch (IOException e) {
            // It has ended, or there is no /proc; the figure says what was seen
            return 0;
        }
    }

    private static Path make(Path work, int n) throws IOException {
        Path distinct = Files.createDirectories(work.resolve("distinct"));
        Path images = work.resolve("images");
        for (int i = 0; i < DISTINCT; i++) {
            Path file = distinct.resolve(i + ".jpg");
            if (!Files.exists(file)) {
                Files.write(file, Samples.file("jpg", i, 375, 500));
            }
        }
        for (int i = 0; i < n; i++) {
            Path into = Files.createDirectories(images.resolve("class" + i / PER_CLASS));
            Files.createLink(into.resolve(i + ".jpg"), distinct.resolve(i % DISTINCT + ".jpg"));
        }
        return images;
    }

    private static void delete(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
