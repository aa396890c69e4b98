package io.attentivecutmix.cuda.cudnn;

import io.attentivecutmix.method.Precision;
import io.attentivecutmix.network.ResNet;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The program that {@link PlansWithoutGpuTest} runs in a process of its own: finalises every plan of ResNet-50 for
 * described devices and prints one line for each shape. Its standard output is the test's input.
 */
final class PlansWithoutGpu {
    /** What cuDNN computes in here. */
    static final Set<Precision> PRECISIONS = EnumSet.complementOf(EnumSet.of(Precision.INT8));

    private PlansWithoutGpu() {}

    /** Prints {@code device precision n named allowed finalised again shape}, tab-separated. */
    public static void main(String[] arguments) {
        CudnnLibraries.find().load();
        PresetCudnn cudnn = PresetCudnn.open();
        System.out.println("cuDNN " + PresetCudnn.text(cudnn.version()));
        for (DeviceDescriptions device : DeviceDescriptions.values()) {
            for (Precision precision : PRECISIONS) {
                for (int n : new int[] {1, 64}) {
                    report(cudnn, device, precision, n);
                }
            }
        }
    }

    /** Variant packs need no device; neither do plans without a workspace need one's address. */
    private static void bind(CudnnSession session, Numerics numerics, Plan plan) {
        try (DescriptorScope scope = new DescriptorScope(session)) {
            new Launches(session, null, numerics.type()).add(new ArrayList<>(), scope, plan,
                    new Operands(0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x6000),
                    plan.workspaceBytes() == 0 ? 0 : 0x7000);
        }
    }

    /** What a plan file may hold that is not so: an answer, and no failure. */
    private static void refuse(Planner planner, ConvolutionShape shape, EngineChoice choice) {
        List<EngineChoice> wrong = List.of(
                new EngineChoice(choice.form(), 1_000_000, choice.knobs()),
                new EngineChoice(choice.form(), choice.engine(), List.of(new EngineChoice.Knob(30_000, 1))),
                new EngineChoice(choice.form(), choice.engine(), List.of(new EngineChoice.Knob(2, -5_000_000_000L))));
        for (EngineChoice c : wrong) {
            planner.plan(shape, c).ifPresent(p -> {
                p.close();
                throw new IllegalStateException("cuDNN made a plan of " + c);
            });
        }
    }

    private static void report(Cudnn cudnn, DeviceDescriptions device, Precision precision, int n) {
        Numerics numerics = new Numerics(precision, false);
        Set<ConvolutionShape> shapes = new LinkedHashSet<>();
        new NetworkLayout(ResNet.RESNET50, 224).layers().forEach(l -> shapes.add(l.shape(n)));
        try (CudnnSession session = CudnnSession.withoutDevice(cudnn);
                Planner planner = new Planner(session, numerics.type(), device.json())) {
            for (ConvolutionShape shape : shapes) {
                List<Candidate> named = planner.candidates(shape, Form.RESIDUAL_FIRST);
                List<Candidate> allowed = named.stream().filter(numerics::allows).toList();
                List<Candidate> finalised = new ArrayList<>();
                for (Candidate c : allowed) {
                    Optional<Plan> plan = planner.plan(shape, c.choice());
                    if (plan.isPresent()) {
                        finalised.add(plan.get().candidate());
                        bind(session, numerics, plan.get());
                        plan.get().close();
                    }
                }
                refuse(planner, shape, allowed.get(0).choice());
                // the notes read back from an engine that was built from its number are those of the one that was named
                long same = finalised.stream().filter(allowed::contains).count();
                System.out.println(String.join("\t", device.name(), precision.name(), String.valueOf(n),
                        String.valueOf(named.size()), String.valueOf(allowed.size()), String.valueOf(finalised.size()),
                        String.valueOf(same), shape.toString()));
            }
        }
    }
}
