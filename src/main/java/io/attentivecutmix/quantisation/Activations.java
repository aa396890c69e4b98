package io.attentivecutmix.quantisation;

import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.ResNet.Block;
import io.attentivecutmix.network.ResNet.Convolution;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The tensors between a network's convolutions, by name: which convolution reads which.
 *
 * <p>A tensor has the name of the convolution that writes it, and means what is there when the next one reads: with
 * bias, and with the residual sum and ReLU where these follow. The max-pool changes no range, so its output is still
 * {@code conv1}. The image is {@link #INPUT}.
 */
public final class Activations {
    /** The normalised image (S, S, 3). */
    public static final String INPUT = "input";
    /** What the max-pool writes, to an {@link ActivationObserver}: only there is it told from {@code conv1}. */
    public static final String POOLED = "maxpool";

    private final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private final Map<String, String> sources = new LinkedHashMap<>();

    /**
     * One tensor.
     *
     * @param name as above
     * @param channels C
     * @param signed whether it can be negative: the image, and a shortcut's convolution, which no ReLU follows
     * @param stream what tensors that are added to each other have in common, so that they must agree in the scale of
     *     each channel: {@code layer1} to {@code layer4}; for all others their own name
     */
    public record Tensor(String name, int channels, boolean signed, String stream) {}

    public Activations(ResNet network) {
        add(new Tensor(INPUT, 3, true, INPUT));
        Convolution stem = network.stem();
        sources.put(stem.name(), INPUT);
        // a first block without a convolution in its shortcut adds to the stem's output itself
        boolean joins = network.blocks().get(0).downsample() == null;
        add(new Tensor(stem.name(), stem.out(), false, joins ? "layer1" : stem.name()));
        String x = stem.name();
        for (Block block : network.blocks()) {
            String stream = "layer" + block.layer();
            List<Convolution> path = block.path();
            String source = x;
            for (int i = 0; i < path.size(); i++) {
                Convolution c = path.get(i);
                boolean last = i == path.size() - 1;
                sources.put(c.name(), source);
                add(new Tensor(c.name(), c.out(), false, last ? stream : c.name()));
                source = c.name();
            }
            Convolution d = block.downsample();
            if (d != null) {
                sources.put(d.name(), x);
                add(new Tensor(d.name(), d.out(), true, stream));
            }
            x = source;
        }
    }

    private void add(Tensor t) {
        tensors.put(t.name(), t);
    }

    /** Every tensor by its name, the image first and then in the order of {@link ResNet#convolutions()}. */
    public Map<String, Tensor> tensors() {
        return Collections.unmodifiableMap(tensors);
    }

    /** What a convolution reads. */
    public Tensor source(Convolution c) {
        return tensors.get(sources.get(c.name()));
    }

    /** What a convolution writes. */
    public Tensor destination(Convolution c) {
        return tensors.get(c.name());
    }
}
