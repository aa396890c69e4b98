package io.attentivecutmix;

import io.attentivecutmix.engine.Enqueued;
import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.MixRecord;
import io.attentivecutmix.method.Pairing;
import io.attentivecutmix.method.SoftLabels;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Objects;

/**
 * What was done to a batch in a GPU's memory. The work may still be under way: handles and addresses are there at once,
 * for more work on the device; what the host reads waits for the step first.
 *
 * <p>Not thread-safe. Nothing to close; closing the mixer waits for its steps and keeps what the host reads here.
 */
public final class DeviceMix {
    /** Reachable as long as this is: a forgotten mixer is closed, and its handles would be void. */
    private final AttentiveCutMix mixer;
    private final Enqueued step;
    private final MixPlan plan;
    private final Pairing pairing;
    private final Labels labels;
    private final int[] heights;
    private final int[] widths;

    DeviceMix(AttentiveCutMix mixer, Enqueued step, MixPlan plan, Pairing pairing, Labels labels, int height,
            int width) {
        this.mixer = mixer;
        this.step = step;
        this.plan = plan;
        this.pairing = pairing;
        this.labels = labels;
        heights = new int[plan.count];
        widths = new int[plan.count];
        Arrays.fill(heights, height);
        Arrays.fill(widths, width);
    }

    /**
     * Raw handle (cudaEvent_t) of the event that happens when the mixed images, cells and weights are complete. It
     * belongs to the mixer, which uses it again in the second step after this one.
     */
    public long event() {
        return step.event();
    }

    /**
     * Device address of the selected cells: (N, ceil(G²/64)) 64-bit words, bit c of word c/64 is cell c. The contents
     * hold until the second step after this one is enqueued.
     */
    public long cellsAddress() {
        return step.cells();
    }

    /** Device address of the source weights, (N) floats; holds as long as {@link #cellsAddress}. */
    public long sourceWeightsAddress() {
        return step.sourceWeights();
    }

    /**
     * Waits until the step is complete.
     *
     * @return this
     * @throws io.attentivecutmix.engine.DeviceLostException if it failed on the device
     */
    public DeviceMix await() {
        step.await();
        return this;
    }

    private int complete(int i) {
        Objects.checkIndex(i, plan.count);
        await();
        return i;
    }

    /** N. */
    public int count() {
        return plan.count;
    }

    /** Index of image i's background; does not wait. */
    public int partner(int i) {
        return plan.partner[Objects.checkIndex(i, plan.count)];
    }

    /** Whether image i was mixed; does not wait. */
    public boolean mixed(int i) {
        return plan.mixed[Objects.checkIndex(i, plan.count)];
    }

    /** The cells taken from image i, row-major indices in the G×G grid in ascending order; waits. */
    public int[] cells(int i) {
        return Attention.selectedCells(plan, complete(i));
    }

    /** Image i's share of the label, 0..1; waits. */
    public float sourceWeight(int i) {
        return plan.sourceWeight[complete(i)];
    }

    /** How many heat maps held a value that is not finite; waits. */
    public int nonFiniteMaps() {
        await();
        int n = 0;
        for (int i = 0; i < plan.count; i++) {
            n += plan.nonFinite[i] ? 1 : 0;
        }
        return n;
    }

    /**
     * Writes the rows of {@link MixedBatch#softLabels(int, float)}; waits.
     *
     * @param classes number of classes, above every class id
     * @param smoothing ε in 0..1
     * @param into N·classes values from index 0, absolute; overwritten
     * @throws IllegalStateException if the batch had no labels
     */
    public void softLabels(int classes, float smoothing, FloatBuffer into) {
        if (labels == null) {
            throw new IllegalStateException("the batch was mixed without labels");
        }
        await();
        SoftLabels.fill(labels, plan.partner, plan.sourceWeight, classes, smoothing, into);
    }

    /**
     * Enqueues the rows of {@link #softLabels(int, float, FloatBuffer)} into the GPU's memory; does not wait.
     *
     * @param classes number of classes, above every class id
     * @param smoothing ε in 0..1
     * @param address of (N, classes) floats of the caller's, on 4 bytes; overwritten
     * @param stream raw handle (cudaStream_t), 0 for the default stream; begins after the step
     * @throws IllegalStateException if the batch had no labels, or rows of values (which mix on the host), or the
     *     second step after this one has begun
     */
    public void softLabels(int classes, float smoothing, long address, long stream) {
        if (labels == null || labels.isRows()) {
            throw new IllegalStateException("the batch was mixed "
                    + (labels == null ? "without labels" : "with rows of values")
                    + "; on the device, class ids are needed");
        }
        labels.checkClasses(classes);
        if (!(smoothing >= 0 && smoothing <= 1)) {
            throw new IllegalArgumentException("smoothing is " + smoothing + "; allowed: 0 to 1");
        }
        if (address == 0 || address % Float.BYTES != 0) {
            throw new IllegalArgumentException("address is 0x" + Long.toHexString(address)
                    + "; allowed: a multiple of 4 other than 0");
        }
        step.softLabels(classes, smoothing, address, stream);
    }

    /** Everything this mix used, to be stored or replayed; waits. */
    public MixRecord record() {
        await();
        return MixRecord.of(mixer.options(), pairing, plan, heights, widths);
    }
}
