package io.attentivecutmix.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.image.ResizeFilter;
import io.attentivecutmix.method.CellGrid;
import io.attentivecutmix.method.Checks;
import io.attentivecutmix.method.Geometry;
import io.attentivecutmix.method.HostImages;
import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.MixGeometry;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.MixRecord;
import io.attentivecutmix.method.Mode;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.method.Pairing;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.PixelFormat;
import io.attentivecutmix.method.Planner;
import io.attentivecutmix.method.Selection;
import io.attentivecutmix.method.SoftLabels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * Mistakes that other implementations of the method made, one test each. Numbers 12, 14, 15 and 24 are about the
 * extractor, image files, the resize and devices, and are tested there.
 */
class KnownMistakesTest {
    private static final MixOptions PAPER = MixOptions.paper();

    private static int[] select(int k, float[] heat) {
        long[] mask = new long[(heat.length + 63) / 64];
        Selection.select(heat, 0, heat.length, k, mask, 0);
        return IntStream.range(0, heat.length).filter(c -> (mask[c >> 6] >>> (c & 63) & 1) != 0).toArray();
    }

    private static HostImages uint8(int[]... sizes) {
        return new HostImages(sizes, ElementType.UINT8, Layout.NHWC, 0).fill(new Random(sizes.length));
    }

    /** Eight images. */
    private static HostImages in8() {
        int[][] sizes = new int[8][];
        Arrays.setAll(sizes, i -> new int[] {7, 7});
        return uint8(sizes);
    }

    private static MixPlan planned(MixOptions options, Pairing pairing, HostImages in, int[]... cells) {
        Planner planner = new Planner(options);
        MixPlan plan = planner.newPlan();
        planner.plan(pairing, in.count(), plan);
        planner.boxes(pairing, in, plan);
        for (int i = 0; i < cells.length; i++) {
            for (int c : cells[i]) {
                plan.cells[i * plan.words + (c >> 6)] |= 1L << (c & 63);
            }
        }
        planner.weigh(in, plan);
        return plan;
    }

    private static HostImages mix(MixOptions options, HostImages in, MixPlan plan, PixelFormat format) {
        int[][] sizes = new int[in.count()][];
        Arrays.setAll(sizes, i -> new int[] {
            MixGeometry.outHeight(options, plan, i, in), MixGeometry.outWidth(options, plan, i, in)});
        HostImages out = new HostImages(sizes, format.type(), format.layout(), in.maskBytes());
        PixelMixer mixer = new PixelMixer(options);
        for (int i = 0; i < in.count(); i++) {
            mixer.mix(in, plan, i, out);
        }
        return out;
    }

    @Test
    void mistake01TiesGoToTheLowerIndex() {
        float[] zeros = new float[49];
        assertArrayEquals(new int[] {0, 1, 2, 3, 4, 5}, select(6, zeros));
        float[] relu = new float[49];
        relu[40] = 1;
        relu[20] = 1;
        relu[30] = -0f;
        assertArrayEquals(new int[] {0, 1, 2, 3, 20, 40}, select(6, relu));
    }

    @Test
    void mistake02NanIsTheLastToBeSelectedAndIsReported() {
        float[] heat = new float[49];
        Arrays.fill(heat, Float.NEGATIVE_INFINITY);
        for (int c = 0; c < 44; c++) {
            heat[c] = c % 2 == 0 ? Float.NaN : Float.intBitsToFloat(0xffc00001);
        }
        assertArrayEquals(new int[] {44, 45, 46, 47, 48}, select(5, heat));
        assertArrayEquals(new int[] {0, 44, 45, 46, 47, 48}, select(6, heat));
        assertTrue(Selection.select(heat, 0, 49, 5, new long[1], 0));
        assertFalse(Selection.select(new float[49], 0, 49, 5, new long[1], 0));
    }

    @Test
    void mistake03PatchCountsAtAndBeyondTheEnds() {
        assertThrows(IllegalArgumentException.class, () -> new Patches.Fixed(0));
        assertThrows(IllegalArgumentException.class, () -> select(0, new float[49]));
        assertThrows(IllegalArgumentException.class, () -> PAPER.withPatches(new Patches.Fixed(50)));
        assertThrows(IllegalArgumentException.class, () -> select(50, new float[49]));
        assertEquals(49, select(49, new float[49]).length);
        // k = G²: every pixel is image i's, and so is the whole label.
        HostImages in = uint8(new int[] {15, 20}, new int[] {15, 20});
        int[] all = IntStream.range(0, 49).toArray();
        MixPlan plan = planned(PAPER.withPatches(new Patches.Fixed(49)), Pairing.roll(), in, all, all);
        HostImages out = mix(PAPER, in, plan, PixelFormat.UINT8_NHWC);
        assertEquals(1, plan.sourceWeight[0]);
        assertEquals(in.pixels(0), out.pixels(0));
        // λ so near 0 or 1 that floor(λ·G²) is 0 or 49: 1 cell at least, 49 at most.
        MixPlan ends = planned(PAPER.withPatches(new Patches.Beta(1e-9, true)), Pairing.flip(), in8());
        assertEquals(Set.of(1, 49), Set.of(Arrays.stream(ends.patches).distinct().boxed().toArray()));
    }

