package io.attentivecutmix.cuda.cudnn;

import static org.bytedeco.cuda.global.cudnn.*;

import io.attentivecutmix.cuda.Closing;
import io.attentivecutmix.engine.DeviceException;
import io.attentivecutmix.image.ElementType;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Asks cuDNN's heuristics for engines and makes execution plans of them; for the session's device, or, from cuDNN 9.8
 * on, for one that is only described.
 */
final class Planner implements AutoCloseable {
    private static final int[] MODES = {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_B, CUDNN_HEUR_MODE_FALLBACK};

    private final CudnnSession session;
    private final ElementType type;
    private final DescriptorScope own;
    private final Optional<Descriptor> device;

    /** For the session's device. */
    Planner(CudnnSession session, ElementType type) {
        this.session = session;
        this.type = type;
        this.own = new DescriptorScope(session);
        this.device = Optional.empty();
    }

    /**
     * For a device that need not be there.
     *
     * @param description JSON as cuDNN serialises a device's properties
     */
    Planner(CudnnSession session, ElementType type, String description) {
        this.session = session;
        this.type = type;
        this.own = new DescriptorScope(session);
        try {
            device = Optional.of(own.create(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, "device properties")
                    .characters(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, description.getBytes(StandardCharsets.UTF_8))
                    .finish());
        } catch (RuntimeException | Error e) {
            Closing.after(e, own);
            throw e;
        }
    }

    /** Every engine that the heuristics name for a graph, best guess first, each once. Empty where cuDNN has none. */
    List<Candidate> candidates(ConvolutionShape shape, Form form) {
        Map<EngineChoice, Candidate> all = new LinkedHashMap<>();
        try (DescriptorScope scope = new DescriptorScope(session)) {
            Descriptor graph = ConvolutionGraph.build(scope, shape, type, form);
            for (int mode : MODES) {
                try (DescriptorScope inner = new DescriptorScope(session)) {
                    for (Candidate c : ask(inner, graph, form, mode)) {
                        all.putIfAbsent(c.choice(), c);
                    }
                }
            }
        }
        return new ArrayList<>(all.values());
    }

    private List<Candidate> ask(DescriptorScope scope, Descriptor graph, Form form, int mode) {
        Descriptor heuristics = scope.create(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, "heuristics " + mode)
                .descriptor(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph)
                .constant(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, mode);
        device.ifPresent(d -> heuristics.descriptor(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, d));
        int status = heuristics.tryFinish();
        if (CudnnStatus.kind(status) == CudnnStatus.Kind.NOT_SUPPORTED) {
            return List.of();
        }
        session.check(status, "cudnnBackendFinalize of heuristics " + mode);
        int count = Math.min(heuristics.count(CUDNN_ATTR_ENGINEHEUR_RESULTS), CudnnSession.SCRATCH_BYTES / Long.BYTES);
        if (count == 0) {
            return List.of();
        }
        List<Descriptor> results = scope.create(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, "engine configuration", count);
        int filled = heuristics.read(CUDNN_ATTR_ENGINEHEUR_RESULTS, results);
        List<Descriptor> knobs = scope.create(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, "knob", CUDNN_KNOB_TYPE_COUNTS);
        List<Descriptor> engine = List.of(scope.create(CUDNN_BACKEND_ENGINE_DESCRIPTOR, "engine"));
        List<Candidate> all = new ArrayList<>(filled);
        for (Descriptor configuration : results.subList(0, filled)) {
            all.add(candidate(configuration, form, engine, knobs));
        }
        return all;
    }

    private static Candidate candidate(
            Descriptor configuration, Form form, List<Descriptor> engine, List<Descriptor> knobs) {
        configuration.read(CUDNN_ATTR_ENGINECFG_ENGINE, engine);
        Descriptor e = engine.get(0);
        int set = configuration.read(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, knobs);
        List<EngineChoice.Knob> settings = new ArrayList<>(set);
        for (Descriptor knob : knobs.subList(0, set)) {
            settings.add(new EngineChoice.Knob(
                    knob.constant(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE),
                    knob.number(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE)));
        }
        return describe(e, new EngineChoice(form, e.number(CUDNN_ATTR_ENGINE_GLOBAL_INDEX), settings));
    }

