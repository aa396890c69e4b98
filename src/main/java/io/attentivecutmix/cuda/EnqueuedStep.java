package io.attentivecutmix.cuda;

import io.attentivecutmix.engine.Enqueued;
import io.attentivecutmix.method.MixPlan;

/** A step on images that lie on the device. */
final class EnqueuedStep implements Enqueued {
    private final CudaEngine engine;
    private final Slot slot;
    private final MixPlan plan;
    private final boolean attentive;
    private boolean taken;

    /** @param attentive whether the device found the cells */
    EnqueuedStep(CudaEngine engine, Slot slot, MixPlan plan, boolean attentive) {
        this.engine = engine;
        this.slot = slot;
        this.plan = plan;
        this.attentive = attentive;
    }

    /** Fills the plan from the tables, which have come down. */
    void takeOver() {
        if (attentive) {
            slot.tables.read(plan);
        }
        slot.tables.readWeights(plan);
        taken = true;
    }

    /** Whether the plan is complete. */
    boolean taken() {
        return taken;
    }

    Slot slot() {
        return slot;
    }

    int count() {
        return plan.count;
    }

    @Override
    public long event() {
        engine.requireOpen();
        return slot.done.address();
    }

    @Override
    public long cells() {
        engine.requireOpen();
        return (attentive ? slot.tables.cells() : slot.tables.givenCells()).address();
    }

    @Override
    public long sourceWeights() {
        engine.requireOpen();
        return slot.tables.weights().address();
    }

    @Override
    public void softLabels(int classes, float smoothing, long address, long stream) {
        engine.softLabels(this, classes, smoothing, address, stream);
    }

    @Override
    public void await() {
        engine.collect(this);
    }
}
