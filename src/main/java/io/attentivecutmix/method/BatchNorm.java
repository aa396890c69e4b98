package io.attentivecutmix.method;

/** Which statistics the extractor's batch norms use. */
public enum BatchNorm {
    /** The weights' running statistics, folded into the convolutions. */
    RUNNING,
    /** Mean and biased variance of the one image, as a network left in training mode computes them for a batch of 1. */
    PER_IMAGE
}