    private static Candidate describe(Descriptor engine, EngineChoice choice) {
        return new Candidate(choice,
                engine.constants(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, Integer.SIZE),
                engine.constants(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE, Integer.SIZE));
    }

    /**
     * Makes the plan of a choice.
     *
     * @return empty if cuDNN has no such engine for this device, or the engine does not take the shape
     */
    Optional<Plan> plan(ConvolutionShape shape, EngineChoice choice) {
        DescriptorScope scope = new DescriptorScope(session);
        try {
            Descriptor graph = ConvolutionGraph.build(scope, shape, type, choice.form());
            Optional<Plan> plan = plan(scope, graph, shape, choice);
            if (plan.isEmpty()) {
                scope.close();
            }
            return plan;
        } catch (RuntimeException | Error e) {
            Closing.after(e, scope);
            throw e;
        }
    }

    private Optional<Plan> plan(DescriptorScope scope, Descriptor graph, ConvolutionShape shape, EngineChoice choice) {
        Descriptor engine = scope.create(CUDNN_BACKEND_ENGINE_DESCRIPTOR, "engine " + choice.engine());
        engine.descriptor(CUDNN_ATTR_ENGINE_OPERATION_GRAPH, graph);
        // an index beyond cuDNN's engines is refused here already
        if (refused(engine.tryLongs(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, choice.engine()))) {
            return Optional.empty();
        }
        device.ifPresent(d -> engine.descriptor(CUDNN_ATTR_ENGINE_DEVICEPROP, d));
        if (refused(engine.tryFinish())) {
            return Optional.empty();
        }
        List<Descriptor> knobs = new ArrayList<>();
        for (EngineChoice.Knob k : choice.knobs()) {
            Descriptor knob = scope.create(CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, "knob " + k.type());
            if (refused(knob.tryConstant(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE, CUDNN_TYPE_KNOB_TYPE, k.type()))
                    || refused(knob.tryLongs(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE, k.value()))
                    || refused(knob.tryFinish())) {
                return Optional.empty();
            }
            knobs.add(knob);
        }
        Descriptor configuration = scope.create(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, "engine configuration")
                .descriptor(CUDNN_ATTR_ENGINECFG_ENGINE, engine);
        if (!knobs.isEmpty()) {
            configuration.descriptors(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, knobs);
        }
        if (refused(configuration.tryFinish())) {
            return Optional.empty();
        }
        Descriptor plan = scope.create(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, "execution plan of " + shape)
                .descriptor(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
        session.handle().ifPresent(h -> plan.handle(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, h));
        device.ifPresent(d -> plan.descriptor(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, d));
        if (refused(plan.tryFinish())) {
            return Optional.empty();
        }
        long workspace = plan.number(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
        return Optional.of(new Plan(scope, plan, shape, describe(engine, choice), workspace));
    }

    /**
     * Whether cuDNN refuses what comes from a heuristic's guess or a file. Wrong values (2000 and up) and failed
     * compilations (4001) are such answers too; what concerns the whole device is thrown.
     */
    private boolean refused(int status) {
        return switch (CudnnStatus.kind(status)) {
            case NOT_SUPPORTED -> true;
            case INTERNAL -> status != CudnnStatus.SUCCESS;
            case UNAVAILABLE, OUT_OF_MEMORY, EXECUTION -> {
                RuntimeException failure = session.failure(status, "cuDNN's answer to an engine's plan");
                if (failure instanceof DeviceException) {
                    throw failure;
                }
                // CUDA refused this engine's kernel, and the device is well
                yield true;
            }
        };
    }

    @Override
    public void close() {
        own.close();
    }
}
