package io.attentivecutmix.benchmarks;

import io.attentivecutmix.method.Selection;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Stage: the k hottest of G² cells of 64 heat maps; beside it what a Java programmer writes, a sort of boxed indices.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
// A stage as one worker runs it. All workers run it at once with -t max.
@Threads(1)
@Fork(value = 2, jvmArgsAppend = {Settings.HEAP_MIN, Settings.HEAP_MAX, Settings.NO_NATIVE_LIMIT, Settings.HEADLESS})
// Until the compiler is done with the loops of one image.
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class SelectBenchmark {
    private static final int MAPS = 64;

    @Param({"7", "32"})
    public int grid;
    @Param({"6", "25"})
    public int k;

    private int cells;
    private int words;
    private float[] heat;
    private long[] masks;
    private long[] expected;

    @Setup
    public void make() {
        cells = grid * grid;
        words = (cells + 63) / 64;
        Random random = new Random(Samples.SEED);
        heat = new float[MAPS * cells];
        for (int i = 0; i < heat.length; i++) {
            heat[i] = random.nextFloat();
        }
        masks = new long[MAPS * words];
        expected = new long[MAPS * words];
        for (int map = 0; map < MAPS; map++) {
            for (int cell : sorted(map)) {
                expected[map * words + (cell >> 6)] |= 1L << (cell & 63);
            }
        }
    }

    private int[] sorted(int map) {
        Integer[] order = new Integer[cells];
        for (int i = 0; i < cells; i++) {
            order[i] = i;
        }
        Arrays.sort(order, (a, b) -> Float.compare(heat[map * cells + b], heat[map * cells + a]));
        int[] hottest = new int[k];
        for (int i = 0; i < k; i++) {
            hottest[i] = order[i];
        }
        return hottest;
    }

    @Benchmark
    public long[] select(Counters counters) {
        for (int map = 0; map < MAPS; map++) {
            Selection.select(heat, map * cells, cells, k, masks, map * words);
        }
        Samples.require(Arrays.equals(masks, expected), "cells");
        counters.add(MAPS, 0);
        return masks;
    }

    @Benchmark
    public int sort(Counters counters) {
        int sum = 0;
        for (int map = 0; map < MAPS; map++) {
            int[] hottest = sorted(map);
            Samples.require((expected[map * words + (hottest[0] >> 6)] >>> (hottest[0] & 63) & 1) == 1, "cells");
            sum += hottest[k - 1];
        }
        counters.add(MAPS, 0);
        return sum;
    }
}
