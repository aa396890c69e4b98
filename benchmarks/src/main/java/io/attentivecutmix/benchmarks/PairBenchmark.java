package io.attentivecutmix.benchmarks;

import io.attentivecutmix.Device;
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

/**
 * Two contestants in one JVM, in alternation: each iteration is one batch of the one and one batch of the other, in an
 * order that changes every time, so that a slow moment of the machine meets both. The report takes the ratio of every
 * iteration.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Threads(1)
@Fork(value = Settings.FORKS, jvmArgsAppend = {Settings.HEAP_MIN, Settings.HEAP_MAX, Settings.NO_NATIVE_LIMIT,
        Settings.HEADLESS})
// An iteration ends after its first pair, since any pair takes longer than a millisecond.
@Warmup(iterations = 4, time = 1, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 20, time = 1, timeUnit = TimeUnit.MILLISECONDS)
public class PairBenchmark {
    /** Longer than any thread of a rival keeps spinning after its work. */
    private static final long PAUSE_MILLIS = 20;

    @Param
    public Pair pair;
    @Param("cpu")
    public String device;
    @Param({"8", "32"})
    public int batch;
    @Param("224")
    public int side;
    @Param("0")
    public int threads;
    /**
     * Batches that each contestant runs just before its measured one. Alternation empties the caches of whoever waits;
     * a training loop does not, so this says how much of a difference comes of that.
     */
    @Param("0")
    public int before;

    private Contestant first;
    private Contestant second;
    private boolean swapped;

    /** Time of the two within an iteration, and how many pairs. */
    @AuxCounters(AuxCounters.Type.EVENTS)
    @State(Scope.Thread)
    public static class Times {
        public long firstNanos;
        public long secondNanos;
        public long pairs;
    }

    @Setup
    public void open() {
        Device where = Settings.device(device);
        first = pair.openFirst(where, batch, side, Settings.threads(threads));
        second = pair.openSecond(where, batch, side, Settings.threads(threads));
    }

    @TearDown
    public void close() {
        first.close();
        second.close();
    }

    @Benchmark
    public void alternate(Times times) throws InterruptedException {
        if (swapped) {
            times.secondNanos += time(second);
            times.firstNanos += time(first);
        } else {
            times.firstNanos += time(first);
            times.secondNanos += time(second);
        }
        swapped = !swapped;
        times.pairs++;
    }

    private long time(Contestant contestant) throws InterruptedException {
        Thread.sleep(PAUSE_MILLIS);
        for (int i = 0; i < before; i++) {
            contestant.run();
        }
        long start = System.nanoTime();
        contestant.run();
        return System.nanoTime() - start;
    }
}
