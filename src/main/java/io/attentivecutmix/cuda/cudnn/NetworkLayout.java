package io.attentivecutmix.cuda.cudnn;

import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.ResNet.Block;
import io.attentivecutmix.network.ResNet.Convolution;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Where each layer of a network reads and writes. A block's input and output alternate between A and B, so that no
 * layer writes what it reads; T1 and T2 hold what lies between. The downsample convolution comes before the block's
 * last one, in whichever of the two is free by then.
 */
final class NetworkLayout {
    /** A buffer; all but INPUT hold different tensors in turn. */
    enum Place { INPUT, A, B, T1, T2 }

    /** Channels of {@link Place#INPUT}: R, G, B and one that is 0, so that a pixel is one aligned load. */
    static final int INPUT_CHANNELS = 4;

    /**
     * One convolution.
     *
     * @param index its number among the network's convolutions in {@link ResNet#convolutions()}
     * @param side of its input
     * @param in channels of its input
     * @param residual what is added, of the output's shape
     */
    record Layer(Convolution convolution, int index, int side, int in, Place from, Optional<Place> residual, Place to,
            boolean relu) {
        ConvolutionShape shape(int n) {
            return ConvolutionShape.of(convolution, n, side, in, residual.isPresent(), relu);
        }
    }

    private final List<Layer> layers = new ArrayList<>();
    private final Map<Place, Long> elements = new EnumMap<>(Place.class);
    private final List<Convolution> order;
    private final int mapSide;
    private final Place output;

    /** @param side S of the network's input, a multiple of {@link ResNet#STRIDE} */
    NetworkLayout(ResNet network, int side) {
        order = network.convolutions();
        hold(Place.INPUT, side, INPUT_CHANNELS);
        add(network.stem(), side, INPUT_CHANNELS, Place.INPUT, Optional.empty(), Place.B, true);
        mapSide = network.stem().outputSide(side);
        int s = (mapSide + 2 - 3) / 2 + 1;
        hold(Place.A, s, network.stem().out());
        Place x = Place.A;
        for (Block block : network.blocks()) {
            Place y = x == Place.A ? Place.B : Place.A;
            s = block(block, s, x, y);
            x = y;
        }
        output = x;
    }

    private int block(Block block, int side, Place x, Place y) {
        List<Convolution> path = block.path();
        Place inner = Place.T1;
        Place free = Place.T2;
        int s = add(path.get(0), side, path.get(0).in(), x, Optional.empty(), inner, true);
        if (path.size() == 3) {
            s = add(path.get(1), s, path.get(1).in(), inner, Optional.empty(), free, true);
            inner = Place.T2;
            free = Place.T1;
        }
        Place shortcut = x;
        if (block.downsample() != null) {
            add(block.downsample(), side, block.downsample().in(), x, Optional.empty(), free, false);
            shortcut = free;
        }
        Convolution last = path.get(path.size() - 1);
        return add(last, s, last.in(), inner, Optional.of(shortcut), y, true);
    }

    private int add(Convolution c, int side, int in, Place from, Optional<Place> residual, Place to, boolean relu) {
        int outputSide = c.outputSide(side);
        layers.add(new Layer(c, order.indexOf(c), side, in, from, residual, to, relu));
        hold(to, outputSide, c.out());
        return outputSide;
    }

    private void hold(Place place, int side, int channels) {
        elements.merge(place, (long) side * side * channels, Math::max);
    }

    /** The convolutions in the order in which they run; the stem is first, and a max-pool from B to A follows it. */
    List<Layer> layers() {
        return layers;
    }

    /** Side of the stem's map before the pool. */
    int mapSide() {
        return mapSide;
    }

    /** The most elements that a buffer holds for one image. */
    long elements(Place place) {
        return elements.get(place);
    }

    /** Where the last feature map is. */
    Place output() {
        return output;
    }
}
