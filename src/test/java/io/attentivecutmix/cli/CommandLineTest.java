package io.attentivecutmix.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.image.ImageDecoder;
import io.attentivecutmix.image.RgbImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole commands on small folders, with a small network and input. */
class CommandLineTest {
    @TempDir
    Path folder;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    /** Arguments separated by blanks; @ is the test's folder. */
    private int run(String command) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        String[] args = command.isEmpty() ? new String[0]
                : Arrays.stream(command.split(" +")).map(a -> a.replace("@", folder.toString())).toArray(String[]::new);
        return Main.run(new Console(new PrintWriter(out), new PrintWriter(err), false), args);
    }

    private void succeed(String command) {
        assertEquals(ExitStatus.OK, run(command), command + "\n" + out + err);
    }

    private void refuse(String command, String message) throws IOException {
        assertEquals(ExitStatus.USAGE, run(command), command + "\n" + out + err);
        assertTrue(err.toString().contains(message), err + " lacks " + message);
        assertFalse(Files.exists(folder.resolve("out")), "something was written: " + command);
    }

    private static final String SMALL = " --weights synthetic:18 --input-side 64 --k 1 --precision fp32 --threads 2";
    private static final String MIX = "mix --images @/in --out @/out" + SMALL;

    /** n images in the folders of the given classes by turns. */
    private void images(int n, String... classes) throws IOException {
        Random random = new Random(5);
        for (int i = 0; i < n; i++) {
            int height = 20 + random.nextInt(40);
            int width = 20 + random.nextInt(40);
            byte[] rgb = new byte[3 * height * width];
            random.nextBytes(rgb);
            Path file = folder.resolve("in").resolve(classes.length == 0 ? "" : classes[i % classes.length])
                    .resolve(String.format("i%03d.png", i));
            Files.createDirectories(file.getParent());
            io.attentivecutmix.image.PngWriter.write(file, ByteBuffer.wrap(rgb), 0, height, width);
        }
    }

    private List<String> lines(String file) throws IOException {
        return Files.readAllLines(folder.resolve(file));
    }

    /** Every file below a folder, with its bytes. */
    private TreeMap<String, byte[]> files(String below) throws IOException {
        TreeMap<String, byte[]> all = new TreeMap<>();
        Path root = folder.resolve(below);
        try (Stream<Path> walk = Files.walk(root)) {
            for (Path p : walk.filter(Files::isRegularFile).toList()) {
                all.put(root.relativize(p).toString().replace('\\', '/'), Files.readAllBytes(p));
            }
        }
        return all;
    }

    private void assertSameFiles(String a, String b) throws IOException {
        TreeMap<String, byte[]> first = files(a);
        TreeMap<String, byte[]> second = files(b);
        assertEquals(first.keySet(), second.keySet());
        first.forEach((name, bytes) -> assertArrayEquals(bytes, second.get(name), name));
    }

    @Test
    void demoWritesWhatItPromises() throws IOException {
        succeed("demo --out @/demo --weights synthetic:18 --threads 2");
        assertTrue(out.toString().contains("synthetic"), out.toString());
        TreeMap<String, byte[]> files = files("demo");
        for (String name : List.of("labels.jsonl", "run.json", "rejected.jsonl", "records.jsonl", "classes.json",
                "contact-sheet.png")) {
            assertTrue(files.containsKey(name), name);
        }
        List<String> labels = lines("demo/labels.jsonl");
        assertTrue(labels.size() >= 8);
        assertEquals(labels.size(), files.keySet().stream().filter(f -> f.startsWith("images/")).count());
        RgbImage sheet = ImageDecoder.jdk().read(folder.resolve("demo/contact-sheet.png"));
        assertTrue(sheet.width() > 900 && sheet.height() > 100 * labels.size(), sheet.width() + "x" + sheet.height());
        assertTrue(new TreeSet<>(files.keySet()).stream().noneMatch(f -> f.endsWith(".partial") || f.endsWith(".tmp")));
        succeed("demo --out @/demo --weights synthetic:18 --quiet");
        assertEquals("", out.toString());
    }

    @Test
    void mixOfAFolderIsTheSameForEveryThreadCountAndShard() throws IOException {
        images(23, "cat", "dog", "eel");
        succeed(MIX + " --batch-size 5 --seed 7");
        succeed("mix --images @/in --out @/one --batch-size 5 --seed 7 --weights synthetic:18 --input-side 64 --k 1 "
                + "--precision fp32 "
                + "--threads 1 --file-threads 3");
        assertSameFiles("out/images", "one/images");
        assertEquals(lines("out/labels.jsonl"), lines("one/labels.jsonl"));
        succeed(MIX.replace("@/out", "@/turns") + " --batch-size 5 --seed 7 --file-threads 0");
        assertSameFiles("out/images", "turns/images");
        assertEquals(lines("out/labels.jsonl"), lines("turns/labels.jsonl"));
        List<String> sharded = new ArrayList<>();
        for (int i = 1; i <= 3; i++) {
            succeed(MIX.replace("@/out", "@/s" + i) + " --batch-size 5 --seed 7 --shard " + i + "/3");
            sharded.addAll(lines("s" + i + "/labels.jsonl"));
        }
        assertEquals(new TreeSet<>(lines("out/labels.jsonl")), new TreeSet<>(sharded),
                "shards cover the list, each image once");
        assertEquals(23, sharded.size());
        succeed(MIX.replace("@/out", "@/other") + " --batch-size 5 --seed 8");
        assertNotEquals(lines("out/labels.jsonl"), lines("other/labels.jsonl"));
        succeed(MIX.replace("@/out", "@/epoch") + " --batch-size 5 --seed 7 --epoch 1");
        assertNotEquals(lines("out/labels.jsonl"), lines("epoch/labels.jsonl"));
    }

    @Test
    void replayGivesTheSameBytesWithoutWeights() throws IOException {
        images(9, "a", "b");
        succeed("mix --images @/in --out @/out --weights synthetic:18 --input-side 64 --beta 1 --beta-per-image "
                + "--probability 0.7"
                + " --batch-size 4");
        succeed("replay --from @/out --out @/again");
        assertSameFiles("out/images", "again/images");
        assertEquals(lines("out/labels.jsonl"), lines("again/labels.jsonl"));
        Path changed = folder.resolve("in/a/i000.png");
        byte[] rgb = ImageDecoder.jdk().read(changed).rgb().clone();
        RgbImage before = ImageDecoder.jdk().read(changed);
        Arrays.fill(rgb, (byte) 9);
        io.attentivecutmix.image.PngWriter.write(changed, ByteBuffer.wrap(rgb), 0, before.height(), before.width());
        assertEquals(ExitStatus.FAILED, run("replay --from @/out --out @/changed"));
        assertTrue(err.toString().contains("differs from the recorded run"), err.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"random-cells", "cutmix"})
    void baselinesNeedNoWeights(String mode) throws IOException {
        images(4);
        succeed("mix --images @/in --out @/out --mode " + mode);
        assertFalse(out.toString().contains("synthetic"), out.toString());
        assertEquals(4, lines("out/labels.jsonl").size());
        succeed("replay --from @/out --out @/again");
        assertSameFiles("out/images", "again/images");
    }

    /** The second --k took the place of its whole group: of --mode and --probability too. */
    @ParameterizedTest
    @ValueSource(strings = {"--k 2", "--mode random-cells --k 2", "--threads 1", "--weights synthetic:18:1",
        "--seed 1"})
    void optionsThatComeTwiceAreRefused(String again) throws IOException {
        images(2);
        refuse(MIX + " --probability 0 --seed 0 " + again, "once");
    }

    @Test
    void badImagesFailSkipOrAreSubstituted() throws IOException {
        images(8, "a", "b");
        Path bad = folder.resolve("in/a/i002.png");
        Files.write(bad, Arrays.copyOf(Files.readAllBytes(bad), 200));
        assertEquals(ExitStatus.REJECTED, run(MIX + " --batch-size 4"));
        assertEquals(7, lines("out/labels.jsonl").size());
        assertEquals(1, lines("out/rejected.jsonl").size());
        assertTrue(lines("out/rejected.jsonl").get(0).contains("a/i002.png"));
        assertTrue(Files.readString(folder.resolve("out/run.json")).contains("\"rejected\" : 1"));
        assertEquals(ExitStatus.REJECTED,
                run(MIX.replace("@/out", "@/sub") + " --batch-size 4 --on-bad-image substitute"));
        assertEquals(8, lines("sub/labels.jsonl").size());
        assertEquals(1, lines("sub/labels.jsonl").stream().filter(l ->
                l.contains("\"substitutes\":\"a/i002.png\"")).count());
        assertEquals(ExitStatus.FAILED, run(MIX.replace("@/out", "@/fail") + " --batch-size 4 --on-bad-image fail"));
        assertTrue(err.toString().contains("i002.png"), err.toString());
        assertTrue(files("fail").keySet().stream().noneMatch(f -> f.endsWith(".tmp") || f.endsWith(".partial")));
        assertEquals(lines("fail/labels.jsonl").size(),
                files("fail").keySet().stream().filter(f -> f.startsWith("images/")).count());
    }

    @Test
    void theShortLastBatchAndASingleImageAreDefined() throws IOException {
        images(9);
        succeed(MIX + " --batch-size 4");
        assertEquals(9, lines("out/labels.jsonl").size());
        assertEquals(2, lines("out/records.jsonl").size(), "the ninth image joins the second batch");
        succeed(MIX.replace("@/out", "@/two") + " --limit 2");
        assertEquals(2, lines("two/labels.jsonl").size());
        assertEquals(ExitStatus.USAGE, run(MIX.replace("@/out", "@/single") + " --limit 1"));
        assertTrue(err.toString().contains("no partner"), err.toString());
        succeed(MIX.replace("@/out", "@/flip") + " --limit 1 --pairing flip");
    }

    @Test
    void labelsOfACsvReplaceTheFolders() throws IOException {
        images(4);
        Files.writeString(folder.resolve("l.csv"),
                "path,label\r\ni000.png,7\r\n\"i001.png\",0\r\ni002.png,7\r\ni003.png,12\r\nx.png,1\r\n");
        succeed(MIX + " --labels @/l.csv");
        assertTrue(err.toString().contains("1 rows"), err.toString());
        assertTrue(lines("out/labels.jsonl").stream().anyMatch(l -> l.contains("\"source_label\":12")));
        Files.writeString(folder.resolve("l.csv"),
                "path,label\ni000.png,cat\ni001.png,dog\ni002.png,cat\ni003.png,ant\n");
        succeed(MIX.replace("@/out", "@/names") + " --labels @/l.csv");
        assertTrue(Files.readString(folder.resolve("names/classes.json")).replaceAll("\\s", "")
                .contains("[\"ant\",\"cat\",\"dog\"]"));
    }

    @Test
    void unusableLabelsAreRefusedWithTheirLine() throws IOException {
        images(2);
        String good = "path,label\ni000.png,1\ni001.png,";
        for (String label : List.of("-1", "1.5", "2147483648", "7e0", "１", "1,0", "", "NaN")) {
            Files.writeString(folder.resolve("l.csv"), good + label + "\n");
            refuse(MIX + " --labels @/l.csv", "line 3");
        }
        for (String text : List.of("", "a,b\n", "path,label\n", "path,label\ni000.png,1\n",
                "path,label\ni000.png,1\ni000.png,2\ni001.png,1\n",
                "path,label\ni000.png,1\ni001.png,cat\n")) {
            Files.writeString(folder.resolve("l.csv"), text);
            refuse(MIX + " --labels @/l.csv", "l.csv");
        }
    }

    @Test
    void configIsBetweenPresetAndCommandLine() throws IOException {
        images(4);
        Files.writeString(folder.resolve("c.json"),
                "{\"inputSide\":64,\"patches\":{\"k\":2},\"labelWeight\":\"NOMINAL\"}");
        succeed("mix --images @/in --out @/out --weights synthetic:18 --config @/c.json --preset original --k 3 "
                + "--batch-norm running");
        String options = Files.readString(folder.resolve("out/run.json"));
        for (String part : List.of("\"k\":3", "\"inputSide\":64", "\"labelWeight\":\"NOMINAL\"",
                "\"reduction\":\"LAST\"",
                "\"batchNorm\":\"RUNNING\"")) {
            assertTrue(options.contains(part), part + " is not in " + options);
        }
    }

    @Test
    void unknownAndUnusableArgumentsAreErrors() throws IOException {
        images(3);
        Files.writeString(folder.resolve("bad.json"), "{\"inputside\":64}");
        Files.writeString(folder.resolve("text.safetensors"), "no weights");
        refuse(MIX + " --frobnicate", "--frobnicate");
        refuse(MIX + " --mode attention", "allowed: attentive, random-cells, cutmix");
        refuse(MIX + " --config @/bad.json", "inputside");
        refuse(MIX + " --config @/none.json", "does not exist");
        refuse(MIX.replace("--k 1", "--k 5"), "k is 5; allowed: 1 to 4");
        refuse(MIX.replace("--k 1", "--k 1 --beta 1"), "exclude");
        refuse(MIX + " --probability 2", "probability is 2");
        refuse(MIX + " --shard 4/3", "allowed: i/n");
        refuse(MIX + " --batch-size 0", "--batch-size is 0");
        refuse(MIX + " --preset papers", "allowed: paper");
        refuse(MIX.replace("synthetic:18", "synthetic:20"), "synthetic:DEPTH");
        refuse(MIX.replace("synthetic:18", "@/text.safetensors"), "text.safetensors");
        refuse(MIX.replace("synthetic:18", "hub:nobody"), "hub:OWNER/MODEL");
        refuse(MIX + " --weights-sha256 " + "0".repeat(64), "SHA-256");
        refuse(MIX + " --device gpu", "allowed: best, cpu, cuda");
        refuse(MIX.replace("@/in", "@/nothing"), "does not exist");
        refuse(MIX.replace("@/out", "@/in/out"), "lies in --images");
        refuse("replay --from @/in --out @/out", "run.json");
        refuse("attend --images @/in --out @/out --beta 1" + SMALL.replace("--k 1", ""), "fixed --k");
        assertEquals(ExitStatus.FAILED, run(MIX + " --device cuda:7"));
        assertTrue(err.toString().contains("cuda:7 cannot be used"), err.toString());
        assertEquals(ExitStatus.USAGE, run(""));
        Files.createDirectories(folder.resolve("full"));
        Files.writeString(folder.resolve("full/x"), "x");
        assertEquals(ExitStatus.USAGE, run(MIX.replace("@/out", "@/full")));
        assertTrue(err.toString().contains("not empty"), err.toString());
        succeed(MIX.replace("@/out", "@/full") + " --force");
    }

    @Test
    void classReductionNeedsClasses() throws IOException {
        images(3);
        refuse(MIX + " --reduction class", "needs each image's class");
        refuse("attend --images @/in --out @/out --reduction class" + SMALL, "needs each image's class");
        refuse(MIX + " --masks @/nowhere", "is not a folder");
    }

    @Test
    void weightsThatAModeDoesNotUseAreSaidSo() throws IOException {
        images(3);
        succeed("mix --images @/in --out @/out --mode cutmix --weights synthetic:18");
        assertTrue(err.toString().contains("--weights is not used"), err.toString());
    }

    @Test
    void anotherWriterIsKeptOut() throws IOException {
        images(3);
        try (FolderLock lock = OutputFolder.check(folder.resolve("full"), false).lock()) {
            assertEquals(ExitStatus.USAGE, run(MIX.replace("@/out", "@/full") + " --force"), lock.toString());
            assertTrue(err.toString().contains("another process writes"), err.toString());
        }
        succeed(MIX.replace("@/out", "@/full"));
        assertFalse(Files.exists(folder.resolve("full/.lock")));
    }

    @Test
    void dryRunWritesNothing() throws IOException {
        images(3);
        succeed(MIX + " --dry-run");
        assertTrue(out.toString().contains("would write 3 images"), out.toString());
        assertFalse(Files.exists(folder.resolve("out")));
    }

    @Test
    void attendWritesPicturesNumbersAndFeatures() throws IOException {
        images(5, "a", "b");
        succeed("attend --images @/in --out @/out --features --batch-size 2" + SMALL);
        assertEquals(5, lines("out/attention.jsonl").size());
        assertTrue(lines("out/attention.jsonl").get(0).contains("\"grid\":2"));
        TreeMap<String, byte[]> files = files("out");
        assertEquals(5, files.keySet().stream().filter(f -> f.startsWith("heat/") && f.endsWith(".png")).count());
        byte[] npy = files.get("features/a/i000.npy");
        assertTrue(new String(npy, 0, 128,
                java.nio.charset.StandardCharsets.ISO_8859_1).contains("'shape': (2, 2, 512)"));
        assertEquals(128 + 4 * 2048, npy.length);
        RgbImage image = ImageDecoder.jdk().read(folder.resolve("in/a/i000.png"));
        RgbImage overlay = ImageDecoder.jdk().read(folder.resolve("out/heat/a/i000.png"));
        assertEquals(image.height(), overlay.height());
        assertEquals(image.width(), overlay.width());
    }

    @Test
    void masksAreMixedAlong() throws IOException {
        images(4);
        for (int i = 0; i < 4; i++) {
            String name = String.format("i%03d.png", i);
            RgbImage image = ImageDecoder.jdk().read(folder.resolve("in/" + name));
            ByteBuffer mask = ByteBuffer.allocate(image.height() * image.width());
            for (int p = 0; p < mask.capacity(); p++) {
                mask.put(p, (byte) (10 * i + 1));
            }
            Files.createDirectories(folder.resolve("masks"));
            try (var stream = Files.newOutputStream(folder.resolve("masks/" + name))) {
                MaskFolder.write(stream, mask, image.height(), image.width());
            }
        }
        succeed(MIX + " --masks @/masks");
        assertEquals(4, files("out/masks").size());
        Files.delete(folder.resolve("masks/i001.png"));
        assertEquals(ExitStatus.REJECTED, run(MIX.replace("@/out", "@/less") + " --masks @/masks"));
        assertTrue(lines("less/rejected.jsonl").get(0).contains("i001"), lines("less/rejected.jsonl").toString());
    }

    @Test
    void formatsHoldTheSamePixels() throws IOException {
        images(3);
        succeed(MIX);
        succeed(MIX.replace("@/out", "@/npy") + " --format npy");
        RgbImage png = ImageDecoder.jdk().read(folder.resolve("out/images/i000.png"));
        byte[] npy = Files.readAllBytes(folder.resolve("npy/images/i000.npy"));
        assertArrayEquals(png.rgb(), Arrays.copyOfRange(npy, npy.length - png.rgb().length, npy.length));
        assertEquals(0x93, npy[0] & 255);
    }

    @Test
    void infoIsJsonWithReasons() {
        succeed("info");
        succeed("info --json");
        JsonTree tree = JsonTree.parse("info", out.toString(), "devices");
        assertEquals("cpu", tree.string("best"));
        assertTrue(tree.string("devices").contains("\"name\":\"cuda:0\",\"available\":false,\"reason\":\""),
                tree.string("devices"));
        assertEquals(System.getProperty("project.version"), tree.string("version"),
                "version.properties is not the pom's");
    }

    @Test
    void interruptStopsBetweenBatchesAndLeavesNoBrokenFile() throws Exception {
        images(400);
        CompletableFuture<Integer> status = new CompletableFuture<>();
        Thread runner = new Thread(() -> status.complete(run(MIX + " --batch-size 2")));
        runner.start();
        while (!status.isDone() && countImages() < 5) {
            Thread.sleep(1);
        }
        runner.interrupt();
        assertEquals(ExitStatus.INTERRUPTED, status.get(60, TimeUnit.SECONDS), err.toString());
        TreeMap<String, byte[]> files = files("out");
        assertTrue(files.keySet().stream().noneMatch(f -> f.endsWith(".tmp") || f.endsWith(".partial")),
                files.keySet().toString());
        long images = files.keySet().stream().filter(f -> f.startsWith("images/")).count();
        assertTrue(images > 0 && images < 400, images + " images");
        assertEquals(images, lines("out/labels.jsonl").size());
        assertTrue(Files.readString(folder.resolve("out/run.json")).contains("\"end\" : \"interrupted\""));
    }

    private long countImages() throws IOException {
        Path images = folder.resolve("out/images");
        if (!Files.isDirectory(images)) {
            return 0;
        }
        try (Stream<Path> all = Files.list(images)) {
            return all.count();
        }
    }

    @Test
    void anInterruptBeforeTheFirstBatchIsNoFault() throws IOException {
        images(4);
        Thread.currentThread().interrupt();
        int status = run(MIX);
        Thread.interrupted();
        assertEquals(ExitStatus.INTERRUPTED, status, err.toString());
        assertFalse(Files.exists(folder.resolve("out")));
    }

    @Test
    void namesAreEscapedWhereTheyArePrinted() throws IOException {
        images(2);
        Path evil = folder.resolve("in/\u001b[31mred.png");
        Files.write(evil, new byte[] {1, 2, 3});
        assertEquals(ExitStatus.REJECTED, run(MIX));
        assertFalse(err.toString().contains("\u001b"), "an escape sequence reached the terminal");
        assertTrue(err.toString().contains("red.png"), err.toString());
    }
}
