package io.attentivecutmix.benchmarks;

import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.Device;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.weights.Weights;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** Who else runs the network. */
public enum Rival {
    ONNX_RUNTIME("ONNX Runtime FP32"),
    ONNX_RUNTIME_INT8("ONNX Runtime INT8"),
    PYTORCH("PyTorch FP32 through DJL");

    /** What features in float may differ by, relative L2: sums in another order give about 1e-6. */
    static final double TOLERANCE = 1e-4;
    /** Cells that an image is compared by. */
    private static final int CELLS = 6;
    /** INT8 is not the same network any more; by chance it would share an eighth of the cells. */
    private static final double LEAST_SHARE = 0.5;

    final String label;

    Rival(String label) {
        this.label = label;
    }

    Net open(Weights weights, int batch, int side, int threads) {
        return switch (this) {
            case ONNX_RUNTIME -> OnnxRuntimeNet.fp32(weights, batch, side, threads);
            case ONNX_RUNTIME_INT8 -> OnnxRuntimeNet.int8(weights, batch, side, threads);
            case PYTORCH -> new PyTorchNet(weights, batch, side, threads);
        };
    }

    /**
     * How near features are to ours in float.
     *
     * @param sharedCells share of all images' hottest cells that are ours
     * @param error the worst image's relative L2 difference of features
     */
    record Agreement(double sharedCells, double error) {}

    /**
     * Fails unless features (N, C, G, G) of the sample tensor are ours in float; in INT8, unless half of the hottest
     * cells are.
     */
    Agreement check(float[] features, int batch, int side) {
        int size = features.length / batch;
        int cells = (side / 32) * (side / 32);
        int channels = size / cells;
        int shared = 0;
        double worst = 0;
        try (AttentiveCutMix mixer = AttentiveCutMix.builder().weights(Samples.weights()).device(Device.cpu())
                .precision(Precision.FP32)
                .options(Settings.options(side, 1).withNormalisation(Normalisation.ALREADY_NORMALISED)).build()) {
            float[] ours = mixer.features(Samples.tensorBatch(batch, side));
            float[] a = new float[size];
            float[] b = new float[size];
            for (int image = 0; image < batch; image++) {
                for (int i = 0; i < size; i++) {
                    a[i] = features[image * size + i];
                    b[i] = ours[image * size + i % cells * channels + i / cells];
                }
                double error = Samples.relativeError(a, b);
                worst = Math.max(worst, error);
                Samples.require(this == ONNX_RUNTIME_INT8 || error <= TOLERANCE,
                        "features of image " + image + " differ by " + error);
                List<Integer> expected = hottest(b, cells);
                shared += (int) hottest(a, cells).stream().filter(expected::contains).count();
            }
        }
        double share = (double) shared / (batch * Math.min(CELLS, cells));
        Samples.require(share >= LEAST_SHARE, "only " + share + " of the hottest cells are ours");
        return new Agreement(share, worst);
    }

    /** The cells of the largest sums over channels; features are (C, cells). */
    private static List<Integer> hottest(float[] features, int cells) {
        double[] heat = new double[cells];
        for (int i = 0; i < features.length; i++) {
            heat[i % cells] += features[i];
        }
        return IntStream.range(0, cells).boxed().sorted(Comparator.comparingDouble(c -> -heat[c]))
                .limit(CELLS).toList();
    }
}
