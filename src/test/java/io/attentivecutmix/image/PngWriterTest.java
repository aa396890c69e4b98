package io.attentivecutmix.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PngWriterTest {
    private static byte[] encode(ByteBuffer rgb, int offset, int h, int w) throws IOException {
        var out = new ByteArrayOutputStream();
        PngWriter.write(out, rgb, offset, h, w);
        return out.toByteArray();
    }

    /** Our own reader (which checks every checksum) and the JDK's give back what was written. */
    @Test
    void whatIsWrittenIsReadBack() throws IOException {
        Random random = new Random(3);
        for (int[] size : new int[][] {{1, 1}, {1, 500}, {400, 1}, {37, 45}, {211, 307}}) {
            for (int kind = 0; kind < 3; kind++) {
                int h = size[0];
                int w = size[1];
                byte[] pixels = new byte[h * w * 3 + 5];
                random.nextBytes(pixels);
                for (int i = 0; kind < 2 && i < pixels.length; i++) {
                    pixels[i] = (byte) (kind == 0 ? i / 3 % w + i % 3 * 40 + i / (3 * w) : 200);
                }
                ByteBuffer direct = ByteBuffer.allocateDirect(pixels.length);
                direct.put(0, pixels);
                byte[] file = encode(direct, 5, h, w);
                byte[] expected = java.util.Arrays.copyOfRange(pixels, 5, pixels.length);
                String name = h + "x" + w + ", kind " + kind + " of seed 3";
                assertArrayEquals(expected, ImageDecoder.jdk().decode(file, name).rgb(), name);
                var stream = new MemoryCacheImageInputStream(new ByteArrayInputStream(file));
                var readers = ImageIO.getImageReadersByFormatName("png");
                var reader = readers.next();
                reader.setInput(stream);
                assertArrayEquals(expected, RgbImage.of(reader.read(0)).rgb(), name + " by the JDK");
                reader.dispose();
            }
        }
    }

    @Test
    void aFileIsReplacedAndNothingElseIsLeft(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("a.png");
        Files.writeString(file, "old");
        ByteBuffer rgb = ByteBuffer.allocate(4 * 3 * 3);
        PngWriter.write(file, rgb, 0, 4, 3);
        assertArrayEquals(encode(rgb, 0, 4, 3), Files.readAllBytes(file));
        try (var names = Files.list(folder)) {
            assertEquals(List.of(file), names.toList());
        }
    }

    @Test
    void aFailureLeavesNothing(@TempDir Path folder) throws IOException {
        // The target is a folder that is not empty: the move fails after the temporary file was written.
        Path target = Files.createDirectory(folder.resolve("a.png"));
        Files.writeString(target.resolve("x"), "x");
        assertThrows(IOException.class, () -> PngWriter.write(target, ByteBuffer.allocate(3), 0, 1, 1));
        try (var names = Files.list(folder)) {
            assertEquals(List.of(target), names.toList());
        }
        assertThrows(IllegalArgumentException.class,
                () -> PngWriter.write(folder.resolve("b.png"), ByteBuffer.allocate(3), 0, 1, 2));
        assertThrows(IllegalArgumentException.class,
                () -> PngWriter.write(folder.resolve("b.png"), ByteBuffer.allocate(3), 0, 65536, 65536));
    }
}
