package io.attentivecutmix.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against what Pillow made of the same files, and against files that lie, are cut or damaged. */
class ImageDecoderTest {
    private static final ImageDecoder JDK = ImageDecoder.jdk();

    private static List<ImageDecoder> decoders() {
        List<ImageDecoder> all = new ArrayList<>(List.of(JDK));
        ImageDecoder.openCv().ifPresent(all::add);
        return all;
    }

    private static ImageDecoder openCv() {
        assumeTrue(ImageDecoder.openCv().isPresent(),
                () -> "skipped: " + ImageDecoder.openCvUnavailableReason().orElseThrow());
        return ImageDecoder.openCv().orElseThrow();
    }

    private static void assertExact(ImageDecoder decoder, GoldenFiles golden) {
        RgbImage image = decoder.decode(golden.bytes(), golden.file());
        String name = golden.file() + " by " + decoder.description();
        assertEquals(golden.height() + "x" + golden.width(), image.height() + "x" + image.width(), name);
        assertEquals(golden.sha256(), GoldenFiles.sha256(image.rgb()), name);
    }

    @ParameterizedTest
    @CsvSource({"bmp, 32", "gif, 19", "png, 84", "webp, 14"})
    void losslessFilesEqualPillow(String format, int files) throws IOException {
        int count = 0;
        for (GoldenFiles golden : GoldenFiles.all()) {
            if (golden.kind().equals("exact") && golden.file().startsWith(format)) {
                for (ImageDecoder decoder : decoders()) {
                    assertExact(decoder, golden);
                }
                count++;
            }
        }
        assertEquals(files, count, format);
    }

    @Test
    @Tag("slow")
    void everyFileEqualsPillowWithOpenCv() throws IOException {
        ImageDecoder decoder = openCv();
        for (GoldenFiles golden : GoldenFiles.all()) {
            if (!golden.file().startsWith("jpeg-cmyk") && !golden.file().startsWith("jpeg-ycck")) {
                assertExact(decoder, golden);
            }
        }
    }

    /**
     * Measured: equal throughout on Debian's OpenJDK 17 (libjpeg-turbo 2.1.5) and on Temurin 25 (libjpeg 6b), but for
     * chroma halved in height alone, where 6b repeats rows and turbo blends them (max 48, mean 4.1 on a picture made of
     * edges). Another inverse DCT and colour conversion may each be one off, hence 3.
     */
    @Test
    void jpegIsNearPillowWithTheJdk() throws IOException {
        int count = 0;
        for (GoldenFiles golden : GoldenFiles.all()) {
            if (golden.kind().equals("jpeg")) {
                RgbImage image = JDK.decode(golden.bytes(), golden.file());
                assertEquals(golden.height() + "x" + golden.width(), image.height() + "x" + image.width());
                var difference = GoldenFiles.Difference.of(image.rgb(), golden.rgb());
                boolean halved = golden.file().equals("jpeg-440.jpg");
                assertTrue(difference.max() <= (halved ? 64 : 3) && difference.mean() <= (halved ? 6 : 0.5),
                        golden.file() + ": " + difference);
                count++;
            }
        }
        assertTrue(count > 45, count + " files");
    }

    /**
     * The pure Java reader repeats chroma where libwebp blends it: measured max 75, mean 8.5 on pictures made of edges,
     * max 16 to 55, mean 1.4 to 1.6 on photographs at quality 90. The bounds tell that from a wrong channel or plane.
     */
    @Test
    void lossyWebpIsNearPillowWithTwelveMonkeys() throws IOException {
        for (GoldenFiles golden : GoldenFiles.all()) {
            if (golden.kind().equals("webp")) {
                RgbImage image = JDK.decode(golden.bytes(), golden.file());
                var difference = GoldenFiles.Difference.of(image.rgb(), golden.rgb());
                assertTrue(difference.max() <= 90 && difference.mean() <= 10, golden.file() + ": " + difference);
            }
        }
    }

