package io.attentivecutmix.quantisation;

import java.nio.FloatBuffer;

/** Sees the tensors of a network in float, one image after another. */
@FunctionalInterface
public interface ActivationObserver {
    /**
     * One tensor of one image.
     *
     * @param tensor its name, one of {@link Activations}, or {@link Activations#POOLED}
     * @param values (positions, channels) from index 0; to be read during the call only
     * @param positions H·W
     * @param channels C
     */
    void observe(String tensor, FloatBuffer values, int positions, int channels);
}
