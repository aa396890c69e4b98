package io.attentivecutmix.cpu;

import io.attentivecutmix.engine.DeviceUnavailableException;
import io.attentivecutmix.engine.Engine;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.network.ResNet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;

/** What {@link CpuDeviceTest} runs in a JVM of its own. */
public final class Probe {
    private Probe() {}

    /**
     * Prints one line {@code key=value} for each thing asked about.
     *
     * @param args {@code open}; or {@code reopen TIMES}; or {@code extract NETWORK SIDE PRECISION THREADS STEPS}
     */
    public static void main(String[] args) throws IOException {
        System.out.println("reason=" + CpuDevice.unavailableReason().orElse(""));
        System.out.println("isa=" + CpuDevice.isa());
        System.out.println("versions=" + CpuDevice.versions());
        System.out.println("precisions=" + CpuDevice.precisions());
        System.out.println("nativeBf16=" + CpuDevice.nativeBf16());
        System.out.println("default=" + CpuDevice.defaultPrecision(MixOptions.paper()));
        if (args[0].equals("extract")) {
            extract(ResNet.valueOf(args[1]), Integer.parseInt(args[2]), Precision.valueOf(args[3]),
                    Integer.parseInt(args[4]), Integer.parseInt(args[5]));
        } else if (args[0].equals("reopen")) {
            reopen(Integer.parseInt(args[1]));
        } else if (args[0].equals("open")) {
            try (Engine engine = CpuDevice.open(config(ResNet.RESNET18, 96, Precision.FP32, 1))) {
                System.out.println("opened=" + engine.description());
            } catch (DeviceUnavailableException e) {
                System.out.println("refused=" + e.getMessage().lines().findFirst().orElseThrow()
                        + " cause " + e.getCause());
            }
            EngineConfig mixOnly = new EngineConfig(null, null, null, MixOptions.paper(), Precision.FP32, 1);
            try (Engine engine = CpuDevice.open(mixOnly)) {
                System.out.println("mixes=" + engine.description());
            }
        }
    }

    private static void reopen(int times) throws IOException {
        long early = 0;
        for (int i = 0; i < times; i++) {
            CpuDevice.open(config(ResNet.RESNET34, 96, Precision.FP32, 2)).close();
            if (i == 2) {
                early = residentKib();
            }
        }
        System.out.println("residentGrowthKib=" + (residentKib() - early));
        System.out.println("live=" + NativeScope.live());
    }

    private static EngineConfig config(ResNet network, int side, Precision precision, int threads) {
        return new EngineConfig(network, TestNetworks.random(network, 2), null, MixOptions.paper().withInputSide(side),
                precision, threads);
    }

    private static void extract(ResNet network, int side, Precision precision, int threads, int steps)
            throws IOException {
        int n = 4;
        TestImages.Image[] images = new TestImages.Image[n];
        for (int i = 0; i < n; i++) {
            images[i] = TestImages.structured(i, side, side);
        }
        TestImages batch = TestImages.bytes(images);
        MixPlan plan = new MixPlan(side / 32);
        plan.resize(n);
        Arrays.fill(plan.patches, 0, n, 6);
        int cells = plan.grid * plan.grid;
        float[] heat = new float[n * cells];
        try (Engine engine = CpuDevice.open(config(network, side, precision, threads))) {
            engine.attend(batch, plan, null, heat, null);
            long before = residentKib();
            for (int step = 1; step < steps; step++) {
                engine.attend(batch, plan, null, heat, null);
            }
            System.out.println("residentGrowthKib=" + (residentKib() - before));
            System.out.println("residentKib=" + residentKib());
            System.out.println("workerTasks=" + tasks("attentive-cutmi"));
            System.out.println("description=" + engine.description());
            System.out.println("heat=" + Arrays.toString(Arrays.copyOf(heat, cells)));
        }
        System.out.println("live=" + NativeScope.live());
    }

    private static long residentKib() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return 0;
        }
        try (Stream<String> lines = Files.lines(status)) {
            return lines.filter(l -> l.startsWith("VmRSS:")).findFirst()
                    .map(l -> Long.parseLong(l.replaceAll("\\D", ""))).orElse(0L);
        }
    }

    /**
     * Threads of the process, by the system's count, whose name begins so; a thread of OpenMP has its creator's name.
     */
    private static long tasks(String name) throws IOException {
        Path tasks = Path.of("/proc/self/task");
        if (!Files.exists(tasks)) {
            return -1;
        }
        long count = 0;
        try (Stream<Path> list = Files.list(tasks)) {
            for (Path task : list.toList()) {
                count += Files.readString(task.resolve("comm")).startsWith(name) ? 1 : 0;
            }
        }
        return count;
    }
}
