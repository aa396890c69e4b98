package io.attentivecutmix.cli;

import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.ImageBatch;
import io.attentivecutmix.MixedBatch;
import io.attentivecutmix.method.Labels;
import java.util.List;

/**
 * One batch to be read, mixed and written.
 *
 * @param number of the batch in the whole run
 * @param items its images
 * @param mixing how it is mixed
 * @param checksums (N) CRC-32C of each output's pixels as an earlier run recorded them; empty if there was none
 */
record BatchTask(int number, List<Item> items, Mixing mixing, List<Long> checksums) {
    /** Mixes what was read; that may be fewer images than the items. */
    interface Mixing {
        MixedBatch mix(AttentiveCutMix mixer, ImageBatch images, Labels labels, MixedBatch into);
    }
}