    @Test
    void mistake04RowsAndColumnsAreNotSwapped() {
        HostImages in = uint8(new int[] {14, 28}, new int[] {14, 28});
        MixPlan plan = planned(PAPER, Pairing.roll(), in, new int[] {5}, new int[] {35});
        HostImages out = mix(PAPER, in, plan, PixelFormat.UINT8_NHWC);
        for (int y = 0; y < 14; y++) {
            for (int x = 0; x < 28; x++) {
                // Cell 5 is grid row 0, column 5: rows 0 to 1, columns 20 to 23. Cell 35: grid row 5, column 0.
                assertEquals(in.bits(y < 2 && x >= 20 && x < 24 ? 0 : 1, y, x, 1), out.bits(0, y, x, 1));
                assertEquals(in.bits(y >= 10 && y < 12 && x < 4 ? 1 : 0, y, x, 1), out.bits(1, y, x, 1));
            }
        }
    }

    @Test
    void mistake05CellsAndPixelsAreOfTheSameImage() {
        // Image i's hot cells cut image i: three images with one hot cell each, every partner different.
        HostImages in = uint8(new int[] {7, 7}, new int[] {7, 7}, new int[] {7, 7});
        float[][] maps = new float[3][49];
        for (int i = 0; i < 3; i++) {
            maps[i][10 + i] = 1;
        }
        MixOptions one = PAPER.withPatches(new Patches.Fixed(1));
        MixPlan plan = new MixPlan(7);
        MixRecord.fromHeatMaps(one, Pairing.roll(), maps).into(plan);
        HostImages out = mix(one, in, plan, PixelFormat.UINT8_NHWC);
        for (int i = 0; i < 3; i++) {
            for (int cell = 0; cell < 49; cell++) {
                int from = cell == 10 + i ? i : (i + 2) % 3;
                assertEquals(in.bits(from, cell / 7, cell % 7, 0), out.bits(i, cell / 7, cell % 7, 0));
            }
        }
    }

    @Test
    void mistake06TheBackgroundHoldsTheMajorityOfTheLabel() {
        HostImages in = uint8(new int[] {224, 224}, new int[] {224, 224});
        MixPlan plan = planned(PAPER, Pairing.roll(), in, new int[] {0, 1, 2, 3, 4, 5}, new int[] {0, 1, 2, 3, 4, 5});
        assertEquals(6 / 49f, plan.sourceWeight[0]);
        float[] row = new float[20];
        SoftLabels.fill(Labels.of(7, 3), plan.partner, plan.sourceWeight, 10, 0, row);
        assertEquals(6 / 49f, row[7]);
        assertEquals(1 - 6 / 49f, row[3]);
    }

    @Test
    void mistake07EveryImageHasItsOwnWeight() {
        HostImages in = uint8(new int[] {32, 32}, new int[] {32, 32});
        // At 32 pixels a 7-grid's cells are 4 or 5 wide: six small ones cover 9.4 %, six large ones 14.6 %.
        int[] small = {0, 1, 7, 8, 2, 14};
        int[] large = {24, 25, 27, 31, 32, 34};
        MixPlan plan = planned(PAPER, Pairing.roll(), in, small, large);
        CellGrid grid = new CellGrid(7, 32, 32);
        for (int i = 0; i < 2; i++) {
            long taken = Arrays.stream(i == 0 ? small : large).mapToLong(grid::pixels).sum();
            assertEquals(taken / 1024f, plan.sourceWeight[i]);
        }
        long[] areas = IntStream.range(0, 49).mapToLong(grid::pixels).sorted().toArray();
        assertEquals(0.094, Arrays.stream(areas, 0, 6).sum() / 1024.0, 0.0005);
        assertEquals(0.146, Arrays.stream(areas, 43, 49).sum() / 1024.0, 0.0005);
        assertNotEquals(plan.sourceWeight[0], plan.sourceWeight[1]);
    }

