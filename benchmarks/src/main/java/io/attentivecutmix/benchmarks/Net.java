package io.attentivecutmix.benchmarks;

/** A ResNet-50 up to its last feature map, with its input already in place, in the layout it likes best. */
interface Net extends Contestant {
    /** Features of the last run, (N, C, G, G); a new array. */
    float[] features();

    /** One of the features of the last run. */
    float feature(int index);
}
