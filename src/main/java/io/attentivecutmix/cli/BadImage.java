package io.attentivecutmix.cli;

/** What an image that cannot be used does to a run. */
enum BadImage {
    /** The run stops. */
    FAIL,
    /** Its batch goes on without it. */
    SKIP,
    /** The next usable image of its batch, in a circle, takes its place. */
    SUBSTITUTE
}
