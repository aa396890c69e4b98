package io.attentivecutmix.cuda.cudnn;

import io.attentivecutmix.network.ResNet.Convolution;

/**
 * What an engine is chosen for: a convolution of square maps and what follows it. The type and the layout (NHWC,
 * weights KRSC) are the extractor's.
 *
 * @param n images
 * @param side H = W of the input
 * @param in input channels C
 * @param out output channels K
 * @param kernel side R of the square kernel
 * @param stride step, the same in both directions
 * @param padding zeros added on each side
 * @param residual whether a tensor of the output's shape is added
 * @param relu whether a ReLU ends it
 */
record ConvolutionShape(
        int n, int side, int in, int out, int kernel, int stride, int padding, boolean residual, boolean relu) {

    /**
     * A convolution of the network for n maps of a side; {@code in} because the stem's input has more channels than the
     * table.
     */
    static ConvolutionShape of(Convolution c, int n, int side, int in, boolean residual, boolean relu) {
        return new ConvolutionShape(n, side, in, c.out(), c.kernel(), c.stride(), c.padding(), residual, relu);
    }

    int outputSide() {
        return (side + 2 * padding - kernel) / stride + 1;
    }

    /** N·H·W of the output. */
    long outputRows() {
        return (long) n * outputSide() * outputSide();
    }

    @Override
    public String toString() {
        return n + "×" + side + "×" + side + "×" + in + " → " + out + ", " + kernel + "×" + kernel + " stride " + stride
                + (residual ? " + residual" : "") + " + bias" + (relu ? " + ReLU" : "");
    }
}