    /** Decoded and resized photographs, when they lie beside the checkout. */
    @Test
    @Tag("slow")
    void photographsEqualPillow() throws IOException {
        Path folder = Path.of("..", "shared", "data", "photos");
        assumeTrue(Files.isDirectory(folder), () -> "skipped: no folder " + folder + " beside the checkout");
        String list;
        try (var in = getClass().getResourceAsStream("/golden/image/photos.txt")) {
            list = new String(in.readAllBytes());
        }
        ImageDecoder decoder = ImageDecoder.best();
        for (String line : list.split("\n")) {
            String[] golden = line.split(" ");
            RgbImage image = decoder.read(folder.resolve(golden[0]));
            ByteBuffer small = ByteBuffer.allocate(224 * 224 * 3);
            new Resizer(ResizeFilter.BICUBIC).resize(ByteBuffer.wrap(image.rgb()), 0, image.height(), image.width(),
                    small, 0, 224, 224);
            assertEquals(golden[3], GoldenFiles.sha256(image.rgb()), golden[0] + " by " + decoder.description());
            assertEquals(golden[4], GoldenFiles.sha256(small.array()), golden[0] + " resized");
        }
    }

    /** A cut file is refused, or (cut behind its last pixel, where Pillow does not look either) complete. */
    @Test
    @Tag("slow")
    void everyPrefixIsRefusedOrEqual() throws IOException {
        int refused = 0;
        for (GoldenFiles golden : GoldenFiles.all()) {
            byte[] file = golden.bytes();
            if (file.length > 20_000) {
                continue;
            }
            int step = file.length < 700 ? 1 : 41;
            for (ImageDecoder decoder : decoders()) {
                byte[] whole = decoder.decode(file, golden.file()).rgb();
                for (int length = 0; length < file.length; length += step) {
                    byte[] cut = java.util.Arrays.copyOf(file, length);
                    try {
                        assertArrayEquals(whole, decoder.decode(cut, golden.file()).rgb(),
                                golden.file() + " cut to " + length + " of " + file.length);
                    } catch (ImageException e) {
                        refused++;
                    }
                }
            }
        }
        assertTrue(refused > 20_000, refused + " refused");
    }

    /** Damaged files: an ImageException or some picture, nothing else. Tight limits keep the heap small. */
    @Test
    @Tag("slow")
    void damagedFilesGiveNothingButImageExceptions() throws IOException {
        long seed = 20;
        Random random = new Random(seed);
        ImageLimits limits = new ImageLimits(1 << 20, 4096, 1 << 20);
        List<ImageDecoder> decoders = new ArrayList<>(List.of(ImageDecoder.jdk(limits)));
        ImageDecoder.openCv(limits).ifPresent(decoders::add);
        List<GoldenFiles> small = GoldenFiles.all().stream().filter(g -> g.bytes().length < 8000).toList();
        int refused = 0;
        for (int trial = 0; trial < 6000; trial++) {
            GoldenFiles golden = small.get(random.nextInt(small.size()));
            byte[] file = golden.bytes();
            // Most damage to the header, where the decisions are.
            int reach = random.nextBoolean() ? Math.min(file.length, 64) : file.length;
            for (int change = 1 + random.nextInt(4); change > 0; change--) {
                int at = random.nextInt(reach);
                file[at] = switch (random.nextInt(4)) {
                    case 0 -> (byte) 0xff;
                    case 1 -> 0;
                    case 2 -> (byte) (file[at] ^ 1 << random.nextInt(8));
                    default -> (byte) random.nextInt();
                };
            }
            if (golden.file().startsWith("png")) {
                repairChecksums(file);
            }
            // Native libjpeg prints what it finds damaged: a few such files are enough.
            boolean quiet = golden.file().startsWith("jpeg") && trial >= 500;
            ImageDecoder decoder = decoders.get(quiet ? 0 : trial % decoders.size());
            try {
                RgbImage image = decoder.decode(file, golden.file());
                assertTrue(image.height() * image.width() <= 1 << 20);
            } catch (ImageException e) {
                refused++;
            } catch (Throwable e) {
                throw new AssertionError("trial " + trial + " of seed " + seed + ", " + golden.file() + " by "
                        + decoder.description(), e);
            }
        }
        assertTrue(refused > 1000 && refused < 5900, refused + " of 6000 refused");
    }

    /** Makes the checksums right again, so that damage reaches the code behind them. */
    private static void repairChecksums(byte[] png) {
        ByteBuffer bytes = ByteBuffer.wrap(png);
        for (int at = 8; at + 12 <= png.length;) {
            int length = bytes.getInt(at);
            if (length < 0 || length > png.length - at - 12) {
                return;
            }
            var crc = new java.util.zip.CRC32();
            crc.update(png, at + 4, length + 4);
            bytes.putInt(at + 8 + length, (int) crc.getValue());
            at += 12 + length;
        }
    }

