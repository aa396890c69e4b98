package io.attentivecutmix.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files cut and changed at random: every one is read or refused by a WeightsException, and soon. */
class TorchFuzzTest {
    private static Map<String, RawTensor> read(byte[] file) throws IOException {
        return TorchReader.read(new MemoryChannel(file), "t.pth");
    }

    static byte[] golden(String name) throws IOException {
        try (InputStream in = TorchFuzzTest.class.getResourceAsStream("/golden/weights/" + name)) {
            return in.readAllBytes();
        }
    }

    /** @return whether it was read */
    private static boolean survives(byte[] file, String what) throws IOException {
        try {
            read(file).values().forEach(t -> assertEquals(t.data().limit(), t.elements() * t.type().bytes(), what));
            return true;
        } catch (WeightsException e) {
            assertTrue(e.getMessage().startsWith("t.pth: "), what + ": " + e.getMessage());
            return false;
        } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
            throw new AssertionError(what, e);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"plain.pth", "nested.pth", "types.pth"})
    void everyTruncationIsRefused(String name) throws IOException {
        byte[] whole = golden(name);
        for (int length = 0; length < whole.length; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThrows(WeightsException.class, () -> read(cut), "cut to " + cut.length + " bytes");
        }
    }

    /** The same with a sound archive around the cut stream. */
    @Test
    void everyTruncationOfTheStreamIsRefused() {
        byte[] whole = TorchFile.good();
        for (int length = 0; length < whole.length; length++) {
            byte[] cut = TorchFile.of(Arrays.copyOf(whole, length)).bytes();
            WeightsException e = assertThrows(WeightsException.class, () -> read(cut), "cut to " + length + " bytes");
            assertEquals("data.pkl", e.where());
        }
    }

    @Test
    void fileThatShrinksOrReadsInPieces() throws IOException {
        byte[] whole = golden("plain.pth");
        assertEquals(read(whole).keySet(), TorchReader.read(new MemoryChannel(whole, whole.length, 7), "t.pth")
                .keySet());
        WeightsException e = assertThrows(WeightsException.class,
                () -> TorchReader.read(new MemoryChannel(whole, whole.length + 40, 99), "t.pth"));
        assertTrue(e.getMessage().contains("became shorter"), e.getMessage());
    }

    @Test
    void tenThousandChangedFiles() throws IOException {
        byte[][] whole = {golden("nested.pth"), golden("plain.pth"), golden("views.pth"), golden("module.pth")};
        Random random = new Random(31);
        int refused = 0;
        for (int round = 0; round < 10_000; round++) {
            byte[] changed = changed(whole[round % whole.length], random);
            refused += survives(changed, "seed 31, round " + round) ? 0 : 1;
        }
        assertTrue(refused > 7_500, refused + " of 10000 refused");
    }

    /** With the archive rebuilt around the changed stream, so that CRCs do not hide the interpreter. */
    @Test
    void tenThousandChangedStreams() throws IOException {
        byte[] stream = TorchFile.good();
        Random random = new Random(32);
        int read = 0;
        for (int round = 0; round < 10_000; round++) {
            byte[] changed = changed(stream, random);
            changed[0] = (byte) 0x80;
            changed[Math.min(1, changed.length - 1)] = 2;
            read += survives(TorchFile.of(changed).bytes(), "seed 32, round " + round) ? 1 : 0;
        }
        assertTrue(read > 100, "only " + read + " of 10000 read: the changes are too coarse to reach far");
    }

    /** Bytes overwritten, removed, repeated or taken from elsewhere in the file. */
    static byte[] changed(byte[] whole, Random random) {
        byte[] bytes = whole.clone();
        for (int i = random.nextInt(3); i >= 0; i--) {
            int at = random.nextInt(bytes.length);
            switch (random.nextInt(8)) {
                case 0 -> {
                    int n = Math.min(1 + random.nextInt(8), bytes.length - at);
                    System.arraycopy(bytes, at + n, bytes, at, bytes.length - at - n);
                    bytes = Arrays.copyOf(bytes, Math.max(2, bytes.length - n));
                }
                case 1 -> {
                    int n = Math.min(1 + random.nextInt(64), bytes.length - at);
                    byte[] longer = Arrays.copyOf(bytes, bytes.length + n);
                    System.arraycopy(bytes, at, longer, at + n, bytes.length - at);
                    bytes = longer;
                }
                case 2 -> {
                    int n = Math.min(1 + random.nextInt(16), bytes.length - at);
                    System.arraycopy(bytes, random.nextInt(bytes.length - n + 1), bytes, at, n);
                }
                case 3 -> bytes[at] = new byte[] {0, 1, -1, 127, -128}[random.nextInt(5)];
                case 4 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                default -> bytes[at] = (byte) random.nextInt(256);
            }
        }
        return bytes;
    }
}
