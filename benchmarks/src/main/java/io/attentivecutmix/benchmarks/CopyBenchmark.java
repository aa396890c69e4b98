package io.attentivecutmix.benchmarks;

import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/** What the machine's memory gives: a copy of 128 MB, larger than the caches, read and written counted. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
// A stage as one worker runs it. All workers run it at once with -t max.
@Threads(1)
@Fork(value = 2, jvmArgsAppend = {Settings.HEAP_MIN, Settings.HEAP_MAX, Settings.NO_NATIVE_LIMIT, Settings.HEADLESS})
// Until the compiler is done with the loops of one image.
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class CopyBenchmark {
    private static final int SIZE = 128 << 20;

    private ByteBuffer from;
    private ByteBuffer to;
    private byte round;

    @Setup
    public void make() {
        from = ByteBuffer.allocateDirect(SIZE);
        to = ByteBuffer.allocateDirect(SIZE);
        for (int i = 0; i < SIZE; i += 64) {
            from.put(i, (byte) i);
            to.put(i, (byte) 1);
        }
    }

    @Benchmark
    public ByteBuffer copy(Counters counters) {
        from.put(SIZE - 1, ++round);
        to.put(0, from, 0, SIZE);
        Samples.require(to.get(SIZE - 1) == round, "last byte");
        counters.add(0, 2L * SIZE);
        return to;
    }
}
