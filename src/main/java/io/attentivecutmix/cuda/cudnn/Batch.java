package io.attentivecutmix.cuda.cudnn;

import io.attentivecutmix.cuda.Closing;
import io.attentivecutmix.cuda.cudnn.Choices.StemKind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Owns what runs batches of one size: a plan for each distinct shape, and the steps that bind them to addresses. */
final class Batch implements AutoCloseable {
    private static final Step[] NONE = {};

    private final int n;
    private final Map<ConvolutionShape, Plan> plans = new HashMap<>();
    private StemKind stemKind = StemKind.CUDNN;
    private DescriptorScope packs;
    private Step[] stem = NONE;
    private Step[] rest = NONE;

    Batch(int n) {
        this.n = n;
    }

    int n() {
        return n;
    }

    /** Distinct shapes and what runs them. */
    Map<ConvolutionShape, Plan> plans() {
        return plans;
    }

    StemKind stemKind() {
        return stemKind;
    }

    void setStemKind(StemKind kind) {
        stemKind = kind;
    }

    long workspaceBytes() {
        return plans.values().stream().mapToLong(Plan::workspaceBytes).max().orElse(0);
    }

    /** From packed input to the pooled map. */
    Step[] stem() {
        return stem;
    }

    /** From the pooled map to the last one. */
    Step[] rest() {
        return rest;
    }

    /** Takes over new steps, and the scope that they live in, in place of the old ones. */
    void bind(DescriptorScope scope, List<Step> newStem, List<Step> newRest) {
        DescriptorScope old = packs;
        packs = scope;
        stem = newStem.toArray(NONE);
        rest = newRest.toArray(NONE);
        if (old != null) {
            old.close();
        }
    }

    @Override
    public void close() {
        List<AutoCloseable> all = new ArrayList<>(plans.values());
        plans.clear();
        if (packs != null) {
            all.add(packs);
            packs = null;
        }
        stem = NONE;
        rest = NONE;
        Closing.reversed(all);
    }
}
