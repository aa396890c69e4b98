package io.attentivecutmix.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Odd things under a weights file's name, and files that change while they are read; pipes are in WeightsTest. */
@DisabledOnOs(OS.WINDOWS)
@Timeout(30)
class WeightsPathsTest {
    private static final String HEADER = "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";

    @TempDir
    Path folder;

    private static String refused(Path file) {
        WeightsException e = assertThrows(WeightsException.class, () -> Weights.load(file));
        assertEquals(file.toString(), e.file());
        return e.getMessage();
    }

    @Test
    void linksDevicesAndWhatIsNoFile() throws IOException {
        Path link = Files.createSymbolicLink(folder.resolve("link"), folder);
        assertTrue(refused(link).contains("link: file: is not a regular file"), refused(link));
        Path a = folder.resolve("a");
        Path b = Files.createSymbolicLink(folder.resolve("b"), a);
        Files.createSymbolicLink(a, b);
        assertTrue(refused(a).contains("a: file: cannot be read"), refused(a));
        assertTrue(refused(Path.of("/dev/null")).contains("not a regular file"));
        Path file = Files.write(folder.resolve("file"), BadSafetensors.file(HEADER, 8));
        assertTrue(refused(file.resolve("inside")).contains("file: cannot be read")
                || refused(file.resolve("inside")).contains("does not exist"), refused(file.resolve("inside")));
        Path long255 = folder.resolve("x".repeat(256));
        assertTrue(refused(long255).contains("File name too long"), refused(long255));
        // through a link to a file it is read: what is refused is in it
        Path toFile = Files.createSymbolicLink(folder.resolve("to-file"), file);
        assertTrue(refused(toFile).contains("to-file: conv1.weight: is missing"), refused(toFile));
    }

    @Test
    void namesThatWouldSteerATerminal() throws IOException {
        Path file = Files.write(folder.resolve("a\n\u001b[31mred\u202e.pth"), new byte[3]);
        String message = refused(file);
        assertTrue(message.contains("a\\u000a\\u001b[31mred\\u202e.pth: file: is of no known kind"), message);
    }

    /** Sparse, so that they take no room: nothing may be counted in 32 bits, nothing read that is not needed. */
    @Test
    void filesOfMoreThanTwoGibibytes() throws IOException {
        Path file = folder.resolve("huge");
        for (long size : new long[] {(1L << 31) - 1, 1L << 31, (1L << 31) + 1, 1L << 32, (1L << 32) + 9, 1L << 40}) {
            try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
                out.setLength(0);
                out.write(BadSafetensors.file(HEADER, 8));
                out.setLength(size);
            } catch (IOException e) {
                assumeTrue(false, "no sparse files here: " + e);
            }
            assertTrue(refused(file).contains("has " + (size - 8 - HEADER.length()) + " bytes of data"),
                    refused(file));
            try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
                out.write(TorchFile.of(TorchFile.good()).bytes());
            }
            assertTrue(refused(file).contains("end record: is not where the file ends"), refused(file));
            try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
                out.write(new byte[600]);
            }
            assertTrue(refused(file).contains("is of no known kind"), refused(file));
        }
    }

    /** A sound archive at the end of 4 GiB of nothing is one with bytes before it. */
    @Test
    void archiveBeyondFourGibibytes() throws IOException {
        Path file = folder.resolve("huge");
        byte[] good = TorchFile.of(TorchFile.good()).bytes();
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            out.write(good, 0, 4);
            out.seek(1L << 32);
            out.write(good);
        } catch (IOException e) {
            assumeTrue(false, "no sparse files here: " + e);
        }
        assertTrue(refused(file).contains("huge: central directory: "), refused(file));
    }

    /** Cut at every length between the verdict on its structure and the reading of its data. */
    @Test
    void safetensorsCutWhileItIsRead() throws IOException {
        byte[] whole = BadSafetensors.file(HEADER, 8);
        Path file = folder.resolve("cut");
        for (int length = 0; length < whole.length; length++) {
            Files.write(file, whole);
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                SafetensorsReader reader = new SafetensorsReader(channel, "cut");
                channel.truncate(length);
                WeightsException e = assertThrows(WeightsException.class, reader::loadAll, "cut to " + length);
                assertTrue(e.getMessage().contains("cut: file: it became shorter"), e.getMessage());
            }
            MemoryChannel claims = new MemoryChannel(Arrays.copyOf(whole, length), whole.length, 5);
            WeightsException e = assertThrows(WeightsException.class, () -> SafetensorsReader.read(claims, "cut"));
            assertTrue(e.getMessage().contains("became shorter"), e.getMessage());
        }
    }

    /** What the file system reports is neither the file's fault nor swallowed by the parser. */
    @Test
    void errorsOfTheFileSystemComeThrough() {
        byte[] whole = BadSafetensors.file(HEADER, 8);
        for (int good = 0; good <= 2; good++) {
            int[] left = {good};
            IOException broken = new IOException("Stale file handle");
            MemoryChannel channel = new MemoryChannel(whole) {
                @Override
                public int read(ByteBuffer to, long position) throws IOException {
                    if (left[0]-- == 0) {
                        throw broken;
                    }
                    return super.read(to, position);
                }
            };
            assertSame(broken, assertThrows(IOException.class, () -> SafetensorsReader.read(channel, "stale")));
        }
    }

    @Test
    void archiveCutWhileItIsRead() throws IOException {
        byte[] whole = TorchFile.of(TorchFile.good()).bytes();
        Path file = folder.resolve("cut");
        int data = new String(whole, StandardCharsets.ISO_8859_1).indexOf("a/data/0");
        for (int length = 0; length < data; length += 7) {
            Files.write(file, whole);
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                TorchReader reader = new TorchReader(channel, "cut");
                channel.truncate(length);
                WeightsException e = assertThrows(WeightsException.class, reader::loadAll, "cut to " + length);
                assertTrue(e.getMessage().contains("became shorter"), e.getMessage());
            }
        }
    }

    /** Rewritten after the verdict: the checksum sees it, and no length is taken from the new text. */
    @Test
    void archiveChangedWhileItIsRead() throws IOException {
        byte[] whole = TorchFile.of(TorchFile.good()).bytes();
        Path file = Files.write(folder.resolve("changed"), whole);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            TorchReader reader = new TorchReader(channel, "changed");
            byte[] ones = new byte[whole.length];
            Arrays.fill(ones, (byte) -1);
            channel.write(ByteBuffer.wrap(ones), 0);
            WeightsException e = assertThrows(WeightsException.class, () -> reader.load(Set.of("w")));
            assertTrue(e.getMessage().contains("CRC"), e.getMessage());
        }
    }
}
