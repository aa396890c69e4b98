package io.attentivecutmix.quantisation;

import io.attentivecutmix.network.ResNet;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;

/**
 * What an extractor in 8 bits needs to know beside the weights; immutable, and the same for every device.
 *
 * <p><b>Arithmetic.</b> A tensor with limit L that cannot be negative is stored as {@code q = round(x / s)}, 0 to 255,
 * with {@code s = L / 255}; one that can be as −127 to 127 with {@code s = L / 127}; halves go to the even number, what
 * lies beyond is cut off. Where exponents e are given for a tensor's stream ({@link Activations.Tensor#stream}), x is
 * the channel's real value times 2^−e, and limits are of that. A convolution's weights, batch norm folded, are first
 * multiplied by 2^(e of the input channel − e of the output channel) and its bias by 2^−(e of the output channel): exact
 * in float. Then {@link WeightQuantiser} rounds them to −127..127 with a scale for each output channel. Products are
 * summed in 32-bit integers, scaled, and bias, residual and ReLU are applied in float before the result is stored.
 *
 * @param network which
 * @param weightsSha256 of the weights it holds for, as {@code Weights.sha256()} gives it: 64 lower-case hex digits
 * @param preprocessing it holds for
 * @param ranges how limits were chosen
 * @param images how many images were observed, 1 or more
 * @param limits L of every tensor of {@link Activations}, positive and finite
 * @param exponents (C) for some streams, −{@value #MAX_EXPONENT} to {@value #MAX_EXPONENT}; none for {@code layer4},
 *     whose last tensor is what a heat map is made of, and none for the image
 * @param floating convolutions that are computed in float
 * @param wide streams whose tensors, between the blocks, are kept in float ({@code layer1} to {@code layer4})
 * @param agreements what was measured with it, one for each reduction; may be empty
 */
public record Calibration(ResNet network, String weightsSha256, Preprocessing preprocessing, RangeChoice ranges,
        int images, Map<String, Float> limits, Map<String, int[]> exponents, Set<String> floating, Set<String> wide,
        List<Agreement> agreements) {
    /** Largest magnitude of an exponent. */
    public static final int MAX_EXPONENT = 8;

    public Calibration {
        Objects.requireNonNull(network, "network");
        Objects.requireNonNull(weightsSha256, "weightsSha256");
        Objects.requireNonNull(preprocessing, "preprocessing");
        Objects.requireNonNull(ranges, "ranges");
        limits = Collections.unmodifiableMap(new LinkedHashMap<>(limits));
        exponents = Collections.unmodifiableMap(new LinkedHashMap<>(exponents));
        floating = Collections.unmodifiableSet(new TreeSet<>(floating));
        wide = Collections.unmodifiableSet(new TreeSet<>(wide));
        agreements = List.copyOf(agreements);
    }

    /** Whether a convolution is computed in 8 bits. */
    public boolean isInt8(ResNet.Convolution c) {
        return !floating.contains(c.name());
    }
}
