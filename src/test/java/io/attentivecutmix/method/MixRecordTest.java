package io.attentivecutmix.method;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.Trials;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.image.ResizeFilter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

class MixRecordTest {
    private static final Optional<MixRecord.Box> NO_BOX = Optional.empty();
    private static final Optional<MixRecord.Measure> NO_MEASURE = Optional.empty();

    private static String refusal(Runnable call) {
        return assertThrows(IllegalArgumentException.class, call::run).getMessage();
    }

    /** A filled plan of random sizes and options, as a mixer makes it; random cells stand for hot ones. */
    private record Made(MixOptions options, Pairing pairing, MixPlan plan, HostImages images) {
        static Made of(long seed) {
            Random random = new Random(seed);
            MixOptions options = MixOptionsJsonTest.anyOptions(random).withProbability(0.8);
            int grid = options.grid();
            int n = 1 + random.nextInt(5);
            int[][] sizes = new int[n][];
            Arrays.setAll(sizes, i -> new int[] {grid + random.nextInt(20), grid + random.nextInt(20)});
            HostImages images = new HostImages(sizes, ElementType.UINT8, Layout.NHWC, 0);
            Pairing pairing = Pairing.permuted(seed, random.nextLong(), random.nextLong())
                    .firstSample(random.nextLong() >>> 1);
            Planner planner =
                    new Planner(options.mode() == Mode.ATTENTIVE ? options.withMode(Mode.RANDOM_CELLS) : options);
            MixPlan plan = planner.newPlan();
            planner.plan(pairing, n, plan);
            planner.boxes(pairing, images, plan);
            planner.weigh(images, plan);
            return new Made(options, pairing, plan, images);
        }

        MixRecord record() {
            int[] heights = new int[images.count()];
            int[] widths = new int[images.count()];
            Arrays.setAll(heights, images::height);
            Arrays.setAll(widths, images::width);
            return MixRecord.of(options, pairing, plan, heights, widths);
        }
    }

    @Test
    void aPlanGoesThroughRecordAndJsonUnchanged() {
        Trials.run(400, (seed, random) -> aPlanGoesThroughRecordAndJsonUnchanged(seed));
    }

    private static void aPlanGoesThroughRecordAndJsonUnchanged(long seed) {
        Made made = Made.of(seed);
        MixRecord record = made.record();
        String json = record.toJson();
        MixRecord read = MixRecord.fromJson(json);
        assertEquals(record, read, "seed " + seed);
        assertEquals(json, read.toJson());
        assertEquals(made.pairing.seed(), read.seed());
        assertEquals(made.pairing.epoch(), read.epoch());
        assertEquals(made.pairing.step(), read.step());
        assertEquals(made.pairing.firstSample(), read.firstSample());
        read.checkImages(made.images);
        read.checkOptions(made.options);
        MixPlan plan = new MixPlan(made.options.grid());
        plan.resize(9);
        Arrays.fill(plan.cells, -1);
        Arrays.fill(plan.box, 3);
        read.into(plan);
        MixPlan expected = made.plan;
        int n = expected.count;
        assertEquals(n, plan.count);
        assertArrayEquals(Arrays.copyOf(expected.partner, n), Arrays.copyOf(plan.partner, n));
        assertArrayEquals(Arrays.copyOf(expected.mixed, n), Arrays.copyOf(plan.mixed, n));
        assertArrayEquals(Arrays.copyOf(expected.patches, n), Arrays.copyOf(plan.patches, n));
        assertArrayEquals(Arrays.copyOf(expected.lambda, n), Arrays.copyOf(plan.lambda, n));
        assertArrayEquals(Arrays.copyOf(expected.box, 4 * n), Arrays.copyOf(plan.box, 4 * n));
        assertArrayEquals(Arrays.copyOf(expected.sourceWeight, n), Arrays.copyOf(plan.sourceWeight, n));
        assertArrayEquals(Arrays.copyOf(expected.cells, n * plan.words), Arrays.copyOf(plan.cells, n * plan.words));
    }

