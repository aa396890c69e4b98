package io.attentivecutmix.benchmarks;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.pooling.Pool;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.network.BatchNormFolding;
import io.attentivecutmix.network.FoldedConvolution;
import io.attentivecutmix.network.ResNet.Block;
import io.attentivecutmix.network.ResNet.Convolution;
import io.attentivecutmix.weights.Weights;
import java.util.ArrayList;
import java.util.List;

/**
 * PyTorch in float through DJL, operator by operator, batch norms folded (so it has fewer operators to run than a model
 * as it comes). Activations and weights are channels-last, PyTorch's faster layout on processors: DJL has no call for
 * that, but PyTorch takes a transposed view of an NHWC array for what it is. Sums are made in place. Intra-op threads
 * as many as the rival has, one inter-op thread, as DJL's guide on inference advises. Large blocks are kept by malloc:
 * see {@link Main}.
 */
final class PyTorchNet implements Net {
    private final NDManager manager;
    private final List<Layer> layers = new ArrayList<>();
    private final Weights weights;
    private final NDArray input;
    private NDManager step;
    private NDArray output;

    private record Layer(NDArray weight, NDArray bias, Shape stride, Shape padding) {}

    PyTorchNet(Weights weights, int n, int side, int threads) {
        this.weights = weights;
        // Read once, when the engine is made
        System.setProperty("ai.djl.offline", "true");
        System.setProperty("ai.djl.pytorch.num_threads", Integer.toString(threads));
        System.setProperty("ai.djl.pytorch.num_interop_threads", "1");
        manager = Engine.getEngine("PyTorch").newBaseManager();
        for (Convolution c : weights.network().convolutions()) {
            FoldedConvolution folded = BatchNormFolding.fold(c, weights);
            NDArray weight = manager.create(folded.weights(), new Shape(c.out(), c.in(), c.kernel(), c.kernel()));
            layers.add(new Layer(channelsLast(weight), manager.create(folded.bias()), new Shape(c.stride(), c.stride()),
                    new Shape(c.padding(), c.padding())));
        }
        input = manager.create(Samples.tensor(n, side, Layout.NHWC).asFloatBuffer(), new Shape(n, side, side, 3))
                .transpose(0, 3, 1, 2);
    }

    /** The same values (N, C, H, W) over memory in the order N, H, W, C. */
    private static NDArray channelsLast(NDArray array) {
        // Flattening a transposed view copies its values in the view's order
        return array.transpose(0, 2, 3, 1).reshape(-1).reshape(array.getShape().get(0), array.getShape().get(2),
                array.getShape().get(3), array.getShape().get(1)).transpose(0, 3, 1, 2);
    }

    @Override
    public void run() {
        if (step != null) {
            step.close();
        }
        step = manager.newSubManager();
        int at = 0;
        NDArray x = input.duplicate();
        x.attach(step);
        x = Activation.relu(convolution(at++, x));
        x = Pool.maxPool2d(x, new Shape(3, 3), new Shape(2, 2), new Shape(1, 1), false);
        for (Block block : weights.network().blocks()) {
            NDArray path = x;
            for (int c = 0; c < block.path().size(); c++) {
                NDArray y = convolution(at++, path);
                path = c + 1 < block.path().size() ? Activation.relu(y) : y;
            }
            NDArray shortcut = block.downsample() == null ? x : convolution(at++, x);
            x = Activation.relu(path.addi(shortcut));
        }
        output = x;
    }

    private NDArray convolution(int at, NDArray x) {
        Layer layer = layers.get(at);
        return Conv2d.conv2d(x, layer.weight, layer.bias, layer.stride, layer.padding, new Shape(1, 1)).head();
    }

    @Override
    public float[] features() {
        return output.toFloatArray();
    }

    @Override
    public float feature(int index) {
        try (NDArray flat = output.reshape(-1); NDArray one = flat.get(index)) {
            return one.getFloat();
        }
    }

    @Override
    public void close() {
        manager.close();
    }
}
