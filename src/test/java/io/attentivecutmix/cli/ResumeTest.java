package io.attentivecutmix.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.image.PngWriter;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * A run that is stopped and gone on with ends as one that was never stopped, byte for byte. {@code -Dcli.kills=50} sets
 * how often a process is killed (default 1), {@code -Dcli.seed} when, {@code -Dcli.cells=true} that it has no extractor
 * and so starts faster.
 */
class ResumeTest {
    private static final int IMAGES = 26;
    private static final String SMALL =
            " --weights synthetic:18 --input-side 64 --k 1 --precision fp32 --threads 2 --batch-size 4";
    private static final String MIX = "mix --images @/in --masks @/masks --seed 7" + SMALL;
    private static final String ATTEND = "attend --images @/in --features" + SMALL;
    /** Needs no weights: where it is not the extractor that is asked about. */
    private static final String CELLS = MIX.replace(" --weights synthetic:18", " --mode random-cells");

    /** OpenCV is big, and does not read PNG. */
    private static final String WITHOUT_OPENCV = Arrays.stream(System.getProperty("java.class.path")
            .split(File.pathSeparator)).filter(e -> !Path.of(e).getFileName().toString().matches("open(cv|blas)-.*"))
            .collect(Collectors.joining(File.pathSeparator));

    @TempDir
    Path folder;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeEach
    void makeImages() throws IOException {
        Random random = new Random(5);
        for (int i = 0; i < IMAGES; i++) {
            int height = 20 + random.nextInt(40);
            int width = 20 + random.nextInt(40);
            byte[] rgb = new byte[3 * height * width];
            random.nextBytes(rgb);
            Path file = folder.resolve("in").resolve(i % 2 == 0 ? "cat" : "dog").resolve(String.format("i%02d.png", i));
            Path mask = folder.resolve("masks").resolve(folder.resolve("in").relativize(file).toString());
            Files.createDirectories(file.getParent());
            Files.createDirectories(mask.getParent());
            if (i % 9 == 4) {
                Files.write(file, rgb); // no image
            } else {
                PngWriter.write(file, ByteBuffer.wrap(rgb), 0, height, width);
            }
            try (var stream = Files.newOutputStream(mask)) {
                MaskFolder.write(stream, ByteBuffer.wrap(rgb, 0, height * width).slice(), height, width);
            }
        }
    }

    private String[] arguments(String command) {
        return Arrays.stream(command.split(" +")).map(a -> a.replace("@", folder.toString())).toArray(String[]::new);
    }

