package io.attentivecutmix.network;

/** Where the network's tensors come from; {@code Weights} is one. Knows no file format. */
@FunctionalInterface
public interface Tensors {
    /**
     * The tensor of this name (torchvision's) as a new array, row-major, converted to float.
     *
     * @throws IllegalArgumentException if there is none of this name
     */
    float[] tensor(String name);
}
