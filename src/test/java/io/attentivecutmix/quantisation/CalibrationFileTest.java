package io.attentivecutmix.quantisation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.attentivecutmix.image.ResizeFilter;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.network.ResNet;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class CalibrationFileTest {
    private static final String TEXT = Calibrations.small().toJson();

    @TempDir
    private Path folder;

    private static CalibrationException refusal(String text) {
        try {
            Calibration.fromJson(text);
        } catch (CalibrationException e) {
            return e;
        }
        return fail("was read: " + text);
    }

    @ParameterizedTest
    @EnumSource(ResNet.class)
    void everyNumberReadsBackAsTheSameBits(ResNet network) {
        for (long seed = 0; seed < 5; seed++) {
            Calibration c = Calibrations.full(network, seed);
            String text = c.toJson();
            Calibration read = Calibration.fromJson(text);
            assertEquals(c, read, "seed " + seed);
            assertEquals(text, read.toJson(), "seed " + seed);
            c.limits().forEach((name, limit) -> assertEquals(Float.floatToRawIntBits(limit),
                    Float.floatToRawIntBits(read.limits().get(name)), name));
        }
    }

    @Test
    void everyChoiceReadsBack() {
        Calibration s = Calibrations.small();
        for (RangeChoice ranges : List.of(new RangeChoice.Maximum(), new RangeChoice.MinimumError(),
                new RangeChoice.Percentile(1), new RangeChoice.Percentile(Math.nextUp(0.5)))) {
            for (Normalisation normalisation : List.of(Normalisation.NONE, Normalisation.ALREADY_NORMALISED,
                    Normalisation.standardise(List.of(0.1f, -3e-20f, 7f), List.of(Float.MIN_VALUE, 1f, 3e38f)))) {
                for (ResizeFilter filter : ResizeFilter.values()) {
                    Calibration c = new Calibration(s.network(), s.weightsSha256(),
                            new Preprocessing(1024, normalisation, filter), ranges, Integer.MAX_VALUE, s.limits(),
                            Map.of(), Map.of(), Set.of(), Set.of(), List.of());
                    assertEquals(c, Calibration.fromJson(c.toJson()));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(ResNet.class)
    void isSmallAndReadable(ResNet network) {
        String text = Calibrations.full(network, 3).toJson();
        assertTrue(text.getBytes(StandardCharsets.UTF_8).length < 1 << 20, network + ": " + text.length());
        List<String> lines = text.lines().toList();
        // one for each tensor and each stream, and fewer than 100 for everything else
        Calibration full = Calibrations.full(network, 3);
        int entries = full.limits().size() + full.exponents().size() + full.means().size();
        assertTrue(lines.size() > entries && lines.size() < entries + 100, network + ": " + lines.size());
        assertTrue(lines.stream().anyMatch(l -> l.matches(" +\"layer1\\.0\\.conv1\" : [0-9.E-]+,")), text);
        String exponents = " +\"layer1\\.0\\.conv1\" : \\[ -?[0-8](, -?[0-8]){63} \\],";
        assertTrue(lines.stream().anyMatch(l -> l.matches(exponents)), text);
        String means = " +\"layer1\\.0\\.conv1\" : \\[ [0-9.E-]{3,8}(, [0-9.E-]{3,8}){63} \\],";
        assertTrue(lines.stream().anyMatch(l -> l.matches(means)), text);
    }

    @Test
    void hasTheKeysThatTheJavadocNames() {
        assertEquals("""
                {
                  "format" : 1,
                  "network" : "RESNET18",
                  "weightsSha256" : "%s",
                  "preprocessing" : {
                    "inputSide" : 224,
                    "normalisation" : {
                      "kind" : "STANDARDISE",
                      "mean" : [ 0.485, 0.456, 0.406 ],
                      "std" : [ 0.229, 0.224, 0.225 ]
                    },
                    "resizeFilter" : "BICUBIC"
                  },
                  "ranges" : {
                    "kind" : "PERCENTILE",
                    "share" : 0.9999
                  },
                  "images" : 128,
                  "limits" : {
                    "input" : 2.5,
                    "conv1" : 2.5,
                """.formatted(Calibrations.SHA), TEXT.substring(0, TEXT.indexOf("    \"layer1.0.conv1\"")));
        assertEquals("""
                  "means" : {
                    "input" : [ 0.25, -1.5, 0.0625 ]
                  },
                  "floating" : [ "conv1" ],
                  "wide" : [ "layer4" ],
                  "agreements" : [ {
                    "reduction" : "MEAN",
                    "images" : 512,
                    "k" : 6,
                    "meanOverlap" : 5.96875,
                    "leastOverlap" : 4,
                    "identical" : 0.975,
                    "heatError" : 0.0125,
                    "rankCorrelation" : 0.996
                  } ]
                }
                """, TEXT.substring(TEXT.indexOf("  \"means\"")));
    }

    @Test
    void keysComeInAnyOrderAndSpacing() {
        String network = "  \"network\" : \"RESNET18\",\n";
        String moved = TEXT.replace(network, "").replace("\n  } ]\n}", "\n  } ],\n" + network.replace(",", "") + "}");
        assertEquals(Calibrations.small(), Calibration.fromJson(moved));
        assertEquals(Calibrations.small(), Calibration.fromJson(TEXT.replaceAll("\\s", "")));
    }

    @Test
    void everyTruncationIsRefused() {
        // the last two characters are the closing brace and the end of the line
        for (int length = 0; length < TEXT.length() - 1; length++) {
            CalibrationException e = refusal(TEXT.substring(0, length));
            assertTrue(e.where().startsWith("line "), e.getMessage());
        }
    }

    @Test
    @Tag("slow")
    void everyFlippedBitIsRefusedOrMakesAnotherWholeCalibration() {
        byte[] bytes = TEXT.replaceAll("\\s", "").getBytes(StandardCharsets.ISO_8859_1);
        int refused = 0;
        for (int i = 0; i < bytes.length; i++) {
            for (int bit = 0; bit < 8; bit++) {
                bytes[i] ^= (byte) (1 << bit);
                refused += isRefused(new String(bytes, StandardCharsets.ISO_8859_1), "byte " + i + ", bit " + bit)
                        ? 1 : 0;
                bytes[i] ^= (byte) (1 << bit);
            }
        }
        // what is read all the same are other digits
        assertTrue(refused > bytes.length * 8 * 3 / 4, refused + " of " + bytes.length * 8);
    }

    @Test
    @Tag("slow")
    void seededMutationsAreRefusedOrMakeAnotherWholeCalibration() {
        long seed = 29;
        Random random = new Random(seed);
        String[] tokens = TEXT.split("(?<=[,{}\\[\\]:])|(?=[,{}\\[\\]:])");
        int refused = 0;
        for (int i = 0; i < 3000; i++) {
            String[] changed = tokens.clone();
            int at = random.nextInt(changed.length);
            changed[at] = switch (random.nextInt(4)) {
                case 0 -> "";
                case 1 -> changed[at] + changed[at];
                case 2 -> changed[random.nextInt(changed.length)];
                default -> List.of("null", "true", "-1", "1e999", "[[[[[[[[[", "\"\u202e\"", "{}",
                        "999999999999999999999").get(random.nextInt(8));
            };
            refused += isRefused(String.join("", changed), "seed " + seed + ", mutation " + i) ? 1 : 0;
        }
        assertTrue(refused > 1800, "seed " + seed + ": " + refused + " of 3000");
    }

    /** Whether it is; what is not must be as good as any other. */
    private static boolean isRefused(String text, String what) {
        Calibration read;
        try {
            read = Calibration.fromJson(text);
        } catch (CalibrationException e) {
            assertTrue(e.where().startsWith("line "), what + ": " + e.getMessage());
            return true;
        } catch (RuntimeException e) {
            return fail(what, e);
        }
        assertEquals(read, Calibration.fromJson(read.toJson()), what);
        return false;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "\"format\" : 1 | \"format\" : 2 | has format 2; allowed: 1 | 2",
        "\"format\" : 1 | \"format\" : \"1\" | value of \"format\" is not an integer | 2",
        "\"format\" : 1,| | lacks \"format\" | ",
        "\"format\" : 1 | \"format\" : 1, \"format\" : 1 | uplicate | 2",
        "\"network\" : \"RESNET18\",| | lacks \"network\" | ",
        "RESNET18 | RESNET19 | has network \"RESNET19\"; allowed: [RESNET18, | 3",
        "RESNET18 | RESNET50 | limits lacks layer1.0.conv3; needed: every tensor of RESNET50 | 41",
        "\"weightsSha256\" : \"0123 | \"weightsSha256\" : \"123 | weightsSha256 is 123 | 4",
        "\"inputSide\" : 224 | \"inputSide\" : 225 | inputSide is 225; allowed: multiples of 32 | 13",
        "\"inputSide\" : 224,| | lacks \"inputSide\" | 13",
        "\"inputSide\" : 224 | \"inputSide\" : 224.0 | is not an integer | 6",
        "\"inputSide\" : 224 | \"inputSide\" : 22499999999 | out of range | 6",
        "\"STANDARDISE\" | \"NONE\" | normalisation NONE has mean or std | 11",
        "0.485, | | mean and std have 2 and 3 values | 11",
        "0.225 | 0 | std has 0.0 | 11",
        "\"BICUBIC\" | \"LANCZOS\" | has resizeFilter \"LANCZOS\" | 12",
        "\"PERCENTILE\" | \"MAXIMUM\" | ranges has other keys than it must | 17",
        "\"PERCENTILE\" | \"MEDIAN\" | has kind \"MEDIAN\" | 15",
        "0.9999 | 1.1 | share is 1.1; allowed: above 0.5, to 1 | 17",
        "\"images\" : 128 | \"images\" : 0 | images is 0; allowed: 1 or more | 18",
        "\"input\" : 2.5,| | limits lacks input; needed: every tensor of RESNET18 | 41",
        "\"input\" : 2.5 | \"inputs\" : 2.5 | limits names inputs, which is no tensor of RESNET18 | 20",
        "\"input\" : 2.5 | \"conv1\" : 2.5 | uplicate | 21",
        "\"input\" : 2.5 | \"input\" : 0 | limit of input is 0.0; allowed: 2^-100 to 2^100 | 20",
        "\"input\" : 2.5 | \"input\" : -2.5 | limit of input is -2.5 | 20",
        "\"input\" : 2.5 | \"input\" : 1e99 | limit of input is Infinity | 20",
        "\"input\" : 2.5 | \"input\" : NaN | NaN | 20",
        "\"input\" : 2.5 | \"input\" : null | value of \"input\" is not a number | 20",
        "\"input\" : 2.5 | \"input\" : [2.5] | value of \"input\" is not a number | 20",
        "[ 0, -8, 8, | [ 0, -9, 8, | exponents of layer1.0.conv1 has -9; allowed: -8 to 8 | 43",
        "[ 0, -8, 8, | [ 0, -8, 9, | exponents of layer1.0.conv1 has 9; allowed: -8 to 8 | 43",
        "[ 0, -8, 8, | [ 0, -8, 8.5, | is not an integer | 43",
        "[ 0, -8, 8, | [ -8, 8, | has 63 values; allowed: 64, one for each channel | 43",
        "[ 0, -8, 8, | [ 0, 0, -8, 8, | has 65 values; allowed: 64 | 43",
        "\"layer1.0.conv1\" : [ | \"layer1.0.conv2\" : [ | exponents names layer1.0.conv2; allowed: streams | 43",
        "\"layer1.0.conv1\" : [ | \"layer4\" : [ | exponents names layer4; allowed: streams of RESNET18 other | 43",
        "\"input\" : [ | \"maxpool\" : [ | means names maxpool, which no convolution of RESNET18 reads | 46",
        "\"input\" : [ | \"conv1\" : [ | means of conv1 has -1.5; allowed: 0 to 2^100 | 46",
        "0.25, -1.5 | 0.25, -1e99 | means of input has -Infinity; allowed: -2^100 to 2^100 | 46",
        "0.25, -1.5 | 0.25, null | is not a number | 46",
        "0.25, -1.5 | -1.5 | means of input has 2 values; allowed: 3, one for each channel | 46",
        "0.25, -1.5 | 0, 0.25, -1.5 | means of input has 4 values; allowed: 3, one for each channel | 46",
        "\"means\" : { | \"means\" : 1, \"mean\" : { | is not an object | 45",
        "[ \"conv1\" ] | [ \"fc\" ] | floating names fc, which is no convolution of RESNET18 | 48",
        "[ \"conv1\" ] | [ \"conv1\", \"conv1\" ] | floating has conv1 twice | 48",
        "[ \"conv1\" ] | \"conv1\" | value of \"floating\" is not an array | 48",
        "[ \"layer4\" ] | [ \"layer5\" ] | wide names layer5; allowed: layer1, layer2, layer3, layer4 | 49",
        "\"MEAN\" | \"MODE\" | has reduction \"MODE\" | 51",
        "\"k\" : 6,| | lacks \"k\" | 59",
        "\"k\" : 6 | \"k\" : 50 | k is 50 in the agreement for MEAN; allowed: 1 to 49 | 60",
        "5.96875 | 6.5 | meanOverlap is 6.5; allowed: 4.0 to 6.0 | 59",
        "5.96875 | 1e999 | meanOverlap is Infinity | 59",
        "0.0125 | -1 | heatError is -1.0 | 59",
        "\"wide\" : | \"wider\" : | has unknown key \"wider\"; allowed: agreements, exponents, floating, format | 49",
        "\"wide\" : | \"comment\" : {\"a\" : [1, {}]}, \"wide\" : | has unknown key \"comment\" | 49",
        "\"wide\" : | \"\\u001b[31m\\u202e\" : 1, \"wide\" : | has unknown key \"\\u001b[31m\\u202e\" | 49"})
    void whatIsWrongIsNamed(String from, String to, String message, Integer line) {
        assertTrue(TEXT.contains(from), TEXT);
        String changed = TEXT.replaceFirst(Pattern.quote(from),
                Matcher.quoteReplacement(to == null ? "" : to));
        CalibrationException e = refusal(changed);
        assertTrue(e.fault().contains(message) || e.getMessage().contains(message), e.getMessage());
        assertEquals("calibration JSON", e.file());
        if (line != null) {
            assertTrue(e.where().startsWith("line " + line + ","), e.getMessage());
        }
        assertTrue(e.getMessage().chars().noneMatch(Character::isISOControl), e.getMessage());
    }

    @Test
    void nothingFollowsAndNothingNestsDeep() {
        assertTrue(refusal(TEXT + "{}").fault().contains("goes on after its end"));
        assertTrue(refusal(TEXT + "x").where().startsWith("line 61"));
        assertTrue(refusal("[".repeat(1000)).where().startsWith("line 1"));
        String deep = "{\"wide\":" + "[".repeat(1 << 20);
        assertTrue(refusal(deep).fault().contains("depth"), refusal(deep).fault());
        assertTrue(refusal("\ufeff" + TEXT).where().startsWith("line 1"));
        assertTrue(refusal("{\"" + "x".repeat(1 << 20) + "\":1}").getMessage().length() < 3000);
        assertEquals("calibration JSON: file: has more than 4194304 characters, the most allowed",
                refusal(" ".repeat((4 << 20) + 1)).getMessage());
        assertTrue(refusal(" ".repeat(4 << 20)).fault().contains("is empty"));
    }

    @Test
    void filesAreReplacedAsAWhole() throws IOException {
        Path file = folder.resolve("calibration.json");
        Files.writeString(file, "something else");
        Calibration c = Calibrations.full(ResNet.RESNET50, 9);
        c.save(file);
        assertEquals(c, Calibration.load(file));
        assertArrayEquals(c.toJson().getBytes(StandardCharsets.UTF_8), Files.readAllBytes(file));
        assertEquals(Set.of("calibration.json"), names());
    }

    @Test
    void nothingIsLeftWhereWritingFails() throws IOException {
        Path taken = Files.createDirectories(folder.resolve("taken/full"));
        assertThrows(IOException.class, () -> Calibrations.small().save(taken.getParent()));
        assertThrows(IOException.class, () -> Calibrations.small().save(folder.resolve("none/calibration.json")));
        assertEquals(Set.of("taken"), names());
        assertTrue(Files.isDirectory(taken));
    }

    private Set<String> names() throws IOException {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.map(p -> p.getFileName().toString()).collect(Collectors.toSet());
        }
    }

    @Test
    void filesThatCannotBeRead() throws IOException {
        Path none = folder.resolve("none.json");
        CalibrationException e = assertThrows(CalibrationException.class, () -> Calibration.load(none));
        assertEquals(none + ": file: does not exist", e.getMessage());
        assertEquals(folder + ": file: is not a regular file",
                assertThrows(CalibrationException.class, () -> Calibration.load(folder)).getMessage());
        Path large = Files.write(folder.resolve("large.json"), new byte[(4 << 20) + 1]);
        assertEquals(large + ": file: has more than 4194304 bytes, the most allowed",
                assertThrows(CalibrationException.class, () -> Calibration.load(large)).getMessage());
        Path latin = Files.write(folder.resolve("latin.json"),
                TEXT.replace("\"conv1\" ]", "\"conv\u00e9\" ]").getBytes(StandardCharsets.ISO_8859_1));
        assertEquals(latin + ": line 48: is not UTF-8",
                assertThrows(CalibrationException.class, () -> Calibration.load(latin)).getMessage());
        Path wrong = Files.writeString(folder.resolve("wrong.json"), TEXT.replace("0.9999", "0.1"));
        CalibrationException w = assertThrows(CalibrationException.class, () -> Calibration.load(wrong));
        assertEquals(wrong.toString(), w.file());
        assertEquals("share is 0.1; allowed: above 0.5, to 1", w.fault());
        assertTrue(w.getMessage().startsWith(wrong + ": line 17, column "), w.getMessage());
        assertFalse(w.getMessage().contains("\n"));
    }
}