    private static MixRecord.Entry entry(int partner, List<Integer> cells, int h, int w, float weight) {
        return new MixRecord.Entry(partner, true, 0.5, cells, NO_BOX, Optional.of(new MixRecord.Measure(h, w, weight)));
    }

    private static MixRecord record(MixOptions options, MixRecord.Entry... images) {
        return new MixRecord(options, 1, 2, 3, 4, List.of(images));
    }

    private static final MixRecord PLAIN =
            record(MixOptions.paper(), entry(1, List.of(48, 0), 7, 14, 2 / 49f), entry(0, List.of(3), 7, 7, 1 / 49f));

    @Test
    void jsonFormIsFrozen() {
        assertEquals("{\"version\":1,\"options\":" + MixOptions.paper().toJson() + ",\"seed\":1,\"epoch\":2,\"step\":3,"
                + "\"firstSample\":4,\"images\":["
                + "{\"partner\":1,\"mixed\":true,\"lambda\":0.5,\"cells\":[0,48],"
                + "\"height\":7,\"width\":14,\"sourceWeight\":0.040816326},"
                + "{\"partner\":0,\"mixed\":true,\"lambda\":0.5,\"cells\":[3],"
                + "\"height\":7,\"width\":7,\"sourceWeight\":0.020408163}]}", PLAIN.toJson());
        assertTrue(PLAIN.isMeasured());
        assertEquals(2, PLAIN.count());
    }

    @Test
    void everyFieldIsChecked() {
        MixOptions paper = MixOptions.paper();
        assertEquals("images is empty; allowed: 1 or more", refusal(() -> record(paper)));
        assertEquals("firstSample is -1; allowed: 0 or more",
                refusal(() -> new MixRecord(paper, 1, 2, 3, -1, PLAIN.images())));
        assertEquals("partner of image 0 is 1; allowed: 0 to 0 (batch of 1)",
                refusal(() -> record(paper, entry(1, List.of(0), 7, 7, 1 / 49f))));
        assertEquals("partner of image 0 is -1; allowed: 0 to 0 (batch of 1)",
                refusal(() -> record(paper, entry(-1, List.of(0), 7, 7, 1 / 49f))));
        assertEquals("cells of image 0 has 49; allowed: 0 to 48 (G² at inputSide 224)",
                refusal(() -> record(paper, entry(0, List.of(49), 7, 7, 1 / 49f))));
        assertEquals("cells of image 0 has -1; allowed: 0 to 48 (G² at inputSide 224)",
                refusal(() -> record(paper, entry(0, List.of(-1), 7, 7, 1 / 49f))));
        assertEquals("cells has 5 twice; allowed: each cell once", refusal(() -> entry(0, List.of(5, 4, 5), 7, 7, 1)));
        assertEquals("cells of image 0 has 0 cells; allowed: 1 to 49 (G²)",
                refusal(() -> record(paper, entry(0, List.of(), 7, 7, 0))));
        assertEquals("cells of image 0 has 1 cells; allowed: none, it is not mixed", refusal(() -> record(paper,
                new MixRecord.Entry(0, false, 0.5, List.of(1), NO_BOX, NO_MEASURE))));
        for (double lambda : new double[] {-0.1, 1.1, Double.NaN}) {
            assertEquals("lambda is " + lambda + "; allowed: 0 to 1",
                    refusal(() -> new MixRecord.Entry(0, true, lambda, List.of(1), NO_BOX, NO_MEASURE)));
        }
        assertEquals("sourceWeight of image 0 is 0.12244898; allowed: 0.020408163, what its cells or box of 7 by"
                + " 7 pixels give", refusal(() -> record(paper, entry(0, List.of(1), 7, 7, 6 / 49f))));
        assertTrue(refusal(() -> record(paper, entry(0, List.of(1), 7, 7, Float.NaN)))
                .startsWith("sourceWeight of image 0"));
        assertEquals("image 0 is 6 by 7 pixels (H by W); allowed: at least 7 by 7 (G)",
                refusal(() -> record(paper, entry(0, List.of(1), 6, 7, 1 / 49f))));
        assertEquals("image 1 has no height, width and sourceWeight; allowed: for all images of a record or for none",
                refusal(() -> record(paper, entry(0, List.of(1), 7, 7, 1 / 49f),
                        new MixRecord.Entry(0, true, 0.5, List.of(1), NO_BOX, NO_MEASURE))));
        Optional<MixRecord.Box> box = Optional.of(new MixRecord.Box(0, 0, 1, 1));
        assertEquals("image 0 has a box; allowed: a box for each mixed image in mode CUTMIX, none otherwise",
                refusal(() -> record(paper, new MixRecord.Entry(0, true, 0.5, List.of(1), box, NO_MEASURE))));
    }

