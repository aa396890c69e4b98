package io.attentivecutmix.cpu;

import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.Tensors;
import java.util.Map;
import java.util.SplittableRandom;

/** Weights for tests of the arithmetic: He initialisation, batch norms that are far from identity, no dead channels. */
public final class TestNetworks {
    private TestNetworks() {}

    /** Tensors of a network, the same for the same seed. */
    public static Tensors random(ResNet network, long seed) {
        Map<String, int[]> shapes = network.tensors();
        return name -> {
            int[] shape = shapes.get(name);
            if (shape == null) {
                throw new IllegalArgumentException("no tensor " + name);
            }
            SplittableRandom random = new SplittableRandom(seed ^ name.hashCode());
            if (shape.length == 4) {
                float[] values = new float[shape[0] * shape[1] * shape[2] * shape[3]];
                // Uniform, of variance 2/(C·R²).
                double bound = Math.sqrt(6.0 / (shape[1] * shape[2] * shape[3]));
                for (int i = 0; i < values.length; i++) {
                    values[i] = (float) (bound * (2 * random.nextDouble() - 1));
                }
                return values;
            }
            float[] values = new float[shape[0]];
            // The last batch norm of a block is scaled down, so that sums along the residual path stay in range.
            boolean last = name.contains(network.bottleneck() ? "bn3" : "bn2");
            for (int i = 0; i < values.length; i++) {
                float u = (float) random.nextDouble();
                if (name.endsWith("running_var")) {
                    values[i] = 0.5f + u;
                } else if (name.endsWith("running_mean") || name.endsWith("bias")) {
                    values[i] = 0.4f * u - 0.2f;
                } else {
                    values[i] = (last ? 0.2f : 0.8f) + 0.4f * u;
                }
            }
            return values;
        };
    }
}
