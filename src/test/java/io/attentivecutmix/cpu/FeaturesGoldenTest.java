package io.attentivecutmix.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.cpu.NetworkSteps.Stage;
import io.attentivecutmix.engine.Engine;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.method.Selection;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.weights.Weights;
import java.util.Arrays;
import java.util.Locale;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Features, heat maps and cells against torchvision's with the same synthetic weights; see
 * golden/features/README.txt.
 */
class FeaturesGoldenTest {
    private static final int[] SIDES = {224, 160};
    private static final int[] LABELS = {207, 3};
    private static final int K = 6;
    private static final double MARGIN = 1e-4;
    private static GoldenFeatures golden;

    /** How many selections of the network under test were compared, and how many of them the margin left open. */
    private int selections;
    private int open;

    @BeforeAll
    static void read() {
        golden = new GoldenFeatures();
        OpenMpThreads.set(1);
    }

    @ParameterizedTest
    @EnumSource
    void everyStageHeatMapAndCellAgrees(ResNet network) {
        compare(network, BatchNorm.RUNNING, 1e-5, 1e-5, 1e-5, 1e-5, 1e-5);
        // Few maps hold near ties: the cells of most selections were really compared.
        assertTrue(open * 10 <= selections, open + " of " + selections + " selections within the margin");
    }

    /** Tolerances: twice what float32 PyTorch is away from its own float64, see ExtractorTest. */
    @ParameterizedTest
    @EnumSource(names = {"RESNET18", "RESNET50"})
    void everyStageAgreesWithStatisticsPerImage(ResNet network) {
        if (network == ResNet.RESNET18) {
            compare(network, BatchNorm.PER_IMAGE, 1e-6, 2e-6, 4e-6, 6e-6, 1e-5);
        } else {
            compare(network, BatchNorm.PER_IMAGE, 1e-6, 3e-6, 1e-5, 5e-5, 2e-4);
        }
        assertTrue(open * 5 <= selections, open + " of " + selections + " selections within the margin");
    }

    private void compare(ResNet network, BatchNorm batchNorm, double... tolerances) {
        Weights weights = Weights.synthetic(network.depth(), 1);
        for (int side : SIDES) {
            MixOptions options = MixOptions.paper().withInputSide(side).withBatchNorm(batchNorm);
            int cells = options.grid() * options.grid();
            try (Engine engine = CpuDevice.open(new EngineConfig(network, weights, null, options, Precision.FP32, 1))) {
                TestImages.Image[] images = {TestImages.structured(0, side, side), TestImages.structured(1, 187, 250)};
                for (int i = 0; i < images.length; i++) {
                    String prefix = network.depth() + "/" + side + "/" + i + "/"
                            + (batchNorm == BatchNorm.RUNNING ? "running/" : "per-image/");
                    MixPlan plan = new MixPlan(options.grid());
                    plan.resize(1);
                    plan.patches[0] = K;
                    float[] heat = new float[cells];
                    engine.attend(TestImages.bytes(images[i]), plan, null, heat, null);
                    compareMap(prefix, Reduction.MEAN, heat, tolerances[4]);
                    compareCells(prefix, Reduction.MEAN, plan.cells[0], tolerances[4]);

                    Extractor extractor = ((CpuEngine) engine).extractor(0);
                    for (Reduction reduction : Reduction.values()) {
                        new HeatMap(reduction, network.channels(), weights.classifier())
                                .reduce(extractor.output(), cells, LABELS[i], heat, 0);
                        compareMap(prefix, reduction, heat, tolerances[4]);
                        long[] mask = new long[1];
                        Selection.select(heat, 0, cells, K, mask, 0);
                        compareCells(prefix, reduction, mask[0], tolerances[4]);
                    }
                    for (Stage stage : Stage.values()) {
                        compareStage(prefix + stage.name().toLowerCase(Locale.ROOT), extractor.stage(stage),
                                tolerances[stage.ordinal()]);
                    }
                }
            }
        }
    }