    @Test
    void damageInTheImageDataOfAJpegIsRefusedByTheJdkDecoder() throws IOException {
        byte[] file = golden("jpeg-444.jpg").bytes();
        int scan = 2;
        while ((file[scan + 1] & 0xff) != 0xda) {
            scan += 2 + ByteBuffer.wrap(file).getShort(scan + 2);
        }
        int from = scan + 14 + (file.length - scan) / 3;
        byte[] hole = new byte[file.length - 400];
        System.arraycopy(file, 0, hole, 0, from);
        System.arraycopy(file, from + 400, hole, from, hole.length - from);
        var error = assertThrows(ImageException.class, () -> JDK.decode(hole, "hole.jpg"));
        assertEquals("hole.jpg", error.file());
        assertEquals("JPEG", error.place());
    }

    private static byte[] greys(int count) {
        ByteBuffer palette = ByteBuffer.allocate(count * 4);
        for (int i = 0; i < count; i++) {
            palette.put(new byte[] {(byte) i, (byte) i, (byte) i, 0});
        }
        return palette.array();
    }

    private static void assertGrey(int[] expected, byte[] file) {
        byte[] rgb = JDK.decode(file, "grey").rgb();
        int[] grey = new int[rgb.length / 3];
        for (int i = 0; i < grey.length; i++) {
            grey[i] = rgb[3 * i + 1];
        }
        assertArrayEquals(expected, grey);
    }

    /** Pairs, plain pixels and their padding, ends of rows, runs longer than the row, and jumps; rows from the top. */
    @Test
    void runLengthCodesOfBmp() {
        byte[] eight = ImageBytes.bytes(2, 7, 0, 0, 0, 3, 1, 2, 3, 0, 9, 8, 3, 9, 0, 0, 0, 2, 2, 1, 9, 6);
        assertGrey(new int[] {7, 7, 0, 0, 0, 1, 2, 3, 8, 8, 0, 0, 0, 0, 0, 0, 0, 6, 6, 6},
                ImageBytes.bmp(5, -4, 8, 1, 0, 1078, ImageBytes.concat(greys(256), eight)));
        // The plain pixels go past the last row, and the file ends with them.
        byte[] four = ImageBytes.bytes(0, 5, 0x12, 0x34, 0x50, 0, 0, 0, 0, 7, 0x67, 0x89, 0xa0);
        assertGrey(new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
                ImageBytes.bmp(5, -2, 4, 2, 0, 118, ImageBytes.concat(greys(16), four)));
    }

    /** A start that is zero, or that names the palette, is the first byte behind header, masks and palette. */
    @Test
    void startOfThePixelsOfBmp() {
        byte[] indexed = ImageBytes.concat(greys(4), ImageBytes.bytes(3, 0, 0, 0));
        for (int start : new int[] {0, 54, 70}) {
            assertGrey(new int[] {3}, ImageBytes.bmp(1, 1, 8, 0, 4, start, indexed));
        }
        byte[] direct = ImageBytes.bytes(1, 2, 3, 0);
        byte[] masked = ImageBytes.concat(ImageBytes.le32(0xff0000), ImageBytes.le32(0xff00), ImageBytes.le32(0xff),
                direct);
        for (boolean masks : new boolean[] {false, true}) {
            byte[] file = ImageBytes.bmp(1, 1, 32, masks ? 3 : 0, 0, 0, masks ? masked : direct);
            assertArrayEquals(new byte[] {3, 2, 1}, JDK.decode(file, "direct.bmp").rgb(), "masks " + masks);
        }
        assertGrey(new int[] {5}, ImageBytes.bmp(1, 1, 8, 0, 65536, 0,
                ImageBytes.concat(greys(65536), ImageBytes.bytes(5, 0, 0, 0))));
    }

    /** OS/2, 1 bit, its pixel in the unused plane count: the palette's last colour is the last of the file. */
    @Test
    void paletteOfBmpEndsTheFile() {
        byte[] header = ImageBytes.bytes(12, 0, 0, 0, 1, 0, 1, 0, 0x80, 0, 1, 0);
        assertArrayEquals(new byte[] {6, 5, 4}, JDK.decode(ImageBytes.bmpFile(22, header,
                ImageBytes.bytes(1, 2, 3, 4, 5, 6)), "os2.bmp").rgb());
    }

