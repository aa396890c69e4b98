package io.attentivecutmix.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.Attention;
import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.ImageBatch;
import io.attentivecutmix.cpu.GoldenFeatures;
import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.weights.Weights;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The CUDA device against torchvision: heat maps and cells of all five networks as golden/features/README.txt describes
 * them, through the public API.
 */
@Tag("gpu")
@ExtendWith(DeviceUnderTest.Usable.class)
class GoldenContractTest {
    private static final int[] SIDES = {224, 160};
    private static final int K = 6;
    private static GoldenFeatures golden;

    @BeforeAll
    static void read() {
        DeviceUnderTest.require(Precision.FP32);
        golden = new GoldenFeatures();
    }

    @ParameterizedTest
    @EnumSource
    void heatMapsAndCellsAreTorchvisions(ResNet network) {
        Weights weights = Weights.synthetic(network.depth(), 1);
        int compared = 0;
        for (int side : SIDES) {
            MixOptions options = MixOptions.paper().withInputSide(side);
            // the golden pictures: number 0 as large as the input, number 1 of another size
            ImageBatch images = Compare.batch(0, side, side, 187, 250);
            try (AttentiveCutMix mixer = DeviceUnderTest.mixer(weights, Precision.FP32, options).build()) {
                Attention attention = mixer.attend(images, Labels.of(0, 0), K);
                for (int i = 0; i < 2; i++) {
                    String key = network.depth() + "/" + side + "/" + i + "/running/" + Reduction.MEAN;
                    float[] heat = golden.get(key);
                    double error = Compare.relativeL2(attention.heat(i), heat);
                    assertTrue(error <= Compare.FP32_RELATIVE_L2, key + ": relative L2 is " + error);
                    if (Compare.margin(heat, K) > Compare.NEAR_TIE) {
                        float[] cells = golden.get(key + "/cells");
                        int[] expected = new int[K];
                        for (int c = 0; c < K; c++) {
                            expected[c] = (int) cells[c];
                        }
                        assertEquals(Arrays.toString(expected), Arrays.toString(attention.cells(i)), key);
                        compared++;
                    }
                }
            }
        }
        assertTrue(compared >= 3, "only " + compared + " of 4 selections are no near ties");
    }
}
