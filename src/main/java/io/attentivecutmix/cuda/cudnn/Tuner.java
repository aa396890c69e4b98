package io.attentivecutmix.cuda.cudnn;

import io.attentivecutmix.cuda.Closing;
import io.attentivecutmix.cuda.CudaRuntime;
import io.attentivecutmix.cuda.cudnn.Choices.StemKind;
import io.attentivecutmix.cuda.cudnn.Choices.StemShape;
import io.attentivecutmix.cuda.cudnn.Choices.Timed;
import io.attentivecutmix.engine.DeviceException;
import io.attentivecutmix.engine.DeviceUnavailableException;
import io.attentivecutmix.engine.OutOfDeviceMemoryException;
import io.attentivecutmix.engine.Tuning;
import io.attentivecutmix.method.Precision;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.bytedeco.javacpp.Pointer;

/**
 * Chooses an engine for a shape: the one that the plan file names, else the fastest of those that the heuristics name,
 * else the first of them.
 */
final class Tuner {
    private static final System.Logger LOG = System.getLogger(Tuner.class.getName());

    /** Engines that want more are left out while there are others: the arena is the maximum over the layers. */
    static final long MAX_WORKSPACE = 256L << 20;

    /** Engines that compile take more than a second each; for the shapes of one {@link #begin} together. */
    private static final long COMPILE_NANOS = 2_000_000_000L;

    /** How much faster an engine that compiles must be, since it compiles again in every process. */
    private static final double COMPILE_GAIN = 0.9;

    private final CudnnSession session;
    private final Planner planner;
    private final Numerics numerics;
    private final Tuning tuning;
    private final CudaRuntime runtime;
    private final Launches launches;
    private final Pointer stream;
    private final PlanStore store;
    private long compileNanosLeft;
    private int chosenByMeasuring;
    private int skipped;
    /** Why the last candidate of a shape was left out; null when none was, or cuDNN gave no reason. */
    private RuntimeException lastFailure;

    Tuner(CudnnSession session, Planner planner, Numerics numerics, Tuning tuning, CudaRuntime runtime,
            Launches launches, Pointer stream, PlanStore store) {
        this.session = session;
        this.planner = planner;
        this.numerics = numerics;
        this.tuning = tuning;
        this.runtime = runtime;
        this.launches = launches;
        this.stream = stream;
        this.store = store;
    }

    /** Whether candidates are timed: a deterministic choice never comes from this run's clock. */
    boolean measures() {
        return tuning.measure() && !tuning.deterministic();
    }

    /** Before the shapes of a batch size. */
    void begin() {
        compileNanosLeft = COMPILE_NANOS;
        chosenByMeasuring = 0;
        skipped = 0;
    }

    /** After them: keeps what has been found. */
    void end(int n, long nanos) {
        if (chosenByMeasuring > 0) {
            LOG.log(Level.INFO, "cuDNN engines for N = {0}: {1} measured in {2} ms, {3} candidates left out", n,
                    chosenByMeasuring, nanos / 1_000_000, skipped);
            store.save();
        }
    }

    /**
     * A plan for the shape; its owner is the caller.
     *
     * @param operands where it may be timed; what lies there does not matter
     * @param workspace grows as candidates need it
     * @throws DeviceUnavailableException if cuDNN has no engine for it at all
     */
    Plan choose(ConvolutionShape shape, Operands operands, DeviceBuffer workspace) {
        Optional<Plan> kept = fromFile(shape);
        if (kept.isPresent()) {
            return kept.get();
        }
        lastFailure = null;
        Optional<Plan> plan = measures() ? fastest(shape, operands, workspace) : first(shape);
        return plan.orElseThrow(() -> new DeviceUnavailableException("cuDNN "
                + PresetCudnn.text(session.cudnn().version()) + " has no engine for " + shape + " in "
                + numerics.precision() + (numerics.deterministic() ? ", deterministic," : "")
                + " on this GPU; another precision or a newer cuDNN may have one", lastFailure));
    }

    private Optional<Plan> fromFile(ConvolutionShape shape) {
        Timed timed = store.choices().engines().get(shape);
        if (timed == null) {
            return Optional.empty();
        }
        Optional<Plan> plan = tryPlan(shape, timed.choice());
        if (plan.isPresent() && numerics.allows(plan.get().candidate())
                && plan.get().workspaceBytes() <= MAX_WORKSPACE) {
            return plan;
        }
        plan.ifPresent(Plan::close);
        LOG.log(Level.WARNING, "engine {0} of the plan file does not fit {1}; another one is chosen",
                timed.choice().engine(), shape);
        store.choices().engines().remove(shape);
        return Optional.empty();
    }

    /** A plan, or empty where cuDNN will not make it; only what concerns the whole device is thrown. */
    private Optional<Plan> tryPlan(ConvolutionShape shape, EngineChoice choice) {
        try {
            return planner.plan(shape, choice);
        } catch (DeviceException e) {
            throw e;
        } catch (IllegalStateException e) {
            lastFailure = e;
            LOG.log(Level.DEBUG, "engine {0} for {1}: {2}", choice.engine(), shape, e.getMessage());
            return Optional.empty();
        }
    }

    private List<Candidate> candidates(ConvolutionShape shape, Form form) {
        return planner.candidates(shape, form).stream().filter(numerics::allows).toList();
    }

    /** The forms that can differ for a shape. */
    private static List<Form> forms(ConvolutionShape shape) {
        return shape.residual() ? List.of(Form.values()) : List.of(Form.RESIDUAL_FIRST, Form.UNFUSED);
    }

