package io.attentivecutmix.method;

/** What decides which pixels come from image i. */
public enum Mode {
    /** The hottest cells of image i: Attentive CutMix. Needs weights. */
    ATTENTIVE,
    /** As many cells, drawn at random: the baseline that shows what attention adds. Needs no weights. */
    RANDOM_CELLS,
    /** One random box, as CutMix (Yun et al., arXiv 1905.04899) draws it. Needs no weights. */
    CUTMIX
}
