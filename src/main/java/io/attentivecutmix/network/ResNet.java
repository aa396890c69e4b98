package io.attentivecutmix.network;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The five residual networks of He et al. (arXiv 1512.03385) up to their last feature map, as one table.
 *
 * <p>This is version 1.5: a bottleneck that halves the side does so in its 3×3 convolution, as torchvision and timm do.
 * Tensor names are torchvision's. Knows no device.
 */
public enum ResNet {
    RESNET18(18, false, 2, 2, 2, 2),
    RESNET34(34, false, 3, 4, 6, 3),
    RESNET50(50, true, 3, 4, 6, 3),
    RESNET101(101, true, 3, 4, 23, 3),
    RESNET152(152, true, 3, 8, 36, 3);

    /** How many input pixels, along one side, one cell of the last feature map stands for: G = S / STRIDE. */
    public static final int STRIDE = 32;

    /** The variance floor of every batch norm: torchvision's and timm's eps. */
    public static final double BATCH_NORM_EPSILON = 1e-5;

    /** Number of classes of the ImageNet classifier, for synthetic weights; a file's classifier may have any number. */
    public static final int IMAGENET_CLASSES = 1000;

    private final int depth;
    private final boolean bottleneck;
    private final Convolution stem = new Convolution("conv1", "bn1", 3, 64, 7, 2, 3);
    private final List<Block> blocks;

    ResNet(int depth, boolean bottleneck, int... blocksPerLayer) {
        this.depth = depth;
        this.bottleneck = bottleneck;
        List<Block> list = new ArrayList<>();
        int in = 64;
        for (int layer = 1; layer <= 4; layer++) {
            int width = 64 << (layer - 1);
            int out = bottleneck ? 4 * width : width;
            for (int b = 0; b < blocksPerLayer[layer - 1]; b++) {
                int stride = layer > 1 && b == 0 ? 2 : 1;
                list.add(block("layer" + layer + "." + b, layer, in, width, out, stride));
                in = out;
            }
        }
        blocks = Collections.unmodifiableList(list);
    }

    private Block block(String name, int layer, int in, int width, int out, int stride) {
        List<Convolution> path = bottleneck
                ? List.of(convolution(name, 1, in, width, 1, 1),
                        convolution(name, 2, width, width, 3, stride),
                        convolution(name, 3, width, out, 1, 1))
                : List.of(convolution(name, 1, in, width, 3, stride), convolution(name, 2, width, out, 3, 1));
        Convolution downsample = stride == 1 && in == out ? null
                : new Convolution(name + ".downsample.0", name + ".downsample.1", in, out, 1, stride, 0);
        return new Block(name, layer, path, downsample);
    }

    private static Convolution convolution(String block, int index, int in, int out, int kernel, int stride) {
        return new Convolution(block + ".conv" + index, block + ".bn" + index, in, out, kernel, stride, kernel / 2);
    }

    /**
     * One convolution without bias and the batch norm behind it.
     *
     * @param name tensor name without its ending; the weight (K, C, R, R) is {@code name + ".weight"}
     * @param batchNorm name of the batch norm; {@code .weight .bias .running_mean .running_var}, each (K)
     * @param in input channels C
     * @param out output channels K
     * @param kernel side R of the square kernel
     * @param stride step, the same in both directions
     * @param padding zeros added on each side
     */
    public record Convolution(String name, String batchNorm, int in, int out, int kernel, int stride, int padding) {
        /** Number of elements of the weight. */
        public int weightSize() {
            return out * in * kernel * kernel;
        }

        /** Side of the output for an input of the given side. */
        public int outputSide(int inputSide) {
            return (inputSide + 2 * padding - kernel) / stride + 1;
        }
    }

    /**
     * One residual block: relu(path(x) + shortcut(x)); a ReLU follows every convolution of the path but the last.
     *
     * @param name for example {@code layer1.0}
     * @param layer 1 to 4
     * @param path two convolutions (basic) or three (bottleneck)
     * @param downsample the shortcut's convolution, or null where the shortcut is x itself
     */
    public record Block(String name, int layer, List<Convolution> path, Convolution downsample) {}

    /** The network with this many layers; refuses any depth but 18, 34, 50, 101 and 152. */
    public static ResNet ofDepth(int depth) {
        for (ResNet r : values()) {
            if (r.depth == depth) {
                return r;
            }
        }
        throw new IllegalArgumentException("depth is " + depth + "; allowed: 18, 34, 50, 101, 152");
    }

    /** 18, 34, 50, 101 or 152. */
    public int depth() {
        return depth;
    }

    /** Whether blocks have three convolutions (1×1, 3×3, 1×1) rather than two. */
    public boolean bottleneck() {
        return bottleneck;
    }

    /** The first convolution, 7×7 with stride 2; a ReLU and a 3×3 max-pool with stride 2 and padding 1 follow it. */
    public Convolution stem() {
        return stem;
    }

    /** The residual blocks in order. */
    public List<Block> blocks() {
        return blocks;
    }

    /** Channels C of the last feature map: 512 or 2048. */
    public int channels() {
        return bottleneck ? 2048 : 512;
    }

    /** Every convolution in order: stem, then each block's path followed by its downsample. */
    public List<Convolution> convolutions() {
        List<Convolution> all = new ArrayList<>();
        all.add(stem);
        for (Block b : blocks) {
            all.addAll(b.path());
            if (b.downsample() != null) {
                all.add(b.downsample());
            }
        }
        return all;
    }

    /**
     * Name and shape of every tensor the extractor needs, in the order of {@link #convolutions()}: the convolution's
     * weight, then its batch norm's weight, bias, running_mean, running_var. The classifier ({@code fc.weight}
     * (classes, C),
     * {@code fc.bias} (classes)) and {@code num_batches_tracked} are not among them.
     */
    public Map<String, int[]> tensors() {
        Map<String, int[]> shapes = new LinkedHashMap<>();
        for (Convolution c : convolutions()) {
            shapes.put(c.name() + ".weight", new int[] {c.out(), c.in(), c.kernel(), c.kernel()});
            for (String part : List.of("weight", "bias", "running_mean", "running_var")) {
                shapes.put(c.batchNorm() + "." + part, new int[] {c.out()});
            }
        }
        return shapes;
    }
}
