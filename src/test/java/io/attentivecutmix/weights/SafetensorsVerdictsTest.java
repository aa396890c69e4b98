package io.attentivecutmix.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * About 1,400 files beside the verdict of the safetensors package: what it refuses we refuse, and what it accepts we
 * accept, but for the cases that {@link SafetensorsReader} lists.
 *
 * <p>With the system property {@code safetensors.verdicts} another file of verdicts is compared too;
 * weights_verdicts.py makes them.
 */
class SafetensorsVerdictsTest {
    /**
     * Why we refuse what the package accepts: duplicates, types without a use here, tensors as arrays, ranks, sides.
     */
    private static final Pattern STRICTER = Pattern.compile("Duplicate Object property|has dtype F4;"
            + "|has a shape of more than 8 numbers|has a dimension of [0-9]+; allowed|(a|t[0-9]): is no object");
    /** The package takes the last of two tensors of one name and looks at no other. */
    private static final Pattern TENSOR_TWICE = Pattern.compile("(?s)(\"t[0-9]\")\\s*:.*\\1\\s*:");

    private record Counts(int files, int accepted, int stricter) {}

    private static Counts compare(BufferedReader lines) throws IOException {
        int files = 0;
        int accepted = 0;
        int stricter = 0;
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            boolean sound = line.startsWith("accept ");
            byte[] file = Base64.getDecoder().decode(line.substring(7));
            String shown = new String(file, StandardCharsets.ISO_8859_1);
            files++;
            try {
                SafetensorsReader.read(new MemoryChannel(file), "f").values()
                        .forEach(t -> assertEquals(t.data().limit(), t.elements() * t.type().bytes(), shown));
                assertTrue(sound, "accepted, but the package refuses it: " + shown);
                accepted++;
            } catch (WeightsException e) {
                assertTrue(e.getMessage().startsWith("f: "), e.getMessage());
                if (sound) {
                    assertTrue(STRICTER.matcher(e.getMessage()).find() || TENSOR_TWICE.matcher(shown).find(),
                            e.getMessage() + ", but the package accepts it: " + shown);
                    stricter++;
                }
            } catch (RuntimeException e) {
                throw new AssertionError(shown, e);
            }
        }
        return new Counts(files, accepted, stricter);
    }

    @Test
    void agreesWithThePackage() throws IOException {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(
                SafetensorsVerdictsTest.class.getResourceAsStream("/golden/weights/safetensors_verdicts.txt"),
                StandardCharsets.US_ASCII))) {
            Counts counts = compare(lines);
            assertTrue(counts.files > 1400 && counts.accepted > 160 && counts.stricter >= 5, counts.toString());
        }
    }

    @Test
    void agreesWithThePackageOnMoreFilesIfAsked() throws IOException {
        String more = System.getProperty("safetensors.verdicts", "");
        if (!more.isEmpty()) {
            try (BufferedReader lines = Files.newBufferedReader(Path.of(more))) {
                assertTrue(compare(lines).accepted > 0, more + " has no sound file");
            }
        }
    }
}
