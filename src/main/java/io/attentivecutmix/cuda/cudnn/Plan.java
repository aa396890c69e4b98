package io.attentivecutmix.cuda.cudnn;

import org.bytedeco.javacpp.Pointer;

/** Owns an execution plan and all that it was made of. Knows no addresses: those are a variant pack's. */
final class Plan implements AutoCloseable {
    private final DescriptorScope scope;
    private final Descriptor plan;
    private final ConvolutionShape shape;
    private final Candidate candidate;
    private final long workspaceBytes;

    Plan(DescriptorScope scope, Descriptor plan, ConvolutionShape shape, Candidate candidate, long workspaceBytes) {
        this.scope = scope;
        this.plan = plan;
        this.shape = shape;
        this.candidate = candidate;
        this.workspaceBytes = workspaceBytes;
    }

    Pointer handle() {
        return plan.handle();
    }

    ConvolutionShape shape() {
        return shape;
    }

    Candidate candidate() {
        return candidate;
    }

    EngineChoice choice() {
        return candidate.choice();
    }

    /** Bytes that it needs while it runs; 0 is possible. */
    long workspaceBytes() {
        return workspaceBytes;
    }

    @Override
    public void close() {
        scope.close();
    }
}
