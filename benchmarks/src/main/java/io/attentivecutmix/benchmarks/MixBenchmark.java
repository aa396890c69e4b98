package io.attentivecutmix.benchmarks;

import io.attentivecutmix.ImageBatch;
import io.attentivecutmix.cpu.PixelMixer;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import java.util.Random;
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
 * Stage: mixed images of a uint8 batch in each form of output. Least traffic: three bytes of every pixel read (from the
 * one image or the other), the output written; the batch is larger than the caches.
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
public class MixBenchmark {
    private static final int BATCH = 256;
    private static final int SIDE = 224;
    private static final int K = 6;

    @Param({"UINT8/NHWC", "FLOAT16/NCHW", "BFLOAT16/NCHW", "FLOAT32/NHWC", "FLOAT32/NCHW"})
    public String output;

    private ImageBatch images;
    private ImageBatch mixed;
    private ElementType type;
    private Layout layout;
    private MixPlan plan;
    private PixelMixer mixer;

    @Setup
    public void make() {
        type = ElementType.valueOf(output.substring(0, output.indexOf('/')));
        layout = Layout.valueOf(output.substring(output.indexOf('/') + 1));
        images = Samples.batch(BATCH, SIDE, SIDE);
        mixed = new ImageBatch(type, layout);
        plan = new MixPlan(SIDE / 32);
        plan.resize(BATCH);
        Random random = new Random(Samples.SEED);
        for (int i = 0; i < BATCH; i++) {
            mixed.reserve(SIDE, SIDE);
            plan.partner[i] = (i + 1) % BATCH;
            plan.mixed[i] = true;
            plan.patches[i] = K;
            while (Long.bitCount(plan.cells[i]) < K) {
                plan.cells[i] |= 1L << random.nextInt(49);
            }
        }
        mixer = new PixelMixer(MixOptions.paper());
    }

    @Benchmark
    public ImageBatch mix(Counters counters) {
        for (int i = 0; i < BATCH; i++) {
            mixer.mix(images, plan, i, mixed);
        }
        counters.add(BATCH, (long) BATCH * 3 * SIDE * SIDE * (1 + type.bytes()));
        return mixed;
    }

    /** Every value of a few images. */
    @TearDown(Level.Iteration)
    public void check() {
        for (int i = 0; i < BATCH; i += 37) {
            Expected.mixedAs(images, plan, i, mixed.pixels(i), type, layout);
        }
    }
}
