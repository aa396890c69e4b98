package io.attentivecutmix.benchmarks;

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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Images/s of the extractor: a normalised float tensor in, selected cells out. Reduction and selection, a thousandth of
 * the work, are within.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
// The caller waits while the mixer's own worker threads run, so more callers would measure the wrong thing.
@Threads(1)
@Fork(value = Settings.FORKS, jvmArgsAppend = {Settings.HEAP_MIN, Settings.HEAP_MAX, Settings.NO_NATIVE_LIMIT,
        Settings.HEADLESS})
// Native code needs no warm-up but its first pages; two seconds are many batches of up to 32.
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 5, time = 2)
public class ExtractorBenchmark {
    @Param("cpu")
    public String device;
    @Param({"FP32", "BF16", "INT8"})
    public String precision;
    @Param({"1", "8", "32", "256"})
    public int batch;
    @Param("224")
    public int side;
    @Param("0")
    public int threads;

    private OurExtractor extractor;

    @Setup
    public void open() {
        extractor = new OurExtractor(Settings.device(device), Settings.precision(precision), batch, side,
                Settings.threads(threads));
    }

    @TearDown
    public void close() {
        extractor.close();
    }

    @Benchmark
    public void attend(Counters counters) {
        extractor.run();
        counters.add(batch, 0);
    }
}
