package io.attentivecutmix.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.method.Reduction;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class HeatMapTest {
    private static final long SEED = 8;
    private static final int CELLS = 9;
    private static final int C = 512;

    @Test
    void everyReductionIsItsFormula() {
        Random random = new Random(SEED);
        float[] features = new float[CELLS * C];
        for (int i = 0; i < features.length; i++) {
            features[i] = Math.max(0, (float) random.nextGaussian());
        }
        float[][] classifier = new float[3][C];
        for (float[] row : classifier) {
            for (int c = 0; c < C; c++) {
                row[c] = (float) random.nextGaussian();
            }
        }
        for (Reduction reduction : Reduction.values()) {
            float[] heat = new float[CELLS + 2];
            heat[0] = -7;
            heat[CELLS + 1] = -7;
            new HeatMap(reduction, C, classifier).reduce(FloatBuffer.wrap(features), CELLS, 2, heat, 1);
            for (int cell = 0; cell < CELLS; cell++) {
                double sum = 0;
                double squares = 0;
                double weighted = 0;
                double max = Double.NEGATIVE_INFINITY;
                for (int c = 0; c < C; c++) {
                    double v = features[cell * C + c];
                    sum += v;
                    squares += v * v;
                    weighted += v * classifier[2][c];
                    max = Math.max(max, v);
                }
                double expected = switch (reduction) {
                    case MEAN -> sum / C;
                    case LAST -> features[cell * C + C - 1];
                    case MAX -> max;
                    case L2 -> Math.sqrt(squares);
                    case CLASS -> weighted;
                };
                // One rounding to float of a sum in double.
                assertEquals(expected, heat[1 + cell], 1e-7 * Math.max(1, Math.abs(expected)),
                        reduction + ", cell " + cell + ", seed " + SEED);
            }
            assertEquals(-7, heat[0]);
            assertEquals(-7, heat[CELLS + 1]);
        }
    }

    @Test
    void aNotANumberStaysOne() {
        for (Reduction reduction : Reduction.values()) {
            float[] features = new float[2 * C];
            features[C + C - 1] = Float.NaN;
            float[] heat = new float[2];
            new HeatMap(reduction, C, new float[1][C]).reduce(FloatBuffer.wrap(features), 2, 0, heat, 0);
            assertEquals(0, heat[0], reduction.name());
            assertTrue(Float.isNaN(heat[1]), reduction.name());
        }
    }

    /** A constant map's mean is the constant itself, also where a float sum of 2048 terms would have drifted. */
    @Test
    void meanOfAConstantIsExact() {
        float[] features = new float[2048];
        Arrays.fill(features, 0.1f);
        float[] heat = new float[1];
        new HeatMap(Reduction.MEAN, 2048, null).reduce(FloatBuffer.wrap(features), 1, 0, heat, 0);
        assertEquals(0.1f, heat[0]);
    }
}
