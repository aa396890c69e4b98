package io.attentivecutmix.weights;

import java.io.IOException;
import java.util.Map;
import java.util.Set;

/**
 * A file of named tensors whose structure is verified but whose data is not read yet, so that a file of some other
 * network is refused by its names and shapes, however large it is.
 */
interface TensorFile {
    /**
     * What a file says of a tensor.
     *
     * @param shape sides, outermost first; empty for a scalar
     */
    record Info(DType type, int[] shape) {}

    /** Every tensor, in the file's order. */
    Map<String, Info> tensors();

    /**
     * Reads these tensors; whatever else the file holds costs no memory.
     *
     * @param names some of those of {@link #tensors()}
     * @return the tensors by name, in the order of {@link #tensors()}
     */
    Map<String, RawTensor> load(Set<String> names) throws IOException;

    /** Reads all tensors. */
    default Map<String, RawTensor> loadAll() throws IOException {
        return load(tensors().keySet());
    }
}