    private Optional<Plan> first(ConvolutionShape shape) {
        for (Form form : forms(shape)) {
            List<Candidate> all = candidates(shape, form);
            Optional<Plan> plan = first(shape, all, false);
            if (plan.isEmpty()) {
                plan = first(shape, all, true);
            }
            if (plan.isPresent()) {
                return plan;
            }
        }
        return Optional.empty();
    }

    /** @param last whether to take what compiles or wants much memory, since nothing else is left */
    private Optional<Plan> first(ConvolutionShape shape, List<Candidate> all, boolean last) {
        for (Candidate c : all) {
            if (!last && c.compiles()) {
                continue;
            }
            Optional<Plan> plan = tryPlan(shape, c.choice());
            if (plan.isPresent() && (last || plan.get().workspaceBytes() <= MAX_WORKSPACE)) {
                return plan;
            }
            plan.ifPresent(Plan::close);
        }
        return Optional.empty();
    }

    private Optional<Plan> fastest(ConvolutionShape shape, Operands operands, DeviceBuffer workspace) {
        Race race = new Race(shape, operands, workspace);
        try {
            try (StepTimer timer = new StepTimer(runtime, session, stream)) {
                for (Form form : forms(shape)) {
                    // a fused graph in strict FP32 may be slower than its parts; in all else fusing saves a pass over
                    // the output
                    boolean compared = form == Form.UNFUSED && numerics.precision() == Precision.FP32;
                    if (race.best == null || compared) {
                        race.run(candidates(shape, form), timer);
                    }
                }
            }
            if (race.best == null && lastFailure instanceof OutOfDeviceMemoryException e) {
                throw e;
            }
        } catch (RuntimeException | Error e) {
            if (race.best != null) {
                Closing.after(e, race.best);
            }
            throw e;
        }
        if (race.best != null) {
            chosenByMeasuring++;
            store.choices().engines().put(shape, new Timed(race.best.choice(), race.micros));
        }
        return Optional.ofNullable(race.best);
    }

    /** The fastest so far. */
    private final class Race {
        private final ConvolutionShape shape;
        private final Operands operands;
        private final DeviceBuffer workspace;
        private Plan best;
        private double micros = Double.POSITIVE_INFINITY;

        Race(ConvolutionShape shape, Operands operands, DeviceBuffer workspace) {
            this.shape = shape;
            this.operands = operands;
            this.workspace = workspace;
        }

        void run(List<Candidate> all, StepTimer timer) {
            for (Candidate c : all) {
                if (!c.compiles()) {
                    enter(c, timer, MAX_WORKSPACE, 1);
                }
            }
            for (Candidate c : all) {
                if (c.compiles() && (compileNanosLeft > 0 || best == null)) {
                    long start = System.nanoTime();
                    enter(c, timer, MAX_WORKSPACE, best == null || best.candidate().compiles() ? 1 : COMPILE_GAIN);
                    compileNanosLeft -= System.nanoTime() - start;
                }
            }
            for (Candidate c : all) {
                if (best == null) {
                    enter(c, timer, Long.MAX_VALUE, 1);
                }
            }
        }

        /** @param gain the share of the best time that it must stay below */
        private void enter(Candidate c, StepTimer timer, long maxWorkspace, double gain) {
            Plan plan = tryPlan(shape, c.choice()).orElse(null);
            if (plan == null) {
                skipped++;
                return;
            }
            try {
                double time = plan.workspaceBytes() > maxWorkspace ? Double.POSITIVE_INFINITY : time(plan, timer);
                if (time < micros * gain) {
                    Plan slower = best;
                    best = plan;
                    micros = time;
                    plan = slower;
                }
            } catch (RuntimeException | Error e) {
                Closing.after(e, plan);
                throw e;
            }
            if (plan != null) {
                plan.close();
            }
        }

        /** Infinite where the engine fails, or its workspace does not fit. */
        private double time(Plan plan, StepTimer timer) {
            try (DescriptorScope scope = new DescriptorScope(session)) {
                workspace.ensure(plan.workspaceBytes());
                List<Step> steps = new ArrayList<>();
                launches.add(steps, scope, plan, operands, workspace.address());
                return timer.micros(steps, micros);
            } catch (OutOfDeviceMemoryException | IllegalStateException e) {
                skipped++;
                lastFailure = e;
                LOG.log(Level.DEBUG, "engine {0} for {1}: {2}", plan.choice().engine(), shape, e.getMessage());
                return Double.POSITIVE_INFINITY;
            }
        }
    }

    /**
     * How the stem runs on packed input: as the plan file says, else by timing both, else in our kernel.
     *
     * @param kernel makes the steps of our kernel
     * @param cudnn makes the steps of cuDNN's convolution and our pool
     */
    StemKind chooseStem(StemShape shape, Function<DescriptorScope, List<Step>> kernel,
            Function<DescriptorScope, List<Step>> cudnn) {
        StemKind kept = store.choices().stems().get(shape);
        if (kept != null) {
            return kept;
        }
        if (!measures()) {
            return StemKind.KERNEL;
        }
        try (StepTimer timer = new StepTimer(runtime, session, stream);
                DescriptorScope scope = new DescriptorScope(session)) {
            double ours = timer.micros(kernel.apply(scope), Double.POSITIVE_INFINITY);
            StemKind kind = StemKind.KERNEL;
            try {
                kind = timer.micros(cudnn.apply(scope), ours) < ours ? StemKind.CUDNN : StemKind.KERNEL;
            } catch (DeviceUnavailableException | OutOfDeviceMemoryException | IllegalStateException e) {
                // our kernel is there whatever cuDNN has
                LOG.log(Level.INFO, "the stem runs in our kernel: {0}", e.getMessage());
            }
            store.choices().stems().put(shape, kind);
            chosenByMeasuring++;
            return kind;
        }
    }
}