    @Test
    void everyFieldOfABoxIsChecked() {
        MixOptions cutmix = MixOptions.paper().withMode(Mode.CUTMIX);
        Optional<MixRecord.Measure> seven = Optional.of(new MixRecord.Measure(7, 7, 4 / 49f));
        Optional<MixRecord.Box> box = Optional.of(new MixRecord.Box(5, 5, 7, 7));
        record(cutmix, new MixRecord.Entry(0, true, 0.5, List.of(), box, seven));
        assertEquals("image 0 has no box; allowed: a box for each mixed image in mode CUTMIX, none otherwise",
                refusal(() -> record(cutmix, new MixRecord.Entry(0, true, 0.5, List.of(), NO_BOX, seven))));
        assertEquals("cells of image 0 has 1 cells; allowed: none in mode CUTMIX",
                refusal(() -> record(cutmix, new MixRecord.Entry(0, true, 0.5, List.of(1), box, seven))));
        assertEquals("image 0 has a box but no height and width; a box needs them",
                refusal(() -> record(cutmix, new MixRecord.Entry(0, true, 0.5, List.of(), box, NO_MEASURE))));
        assertTrue(refusal(() -> record(cutmix, new MixRecord.Entry(0, true, 0.5, List.of(),
                Optional.of(new MixRecord.Box(5, 5, 8, 7)), seven))).endsWith(
                        "allowed: inside the 7 by 7 pixels (H by W) that it is cut in"));
        assertTrue(refusal(() -> new MixRecord.Box(-1, 0, 1, 1)).startsWith("box is left -1"));
        assertTrue(refusal(() -> new MixRecord.Box(2, 0, 1, 1)).startsWith("box is left 2"));
        assertTrue(refusal(() -> new MixRecord.Box(0, 2, 1, 1)).startsWith("box is left 0"));
        assertEquals("mode is CUTMIX; allowed with cells: ATTENTIVE, RANDOM_CELLS", refusal(() -> record(cutmix,
                new MixRecord.Entry(0, true, 0.5, List.of(), box, seven)).withCells(0, 1)));
    }

    @Test
    void ownCellsReplaceThoseOfOneImage() {
        MixRecord other = PLAIN.withCells(0, 10, 9, 8);
        assertEquals(List.of(8, 9, 10), other.images().get(0).cells());
        assertEquals(3 / 49.0, other.images().get(0).lambda());
        assertEquals(new MixRecord.Measure(7, 14, 3 / 49f), other.images().get(0).measure().orElseThrow());
        assertEquals(PLAIN.images().get(1), other.images().get(1));
        MixRecord still = new MixRecord(MixOptions.paper(), 0, 0, 0, 0,
                List.of(new MixRecord.Entry(0, false, 0.5, List.of(), NO_BOX, NO_MEASURE)));
        assertTrue(still.withCells(0, 5).images().get(0).mixed());
        assertFalse(still.withCells(0, 5).isMeasured());
        assertEquals("cells has 0 cells; allowed: 1 to 49 (G²)", refusal(() -> PLAIN.withCells(0)));
        assertEquals("cells of image 1 has 49; allowed: 0 to 48 (G² at inputSide 224)",
                refusal(() -> PLAIN.withCells(1, 49)));
        assertEquals("cells has 4 twice; allowed: each cell once", refusal(() -> PLAIN.withCells(1, 4, 4)));
        assertThrows(IndexOutOfBoundsException.class, () -> PLAIN.withCells(2, 1));
    }

