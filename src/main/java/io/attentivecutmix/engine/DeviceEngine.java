package io.attentivecutmix.engine;

import io.attentivecutmix.image.DeviceImages;
import io.attentivecutmix.method.MixPlan;

/** An engine that also takes images which lie in its device's memory. */
public interface DeviceEngine extends Engine {
    /**
     * Enqueues stages 2 to 6 on a stream of the caller's and returns; nothing passes through the host. One step after
     * the other may be enqueued, on any streams; the engine keeps them in order.
     *
     * @param images N images; not changed until the event
     * @param plan partner, mixed, patches (or cells, or boxes) filled; belongs to the engine until
     *     {@link Enqueued#await}
     * @param attentive whether to find cells; otherwise the plan's cells or boxes are used
     * @param classes (N) labels, read during the call only; for the CLASS reduction and {@link Enqueued#softLabels};
     *     may be null otherwise
     * @param out N images of the sizes {@code MixGeometry} gives; complete at the event; never overlapping with
     *     {@code images}
     * @param stream raw handle (cudaStream_t), 0 for the default stream
     */
    Enqueued enqueue(DeviceImages images, MixPlan plan, boolean attentive, int[] classes, DeviceImages out,
            long stream);
}