    @Test
    void mistake08TheWeightIsWhatWasPasted() {
        // A CutMix box half outside: its weight is the clipped area, not λ.
        MixOptions cutmix = PAPER.withMode(Mode.CUTMIX).withPatches(new Patches.Fixed(25));
        int clipped = 0;
        for (int step = 0; step < 50; step++) {
            HostImages in = uint8(new int[] {40, 30}, new int[] {40, 30});
            MixPlan plan = planned(cutmix, Pairing.roll().at(1, 0, step), in);
            HostImages out = mix(cutmix, in, plan, PixelFormat.UINT8_NHWC);
            long taken = new NaiveMix(cutmix, in, plan).check(0, out, "step " + step);
            assertEquals(taken / 1200f, plan.sourceWeight[0], "step " + step);
            clipped += taken < 20 * 28 ? 1 : 0;
        }
        assertTrue(clipped > 10, clipped + " boxes of 50 clipped");
    }

    @Test
    void mistake09NoSizeIsHardCoded() {
        for (int side : new int[] {32, 64, 96, 160, 224, 256, 448, 1024}) {
            MixOptions options = PAPER.withPatches(new Patches.Fixed(1)).withInputSide(side)
                    .withMode(Mode.RANDOM_CELLS);
            int grid = side / 32;
            HostImages in = uint8(new int[] {grid + 3, 2 * grid + 1}, new int[] {grid + 3, 2 * grid + 1});
            MixPlan plan = planned(options, Pairing.roll().at(side, 0, 0), in);
            HostImages out = mix(options, in, plan, PixelFormat.UINT8_NHWC);
            for (int i = 0; i < 2; i++) {
                long taken = new NaiveMix(options, in, plan).check(i, out, "side " + side);
                assertEquals((float) ((double) taken / ((grid + 3) * (2 * grid + 1))), plan.sourceWeight[i]);
            }
        }
    }

    @Test
    void mistake10SizesWhereFloatBoundariesAreOnePixelShort() {
        for (int size : new int[] {61, 115, 122, 230, 237, 244, 251, 453}) {
            HostImages in = uint8(new int[] {size, 7}, new int[] {size, 7});
            int[] all = IntStream.range(0, 49).toArray();
            MixPlan plan = planned(PAPER, Pairing.roll(), in, all, new int[] {48});
            HostImages out = mix(PAPER, in, plan, PixelFormat.UINT8_NHWC);
            assertEquals(in.pixels(0), out.pixels(0), "size " + size);
            assertEquals(in.bits(1, size - 1, 6, 2), out.bits(1, size - 1, 6, 2), "size " + size);
            int first = 6 * size / 7;
            assertEquals((size - first) / (7f * size), plan.sourceWeight[1], "size " + size);
        }
    }

    @Test
    void mistake11ImagesNeedNotBeSquareOrOfOneSize() {
        for (Geometry geometry : Geometry.values()) {
            MixOptions options = PAPER.withGeometry(geometry).withMode(Mode.RANDOM_CELLS);
            HostImages in = uint8(new int[] {7, 300}, new int[] {211, 8}, new int[] {50, 50});
            MixPlan plan = planned(options, Pairing.roll(), in);
            HostImages out = mix(options, in, plan, PixelFormat.UINT8_NHWC);
            NaiveMix naive = new NaiveMix(options, in, plan);
            for (int i = 0; i < 3; i++) {
                naive.check(i, out, geometry.name());
            }
        }
    }

    @Test
    void mistake13NormalisedOnceOnRgb() {
        HostImages in = uint8(new int[] {7, 7}, new int[] {7, 7});
        MixPlan plan = planned(PAPER, Pairing.roll(), in, new int[] {3}, new int[] {4});
        HostImages out = mix(PAPER, in, plan, new PixelFormat(ElementType.FLOAT32, Layout.NCHW));
        float[] mean = {0.485f, 0.456f, 0.406f};
        float[] std = {0.229f, 0.224f, 0.225f};
        for (int c = 0; c < 3; c++) {
            assertEquals((in.bits(0, 0, 3, c) / 255f - mean[c]) / std[c], out.value(0, 0, 3, c));
            assertEquals((in.bits(1, 0, 2, c) / 255f - mean[c]) / std[c], out.value(0, 0, 2, c));
        }
        // A floating batch is handed out as it is, never normalised a second time.
        HostImages again = mix(PAPER, out, plan, new PixelFormat(ElementType.FLOAT32, Layout.NCHW));
        assertEquals(out.bits(0, 0, 3, 1), again.bits(0, 0, 3, 1));
        assertThrows(IllegalArgumentException.class,
                () -> Checks.batch(PAPER.withNormalisation(Normalisation.ALREADY_NORMALISED), in));
    }

