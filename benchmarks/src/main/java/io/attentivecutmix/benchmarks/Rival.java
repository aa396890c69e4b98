package io.attentivecutmix.benchmarks;

import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.Device;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.weights.Weights;

/** Who else runs the network. */
public enum Rival {
    ONNX_RUNTIME, PYTORCH;

    /** What features in float may differ by, relative L2: sums in another order give about 1e-6. */
    static final double TOLERANCE = 1e-4;

    Net open(Weights weights, int batch, int side, int threads) {
        return switch (this) {
            case ONNX_RUNTIME -> new OnnxRuntimeNet(weights, batch, side, threads);
            case PYTORCH -> new PyTorchNet(weights, batch, side, threads);
        };
    }

    /** Fails unless features (N, C, G, G) of the sample tensor are ours in float. Compares the first and last image. */
    static void check(float[] features, int batch, int side) {
        int size = features.length / batch;
        try (AttentiveCutMix mixer = AttentiveCutMix.builder().weights(Samples.weights()).device(Device.cpu())
                .precision(Precision.FP32)
                .options(Settings.options(side, 1).withNormalisation(Normalisation.ALREADY_NORMALISED)).build()) {
            float[] ours = mixer.features(Samples.tensorBatch(batch, side));
            int cells = (side / 32) * (side / 32);
            int channels = size / cells;
            for (int image : new int[] {0, batch - 1}) {
                float[] a = new float[size];
                float[] b = new float[size];
                for (int i = 0; i < size; i++) {
                    a[i] = features[image * size + i];
                    b[i] = ours[image * size + i % cells * channels + i / cells];
                }
                double error = Samples.relativeError(a, b);
                Samples.require(error <= TOLERANCE, "features of image " + image + " differ by " + error);
            }
        }
    }
}
