package io.attentivecutmix.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

/**
 * Files beside the verdict of the safetensors package: what it refuses we refuse, and what it accepts we accept with
 * the same tensors, but for what a {@link Decision} says.
 *
 * <p>With the system property {@code safetensors.verdicts} a file of safetensors_differential.py is compared too, and
 * a table of the differences printed.
 */
class SafetensorsVerdictsTest {
    /** Why we refuse what the package accepts. There is no reason to accept what it refuses. */
    private enum Decision {
        KEY_TWICE("a name twice, in the header or its metadata: readers could take either",
                "is there twice|has the key \".*\" twice"),
        TENSOR_TWICE("the same, where an earlier fault in the first of the two is found", ""),
        TYPE("a type that no network here has a use for",
                "has dtype (F4|F6_E[23]M[23]|F8_\\w+|[UI]16|U32|U64|C64);"),
        ARRAY("a tensor written as an array: the package's parser allows it, the format does not", "is no object"),
        RANK("more than 8 dimensions", "has a shape of more than 8 numbers"),
        DIMENSION("a dimension above 2^31−1, beside one of 0", "has a dimension of [0-9]+; allowed"),
        NUMBER("a dimension of more than 18 digits, beside one of 0", "has a shape with [0-9]+; allowed"),
        DEPTH("more than 64 levels in a field that the format does not know", "nesting depth \\(65\\) exceeds"),
        LIMIT("more tensors, keys, values or characters than SafetensorsReader's Javadoc allows",
                "has more than [0-9]+ (tensors|keys)|more than 100000 values|(Name|String value|Number value) length"
                        + " \\([0-9]+\\) exceeds|its length is [0-9]{8}; allowed");

        private final String reason;
        private final Pattern message;

        Decision(String reason, String message) {
            this.reason = reason;
            this.message = Pattern.compile(message);
        }

        static Decision of(String message, boolean tensorTwice) {
            return Arrays.stream(values())
                    .filter(d -> d == TENSOR_TWICE ? tensorTwice : d.message.matcher(message).find())
                    .findFirst().orElse(null);
        }
    }

    /** In the golden file, whose verdicts do not say it. */
    private static final Pattern TENSOR_TWICE = Pattern.compile("(?s)(\"t[0-9]\")\\s*:.*\\1\\s*:");

    /**
     * @param refused by both, by the package's reason
     * @param stricter accepted by the package only
     */
    private record Counts(int files, int accepted, Map<String, Integer> refused, Map<Decision, Integer> stricter) {
        private String table() {
            return String.format("%d files: %d accepted by both with the same tensors; %d refused by both; %d refused"
                    + " only here, 0 only by the package%n", files, accepted,
                    refused.values().stream().mapToInt(n -> n).sum(), stricter.values().stream().mapToInt(n -> n).sum())
                    + stricter.entrySet().stream().map(e -> String.format("%8d refused only here: %s%n", e.getValue(),
                            e.getKey().reason)).collect(Collectors.joining())
                    + refused.entrySet().stream().map(e -> String.format("%8d refused by both: %s%n", e.getValue(),
                            e.getKey().replace('_', ' '))).collect(Collectors.joining());
        }
    }

    private static Counts compare(BufferedReader lines) throws IOException {
        int files = 0;
        int accepted = 0;
        Map<String, Integer> refused = new TreeMap<>();
        Map<Decision, Integer> stricter = new EnumMap<>(Decision.class);
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] verdict = line.substring(0, line.indexOf(' ')).split(":");
            boolean sound = verdict[0].equals("accept");
            byte[] file = Base64.getDecoder().decode(line.substring(line.indexOf(' ') + 1));
            String shown = line.length() < 5000 ? new String(file, StandardCharsets.ISO_8859_1) : "line " + files;
            files++;
            try {
                Map<String, RawTensor> tensors = SafetensorsReader.read(new MemoryChannel(file), "f");
                tensors.values().forEach(t -> assertEquals(t.data().limit(), t.elements() * t.type().bytes(), shown));
                assertTrue(sound, "accepted, but the package refuses it: " + shown);
                if (verdict.length > 1) {
                    assertEquals(Long.parseLong(verdict[1]), sum(tensors), "other tensors than the package's: "
                            + shown);
                }
                accepted++;
            } catch (WeightsException e) {
                assertTrue(e.getMessage().startsWith("f: "), e.getMessage());
                if (sound) {
                    boolean twice = verdict.length > 1 ? verdict.length > 2 : TENSOR_TWICE.matcher(shown).find();
                    Decision decision = Decision.of(e.getMessage(), twice);
                    assertTrue(decision != null, e.getMessage() + ", but the package accepts it: " + shown);
                    stricter.merge(decision, 1, Integer::sum);
                } else {
                    refused.merge(verdict.length > 1 ? verdict[1] : "", 1, Integer::sum);
                }
            } catch (RuntimeException e) {
                throw new AssertionError(shown, e);
            }
        }
        return new Counts(files, accepted, refused, stricter);
    }

    /** As safetensors_differential.py forms it. */
    private static long sum(Map<String, RawTensor> tensors) {
        long sum = 0;
        for (Map.Entry<String, RawTensor> e : tensors.entrySet()) {
            String shape = Arrays.stream(e.getValue().shape()).mapToObj(Integer::toString)
                    .collect(Collectors.joining(","));
            CRC32 crc = new CRC32();
            crc.update((e.getKey() + "\0" + e.getValue().type() + "\0" + shape + "\0")
                    .getBytes(StandardCharsets.UTF_8));
            crc.update(e.getValue().data().duplicate());
            sum += crc.getValue();
        }
        return sum & 0xFFFFFFFFL;
    }

    @Test
    void agreesWithThePackage() throws IOException {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(
                SafetensorsVerdictsTest.class.getResourceAsStream("/golden/weights/safetensors_verdicts.txt"),
                StandardCharsets.US_ASCII))) {
            Counts counts = compare(lines);
            assertTrue(counts.files > 1400 && counts.accepted > 160, counts.toString());
            // files that pass a limit would be large; SafetensorsReaderTest makes them
            assertEquals(EnumSet.complementOf(EnumSet.of(Decision.LIMIT)), counts.stricter.keySet());
        }
    }

    @Test
    void agreesWithThePackageOnMoreFilesIfAsked() throws IOException {
        String more = System.getProperty("safetensors.verdicts", "");
        if (!more.isEmpty()) {
            try (BufferedReader lines = Files.newBufferedReader(Path.of(more))) {
                Counts counts = compare(lines);
                assertTrue(counts.accepted > 0, more + " has no sound file");
                System.out.print(counts.table());
            }
        }
    }
}