    @Test
    void mistake16APartnerIsReadAsItWas() {
        // A chain 0 <- 2 <- 1 <- 0: in place, the last image would get what the first became.
        HostImages in = uint8(new int[] {9, 9}, new int[] {9, 9}, new int[] {9, 9});
        HostImages same = uint8(new int[] {9, 9}, new int[] {9, 9}, new int[] {9, 9});
        MixPlan plan = planned(PAPER, Pairing.roll(), in, new int[] {0}, new int[] {1}, new int[] {2});
        HostImages out = mix(PAPER, in, plan, PixelFormat.UINT8_NHWC);
        NaiveMix naive = new NaiveMix(PAPER, same, plan);
        for (int i = 0; i < 3; i++) {
            naive.check(i, out, "image " + i);
            assertEquals(same.pixels(i), in.pixels(i));
        }
    }

    @Test
    void mistake17SameClassPairsAccumulate() {
        float[] row = new float[6];
        SoftLabels.fill(Labels.of(1, 1), new int[] {1, 0}, new float[] {6 / 49f, 0.3f}, 3, 0, row);
        assertArrayEquals(new float[] {0, 1, 0, 0, 1, 0}, row);
    }

    @Test
    void mistake18ClassIdsAreNeverRounded() {
        for (int id : new int[] {257, 2049, 65_537, 16_777_217, Integer.MAX_VALUE}) {
            assertEquals(id, Labels.of(id).id(0));
        }
        float[] row = new float[2050];
        SoftLabels.fill(Labels.of(2049), new int[] {0}, new float[] {1}, 2050, 0, row);
        assertEquals(0, row[2048]);
        assertEquals(1, row[2049]);
    }

    @Test
    void mistake19ZeroValuedCellsCountOnlyIfSelected() {
        float[] heat = new float[49];
        heat[48] = 2;
        // One hot cell, k = 6: five zeros are selected by index and pasted; the other 43 are not counted.
        MixRecord record = MixRecord.fromHeatMaps(PAPER, Pairing.roll(), new float[][] {heat, heat});
        assertEquals(List.of(0, 1, 2, 3, 4, 48), record.images().get(0).cells());
        MixPlan plan = new MixPlan(7);
        record.into(plan);
        HostImages in = uint8(new int[] {14, 14}, new int[] {14, 14});
        new Planner(PAPER).weigh(in, plan);
        assertEquals(6 / 49f, plan.sourceWeight[0]);
    }

    @Test
    void mistake20AccuracyIsAboutBothLabels() {
        Labels labels = Labels.of(1, 2);
        int[] partner = {1, 0};
        float[] weights = {6 / 49f, 6 / 49f};
        // Predicting the background of every image is worth the majority, the source the minority.
        assertEquals(1 - 6 / 49.0, SoftLabels.accuracy(labels, partner, weights, new int[] {2, 1}), 1e-7);
        assertEquals(6 / 49.0, SoftLabels.accuracy(labels, partner, weights, new int[] {1, 2}), 1e-7);
        assertEquals(0, SoftLabels.accuracy(labels, partner, weights, new int[] {3, 3}));
    }

    @Test
    void mistake21UnknownOptionsAreErrors() {
        assertThrows(IllegalArgumentException.class, () -> MixOptions.fromJson("{\"k\":6}"));
        assertThrows(IllegalArgumentException.class, () -> MixOptions.fromJson("{\"Mode\":\"CUTMIX\"}"));
        assertThrows(IllegalArgumentException.class, () -> MixOptions.fromJson("{\"patches\":{\"k\":6,\"beta\":1}}"));
    }

    @Test
    void mistake22NoStreamIsSharedOrRepeated() {
        // 4 ranks × 3 epochs × 5 steps of 8 images: every image's λ is its own.
        MixOptions options = PAPER.withPatches(new Patches.Beta(2, true));
        Planner planner = new Planner(options);
        MixPlan plan = planner.newPlan();
        Set<Double> lambdas = new HashSet<>();
        Set<String> partners = new HashSet<>();
        for (int epoch = 0; epoch < 3; epoch++) {
            for (int step = 0; step < 5; step++) {
                for (int rank = 0; rank < 4; rank++) {
                    planner.plan(Pairing.shuffled(1, epoch, step).firstSample(8 * rank), 8, plan);
                    for (int i = 0; i < 8; i++) {
                        lambdas.add(plan.lambda[i]);
                    }
                    partners.add(Arrays.toString(plan.partner));
                }
            }
        }
        assertEquals(4 * 3 * 5 * 8, lambdas.size());
        // Of 14,833 derangements of 8, 60 drawn: two equal ones are rare, all equal was the mistake.
        assertTrue(partners.size() >= 58, partners.size() + " different pairings of 60");
    }

