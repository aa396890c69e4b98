package io.attentivecutmix.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.image.ImageDecoder;
import io.attentivecutmix.image.ImageException;
import io.attentivecutmix.image.PngWriter;
import io.attentivecutmix.image.RgbImage;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is read from odd places, and what is left on disk when something fails. */
class FilesTest {
    @TempDir
    Path folder;
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        err.getBuffer().setLength(0);
        return Main.run(new Console(new PrintWriter(new StringWriter()), new PrintWriter(err), false), args);
    }

    /** A mix of folder/in (or the images named) without extractor. */
    private int mix(String images, String out, String... more) {
        return run(Stream.concat(Stream.of("mix", "--images", folder.resolve(images).toString(), "--out",
                folder.resolve(out).toString(),
                "--mode", "random-cells"), Stream.of(more)).toArray(String[]::new));
    }

    private void image(String name, int height, int width) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        byte[] rgb = new byte[3 * height * width];
        for (int p = 0; p < rgb.length; p++) {
            rgb[p] = (byte) (p * 31 + name.hashCode());
        }
        PngWriter.write(file, ByteBuffer.wrap(rgb), 0, height, width);
    }

    private long files(String below) throws IOException {
        try (Stream<Path> all = Files.walk(folder.resolve(below))) {
            return all.filter(Files::isRegularFile).count();
        }
    }

    @Test
    void aListFileIsMixedLikeAFolder() throws IOException {
        image("in/cat/1.png", 20, 30);
        image("in/dog/1.png", 30, 20);
        image("elsewhere/dog/1.png", 25, 25);
        Files.writeString(folder.resolve("list.txt"), "in/cat/1.png\nin/dog/1.png\nelsewhere/dog/1.png\n");
        assertEquals(ExitStatus.OK, mix("list.txt", "out"), err.toString());
        assertTrue(Files.exists(folder.resolve("out/images/elsewhere/dog/1.png")));
        assertEquals(3, files("out/images"));
        assertEquals(ExitStatus.OK, run("replay", "--from", folder.resolve("out").toString(), "--out",
                folder.resolve("again").toString()),
                err.toString());
        assertEquals(Files.readString(folder.resolve("out/labels.jsonl")),
                Files.readString(folder.resolve("again/labels.jsonl")));
    }

    @Test
    void whatIsNoImageIsRejectedAndNeverOpened() throws IOException {
        image("in/1.png", 20, 20);
        image("in/2.png", 20, 20);
        image("in/small.png", 6, 40);
        Files.createDirectories(folder.resolve("in/folder.png"));
        Files.writeString(folder.resolve("in/text.png"), "text");
        Files.write(folder.resolve("in/empty.jpg"), new byte[0]);
        Files.createSymbolicLink(folder.resolve("in/gone.png"), folder.resolve("nothing"));
        Assumptions.assumeTrue(Files.exists(Path.of("/dev/zero")), "needs /dev/zero");
        Files.createSymbolicLink(folder.resolve("in/zero.png"), Path.of("/dev/zero"));
        assertEquals(ExitStatus.REJECTED, mix("in", "out"), err.toString());
        Files.delete(folder.resolve("in/zero.png")); // JUnit warns of links that lead out of its folder
        String rejected = Files.readString(folder.resolve("out/rejected.jsonl"));
        for (String name : List.of("small.png", "text.png", "empty.jpg", "gone.png", "zero.png")) {
            assertTrue(rejected.contains(name), name + " is not in " + rejected);
        }
        assertTrue(rejected.contains("6x40"), rejected);
        assertEquals(2, files("out/images"));
    }

    @Test
    void theOnlyUsableImageOfABatchHasNoPartner() throws IOException {
        image("in/1.png", 20, 20);
        Files.writeString(folder.resolve("in/2.png"), "text");
        assertEquals(ExitStatus.REJECTED, mix("in", "out"), err.toString());
        assertTrue(Files.readString(folder.resolve("out/rejected.jsonl")).contains("no partner"));
        assertEquals("", Files.readString(folder.resolve("out/labels.jsonl")));
    }

    @Test
    void aWriteThatFailsEndsTheRunAndLeavesNoPart() throws IOException {
        image("in/a/1.png", 20, 20);
        image("in/b/2.png", 20, 20);
        Files.createDirectories(folder.resolve("out/images"));
        Files.writeString(folder.resolve("out/images/a"), "a file where a folder must be");
        assertEquals(ExitStatus.FAILED, mix("in", "out", "--force"), err.toString());
        try (Stream<Path> all = Files.walk(folder.resolve("out"))) {
            assertTrue(all.noneMatch(p -> p.toString().endsWith(".tmp") || p.toString().endsWith(".partial")));
        }
        assertTrue(Files.readString(folder.resolve("out/run.json")).contains("\"end\" : \"failed\""));
        assertEquals("", Files.readString(folder.resolve("out/labels.jsonl")), "no line names what is not there");
        assertThrows(IOException.class, () -> AtomicFile.write(folder.resolve("x"), false, (OutputStream out) -> {
            out.write(new byte[100]);
            throw new IOException("full");
        }));
        assertFalse(Files.exists(folder.resolve("x")));
        try (Stream<Path> all = Files.list(folder)) {
            assertTrue(all.noneMatch(p -> p.toString().endsWith(".tmp")));
        }
    }

    @Test
    void aForcedRunLeavesNothingThatAnEarlierOneSaid() throws IOException {
        image("in/a/1.png", 20, 20);
        image("in/b/2.png", 20, 20);
        assertEquals(ExitStatus.OK, mix("in", "out", "--contact-sheet"), err.toString());
        assertTrue(Files.exists(folder.resolve("out/contact-sheet.png")));
        assertEquals(ExitStatus.USAGE, mix("in", "out"));
        assertEquals(ExitStatus.OK, mix("in", "out", "--force"), err.toString());
        assertFalse(Files.exists(folder.resolve("out/contact-sheet.png")));
    }

    @Test
    void aReplayNeverWritesIntoTheRunItReads() throws IOException {
        image("in/1.png", 20, 20);
        image("in/2.png", 20, 20);
        assertEquals(ExitStatus.OK, mix("in", "out"), err.toString());
        Files.createSymbolicLink(folder.resolve("link"), folder.resolve("out"));
        String records = Files.readString(folder.resolve("out/records.jsonl"));
        for (String out : List.of("out", "link")) {
            assertEquals(ExitStatus.USAGE, run("replay", "--from", folder.resolve("out").toString(), "--out",
                    folder.resolve(out).toString(), "--force"));
        }
        assertEquals(records, Files.readString(folder.resolve("out/records.jsonl")));
        assertEquals(ExitStatus.USAGE, run("replay", "--from", folder.resolve("nothing").toString(), "--out",
                folder.resolve("new").toString()));
    }

    @Test
    void outputAndInputStayApart() throws IOException {
        image("in/1.png", 20, 20);
        image("in/2.png", 20, 20);
        assertEquals(ExitStatus.USAGE, mix("in", "in", "--force"));
        assertEquals(ExitStatus.USAGE, mix("in", "in/out"));
        Files.createSymbolicLink(folder.resolve("link"), folder.resolve("in"));
        assertEquals(ExitStatus.USAGE, mix("in", "link/out"), "through a link");
        Files.createDirectories(folder.resolve("run"));
        Files.move(folder.resolve("in"), folder.resolve("run/images"));
        assertEquals(ExitStatus.USAGE, mix("run/images", "run", "--force"), "mixed images would replace their sources");
        Files.writeString(folder.resolve("file"), "x");
        assertEquals(ExitStatus.USAGE, mix("run/images", "file"));
        assertEquals(ExitStatus.USAGE, run("demo", "--out", folder.resolve("run").toString()),
                "a folder that no demo wrote");
    }

    @Test
    void aRecordFromElsewhereCannotLeaveItsFolders() throws IOException {
        image("in/1.png", 20, 20);
        image("in/2.png", 20, 20);
        assertEquals(ExitStatus.OK, mix("in", "out"), err.toString());
        String record = Files.readString(folder.resolve("out/records.jsonl"));
        for (String bad : List.of(record.replace("\"outputs\":[\"", "\"outputs\":[\"../../"),
                record.replace("\"outputs\":[\"", "\"outputs\":[\"/"),
                record.replace("\"images\":[\"", "\"images\":[\"../"), record.replace("\"partner\":1", "\"partner\":2"),
                record.substring(0, record.length() / 2), "[]", record.replace("\"crc32c\":[", "\"crc32c\":[1,"))) {
            Files.writeString(folder.resolve("out/records.jsonl"), bad);
            assertEquals(ExitStatus.FAILED, run("replay", "--from", folder.resolve("out").toString(), "--out",
                    folder.resolve("again").toString(), "--force"), bad);
            assertTrue(err.toString().contains("records.jsonl: line 1"), err.toString());
            assertFalse(Files.exists(folder.resolve("again/images")));
        }
    }

    @Test
    void paletteMasksGiveTheirPlacesInThePalette() throws IOException {
        byte[] r = new byte[256];
        byte[] g = new byte[256];
        byte[] b = new byte[256];
        for (int c = 0; c < 256; c++) {
            r[c] = (byte) (255 - c);
            g[c] = (byte) (c * 7);
            b[c] = (byte) (c % 3);
        }
        BufferedImage mask = new BufferedImage(16, 16, BufferedImage.TYPE_BYTE_INDEXED,
                new IndexColorModel(8, 256, r, g, b));
        for (int p = 0; p < 256; p++) {
            mask.getRaster().setSample(p % 16, p / 16, 0, p);
        }
        Files.createDirectories(folder.resolve("masks"));
        javax.imageio.ImageIO.write(mask, "png", folder.resolve("masks/x.png").toFile());
        MaskFolder masks = new MaskFolder(folder.resolve("masks"), ImageDecoder.jdk());
        Item item = new Item("x.jpg", folder.resolve("x.jpg"), "x.png", -1);
        ByteBuffer values = masks.read(item, new RgbImage(16, 16, new byte[768]));
        for (int p = 0; p < 256; p++) {
            assertEquals((byte) p, values.get(p), "pixel " + p);
        }
        assertThrows(ImageException.class, () -> masks.read(item, new RgbImage(16, 15, new byte[720])));
        try (OutputStream out = Files.newOutputStream(folder.resolve("masks/x.png"))) {
            MaskFolder.write(out, values, 16, 16);
        }
        ByteBuffer again = masks.read(item, new RgbImage(16, 16, new byte[768]));
        assertEquals(values, again);
        PngWriter.write(folder.resolve("masks/x.png"), ByteBuffer.allocate(768), 0, 16, 16);
        assertThrows(ImageException.class, () -> masks.read(item, new RgbImage(16, 16, new byte[768])),
                "RGB has no classes");
        Arrays.fill(r, (byte) 0);
        Arrays.fill(g, (byte) 0);
        BufferedImage twice = new BufferedImage(16, 16, BufferedImage.TYPE_BYTE_INDEXED,
                new IndexColorModel(8, 256, r, g, b));
        javax.imageio.ImageIO.write(twice, "png", folder.resolve("masks/x.png").toFile());
        assertThrows(ImageException.class, () -> masks.read(item, new RgbImage(16, 16, new byte[768])),
                "one colour for many classes");
    }

    @Test
    void aTurkishLocaleChangesNothing() throws IOException {
        image("in/1.png", 20, 20);
        image("in/2.png", 24, 20);
        image("in/3.png", 20, 28);
        assertEquals(ExitStatus.OK, mix("in", "out", "--probability", "0.5"), err.toString());
        Locale before = Locale.getDefault();
        try {
            Locale.setDefault(new Locale.Builder().setLanguage("tr").setRegion("TR").build());
            assertEquals(ExitStatus.OK, mix("in", "turkish", "--probability", "0.5", "--filter", "BICUBIC",
                    "--label-weight", "pixels"),
                    err.toString());
        } finally {
            Locale.setDefault(before);
        }
        assertArrayEquals(Files.readAllBytes(folder.resolve("out/labels.jsonl")),
                Files.readAllBytes(folder.resolve("turkish/labels.jsonl")));
    }
}
