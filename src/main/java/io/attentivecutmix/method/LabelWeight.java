package io.attentivecutmix.method;

/** How image i's share of the label is counted. */
public enum LabelWeight {
    /** Pixels really taken from image i ÷ H·W of the image they were pasted in. */
    PIXELS,
    /** k ÷ G², whatever the cells' sizes. */
    NOMINAL
}