    @Test
    void ownHeatMapsSelectTheirHottestCells() {
        float[][] maps = new float[3][49];
        for (int i = 0; i < 3; i++) {
            for (int c = 0; c < 49; c++) {
                maps[i][c] = (c * 10 + i) % 49;
            }
        }
        MixRecord record = MixRecord.fromHeatMaps(MixOptions.paper(), Pairing.roll().at(5, 6, 7).firstSample(8), maps);
        assertFalse(record.isMeasured());
        assertEquals(5, record.seed());
        assertEquals(8, record.firstSample());
        // Values 48 to 43 stand at c with 10·c = value mod 49, c = 5·value mod 49.
        assertEquals(List.of(19, 24, 29, 34, 39, 44), record.images().get(0).cells());
        assertEquals(List.of(2, 0, 1), record.images().stream().map(MixRecord.Entry::partner).toList());
        assertEquals(record, MixRecord.fromJson(record.toJson()));
        MixPlan plan = new MixPlan(7);
        record.into(plan);
        assertTrue(Float.isNaN(plan.sourceWeight[0]));
        int[][] sizes = {{70, 70}, {70, 70}, {70, 70}};
        HostImages images = new HostImages(sizes, ElementType.UINT8, Layout.NHWC, 0);
        new Planner(MixOptions.paper()).weigh(images, plan);
        assertEquals(6 / 49f, plan.sourceWeight[0]);
        maps[2][7] = Float.NaN;
        assertEquals("maps[2][7] is NaN; allowed: finite values",
                refusal(() -> MixRecord.fromHeatMaps(MixOptions.paper(), Pairing.roll(), maps)));
        maps[2] = new float[48];
        assertEquals("maps[2] has 48 values; allowed: 49 (G² at inputSide 224)",
                refusal(() -> MixRecord.fromHeatMaps(MixOptions.paper(), Pairing.roll(), maps)));
        assertEquals("mode is CUTMIX; allowed with heat maps: ATTENTIVE", refusal(() ->
                MixRecord.fromHeatMaps(MixOptions.paper().withMode(Mode.CUTMIX), Pairing.roll(), maps)));
    }

    @Test
    void replaysOnlyOnWhatItWasMadeFor() {
        HostImages right = new HostImages(new int[][] {{7, 14}, {7, 7}}, ElementType.UINT8, Layout.NHWC, 0);
        PLAIN.checkImages(right);
        assertEquals("batch has 1 images; allowed: 2, as the record", refusal(() -> PLAIN.checkImages(
                new HostImages(new int[][] {{7, 14}}, ElementType.UINT8, Layout.NHWC, 0))));
        assertEquals("image 1 is 7 by 8 pixels (H by W); allowed: 7 by 7, as the record",
                refusal(() -> PLAIN.checkImages(
                new HostImages(new int[][] {{7, 14}, {7, 8}}, ElementType.UINT8, Layout.NHWC, 0))));
        assertEquals("record has grid 7 (G at inputSide 224); allowed: 8, the mixer's",
                refusal(() -> PLAIN.into(new MixPlan(8))));
        MixOptions paper = MixOptions.paper();
        PLAIN.checkOptions(paper.withReduction(Reduction.MAX).withProbability(0.5).withPatches(new Patches.Fixed(1))
                .withBatchNorm(BatchNorm.PER_IMAGE));
        List<MixOptions> others = List.of(paper.withMode(Mode.RANDOM_CELLS), paper.withGeometry(Geometry.RESIZED),
                paper.withLabelWeight(LabelWeight.NOMINAL), paper.withInputSide(256),
                paper.withNormalisation(Normalisation.NONE), paper.withResizeFilter(ResizeFilter.NEAREST));
        List<String> messages = new ArrayList<>();
        for (MixOptions other : others) {
            messages.add(refusal(() -> PLAIN.checkOptions(other)));
        }
        assertEquals("record has mode ATTENTIVE; allowed: RANDOM_CELLS, the mixer's", messages.get(0));
        assertEquals(6, messages.stream().distinct().count());
    }

