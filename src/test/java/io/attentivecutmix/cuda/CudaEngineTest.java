package io.attentivecutmix.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.attentivecutmix.cpu.TestImages;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.network.ResNet;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What the engine does around the network, which is a sum of pixels here. */
class CudaEngineTest {
    private static final int S = 96;
    private static final int N = 4;
    private static final MixOptions OPTIONS = MixOptions.paper().withPatches(new Patches.Fixed(3)).withInputSide(S);

    @BeforeAll
    static void kernels() {
        TestCuda.assumeKernels();
    }

    private static EngineConfig config() {
        return new EngineConfig(ResNet.RESNET18, name -> new float[0], null, OPTIONS, Precision.FP32, 1);
    }

    private static TestImages images(int first, int side) {
        TestImages.Image[] images = new TestImages.Image[N];
        for (int i = 0; i < N; i++) {
            images[i] = TestImages.structured(first + i, side, side);
        }
        return TestImages.bytes(images);
    }

    private static MixPlan plan() {
        MixPlan plan = new MixPlan(S / 32);
        plan.resize(N);
        for (int i = 0; i < N; i++) {
            plan.partner[i] = (i + 1) % N;
            plan.mixed[i] = true;
            plan.patches[i] = 3;
        }
        return plan;
    }

    /**
     * Images of S by S go straight into a network that takes them; others are resized first; the cells are the same.
     */
    @Test
    void pixelsStraightIntoTheNetwork() {
        HostRuntime one = new HostRuntime();
        HostRuntime two = new HostRuntime();
        try (CudaEngine plain = TestCuda.openSimple(config(), one, one, k -> k);
                CudaEngine straight = TestCuda.openSimple(config(), true, two, two, k -> k)) {
            for (int round = 0; round < 4; round++) {
                for (int side : new int[] {S, 61, S}) {
                    MixPlan expected = plan();
                    MixPlan actual = plan();
                    plain.attend(images(7 * round, side), expected, null, null, null);
                    straight.attend(images(7 * round, side), actual, null, null, null);
                    assertArrayEquals(Arrays.copyOf(expected.cells, N), Arrays.copyOf(actual.cells, N),
                            "round " + round + ", side " + side);
                    assertEquals(3, Long.bitCount(actual.cells[0]));
                }
            }
        }
    }

    /** Two engines on two threads do not disturb each other. */
    @Test
    void twoEnginesOnTwoThreads() throws Exception {
        long[][] expected = cells(0);
        long[][] others = cells(50);
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            Callable<long[][]> a = () -> cells(0);
            Callable<long[][]> b = () -> cells(50);
            for (int round = 0; round < 3; round++) {
                List<Future<long[][]>> results = threads.invokeAll(List.of(a, b));
                assertArrayEquals(expected, results.get(0).get());
                assertArrayEquals(others, results.get(1).get());
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private static long[][] cells(int first) {
        HostRuntime host = new HostRuntime();
        long[][] cells = new long[6][];
        try (CudaEngine engine = TestCuda.openSimple(config(), host, host, k -> k)) {
            for (int step = 0; step < cells.length; step++) {
                MixPlan plan = plan();
                engine.attend(images(first + step, S), plan, null, null, null);
                cells[step] = Arrays.copyOf(plan.cells, N);
            }
        }
        assertEquals(List.of(), host.leftovers());
        return cells;
    }
}