    @Test
    void mistake23ImagesAndLabelsFollowOnePairing() {
        int n = 16;
        int[][] sizes = new int[n][];
        Arrays.setAll(sizes, i -> new int[] {7, 7});
        HostImages in = uint8(sizes);
        for (int i = 0; i < n; i++) {
            for (int at = 0; at < 147; at++) {
                in.pixels(i).put(at, (byte) i);
            }
        }
        int[] ids = IntStream.range(0, n).toArray();
        int[][] cells = new int[n][];
        Arrays.setAll(cells, i -> new int[] {i});
        MixPlan plan = planned(PAPER, Pairing.shuffled(9, 9, 9), in, cells);
        HostImages out = mix(PAPER, in, plan, PixelFormat.UINT8_NHWC);
        float[] rows = new float[n * n];
        SoftLabels.fill(Labels.of(ids), plan.partner, plan.sourceWeight, n, 0, rows);
        for (int i = 0; i < n; i++) {
            // Every image is of one colour, its own label: the row must be the picture's histogram.
            float[] histogram = new float[n];
            for (int pixel = 0; pixel < 49; pixel++) {
                histogram[out.bits(i, pixel / 7, pixel % 7, 0)] += 1;
            }
            for (int c = 0; c < n; c++) {
                assertEquals(histogram[c] / 49, rows[i * n + c], 1e-6f, "image " + i + ", class " + c);
            }
        }
    }

    @Test
    void mistake25SizesBeyondIntAreRefusedOrExact() {
        assertEquals(1_533_916_890, CellGrid.boundary(5, 2_147_483_647, 7));
        assertEquals(4_611_686_014_132_420_609L, new CellGrid(1, Integer.MAX_VALUE, Integer.MAX_VALUE).pixels(0));
        // Sizes near 2^31 through the whole record: pixels are counted in long. Too large batches: ChecksTest.
        int side = Integer.MAX_VALUE;
        CellGrid grid = new CellGrid(7, side, side);
        float weight = (float) ((double) grid.pixels(48) / ((double) side * side));
        MixRecord.Entry image = new MixRecord.Entry(0, true, 0.5, List.of(48), Optional.empty(),
                Optional.of(new MixRecord.Measure(side, side, weight)));
        assertEquals(1, new MixRecord(PAPER, 0, 0, 0, 0, List.of(image)).count());
    }

    @Test
    void mistake26NoModeReturnsItsInput() {
        HostImages in = uint8(new int[] {64, 80}, new int[] {64, 80});
        for (Mode mode : Mode.values()) {
            for (Geometry geometry : Geometry.values()) {
                MixOptions options = PAPER.withMode(mode).withGeometry(geometry)
                        .withPatches(new Patches.Fixed(2)).withInputSide(64).withResizeFilter(ResizeFilter.BILINEAR);
                MixPlan plan = mode == Mode.ATTENTIVE
                        ? planned(options, Pairing.roll(), in, new int[] {1, 2}, new int[] {0})
                        : planned(options, Pairing.roll().at(2, 0, 0), in);
                HostImages out = mix(options, in, plan, PixelFormat.UINT8_NHWC);
                for (int i = 0; i < 2; i++) {
                    assertNotEquals(in.pixels(0), out.pixels(i), mode + " " + geometry);
                    assertNotEquals(in.pixels(1), out.pixels(i), mode + " " + geometry);
                    assertTrue(plan.sourceWeight[i] > 0 && plan.sourceWeight[i] < 1, mode + " " + geometry);
                }
            }
        }
        // Every option that the plan and the mix read changes something.
        List<String> seen = new ArrayList<>();
        for (MixOptions options : List.of(PAPER, PAPER.withPatches(new Patches.Fixed(7)), PAPER.withProbability(0),
                PAPER.withMode(Mode.RANDOM_CELLS), PAPER.withMode(Mode.CUTMIX),
                PAPER.withPatches(new Patches.Beta(1, true)), PAPER.withPatches(new Patches.Beta(1, false)))) {
            MixPlan plan = planned(options, Pairing.roll().at(2, 0, 0), in);
            seen.add(Arrays.toString(plan.patches) + Arrays.toString(plan.lambda) + Arrays.toString(plan.cells)
                    + Arrays.toString(plan.box) + Arrays.toString(plan.mixed));
        }
        assertEquals(7, new HashSet<>(seen).size());
    }
}
