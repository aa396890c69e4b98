package io.attentivecutmix.benchmarks;

import io.attentivecutmix.Device;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
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
 * How decoding, mixing and encoding share the processors best. Each iteration is a stretch of every arrangement, in an
 * order that changes every time. Of a stretch the first batch is not timed, and what the last one leaves under way is
 * not either: as much is under way at the start of the time as at its end.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Threads(1)
@Fork(value = 2, jvmArgsAppend = {Settings.HEAP_MIN, Settings.HEAP_MAX, Settings.NO_NATIVE_LIMIT, Settings.HEADLESS})
// The decoder and the PNG writer have Java around them, which must be compiled first. One rotation takes longer than a
// millisecond.
@Warmup(iterations = 2, time = 1, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 8, time = 1, timeUnit = TimeUnit.MILLISECONDS)
public class ArrangementBenchmark {
    private static final int TIMED = 3;

    /** What becomes of mixed images. */
    public enum Output {
        /** They stay in memory, as for a training loop. */
        MEMORY,
        /** They are encoded, as in the command line. */
        PNG
    }

    @Param
    public Output output;
    @Param("cpu")
    public String device;
    @Param({"FP32", "BF16"})
    public String precision;
    @Param("16")
    public int batch;
    @Param("0")
    public int threads;

    private final Map<Arrangement, ArrangedPipeline> pipelines = new EnumMap<>(Arrangement.class);
    private int round;

    /** Time of each arrangement for {@link #images} images; fields are named after the arrangements. */
    @AuxCounters(AuxCounters.Type.EVENTS)
    @State(Scope.Thread)
    public static class Times {
        public long aheadNanos;
        public long turnsNanos;
        public long oneAheadNanos;
        public long splitNanos;
        public long images;

        private void add(Arrangement arrangement, long nanos) {
            switch (arrangement) {
                case AHEAD -> aheadNanos += nanos;
                case TURNS -> turnsNanos += nanos;
                case ONE_AHEAD -> oneAheadNanos += nanos;
                case SPLIT -> splitNanos += nanos;
            }
        }

        /** The metric that {@link #add} counts an arrangement in. */
        static String metric(Arrangement arrangement) {
            return switch (arrangement) {
                case AHEAD -> "aheadNanos";
                case TURNS -> "turnsNanos";
                case ONE_AHEAD -> "oneAheadNanos";
                case SPLIT -> "splitNanos";
            };
        }
    }

    @Setup
    public void open() {
        Device where = Settings.device(device);
        for (Arrangement a : Arrangement.values()) {
            ArrangedPipeline pipeline = new ArrangedPipeline(a, where, Settings.precision(precision), batch,
                    output == Output.PNG, Settings.threads(threads));
            pipeline.drain();
            pipelines.put(a, pipeline);
        }
    }

    @Benchmark
    public void rotate(Times times) {
        Arrangement[] all = Arrangement.values();
        for (int i = 0; i < all.length; i++) {
            // Both directions, so that none always follows the same one
            int at = (round + i) % all.length;
            Arrangement a = all[round / all.length % 2 == 0 ? at : all.length - 1 - at];
            ArrangedPipeline pipeline = pipelines.get(a);
            pipeline.start();
            pipeline.step();
            long start = System.nanoTime();
            for (int b = 0; b < TIMED; b++) {
                pipeline.step();
            }
            times.add(a, System.nanoTime() - start);
            pipeline.drain();
        }
        times.images += (long) TIMED * batch;
        round++;
    }

    /** Every pixel and weight of each arrangement's last batch. */
    @TearDown(Level.Iteration)
    public void check() {
        pipelines.values().forEach(ArrangedPipeline::check);
    }

    @TearDown
    public void close() {
        pipelines.values().forEach(ArrangedPipeline::close);
    }
}
