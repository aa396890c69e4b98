package io.attentivecutmix.benchmarks;

import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.SoftLabels;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
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

/** Stage: soft label rows of a batch. Least traffic: the rows written. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
// A stage as one worker runs it. All workers run it at once with -t max.
@Threads(1)
@Fork(value = 2, jvmArgsAppend = {Settings.HEAP_MIN, Settings.HEAP_MAX, Settings.NO_NATIVE_LIMIT, Settings.HEADLESS})
// Until the compiler is done with the loops of one image.
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class LabelBenchmark {
    @Param({"32", "256"})
    public int batch;
    @Param({"10", "1000"})
    public int classes;

    private Labels labels;
    private int[] partners;
    private float[] weights;
    private FloatBuffer rows;

    @Setup
    public void make() {
        labels = Labels.of(IntStream.range(0, batch).map(i -> i % classes).toArray());
        partners = IntStream.range(0, batch).map(i -> (i + 1) % batch).toArray();
        weights = new float[batch];
        java.util.Arrays.fill(weights, 0.125f);
        rows = ByteBuffer.allocateDirect(4 * batch * classes).order(ByteOrder.nativeOrder()).asFloatBuffer();
    }

    @Benchmark
    public FloatBuffer rows(Counters counters) {
        SoftLabels.fill(labels, partners, weights, classes, 0, rows);
        Samples.require(rows.get(0) == 0.125f && rows.get(1) == 0.875f && rows.get(2) == 0, "row 0");
        counters.add(batch, 4L * batch * classes);
        return rows;
    }
}
