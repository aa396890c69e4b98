package io.attentivecutmix.cpu;

import io.attentivecutmix.cpu.NetworkSteps.Stage;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.ResNet.Block;
import io.attentivecutmix.network.ResNet.Convolution;
import io.attentivecutmix.network.Tensors;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The network by its definition: loops in double, batch norms not folded, NCHW. Slow; the reference of ExtractorTest.
 */
final class DoubleNetwork {
    private final ResNet network;
    private final Tensors tensors;
    private final boolean perImage;

    /** (channels, side, side) */
    private record Map3(double[] values, int channels, int side) {}

    DoubleNetwork(ResNet network, Tensors tensors, boolean perImage) {
        this.network = network;
        this.tensors = tensors;
        this.perImage = perImage;
    }

    /** Every stage's output, (side, side, channels), for an image (side, side, 3). */
    Map<Stage, double[]> run(float[] image, int side) {
        double[] input = new double[3 * side * side];
        for (int p = 0; p < side * side; p++) {
            for (int c = 0; c < 3; c++) {
                input[c * side * side + p] = image[p * 3 + c];
            }
        }
        Map<Stage, double[]> stages = new EnumMap<>(Stage.class);
        Map3 x = maxPool(relu(unit(network.stem(), new Map3(input, 3, side))));
        stages.put(Stage.STEM, channelsLast(x));
        for (Block block : network.blocks()) {
            Map3 shortcut = block.downsample() == null ? x : unit(block.downsample(), x);
            List<Convolution> path = block.path();
            Map3 y = x;
            for (int i = 0; i < path.size(); i++) {
                y = unit(path.get(i), y);
                if (i < path.size() - 1) {
                    y = relu(y);
                }
            }
            for (int i = 0; i < y.values().length; i++) {
                y.values()[i] += shortcut.values()[i];
            }
            x = relu(y);
            stages.put(Stage.valueOf("LAYER" + block.layer()), channelsLast(x));
        }
        return stages;
    }

    private Map3 unit(Convolution c, Map3 in) {
        return normalise(c, convolve(c, in));
    }

    private Map3 convolve(Convolution c, Map3 in) {
        float[] w = tensors.tensor(c.name() + ".weight");
        int out = c.outputSide(in.side());
        int r = c.kernel();
        double[] result = new double[c.out() * out * out];
        for (int k = 0; k < c.out(); k++) {
            for (int ch = 0; ch < c.in(); ch++) {
                for (int ky = 0; ky < r; ky++) {
                    for (int kx = 0; kx < r; kx++) {
                        double weight = w[((k * c.in() + ch) * r + ky) * r + kx];
                        for (int y = 0; y < out; y++) {
                            int iy = y * c.stride() + ky - c.padding();
                            if (iy < 0 || iy >= in.side()) {
                                continue;
                            }
                            for (int x = 0; x < out; x++) {
                                int ix = x * c.stride() + kx - c.padding();
                                if (ix >= 0 && ix < in.side()) {
                                    result[(k * out + y) * out + x] +=
                                            weight * in.values()[(ch * in.side() + iy) * in.side() + ix];
                                }
                            }
                        }
                    }
                }
            }
        }
        return new Map3(result, c.out(), out);
    }

    private Map3 normalise(Convolution c, Map3 m) {
        float[] gamma = tensors.tensor(c.batchNorm() + ".weight");
        float[] beta = tensors.tensor(c.batchNorm() + ".bias");
        float[] runningMean = tensors.tensor(c.batchNorm() + ".running_mean");
        float[] runningVariance = tensors.tensor(c.batchNorm() + ".running_var");
        int size = m.side() * m.side();
        for (int k = 0; k < m.channels(); k++) {
            double mean = runningMean[k];
            double variance = runningVariance[k];
            if (perImage) {
                mean = 0;
                for (int i = k * size; i < (k + 1) * size; i++) {
                    mean += m.values()[i] / size;
                }
                variance = 0;
                for (int i = k * size; i < (k + 1) * size; i++) {
                    variance += (m.values()[i] - mean) * (m.values()[i] - mean) / size;
                }
            }
            for (int i = k * size; i < (k + 1) * size; i++) {
                m.values()[i] = gamma[k] * (m.values()[i] - mean) / Math.sqrt(variance + 1e-5) + beta[k];
            }
        }
        return m;
    }

    private static Map3 relu(Map3 m) {
        for (int i = 0; i < m.values().length; i++) {
            m.values()[i] = Math.max(0, m.values()[i]);
        }
        return m;
    }

    private static Map3 maxPool(Map3 in) {
        int out = in.side() / 2;
        double[] result = new double[in.channels() * out * out];
        for (int c = 0; c < in.channels(); c++) {
            for (int y = 0; y < out; y++) {
                for (int x = 0; x < out; x++) {
                    double max = Double.NEGATIVE_INFINITY;
                    for (int iy = Math.max(0, 2 * y - 1); iy < Math.min(in.side(), 2 * y + 2); iy++) {
                        for (int ix = Math.max(0, 2 * x - 1); ix < Math.min(in.side(), 2 * x + 2); ix++) {
                            max = Math.max(max, in.values()[(c * in.side() + iy) * in.side() + ix]);
                        }
                    }
                    result[(c * out + y) * out + x] = max;
                }
            }
        }
        return new Map3(result, in.channels(), out);
    }

    private static double[] channelsLast(Map3 m) {
        double[] result = new double[m.values().length];
        int size = m.side() * m.side();
        for (int c = 0; c < m.channels(); c++) {
            for (int p = 0; p < size; p++) {
                result[p * m.channels() + c] = m.values()[c * size + p];
            }
        }
        return result;
    }
}
