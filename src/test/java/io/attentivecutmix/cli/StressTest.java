package io.attentivecutmix.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
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
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Commands in places that are not made for them. {@code -Dcli.images=10000} sets how many images, a tenth of them bad,
 * are mixed under each policy (default 60) in a JVM of their own whose memory is watched; {@code -Dcli.report=true}
 * prints what was counted.
 */
@EnabledOnOs(OS.LINUX)
class StressTest {
    private static final String CELLS = "mix --images @/in --out @/out --mode random-cells --input-side 64 --k 1 "
            + "--threads 2 --batch-size 8 --seed 3";

    @TempDir
    Path folder;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private String[] arguments(String command) {
        return Arrays.stream(command.split(" +")).map(a -> a.replace("@", folder.toString())).toArray(String[]::new);
    }

    private int run(String command) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return Main.run(new Console(new PrintWriter(out), new PrintWriter(err), false), arguments(command));
    }

    private void image(String name, Random random) throws IOException {
        int height = 20 + random.nextInt(40);
        int width = 20 + random.nextInt(40);
        byte[] rgb = new byte[3 * height * width];
        random.nextBytes(rgb);
        Path file = folder.resolve("in").resolve(name);
        Files.createDirectories(file.getParent());
        PngWriter.write(file, ByteBuffer.wrap(rgb), 0, height, width);
    }

    private void images(int n) throws IOException {
        Random random = new Random(5);
        for (int i = 0; i < n; i++) {
            image(String.format("%d/i%05d.png", i % 3, i), random);
        }
    }

    private List<String> lines(String file) throws IOException {
        return Files.readAllLines(folder.resolve(file));
    }

    private static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    private List<String> child(String command, String... options) {
        List<String> all = new ArrayList<>(List.of(java(), "-XX:TieredStopAtLevel=1"));
        all.addAll(List.of(options));
        // without OpenCV, which is big: the pictures here are PNG, which it does not read
        String classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(e -> !Path.of(e).getFileName().toString().matches("open(cv|blas)-.*"))
                .collect(Collectors.joining(File.pathSeparator));
        all.addAll(List.of("-cp", classPath, Main.class.getName()));
        all.addAll(List.of(arguments(command)));
        return all;
    }

    /** A shell script that finds a command in "$@". */
    private String shell(String script, List<String> command) throws Exception {
        List<String> all = new ArrayList<>(List.of("sh", "-c", script, "sh"));
        all.addAll(command);
        Process process = new ProcessBuilder(all).redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(120, TimeUnit.SECONDS));
        return text;
    }

    @Test
    void namesMadeToHarmAreOnlyNames() throws Exception {
        List<String> names = new ArrayList<>(List.of("-rf.png", "--out.png", "a\nerror: all is lost.png",
                "\u001b]0;owned\u0007\u001b[2J.png", "\u202egnp.exe.png", " .png", "%s%n.png", "$(touch x).png",
                "a\\b.png",
                "CON.png", "x".repeat(251) + ".png", "ü".repeat(125) + ".png", "twice.png", "twice.gif.png"));
        Random random = new Random(5);
        for (String name : names) {
            image(name, random);
        }
        String longest = "y".repeat(250);
        image(longest + ".webp", random);
        Files.move(folder.resolve("in").resolve(longest + ".webp"), folder.resolve("in").resolve(longest + ".png"));
        Files.copy(folder.resolve("in").resolve(longest + ".png"), folder.resolve("in").resolve(longest + ".bmp"));
        for (String bad : List.of("b\nerror: fake.png", "\u001b[31mred.png")) {
            Files.write(folder.resolve("in").resolve(bad), new byte[] {1, 2, 3});
        }
        assertEquals(ExitStatus.REJECTED, run(CELLS.replace("size 8", "size 20")), out + "" + err);
        assertEquals(names.size() + 2, lines("out/labels.jsonl").size(), () -> err.toString());
        for (String line : lines("out/labels.jsonl")) {
            JsonTree label = JsonTree.parse("labels", line, "");
            assertTrue(Files.isRegularFile(folder.resolve("out").resolve(label.string("file"))), line);
        }
        String said = out + "" + err;
        assertFalse(said.contains("\u001b"), said);
        assertTrue(said.lines().noneMatch(l -> l.startsWith("error: ")), said);
        assertFalse(Files.exists(Path.of("x")));
    }

    @Test
    void whatIsNoFileIsRejectedAtOnce() throws Exception {
        Random random = new Random(5);
        for (int i = 0; i < 4; i++) {
            image("i" + i + ".png", random);
        }
        Path in = folder.resolve("in");
        Assumptions.assumeTrue(new ProcessBuilder("mkfifo", in.resolve("fifo.png").toString()).start().waitFor() == 0,
                "needs mkfifo");
        Files.createSymbolicLink(in.resolve("zero.png"), Path.of("/dev/zero"));
        Files.createSymbolicLink(in.resolve("self.png"), in.resolve("self.png"));
        Files.createSymbolicLink(in.resolve("gone.png"), in.resolve("nothing.png"));
        Files.createDirectory(in.resolve("folder.png"));
        Files.createSymbolicLink(in.resolve("out-of.png"), in.resolve("i0.png"));
        assertTimeoutPreemptively(Duration.ofSeconds(60), () -> {
            assertEquals(ExitStatus.REJECTED, run(CELLS), out + "" + err);
            TreeSet<String> rejected = new TreeSet<>();
            for (String line : lines("out/rejected.jsonl")) {
                rejected.add(JsonTree.parse("rejected", line, "").string("file"));
            }
            assertEquals(new TreeSet<>(List.of("fifo.png", "zero.png", "self.png", "gone.png")), rejected);
            assertEquals(5, lines("out/labels.jsonl").size());
            for (String command : List.of(CELLS.replace("@/in", "@/in/fifo.png"), CELLS.replace("@/in", "/dev/zero"),
                    CELLS + " --labels @/in/fifo.png", CELLS + " --config @/in/fifo.png",
                    CELLS + " --config /dev/zero")) {
                assertEquals(ExitStatus.USAGE, run(command + " --force"), command + out + err);
            }
        });
        Files.createSymbolicLink(in.resolve("up"), in);
        assertEquals(ExitStatus.USAGE, run(CELLS + " --force"));
        assertTrue(err.toString().contains("up is a symbolic link to a folder that it lies in"), err.toString());
    }

    /** {@code | head} ends; what it does not read is no fault, unless it is the result. */
    @Test
    void aClosedPipeOrFullDeviceBehindTheOutputDoesNotStopAMix() throws Exception {
        images(6);
        assertEquals("", shell("\"$@\" | true", child(CELLS)));
        assertTrue(Files.readString(folder.resolve("out/run.json")).contains("\"end\" : \"complete\""));
        assertEquals("error: the output could not be written to the end\nrc=1\n",
                shell("\"$@\" >/dev/full; echo rc=$?", child("info")));
    }

    /** The run fails with one line, and goes on when there is room. */
    @Test
    void aFullDiskFailsAndIsGoneOnWith() throws Exception {
        images(30);
        assertEquals(ExitStatus.OK, run(CELLS), err.toString());
        TreeMap<String, byte[]> wanted = files("out");
        Path disk = Files.createDirectory(folder.resolve("disk"));
        Assumptions.assumeTrue(shell("unshare -m mount -t tmpfs tmpfs " + disk + " && echo yes", List.of())
                .equals("yes\n"), "skipped: this user may not mount file systems");
        String script = "mount -t tmpfs -o size=100k tmpfs " + disk + "; \"$@\"; echo rc=$?; find " + disk
                + " -name '*.tmp'; mount -o remount,size=10m " + disk + "; \"$@\"; echo rc=$?; cp -r " + disk + " "
                + folder.resolve("copy");
        List<String> command = new ArrayList<>(List.of("-m", "sh", "-c", script, "sh"));
        command.addAll(child(CELLS.replace("@/out", "@/disk") + " --resume --quiet"));
        String said = shell("unshare \"$@\"", command);
        assertTrue(said.matches("(error: [^\n]*" + disk + "/[^\n]*No space left on device\n){1,2}rc=1\nrc=0\n"), said);
        TreeMap<String, byte[]> found = files("copy");
        assertEquals(wanted.keySet(), found.keySet());
        wanted.forEach((name, bytes) -> assertArrayEquals(bytes, found.get(name), name));
    }

    private TreeMap<String, byte[]> files(String below) throws IOException {
        TreeMap<String, byte[]> all = new TreeMap<>();
        Path root = folder.resolve(below);
        try (Stream<Path> walk = Files.walk(root)) {
            for (Path p : walk.filter(f -> Files.isRegularFile(f) && !f.endsWith("run.json")
                    && !f.endsWith(Plan.FILE)).toList()) {
                all.put(root.relativize(p).toString(), Files.readAllBytes(p));
            }
        }
        return all;
    }

    @ParameterizedTest
    @EnumSource(BadImage.class)
    void aTenthOfBadImages(BadImage policy) throws Exception {
        int n = Integer.getInteger("cli.images", 60);
        images(n);
        TreeSet<String> bad = new TreeSet<>();
        for (int i = 7; i < n; i += 10) {
            String name = String.format("%d/i%05d.png", i % 3, i);
            bad.add(name);
            Path file = folder.resolve("in").resolve(name);
            byte[] bytes = Files.readAllBytes(file);
            switch (i / 10 % 4) {
                case 0 -> Files.write(file, new byte[0]);
                case 1 -> Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
                case 2 -> Files.write(file, new byte[] {1, 2, 3});
                default -> {
                    Files.delete(file);
                    Files.createSymbolicLink(file, Path.of("gone.png"));
                }
            }
        }
        // sorted: the first batch has a bad image, so that the policy to fail has its turn at once
        String command = CELLS + " --order sorted --quiet --on-bad-image " + Choices.name(policy);
        long[] memory = new long[2];
        int status = n > 1000 ? watched(command, n, memory) : run(command);
        TreeSet<String> rejected = new TreeSet<>();
        for (String line : lines("out/rejected.jsonl")) {
            assertTrue(rejected.add(JsonTree.parse("rejected", line, "").string("file")), "twice: " + line);
        }
        int labels = lines("out/labels.jsonl").size();
        if (policy == BadImage.FAIL) {
            assertEquals(ExitStatus.FAILED, status, err.toString());
            assertEquals(1, rejected.size());
            assertTrue(bad.containsAll(rejected), rejected.toString());
        } else {
            assertEquals(ExitStatus.REJECTED, status, err.toString());
            assertEquals(bad, rejected);
            assertEquals(policy == BadImage.SUBSTITUTE ? n : n - bad.size(), labels);
        }
        if (Boolean.getBoolean("cli.report")) {
            System.out.printf(Locale.ROOT, "%-11s %6d images, %5d bad; rejected %5d, written %6d; resident %d MiB "
                    + "after a tenth, %d MiB at most after that%n", Choices.name(policy), n, bad.size(),
                    rejected.size(), labels, memory[0] >> 10, memory[1] >> 10);
        }
        if (policy != BadImage.FAIL && n > 1000) {
            assertTrue(memory[1] - memory[0] < 24 << 10, "grew from " + memory[0] + " to " + memory[1] + " KiB");
        }
    }

    /** @param memory resident KiB when a tenth was written, and the most after that */
    private int watched(String command, int n, long[] memory) throws Exception {
        Process process = new ProcessBuilder(child(command, "-Xmx96m", "-Xms96m", "-XX:+AlwaysPreTouch",
                "-XX:+UseSerialGC")).redirectErrorStream(true).redirectOutput(folder.resolve("said").toFile()).start();
        while (process.isAlive()) {
            int pictures = 0;
            for (int i = 0; i < 3; i++) {
                String[] names = folder.resolve("out/images/" + i).toFile().list();
                pictures += names == null ? 0 : names.length;
            }
            try (Stream<String> lines = Files.lines(Path.of("/proc/" + process.pid() + "/status"))) {
                long kib = lines.filter(l -> l.startsWith("VmRSS:")).findFirst()
                        .map(l -> Long.parseLong(l.replaceAll("\\D", ""))).orElse(0L);
                if (pictures < n / 10) {
                    memory[0] = Math.max(memory[0], kib);
                } else {
                    memory[1] = Math.max(memory[1], kib);
                }
            } catch (IOException e) {
                break; // it has ended
            }
            Thread.sleep(100);
        }
        return process.waitFor();
    }
}