    /** A string past the last pixel; beside the frame the transparent index's colour. Green of i is 18 + 33 i. */
    @Test
    void lastStringAndGroundOfGif() {
        byte[] control = ImageBytes.bytes('!', 0xf9, 4, 1, 0, 0, 3, 0);
        byte[] two = ImageBytes.concat(ImageBytes.gifScreen(1, 2, 2), control, ImageBytes.gifFrame(0, 0, 1, 2, 0),
                ImageBytes.gifData(2, ImageBytes.packCodes(3, 4, 1, 6, 5)), ImageBytes.bytes(';'));
        assertGrey(new int[] {51, 51}, two);
        for (int height : new int[] {1, 2}) {
            assertGrey(new int[] {51, 117}, ImageBytes.concat(ImageBytes.gifScreen(height, 3 - height, 2), control,
                    ImageBytes.gifFrame(0, 0, 1, 1, 0), ImageBytes.gifData(2, ImageBytes.packCodes(3, 4, 1, 5)),
                    ImageBytes.bytes(';')));
        }
    }

    private static GoldenFiles golden(String name) throws IOException {
        return GoldenFiles.all().stream().filter(g -> g.file().equals(name)).findFirst().orElseThrow();
    }

    @Test
    void messagesNameFilePlaceAndFault() {
        var error = assertThrows(ImageException.class, () -> JDK.decode(new byte[0], "a.jpg"));
        assertEquals("a.jpg: format: unknown first bytes of 0; allowed: JPEG, PNG, GIF, BMP, WebP", error.getMessage());
        error = assertThrows(ImageException.class, () -> JDK.decode("GIF89a".getBytes(), "b.gif"));
        assertEquals("b.gif: GIF: the file is cut: 6 bytes; needed: 2 from byte 6", error.getMessage());
        error = assertThrows(ImageException.class, () -> JDK.decode(new byte[] {'I', 'I', '*', 0, 0, 0}, "c.png"));
        assertTrue(error.getMessage().startsWith("c.png: format: "), error.getMessage());
    }

    @Test
    void readRefusesWhatIsNoFileOrTooLarge(@TempDir Path folder) throws IOException {
        assertTrue(assertThrows(ImageException.class, () -> JDK.read(folder)).getMessage()
                .endsWith(": file: not a regular file"));
        assertTrue(assertThrows(ImageException.class, () -> JDK.read(folder.resolve("none"))).getMessage()
                .endsWith(": file: not found"));
        Path file = Files.write(folder.resolve("x.png"), golden("png-2-8-11x13.png").bytes());
        assertEquals(13, JDK.read(file).width());
        ImageDecoder tight = ImageDecoder.jdk(new ImageLimits(1000, 1000, 100));
        var error = assertThrows(ImageException.class, () -> tight.read(file));
        assertEquals(file + ": file: " + Files.size(file) + " bytes; allowed: 100", error.getMessage());
        ImageDecoder few = ImageDecoder.jdk(new ImageLimits(142, 1000, 10000));
        error = assertThrows(ImageException.class, () -> few.read(file));
        assertEquals(file + ": PNG header: size is 11 by 13 pixels (height by width); allowed: sides to 1000, 142"
                + " pixels", error.getMessage());
    }

    /** With the library's classes alone: everything but WebP is read, and the message says what to add. */
    @Test
    @Tag("slow")
    void optionalDependenciesAreOptional() throws Exception {
        URL classes = ImageDecoder.class.getProtectionDomain().getCodeSource().getLocation();
        try (var alone = new URLClassLoader(new URL[] {classes}, ClassLoader.getPlatformClassLoader())) {
            Class<?> type = alone.loadClass(ImageDecoder.class.getName());
            Object decoder = type.getMethod("best").invoke(null);
            String description = (String) type.getMethod("description").invoke(decoder);
            assertTrue(description.startsWith("JDK "), description);
            Object reason = type.getMethod("openCvUnavailableReason").invoke(null);
            assertTrue(reason.toString().contains("org.bytedeco:opencv"), reason.toString());
            var decode = type.getMethod("decode", byte[].class, String.class);
            for (String name : List.of("jpeg-exif6.jpg", "jpeg-cmyk.jpg", "png-exif6.png", "gif-16.gif",
                    "bmp-rgb.bmp")) {
                decode.invoke(decoder, golden(name).bytes(), name);
            }
            byte[] webp = golden("webp-lossless.webp").bytes();
            var error = assertThrows(java.lang.reflect.InvocationTargetException.class,
                    () -> decode.invoke(decoder, webp, "x.webp"));
            assertEquals("x.webp: WebP: no decoder; add com.twelvemonkeys.imageio:imageio-webp, or org.bytedeco:opencv,"
                    + " to the class path", error.getCause().getMessage());
            assertInstanceOf(RuntimeException.class, error.getCause());
        }
    }
}
