package io.attentivecutmix.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.network.ResNet.Convolution;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BatchNormFoldingTest {
    private static final long SEED = 5;
    private static final Convolution LAYER = new Convolution("conv", "bn", 3, 4, 2, 1, 0);

    @Test
    void foldedConvolutionGivesWhatTheBatchNormGives() {
        Map<String, float[]> tensors = tensors();
        FoldedConvolution folded = BatchNormFolding.fold(LAYER, name -> tensors.get(name).clone());
        Random random = new Random(SEED);
        double[] patch = random.doubles(12, -1, 1).toArray();
        for (int k = 0; k < LAYER.out(); k++) {
            double plain = 0;
            double actual = folded.bias()[k];
            for (int i = 0; i < 12; i++) {
                plain += tensors.get("conv.weight")[k * 12 + i] * patch[i];
                actual += folded.weights()[k * 12 + i] * patch[i];
            }
            double expected = tensors.get("bn.weight")[k] * (plain - tensors.get("bn.running_mean")[k])
                    / Math.sqrt(tensors.get("bn.running_var")[k] + 1e-5) + tensors.get("bn.bias")[k];
            // 13 values rounded to float once each, sums here in double.
            assertEquals(expected, actual, 1e-6 * Math.max(1, Math.abs(expected)), "channel " + k + ", seed " + SEED);
        }
    }

    @Test
    void valuesAreRoundedOnceFromDouble() {
        Map<String, float[]> tensors = tensors();
        FoldedConvolution folded = BatchNormFolding.fold(LAYER, name -> tensors.get(name).clone());
        for (int k = 0; k < LAYER.out(); k++) {
            double scale = tensors.get("bn.weight")[k] / Math.sqrt(tensors.get("bn.running_var")[k] + 1e-5);
            for (int i = 0; i < 12; i++) {
                assertEquals((float) (tensors.get("conv.weight")[k * 12 + i] * scale), folded.weights()[k * 12 + i]);
            }
            assertEquals((float) (tensors.get("bn.bias")[k] - tensors.get("bn.running_mean")[k] * scale),
                    folded.bias()[k]);
        }
    }

    @Test
    void varianceOfZeroIsHeldUpByEpsilon() {
        Map<String, float[]> tensors = tensors();
        tensors.get("bn.running_var")[0] = 0;
        FoldedConvolution folded = BatchNormFolding.fold(LAYER, name -> tensors.get(name).clone());
        assertTrue(Float.isFinite(folded.weights()[0]));
        assertEquals((float) (tensors.get("conv.weight")[0] * tensors.get("bn.weight")[0] / Math.sqrt(1e-5)),
                folded.weights()[0]);
    }

    @Test
    void aTensorOfAnotherSizeIsRefused() {
        Map<String, float[]> tensors = tensors();
        tensors.put("bn.running_mean", new float[3]);
        Exception e = assertThrows(IllegalArgumentException.class,
                () -> BatchNormFolding.fold(LAYER, name -> tensors.get(name).clone()));
        assertEquals("tensor bn.running_mean has 3 elements; allowed: 4", e.getMessage());
    }

    private static Map<String, float[]> tensors() {
        Random random = new Random(SEED);
        Map<String, float[]> tensors = new HashMap<>();
        tensors.put("conv.weight", floats(random, 48, -1, 1));
        tensors.put("bn.weight", floats(random, 4, 0.5, 2));
        tensors.put("bn.bias", floats(random, 4, -1, 1));
        tensors.put("bn.running_mean", floats(random, 4, -1, 1));
        tensors.put("bn.running_var", floats(random, 4, 0.1, 3));
        return tensors;
    }

    private static float[] floats(Random random, int n, double low, double high) {
        float[] values = new float[n];
        for (int i = 0; i < n; i++) {
            values[i] = (float) random.nextDouble(low, high);
        }
        return values;
    }
}
