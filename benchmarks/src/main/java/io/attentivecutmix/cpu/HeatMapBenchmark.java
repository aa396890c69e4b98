package io.attentivecutmix.cpu;

import io.attentivecutmix.benchmarks.Counters;
import io.attentivecutmix.method.Reduction;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
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
 * Stage: features (G, G, C) to a heat map (G, G). In this package because the stage is not public. Least traffic: the
 * features read (one image's stay in the cache, as they do behind the extractor).
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
// A stage as one worker runs it. All workers run it at once with -t max.
@Threads(1)
@Fork(value = 2, jvmArgsAppend = {"-Xms2g", "-Xmx2g"})
// Until the compiler is done with the loops of one image.
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class HeatMapBenchmark {
    private static final int CELLS = 49;
    private static final int CHANNELS = 2048;

    @Param({"MEAN", "MAX", "L2"})
    public Reduction reduction;

    private final float[] heat = new float[CELLS];
    private FloatBuffer features;
    private HeatMap map;
    private double expected;

    @Setup
    public void make() {
        features = ByteBuffer.allocateDirect(4 * CELLS * CHANNELS).order(ByteOrder.nativeOrder()).asFloatBuffer();
        Random random = new Random(7);
        for (int i = 0; i < features.capacity(); i++) {
            features.put(i, Math.max(0, (float) random.nextGaussian()));
        }
        map = new HeatMap(reduction, CHANNELS, null);
        double sum = 0;
        double squares = 0;
        double max = 0;
        for (int c = 0; c < CHANNELS; c++) {
            double value = features.get((CELLS - 1) * CHANNELS + c);
            sum += value;
            squares += value * value;
            max = Math.max(max, value);
        }
        expected = switch (reduction) {
            case MEAN -> sum / CHANNELS;
            case MAX -> max;
            case L2 -> Math.sqrt(squares);
            default -> throw new IllegalArgumentException("reduction is " + reduction + "; allowed: MEAN, MAX, L2");
        };
    }

    @Benchmark
    public float[] reduce(Counters counters) {
        map.reduce(features, CELLS, 0, heat, 0);
        if (Math.abs(heat[CELLS - 1] - expected) > 1e-5 * expected) {
            throw new IllegalStateException("wrong result: heat " + heat[CELLS - 1] + ", not " + expected);
        }
        counters.add(1, 4L * CELLS * CHANNELS);
        return heat;
    }
}
