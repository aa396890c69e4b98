package io.attentivecutmix.benchmarks;

import java.util.concurrent.TimeUnit;
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
 * Images/s of a whole step, uint8 images in, mixed uint8 images and labels out: resize, normalise, extract, select,
 * mix. Image sizes: 224 needs no resize, 375x500 is a photograph of ImageNet.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
// As ExtractorBenchmark
@Threads(1)
@Fork(value = Settings.FORKS, jvmArgsAppend = {Settings.HEAP_MIN, Settings.HEAP_MAX, Settings.NO_NATIVE_LIMIT,
        Settings.HEADLESS})
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 5, time = 2)
public class StepBenchmark {
    @Param("cpu")
    public String device;
    @Param({"FP32", "BF16", "INT8"})
    public String precision;
    @Param({"1", "8", "32", "256"})
    public int batch;
    @Param({"224x224", "375x500"})
    public String image;
    @Param({"6", "25"})
    public int k;
    @Param("0")
    public int threads;

    private OurStep step;

    @Setup
    public void open() {
        int height = Integer.parseInt(image.substring(0, image.indexOf('x')));
        int width = Integer.parseInt(image.substring(image.indexOf('x') + 1));
        step = new OurStep(Settings.device(device), Settings.precision(precision), batch, height, width, k,
                Settings.threads(threads));
    }

    /** Every pixel and weight of the iteration's last step. */
    @TearDown(Level.Iteration)
    public void check() {
        step.check();
    }

    @TearDown
    public void close() {
        step.close();
    }

    @Benchmark
    public void mix(Counters counters) {
        step.run();
        counters.add(batch, 0);
    }
}
