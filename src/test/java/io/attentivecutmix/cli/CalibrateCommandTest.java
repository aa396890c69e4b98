package io.attentivecutmix.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.Device;
import io.attentivecutmix.image.PngWriter;
import io.attentivecutmix.image.ResizeFilter;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.quantisation.Activations;
import io.attentivecutmix.quantisation.Agreement;
import io.attentivecutmix.quantisation.Calibration;
import io.attentivecutmix.quantisation.Preprocessing;
import io.attentivecutmix.quantisation.RangeChoice;
import io.attentivecutmix.weights.Weights;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** calibrate, and runs in 8 bits, with a small network and input. */
class CalibrateCommandTest {
    private static final String METHOD = " --weights synthetic:18 --input-side 64 --k 1 --threads 2";
    private static final String CALIBRATE =
            "calibrate --images @/in --out @/c.json --calibration-images 8 --compared-images 12" + METHOD;

    @TempDir
    Path folder;
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    static boolean int8() {
        return Device.cpu().precisions().contains(Precision.INT8);
    }

    private int run(String command) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return Main.run(new Console(new PrintWriter(out), new PrintWriter(err), false),
                Arrays.stream(command.split(" +")).map(a -> a.replace("@", folder.toString())).toArray(String[]::new));
    }

    private void end(int status, String command) {
        assertEquals(status, run(command), command + "\n" + out + err);
    }

    /** Pictures of a few broad stripes: noise would leave cells nearly equal. */
    @BeforeEach
    void images() throws IOException {
        Random random = new Random(5);
        for (int i = 0; i < 20; i++) {
            int side = 40 + random.nextInt(40);
            byte[] rgb = new byte[3 * side * side];
            int width = 3 + random.nextInt(20);
            int[] colours = random.ints(40, 0, 256).toArray();
            for (int p = 0; p < rgb.length; p++) {
                rgb[p] = (byte) colours[(p / 3 % side + p / 3 / side * (i % 3)) / width % 13 * 3 + p % 3];
            }
            Path file = folder.resolve("in").resolve(String.format("i%03d.png", i));
            Files.createDirectories(file.getParent());
            PngWriter.write(file, ByteBuffer.wrap(rgb), 0, side, side);
        }
    }

    private String text(String file) throws IOException {
        return Files.readString(folder.resolve(file));
    }

    private boolean exists(String file) {
        return Files.exists(folder.resolve(file));
    }

    @Test
    @EnabledIf("int8")
    void writesWhatMixAndAttendTake() throws Exception {
        end(ExitStatus.OK, CALIBRATE + " --allow-low-overlap");
        Calibration c = Calibration.load(folder.resolve("c.json"));
        assertEquals(ResNet.RESNET18, c.network());
        assertEquals(Weights.synthetic(18, 0).sha256(), c.weightsSha256());
        assertEquals(new Preprocessing(64, Normalisation.IMAGENET, ResizeFilter.BICUBIC), c.preprocessing());
        assertEquals(new RangeChoice.MinimumError(), c.ranges());
        assertEquals(8, c.images());
        assertEquals(List.of(Reduction.values()), c.agreements().stream().map(Agreement::reduction).toList());
        c.agreements().forEach(a -> assertEquals(12, a.images(), a::toString));
        assertTrue(out.toString().contains("INT8 beside FP32, 12 images, 1 hot cells each"), out.toString());
        assertTrue(out.toString().lines().anyMatch(l -> l.matches("mean +[01]\\.\\d{3} .*\\(chosen\\)")),
                out.toString());
        assertTrue(out.toString().contains(20 - c.floating().size() + " of 20 convolutions in INT8"), out.toString());
        assertTrue(out.toString().contains("observe: 8 of 8 images"), out.toString());
        end(ExitStatus.USAGE, CALIBRATE);
        assertTrue(err.toString().contains("c.json exists; allowed: a new name, or --force"), err.toString());

        String int8 = " --batch-size 6 --precision int8 --calibration @/c.json --images @/in" + METHOD;
        end(ExitStatus.OK, "mix --out @/mixed" + int8);
        String run = text("mixed/run.json");
        assertTrue(run.contains("\"precision\" : \"INT8\""), run);
        assertTrue(run.contains("\"file\" : \"" + folder.resolve("c.json") + "\""), run);
        String hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text("c.json").getBytes(
                StandardCharsets.UTF_8)));
        assertTrue(run.contains("\"sha256\" : \"" + hash + "\",\n    \"images\" : 8"), run);
        assertFalse(exists("mixed/calibration.json"));
        end(ExitStatus.OK, "replay --from @/mixed --out @/again");
        assertEquals(text("mixed/labels.jsonl"), text("again/labels.jsonl"));
        end(ExitStatus.OK, "attend --out @/seen --no-pictures" + int8);
        assertTrue(text("seen/run.json").contains("\"precision\" : \"INT8\""), text("seen/run.json"));
        assertEquals(20, text("seen/attention.jsonl").lines().count());
    }

    @Test
    @EnabledIf("int8")
    void threadsChangeNothing() throws IOException {
        String small = "calibrate --images @/in --ranges maximum --target 0 --calibration-images 3 --compared-images 2 "
                + "--allow-low-overlap --quiet" + METHOD;
        end(ExitStatus.OK, small + " --out @/new/two.json");
        assertEquals("", out.toString());
        assertEquals(new RangeChoice.Maximum(), Calibration.load(folder.resolve("new/two.json")).ranges());
        end(ExitStatus.OK, small.replace("--threads 2", "--threads 1") + " --file-threads 3 --out @/one.json");
        assertEquals(text("new/two.json"), text("one.json"));
    }

    /** Cutting off all but half of the values leaves little of the heat map. */
    @Test
    @EnabledIf("int8")
    void refusesWhatFindsOtherCells() throws IOException {
        for (int i = 20; i < 58; i++) {
            Files.copy(folder.resolve(String.format("in/i%03d.png", i % 20)),
                    folder.resolve(String.format("in/i%03d.png", i)));
        }
        end(ExitStatus.FAILED, CALIBRATE.replace("images 12", "images 50") + " --ranges percentile:0.51 --target 0");
        assertFalse(exists("c.json"));
        assertTrue(err.toString().matches("(?s).*in 8 bits, 0\\.\\d{3} of 1 hot cells are those of float on average "
                + "\\(mean, 50 images\\); needed: 0\\.983\\. Nothing was written\\. Try a higher --target.*"),
                err.toString());
        try (Stream<Path> entries = Files.list(folder)) {
            assertEquals(List.of(folder.resolve("in")), entries.toList());
        }
    }

    @Test
    void aHandfulOfImagesIsTooFewToMeasureWith() {
        end(ExitStatus.FAILED, CALIBRATE);
        assertTrue(err.toString().contains("would be measured on 12 images; needed: 50. Nothing was written"),
                err.toString());
        assertFalse(exists("c.json"));
    }

    @Test
    @EnabledIf("int8")
    void badImagesAreSkippedOrFail() throws IOException {
        Path bad = folder.resolve("in/i003.png");
        Files.write(bad, Arrays.copyOf(Files.readAllBytes(bad), 90));
        String all = CALIBRATE.replace("--calibration-images 8", "--calibration-images 228")
                + " --ranges percentile:0.51 --target 0 --allow-low-overlap";
        end(ExitStatus.REJECTED, all);
        assertTrue(err.toString().contains("has 20 images, fewer than the 228 to calibrate with and the 12 to measure "
                + "with: taking 19 and 1"), err.toString());
        assertTrue(err.toString().contains("warning: rejected " + bad), err.toString());
        Calibration c = Calibration.load(folder.resolve("c.json"));
        assertEquals(18, c.images());
        assertEquals(1, c.agreements().get(0).images());
        end(ExitStatus.FAILED, all.replace("c.json", "d.json") + " --on-bad-image fail");
        assertTrue(err.toString().contains("i003.png"), err.toString());
        for (int i = 0; i < 20; i++) {
            Files.write(folder.resolve(String.format("in/i%03d.png", i)), new byte[9]);
        }
        end(ExitStatus.FAILED, all.replace("c.json", "d.json"));
        assertTrue(err.toString().contains("none of the images to calibrate with could be read"), err.toString());
        assertTrue(err.toString().contains("19 images were rejected in all"), err.toString());
        assertFalse(exists("d.json"));
        end(ExitStatus.USAGE, "mix --images @/in --out @/out --precision int8" + METHOD);
        assertTrue(err.toString().contains("none of the first 20 images can be read"), err.toString());
        assertFalse(exists("out"));
    }

    @Test
    @EnabledIf("int8")
    void aRunCalibratesItselfTheSameForEveryShard() throws IOException {
        String mix = "mix --images @/in --precision int8 --batch-size 6" + METHOD;
        end(ExitStatus.OK, mix + " --out @/whole");
        String said = "(warning: )?calibrated for INT8 from the run's first 20 images: [01]\\.\\d{3} of 1 hot cells "
                + "are those of float, on the same images(; kept as calibration.json|, fewer than 0.98; see "
                + "calibrate, or take --precision bf16 or fp32)";
        assertTrue((out + "" + err).lines().anyMatch(l -> l.matches(said)), out + "\n" + err);
        String calibration = text("whole/calibration.json");
        assertEquals(20, Calibration.fromJson(calibration).images());
        assertTrue(text("whole/run.json").contains("\"file\" : \"calibration.json\""), text("whole/run.json"));
        end(ExitStatus.OK, mix + " --out @/shard --shard 2/2 --quiet");
        assertEquals("", out.toString());
        assertEquals(calibration, text("shard/calibration.json"));
        // what it kept is what another run can be given
        end(ExitStatus.OK, mix + " --out @/given --calibration @/whole/calibration.json");
        try (Stream<Path> pictures = Files.list(folder.resolve("whole/images"))) {
            for (Path picture : pictures.toList()) {
                assertArrayEquals(Files.readAllBytes(picture),
                        Files.readAllBytes(folder.resolve("given/images").resolve(picture.getFileName())));
            }
        }
        end(ExitStatus.OK, mix + " --out @/whole --force --mode random-cells");
        assertFalse(exists("whole/calibration.json"), "an earlier run's is not this run's");
        assertTrue(text("whole/run.json").contains("\"calibration\" : null"), text("whole/run.json"));
    }

    /** For the weights and options of METHOD, with ranges out of the air. */
    private void anyCalibration() throws IOException {
        Map<String, Float> limits = new HashMap<>();
        new Activations(ResNet.RESNET18).tensors().keySet().forEach(name -> limits.put(name, 4f));
        new Calibration(ResNet.RESNET18, Weights.synthetic(18, 0).sha256(),
                new Preprocessing(64, Normalisation.IMAGENET, ResizeFilter.BICUBIC), new RangeChoice.Maximum(), 1,
                limits, Map.of(), Map.of(), Set.of(), Set.of(), List.of()).save(folder.resolve("c.json"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--precision bf16 --calibration @/c.json | --calibration is given without --precision int8",
        "--calibration @/c.json | --calibration is given without --precision int8",
        "--precision int8 --calibration @/none.json | none.json: file: does not exist",
        "--precision int8 --calibration @/c.json --input-side 96 | inputSide is 64 in the calibration, 96 in this run",
        "--precision int8 --calibration @/c.json --filter nearest | resizeFilter is BICUBIC in the calibration",
        "--precision int8 --calibration @/c.json --weights synthetic:18:1 | weightsSha256 is",
        "--precision int8 --calibration @/broken.json | broken.json: line 5, column",
        "--precision int8 --batch-norm per-image | --precision is 'int8' with --batch-norm per-image"})
    @EnabledIf("int8")
    void runsThatNoCalibrationFits(String arguments, String message) throws IOException {
        anyCalibration();
        Files.writeString(folder.resolve("broken.json"), text("c.json").replace("\"preprocessing\"", "\"processing\""));
        for (String command : List.of("mix", "attend")) {
            end(ExitStatus.USAGE, command + " --images @/in --out @/out --k 1"
                    + (arguments.contains("--weights") ? "" : " --weights synthetic:18")
                    + (arguments.contains("--input-side") ? "" : " --input-side 64") + " " + arguments);
            assertTrue(err.toString().contains(message), err.toString());
            assertFalse(exists("out"));
        }
    }

    @Test
    void aCalibrationForNothingIsRefused() throws IOException {
        anyCalibration();
        for (String mode : List.of("random-cells", "cutmix")) {
            end(ExitStatus.USAGE, "mix --images @/in --out @/out --precision int8 --calibration @/c.json --mode "
                    + mode + " --k 1 --input-side 64");
            assertTrue(err.toString().contains("--calibration is given for --mode " + mode), err.toString());
        }
        end(ExitStatus.USAGE, "replay --from @/none --out @/out --precision int8 --calibration @/c.json");
        assertTrue(err.toString().contains("--calibration is given for replay"), err.toString());
        assertFalse(exists("out"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "--ranges best | --ranges is 'best'; allowed: minimum-error, maximum, percentile:SHARE",
        "--ranges percentile:half | allowed: percentile:SHARE with a SHARE above 0.5, to 1",
        "--ranges percentile:0.4 | share is 0.4",
        "--calibration-images 0 | --calibration-images is 0; allowed: 1 or more",
        "--compared-images 0 | --compared-images is 0; allowed: 1 or more",
        "--target -1 | target is -1.0; allowed: 0 to k",
        "--on-bad-image substitute | --on-bad-image is 'substitute'; allowed for calibrate: fail, skip",
        "--mode cutmix | --mode is cutmix; allowed for calibrate: attentive",
        "--batch-norm per-image | --batch-norm is per-image; allowed for calibrate: running",
        "--device cuda | --device is 'cuda'; allowed for calibrate: cpu",
        "--precision int8 | --precision and --calibration are for the run",
        "--calibration @/in | --precision and --calibration are for the run",
        "--out @/in | in is a folder; allowed: a file",
        "--images @/none | none does not exist",
        "--images @/one | has 1 image; allowed: 2 or more"})
    void argumentsThatAreRefused(String arguments, String message) throws IOException {
        Files.copy(folder.resolve("in/i000.png"), Files.createDirectories(folder.resolve("one")).resolve("a.png"));
        String command = "calibrate" + (arguments.contains("--images") ? "" : " --images @/in")
                + (arguments.contains("--out") ? "" : " --out @/c.json") + METHOD + " " + arguments;
        end(ExitStatus.USAGE, command);
        assertTrue(err.toString().contains(message), err.toString());
        assertFalse(exists("c.json"));
    }

    @Test
    void saysWhereThereIsNoInt8() {
        assertEquals(Optional.of("INT8 is not available on cpu (an x86 processor needs VNNI for it); the run goes on "
                + "in FP32"),
                RunCalibration.missing("cpu", EnumSet.of(Precision.FP32, Precision.BF16), Precision.FP32));
        assertEquals(Optional.empty(),
                RunCalibration.missing("cpu", EnumSet.of(Precision.FP32, Precision.INT8), Precision.FP32));
    }

    @Test
    @DisabledIf("int8")
    void withoutInt8RunsGoOnInFloat() throws IOException {
        end(ExitStatus.OK, "mix --images @/in --out @/out --precision int8" + METHOD);
        assertTrue(err.toString().contains("INT8 is not available on cpu"), err.toString());
        assertFalse(exists("out/calibration.json"));
        end(ExitStatus.FAILED, CALIBRATE + " --allow-low-overlap");
        assertTrue(err.toString().contains("INT8"), err.toString());
    }

    @Test
    void theLeastOverlapIsAShareOfK() {
        assertEquals(5.9, RunCalibration.leastOverlap(6), 1e-15);
        assertFalse(RunCalibration.isLow(new Agreement(Reduction.MEAN, 10, 6, 5.9, 5, 0.9, 0, 1)));
        assertTrue(RunCalibration.isLow(new Agreement(Reduction.MEAN, 10, 6, 5.8999, 5, 0.9, 0, 1)));
        assertThrows(NoSuchElementException.class,
                () -> RunCalibration.chosen(List.of(), MixOptions.paper()));
    }
}
