package io.attentivecutmix.cpu;

/**
 * oneDNN would run a layer by its reference implementation, which is hundreds of times slower than the others: found
 * when the engine is built, so that nobody waits for it.
 */
public final class ReferenceImplementationException extends RuntimeException {
    private final String layer;
    private final String implementation;

    ReferenceImplementationException(String layer, String implementation, String type) {
        super("layer " + layer + " in " + type + " would run oneDNN's reference implementation \"" + implementation
                + "\" on this CPU (" + OneDnn.isa() + "); choose another precision, or allow more instruction sets"
                + " (ONEDNN_MAX_CPU_ISA)");
        this.layer = layer;
        this.implementation = implementation;
    }

    /** The layer's name, for example {@code layer1.0.conv1}. */
    public String layer() {
        return layer;
    }

    /** oneDNN's name of the implementation, for example {@code ref:any}. */
    public String implementation() {
        return implementation;
    }
}