    private int run(String command) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return Main.run(new Console(new PrintWriter(out), new PrintWriter(err), false), arguments(command));
    }

    private void finish(String command) {
        assertEquals(ExitStatus.REJECTED, run(command), command + "\n" + out + err);
    }

    /** Every file below a folder with its bytes; what is different in every run of run.json is cut out. */
    private TreeMap<String, byte[]> files(String below) throws IOException {
        TreeMap<String, byte[]> all = new TreeMap<>();
        Path root = folder.resolve(below);
        try (Stream<Path> walk = Files.walk(root)) {
            for (Path p : walk.filter(Files::isRegularFile).toList()) {
                byte[] bytes = Files.readAllBytes(p);
                all.put(root.relativize(p).toString(), p.endsWith("run.json")
                        ? new String(bytes, StandardCharsets.UTF_8).replaceAll("\"(started|seconds)\" : [^,]*,", "")
                                .getBytes(StandardCharsets.UTF_8) : bytes);
            }
        }
        return all;
    }

    private void assertSame(Map<String, byte[]> wanted, String below, String why) throws IOException {
        TreeMap<String, byte[]> found = files(below);
        assertEquals(wanted.keySet(), found.keySet(), why);
        for (Map.Entry<String, byte[]> e : wanted.entrySet()) {
            assertArrayEquals(e.getValue(), found.get(e.getKey()), why + ": " + e.getKey());
        }
    }

    private void copy(String from, String to) throws IOException {
        delete(to);
        Path a = folder.resolve(from);
        try (Stream<Path> walk = Files.walk(a)) {
            for (Path p : walk.toList()) {
                Files.copy(p, folder.resolve(to).resolve(a.relativize(p).toString()));
            }
        }
    }

    private void delete(String below) throws IOException {
        if (Files.exists(folder.resolve(below))) {
            try (Stream<Path> walk = Files.walk(folder.resolve(below))) {
                for (Path p : walk.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(p);
                }
            }
        }
    }

    /** Makes of a finished run what a killed one leaves: cut files of unfinished names, pictures half written. */
    private void kill(String at, Random random, String... lineFiles) throws IOException {
        Path root = folder.resolve(at);
        Files.delete(root.resolve("run.json"));
        Files.move(root.resolve("rejected.jsonl"), root.resolve("rejected.jsonl.partial"));
        Files.deleteIfExists(root.resolve("classes.json"));
        double share = random.nextDouble();
        for (String name : lineFiles) {
            byte[] bytes = Files.readAllBytes(root.resolve(name));
            Files.delete(root.resolve(name));
            Files.write(root.resolve(name + ".partial"), Arrays.copyOf(bytes, (int) (share * bytes.length)));
            share += (1 - share) * random.nextDouble(); // a file in front of the list says less than those behind
        }
        Files.write(Files.createDirectories(root.resolve("images")).resolve("." + random.nextInt(9999) + "-3.tmp"),
                new byte[100]);
        Files.write(root.resolve(".lock"), new byte[0]);
    }

    @Test
    void aCutMixGoesOnToTheSameBytes() throws IOException {
        finish(MIX + " --out @/out");
        TreeMap<String, byte[]> wanted = files("out");
        copy("out", "whole");
        for (int seed = 0; seed < 4; seed++) {
            copy("whole", "out");
            kill("out", new Random(seed), "records.jsonl", "labels.jsonl");
            finish(MIX + " --out @/out --resume");
            assertSame(wanted, "out", "seed " + seed);
        }
        finish(MIX + " --out @/out --resume");
        assertSame(wanted, "out", "of a finished run");
        assertTrue(out.toString().contains("23 images in " + folder.resolve("out")
                + " are finished and as they were recorded"), out.toString());
    }

    @Test
    void aCutAttendGoesOnToTheSameBytes() throws IOException {
        finish(ATTEND + " --out @/out");
        TreeMap<String, byte[]> wanted = files("out");
        copy("out", "whole");
        for (int seed = 0; seed < 4; seed++) {
            copy("whole", "out");
            kill("out", new Random(seed), "attention.jsonl");
            finish(ATTEND + " --out @/out --resume");
            delete("out/images");
            assertSame(wanted, "out", "seed " + seed);
        }
        Path picture = folder.resolve("out/heat/cat/i24.png");
        Files.write(picture, new byte[1]);
        finish(ATTEND + " --out @/out --resume");
        assertSame(wanted, "out", "a picture that was changed");
    }

    @Test
    void aCutReplayGoesOnToTheSameBytes() throws IOException {
        finish(CELLS + " --out @/run");
        assertEquals(ExitStatus.OK, run("replay --from @/run --out @/out"), err.toString());
        TreeMap<String, byte[]> wanted = files("out");
        kill("out", new Random(2), "records.jsonl", "labels.jsonl");
        assertEquals(ExitStatus.OK, run("replay --from @/run --out @/out --resume"), err.toString());
        assertSame(wanted, "out", "a replay");
        assertTrue(out.toString().matches("(?s)(?!0 )[1-9]\\d* images in .* are finished and as.*"), out.toString());
        for (String other : List.of("in/dog/i01.png", "masks/dog/i01.png")) {
            Path file = folder.resolve(other);
            FileTime time = Files.getLastModifiedTime(file);
            Files.setLastModifiedTime(file, FileTime.fromMillis(time.toMillis() - 5000));
            assertEquals(ExitStatus.USAGE, run("replay --from @/run --out @/out --resume"));
            assertTrue(err.toString().contains(other.startsWith("in") ? "other image_files (" : "other mask_files ("),
                    err.toString());
            Files.setLastModifiedTime(file, time);
        }
        finish(CELLS.replace("--seed 7", "--seed 9") + " --out @/run --force");
        assertEquals(ExitStatus.USAGE, run("replay --from @/run --out @/out --resume"));
        assertTrue(err.toString().contains("records ("), err.toString());
    }

    /** What was found before the stop still fails the replay. */
    @Test
    void aResumedReplayKnowsWhatDifferedBefore() throws IOException {
        finish(CELLS + " --out @/run");
        Path records = folder.resolve("run/records.jsonl");
        String text = Files.readString(records);
        Files.writeString(records, text.replaceFirst("\"crc32c\":\\[\\d+", "\"crc32c\":[1"));
        assertEquals(ExitStatus.FAILED, run("replay --from @/run --out @/out"), err.toString());
        TreeMap<String, byte[]> wanted = files("out");
        assertTrue(Files.readString(folder.resolve("out/run.json")).contains("\"differing\" : 1"));
        assertEquals(ExitStatus.FAILED, run("replay --from @/run --out @/out --resume"), out + "" + err);
        assertTrue(err.toString().contains("1 images differ from the recorded run"), err.toString());
        assertSame(wanted, "out", "a resumed replay");
    }

    /** As a failure to write one batch leaves it, when those behind it succeed. */
    @Test
    void aGapEndsWhatIsFinished() throws IOException {
        finish(CELLS + " --out @/out");
        TreeMap<String, byte[]> wanted = files("out");
        for (int gap : new int[] {0, 3}) {
            Path records = folder.resolve("out/records.jsonl");
            List<String> lines = new ArrayList<>(Files.readAllLines(records));
            lines.remove(gap);
            Files.write(records, lines);
            Path labels = folder.resolve("out/labels.jsonl");
            Files.write(labels, Files.readAllLines(labels).stream().filter(l -> !l.contains("\"batch\":" + gap + "}"))
                    .toList());
            finish(CELLS + " --out @/out --resume");
            assertSame(wanted, "out", "without batch " + gap);
            assertTrue(out.toString().matches("(?s).*(?<!\\d)" + (gap == 0 ? "0" : "[1-9]\\d*")
                    + " images in .* are finished and as.*"), out.toString());
        }
    }

    /** A folder in a picture's place, as a full disk or a lost right, fails one batch. */
    @Test
    void aBatchThatCannotBeWrittenEndsWhatIsNamed() throws IOException {
        String sorted = CELLS + " --order sorted --out @/out";
        finish(sorted.replace("@/out", "@/whole"));
        TreeMap<String, byte[]> wanted = files("whole");
        Path inTheWay = Files.createDirectories(folder.resolve("out/images/dog/i17.png/x"));
        assertEquals(ExitStatus.FAILED, run(sorted + " --force"), out + "" + err);
        List<String> lines = Files.readAllLines(folder.resolve("out/records.jsonl"));
        for (int i = 0; i < lines.size(); i++) {
            assertTrue(lines.get(i).startsWith("{\"batch\":" + i + ","), lines.get(i));
        }
        assertTrue(lines.size() > 2, lines.toString());
        Files.delete(inTheWay);
        Files.delete(inTheWay.getParent());
        finish(sorted + " --resume");
        assertFalse(out.toString().contains(" 0 images in "), out.toString());
        assertTrue(out.toString().contains(" are finished and as"), out.toString());
        assertSame(wanted, "out", "after a batch that failed");
    }

    @Test
    void attendComesToABadImageThatFailsAgain() throws IOException {
        String attend = ATTEND.replace("--batch-size 4", "--batch-size 1 --no-pictures --on-bad-image fail")
                + " --out @/out";
        assertEquals(ExitStatus.FAILED, run(attend), out + "" + err);
        TreeMap<String, byte[]> wanted = files("out");
        assertEquals(ExitStatus.FAILED, run(attend + " --resume"), out + "" + err);
        assertSame(wanted, "out", "the same bad image");
    }

    /** It is the bytes that prove a batch, not that there is a file. */
    @Test
    void whatIsNotAsRecordedIsDoneAgain() throws IOException {
        finish(CELLS + " --out @/out --order sorted");
        TreeMap<String, byte[]> wanted = files("out");
        for (String name : List.of("images/dog/i21.png", "masks/dog/i21.png")) {
            Path file = folder.resolve("out").resolve(name);
            FileTime time = Files.getLastModifiedTime(file);
            byte[] bytes = Files.readAllBytes(file);
            bytes[bytes.length / 2] ^= 1;
            Files.write(file, bytes);
            Files.setLastModifiedTime(file, time);
            finish(CELLS + " --out @/out --order sorted --resume");
            assertSame(wanted, "out", name);
            assertTrue(out.toString().contains(" are finished and as"), out.toString());
            assertFalse(out.toString().contains("23 images in"), out.toString());
        }
        Files.writeString(folder.resolve("out/labels.jsonl"), "");
        finish(CELLS + " --out @/out --order sorted --resume");
        assertSame(wanted, "out", "labels that are gone");
        Files.writeString(folder.resolve("out/records.jsonl"), "[]\n{\"batch\":0}\n");
        finish(CELLS + " --out @/out --order sorted --resume");
        assertSame(wanted, "out", "records of somebody else");
        Path records = folder.resolve("out/records.jsonl");
        Files.writeString(records, Files.readString(records).replaceFirst("\"outputs\":\\[\"", "$0\\\\u0000"));
        finish(CELLS + " --out @/out --order sorted --resume");
        assertSame(wanted, "out", "a name that is no path");
    }

    @Test
    void anotherPlanIsRefusedWithWhatDiffers() throws IOException {
        finish(CELLS + " --out @/out");
        TreeMap<String, byte[]> before = files("out");
        Map<String, String> cases = Map.of("--seed 8", "seed (7 then, 8 now)", "--batch-size 5",
                "batch_size (4 then, 5 now)", "--format npy", "format (png then, npy now)", "--epoch 2",
                "epoch (0 then, 2 now)", "--on-bad-image substitute", "on_bad_image (skip then, substitute now)",
                "--k 2", "options (", "--shard 1/2", "shard (");
        for (Map.Entry<String, String> c : cases.entrySet()) {
            String option = c.getKey().split(" ")[0];
            String other = CELLS.contains(option + " ") ? CELLS.replaceAll(option + " [^ ]+", c.getKey())
                    : CELLS + " " + c.getKey();
            assertEquals(ExitStatus.USAGE, run(other + " --out @/out --resume"), c + ": " + out + err);
            assertTrue(err.toString().contains(c.getValue()), err + " lacks " + c.getValue());
        }
        assertEquals(ExitStatus.USAGE, run(MIX + " --out @/out --resume"), out + "" + err);
        assertTrue(err.toString().contains("weights (none then, "), err.toString());
        Path image = folder.resolve("in/cat/i00.png");
        FileTime time = Files.getLastModifiedTime(image);
        Files.setLastModifiedTime(image, FileTime.fromMillis(time.toMillis() - 5000));
        assertEquals(ExitStatus.USAGE, run(CELLS + " --out @/out --resume"));
        assertTrue(err.toString().contains("image_files ("), err.toString());
        Files.setLastModifiedTime(image, time);
        Path mask = folder.resolve("masks/cat/i00.png");
        FileTime maskTime = Files.getLastModifiedTime(mask);
        Files.setLastModifiedTime(mask, FileTime.fromMillis(maskTime.toMillis() - 5000));
        assertEquals(ExitStatus.USAGE, run(CELLS + " --out @/out --resume"));
        assertTrue(err.toString().contains("other mask_files ("), err.toString());
        Files.setLastModifiedTime(mask, maskTime);
        Path plan = folder.resolve("out/plan.json");
        String written = Files.readString(plan);
        Files.writeString(plan, written.replaceFirst("\"hardware\" : \"", "$0another "));
        assertEquals(ExitStatus.USAGE, run(CELLS + " --out @/out --resume"));
        assertTrue(err.toString().contains("other hardware (another {"), err.toString());
        Files.writeString(plan, written);
        assertSame(before, "out", "a refusal changes nothing");

        assertEquals(ExitStatus.USAGE, run(CELLS + " --out @/out --resume --force"));
        assertEquals(ExitStatus.USAGE, run(CELLS + " --out @/out --resume --contact-sheet"));
        assertEquals(ExitStatus.USAGE, run(CELLS + " --out @/masks --resume"), "no run's folder");
        assertTrue(err.toString().contains("no plan.json"), err.toString());
        finish(CELLS + " --out @/new --resume");
        assertSame(before, "new", "nothing to resume is a start");
    }

    /** Names go into labels.jsonl, so the same numbers are not the same classes. */
    @Test
    void otherNamesOfTheSameClassesAreAnotherPlan() throws IOException {
        StringBuilder csv = new StringBuilder("path,label\n");
        for (Path image : ImageList.of(folder.resolve("in")).names().stream().map(Path::of).toList()) {
            csv.append(image).append(',').append(image.getParent()).append('\n');
        }
        Path labels = folder.resolve("labels.csv");
        Files.writeString(labels, csv);
        String mix = CELLS + " --out @/out --labels @/labels.csv";
        finish(mix);
        Files.writeString(labels, csv.toString().replace(",dog", ",hound"));
        assertEquals(ExitStatus.USAGE, run(mix + " --resume"), out + "" + err);
        assertTrue(err.toString().contains("other classes ("), err.toString());
    }

    @Test
    void threadsMayChangeAndABadImageThatFailsIsNoEnd() throws IOException {
        String sorted = CELLS + " --order sorted --on-bad-image ";
        assertEquals(ExitStatus.FAILED, run(sorted + "fail --out @/out"));
        int done = files("out").size();
        assertEquals(ExitStatus.FAILED, run(sorted + "fail --out @/out --resume"), "the image is as bad as before");
        assertEquals(done, files("out").size());
        assertTrue(Files.readAllLines(folder.resolve("out/rejected.jsonl")).size() == 1, "named once");

        finish(CELLS + " --out @/a");
        TreeMap<String, byte[]> wanted = files("a");
        kill("a", new Random(3), "records.jsonl", "labels.jsonl");
        finish(CELLS.replace("--threads 2", "--threads 1") + " --file-threads 0 --out @/a --resume");
        wanted.remove("run.json"); // says how many threads the engine had
        TreeMap<String, byte[]> found = files("a");
        found.remove("run.json");
        assertEquals(wanted.keySet(), found.keySet());
        wanted.forEach((name, bytes) -> assertArrayEquals(bytes, found.get(name), name));
    }

    /** SIGKILL: no hook runs, nothing is flushed. */
    @Test
    @DisabledOnOs(OS.WINDOWS)
    void killedProcessesLeaveNothingThatIsSeenInTheEnd() throws Exception {
        String mix = Boolean.getBoolean("cli.cells") ? CELLS : MIX;
        long seed = Long.getLong("cli.seed", 1);
        int kills = Integer.getInteger("cli.kills", 1);
        end(start(mix + " --out @/out"));
        TreeMap<String, byte[]> wanted = files("out");
        delete("out");
        Random random = new Random(seed);
        int killed = 0;
        int ended = 0;
        for (int i = 0; killed < kills && i < 4 * kills; i++) {
            Process process = start(mix + " --out @/out --resume");
            int pictures = pictures() + random.nextInt(8);
            long patience = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
            while (process.isAlive() && pictures() < pictures && System.nanoTime() < patience) {
                Thread.sleep(1);
            }
            TimeUnit.MICROSECONDS.sleep(random.nextInt(20_000));
            process.destroyForcibly();
            assertTrue(process.waitFor(60, TimeUnit.SECONDS));
            if (process.exitValue() == ExitStatus.REJECTED) {
                ended++;
                assertSame(wanted, "out", "seed " + seed + ", run " + i + " was faster than its killer");
                delete("out");
            } else {
                assertEquals(137, process.exitValue(), "seed " + seed + ", run " + i + ": "
                        + Files.readString(folder.resolve("said")));
                killed++;
                if (random.nextInt(3) == 0) {
                    end(start(mix + " --out @/out --resume"));
                    assertSame(wanted, "out", "seed " + seed + ", after kill " + killed);
                    delete("out");
                }
            }
        }
        end(start(mix + " --out @/out --resume"));
        assertSame(wanted, "out", "seed " + seed + ", after " + killed + " kills");
        assertTrue(killed >= kills, killed + " were killed in time, " + ended + " ended before");
        if (Boolean.getBoolean("cli.report")) {
            System.out.println("SIGKILL " + killed + " times, seed " + seed + "; " + ended
                    + " runs ended before they could be killed; final output the same byte for byte each time");
        }
    }

    private void end(Process process) throws Exception {
        assertTrue(process.waitFor(300, TimeUnit.SECONDS));
        assertEquals(ExitStatus.REJECTED, process.exitValue(), Files.readString(folder.resolve("said")));
    }

    private int pictures() throws IOException {
        int count = 0;
        for (String inside : List.of("out/images/cat", "out/images/dog")) {
            String[] names = folder.resolve(inside).toFile().list();
            count += names == null ? 0 : names.length;
        }
        return count;
    }

    private Process start(String command) throws IOException {
        List<String> all = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp", WITHOUT_OPENCV, Main.class.getName()));
        all.addAll(List.of(arguments(command)));
        return new ProcessBuilder(all).redirectErrorStream(true).redirectOutput(folder.resolve("said").toFile())
                .start();
    }
}