    @Test
    void jsonFaultsSayWhere() {
        String json = PLAIN.toJson();
        assertEquals("record JSON, line 1, column 12: has version 2; allowed: 1",
                refusal(() -> MixRecord.fromJson(json.replace("\"version\":1", "\"version\":2"))));
        assertTrue(refusal(() -> MixRecord.fromJson(json.replace("\"seed\":1,", "")))
                .contains("record has no \"seed\""));
        assertTrue(refusal(() -> MixRecord.fromJson(json.replace("\"width\":14,", "")))
                .contains("image 0 has no \"width\""));
        assertTrue(refusal(() -> MixRecord.fromJson(json.replace("\"mixed\"", "\"Mixed\"")))
                .contains("unknown key \"Mixed\""));
        assertTrue(refusal(() -> MixRecord.fromJson(json.replace("[3]", "[3.0]"))).contains("is not an integer"));
        assertTrue(refusal(() -> MixRecord.fromJson(json.replace("[3]", "[3,3]")))
                .contains("image 1: cells has 3 twice; allowed: each cell once"));
        assertTrue(refusal(() -> MixRecord.fromJson(json.replace("[3]", "[" + "1,".repeat(1024) + "1]")))
                .contains("cells of image 1 has more than 1024 cells"));
        assertTrue(refusal(() -> MixRecord.fromJson(json.replace("\"cells\":[3]", "\"cells\":[3],\"box\":[1,2,3]")))
                .contains("box of image 1 has 3 values; allowed: 4 (left, top, right, bottom)"));
        assertTrue(refusal(() -> MixRecord.fromJson(json.replace("\"cells\":[3]", "\"cells\":[3],\"box\":[1,2,3,4,5]")))
                .contains("box of image 1 has more than 4 values"));
        assertTrue(refusal(() -> MixRecord.fromJson(json.replace("\"seed\":1", "\"seed\":9223372036854775808")))
                .contains("out of range"));
        assertTrue(refusal(() -> MixRecord.fromJson(json.replace("\"seed\":1", "\"seed\":1.0")))
                .contains("value of \"seed\" is not an integer"));
        assertTrue(refusal(() -> MixRecord.fromJson(json + "1")).startsWith("record JSON, line 1"));
        for (int length = 0; length < json.length(); length++) {
            String cut = json.substring(0, length);
            assertTrue(refusal(() -> MixRecord.fromJson(cut)).startsWith("record JSON"), "cut at " + length);
        }
    }

    /** Any single changed character is refused or read as another sound record, never anything else. */
    @Test
    @Tag("slow")
    void changedCharactersNeverDoHarm() {
        Trials.run(3000, (seed, random) -> changedCharactersNeverDoHarm(seed));
    }

    private static void changedCharactersNeverDoHarm(long seed) {
        Random random = new Random(seed);
        StringBuilder json = new StringBuilder(PLAIN.toJson());
        String characters = "0123456789.,:-+eE[]{}\"truefalsn \\\0\n";
        for (int change = 1 + random.nextInt(3); change > 0; change--) {
            json.setCharAt(random.nextInt(json.length()), characters.charAt(random.nextInt(characters.length())));
        }
        try {
            MixRecord read = MixRecord.fromJson(json.toString());
            assertEquals(read, MixRecord.fromJson(read.toJson()));
        } catch (IllegalArgumentException e) {
            assertFalse(e.getMessage().isEmpty());
        }
    }
}