    private static void compareMap(String prefix, Reduction reduction, float[] heat, double tolerance) {
        double error = relativeL2(heat, golden.get(prefix + reduction));
        // CLASS sums with weights of both signs, which cancel: its error is that of the terms.
        double allowed = reduction == Reduction.CLASS ? 20 * tolerance : tolerance;
        assertTrue(error <= allowed, prefix + reduction + ": relative L2 is " + error);
    }

    private void compareCells(String prefix, Reduction reduction, long mask, double tolerance) {
        float[] heat = golden.get(prefix + reduction);
        float[] sorted = heat.clone();
        Arrays.sort(sorted);
        float kth = sorted[sorted.length - K];
        float next = sorted[sorted.length - K - 1];
        double range = sorted[sorted.length - 1] - sorted[0];
        selections++;
        if (kth - next <= Math.max(MARGIN, 10 * tolerance) * range && !(kth == 0 && next == 0)) {
            open++;
            return;
        }
        float[] expected = golden.get(prefix + reduction + "/cells");
        float[] actual = new float[K];
        int n = 0;
        for (int c = 0; c < heat.length; c++) {
            if ((mask >>> c & 1) != 0) {
                actual[n++] = c;
            }
        }
        assertEquals(K, n);
        assertArrayEquals(expected, actual, prefix + reduction);
    }

    /** A stage's output against the sample, sum and norm that golden_features.py keeps of it. */
    private static void compareStage(String key, float[] values, double tolerance) {
        float[] expected = golden.get(key);
        int samples = expected.length - 2;
        float[] sample = new float[samples];
        for (int j = 0; j < samples; j++) {
            sample[j] = values[(int) ((long) j * values.length / samples)];
        }
        double sum = 0;
        double squares = 0;
        for (float v : values) {
            sum += v;
            squares += (double) v * v;
        }
        double error = relativeL2(sample, Arrays.copyOf(expected, samples));
        assertTrue(error <= tolerance, key + ": relative L2 is " + error);
        // Of values of one sign, so that nothing cancels; both were rounded to float for the file.
        assertEquals(expected[samples], sum, tolerance * sum, key + " sum");
        assertEquals(expected[samples + 1], Math.sqrt(squares), tolerance * Math.sqrt(squares), key + " norm");
    }

    private static double relativeL2(float[] actual, float[] expected) {
        double[] values = new double[expected.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = expected[i];
        }
        return ExtractorTest.relativeL2(actual, values);
    }

    /** BF16 keeps 8 bits of each value, so a near tie can go the other way; it must not go far. */
    @Test
    void bf16SelectsNearlyTheSameCells() {
        Assumptions.assumeTrue(CpuDevice.precisions().contains(Precision.BF16), "no BF16 on this CPU");
        int n = 32;
        TestImages.Image[] images = new TestImages.Image[n];
        for (int i = 0; i < n; i++) {
            images[i] = TestImages.structured(i, 224, 224);
        }
        Weights weights = Weights.synthetic(50, 1);
        long[][] cells = new long[2][n];
        for (Precision precision : new Precision[] {Precision.FP32, Precision.BF16}) {
            MixOptions options = MixOptions.paper();
            MixPlan plan = new MixPlan(options.grid());
            plan.resize(n);
            Arrays.fill(plan.patches, 0, n, K);
            try (Engine engine =
                    CpuDevice.open(new EngineConfig(ResNet.RESNET50, weights, null, options, precision, 2))) {
                engine.attend(TestImages.bytes(images), plan, null, null, null);
            }
            cells[precision == Precision.FP32 ? 0 : 1] = plan.cells;
        }
        int sum = 0;
        int least = K;
        for (int i = 0; i < n; i++) {
            int overlap = Long.bitCount(cells[0][i] & cells[1][i]);
            sum += overlap;
            least = Math.min(least, overlap);
        }
        assertTrue(sum >= 5.5 * n && least >= 4,
                "overlap of the six cells: mean " + (double) sum / n + ", least " + least);
    }
}
