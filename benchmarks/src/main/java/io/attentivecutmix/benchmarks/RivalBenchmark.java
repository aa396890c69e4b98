package io.attentivecutmix.benchmarks;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/** Images/s of the rivals' extractors: the same network, weights, images and threads as {@link ExtractorBenchmark}. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Threads(1)
@Fork(value = Settings.FORKS, jvmArgsAppend = {Settings.HEAP_MIN, Settings.HEAP_MAX, Settings.NO_NATIVE_LIMIT,
        Settings.HEADLESS})
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 5, time = 2)
public class RivalBenchmark {
    @Param
    public Rival rival;
    @Param({"1", "8", "32", "256"})
    public int batch;
    @Param("224")
    public int side;
    @Param("0")
    public int threads;

    private Net net;
    private int hottest;
    private float expected;
    private Rival.Agreement agreed;

    /** What is not a time. */
    @AuxCounters(AuxCounters.Type.EVENTS)
    @State(Scope.Thread)
    public static class Agreement {
        /** Share of the images' six hottest cells that are ours in float. */
        public double sharedCells;
        /** Relative L2 difference of the worst image's features from ours in float. */
        public double featureError;
    }

    @Setup
    public void open() {
        net = rival.open(Samples.weights(), batch, side, Settings.threads(threads));
        net.run();
        float[] features = net.features();
        agreed = rival.check(features, batch, side);
        for (int i = 0; i < features.length; i++) {
            hottest = features[i] > features[hottest] ? i : hottest;
        }
        expected = features[hottest];
    }

    @TearDown
    public void close() {
        net.close();
    }

    @Benchmark
    public void features(Counters counters, Agreement agreement) {
        net.run();
        float value = net.feature(hottest);
        Samples.require(Math.abs(value - expected) <= Rival.TOLERANCE * expected, "a feature");
        agreement.sharedCells = agreed.sharedCells();
        agreement.featureError = agreed.error();
        counters.add(batch, 0);
    }
}
