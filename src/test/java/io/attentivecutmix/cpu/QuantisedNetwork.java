package io.attentivecutmix.cpu;

import io.attentivecutmix.cpu.NetworkSteps.Stage;
import io.attentivecutmix.network.BatchNormFolding;
import io.attentivecutmix.network.FoldedConvolution;
import io.attentivecutmix.network.ResNet.Block;
import io.attentivecutmix.network.ResNet.Convolution;
import io.attentivecutmix.network.Tensors;
import io.attentivecutmix.quantisation.Activations;
import io.attentivecutmix.quantisation.Calibration;
import io.attentivecutmix.quantisation.Equalisation;
import io.attentivecutmix.quantisation.QuantisedConvolution;
import io.attentivecutmix.quantisation.WeightQuantiser;
import java.util.List;

/**
 * Each convolution in 8 bits as {@link Calibration} defines it, in plain loops over what the extractor read: products
 * and sums of integers are exact in double. Every convolution is in 8 bits and no stream is wide.
 */
final class QuantisedNetwork {
    private final Tensors weights;
    private final Calibration calibration;
    private final Equalisation equalisation;
    private final Extractor extractor;

    /** Is told what a tensor should hold, as real values, and the real value of one step; 0 for float. */
    interface Comparison {
        void compare(String tensor, double[] expected, double step);
    }

    QuantisedNetwork(Tensors weights, Calibration calibration, Extractor extractor) {
        this.weights = weights;
        this.calibration = calibration;
        this.equalisation = Equalisation.of(calibration);
        this.extractor = extractor;
    }

    /** Goes through every tensor in order, for an image (side, side, 3). */
    void compare(float[] image, Comparison comparison) {
        Convolution stem = calibration.network().stem();
        double[] input = new double[image.length];
        for (int i = 0; i < input.length; i++) {
            input[i] = image[i];
        }
        round(input, Activations.INPUT, true);
        expect(comparison, stem, input, null, false, true);
        double[] x = doubles(extractor.stage(Stage.STEM));
        List<Block> blocks = calibration.network().blocks();
        for (Block block : blocks) {
            double[] shortcut = x;
            if (block.downsample() != null) {
                expect(comparison, block.downsample(), x, null, true, true);
                shortcut = doubles(extractor.tensor(block.downsample().name()));
            }
            double[] inner = x;
            for (int i = 0; i < block.path().size(); i++) {
                Convolution c = block.path().get(i);
                boolean end = i == block.path().size() - 1;
                boolean last = end && block == blocks.get(blocks.size() - 1);
                expect(comparison, c, inner, end ? shortcut : null, false, !last);
                inner = doubles(extractor.tensor(c.name()));
            }
            x = inner;
        }
    }

    private void expect(Comparison comparison, Convolution c, double[] in, double[] shortcut, boolean signed,
            boolean rounded) {
        double[] out = convolve(c, in);
        for (int i = 0; i < out.length; i++) {
            out[i] += shortcut == null ? 0 : shortcut[i];
            out[i] = signed ? out[i] : Math.max(0, out[i]);
        }
        comparison.compare(c.name(), out, rounded ? round(out, c.name(), signed) : 0);
    }

    private double round(double[] values, String tensor, boolean signed) {
        int top = signed ? 127 : 255;
        int bottom = signed ? -128 : 0;
        double step = calibration.limits().get(tensor) / top;
        for (int i = 0; i < values.length; i++) {
            values[i] = Math.max(bottom, Math.min(top, Math.rint(values[i] / step))) * step;
        }
        return step;
    }

    /** (side, side, in) to (outSide, outSide, out). */
    private double[] convolve(Convolution c, double[] in) {
        FoldedConvolution folded = equalisation.apply(c, BatchNormFolding.fold(c, weights));
        QuantisedConvolution q = WeightQuantiser.quantise(folded);
        double[] bias = bias(c, folded, q);
        int side = (int) Math.sqrt(in.length / c.in());
        int outSide = c.outputSide(side);
        int r = c.kernel();
        double[] out = new double[outSide * outSide * c.out()];
        for (int y = 0; y < outSide; y++) {
            for (int x = 0; x < outSide; x++) {
                for (int t = 0; t < r * r; t++) {
                    int iy = y * c.stride() + t / r - c.padding();
                    int ix = x * c.stride() + t % r - c.padding();
                    if (iy >= 0 && iy < side && ix >= 0 && ix < side) {
                        add(out, (y * outSide + x) * c.out(), q.weights(), t, r * r, c, in, (iy * side + ix) * c.in());
                    }
                }
            }
        }
        for (int i = 0; i < out.length; i++) {
            out[i] = out[i] * q.scales()[i % c.out()] + bias[i % c.out()];
        }
        return out;
    }

    /** Less what the rounding of weights does to the output where every channel has its mean. */
    private double[] bias(Convolution c, FoldedConvolution folded, QuantisedConvolution q) {
        Activations.Tensor source = new Activations(calibration.network()).source(c);
        float[] means = calibration.means().get(source.name());
        int[] exponents = calibration.exponents().get(source.stream());
        int filter = folded.weights().length / c.out();
        double[] bias = doubles(folded.bias());
        for (int j = 0; j < folded.weights().length && means != null; j++) {
            int channel = j % filter / (c.kernel() * c.kernel());
            double mean = means[channel] / (exponents == null ? 1 : Math.pow(2, exponents[channel]));
            bias[j / filter] -= ((double) q.weights()[j] * q.scales()[j / filter] - folded.weights()[j]) * mean;
        }
        return bias;
    }

    private static void add(double[] out, int to, byte[] weights, int tap, int area, Convolution c, double[] in,
            int from) {
        for (int k = 0; k < c.out(); k++) {
            double sum = 0;
            for (int i = 0; i < c.in(); i++) {
                sum += weights[(k * c.in() + i) * area + tap] * in[from + i];
            }
            out[to + k] += sum;
        }
    }

    private static double[] doubles(float[] values) {
        double[] d = new double[values.length];
        for (int i = 0; i < d.length; i++) {
            d[i] = values[i];
        }
        return d;
    }
}
