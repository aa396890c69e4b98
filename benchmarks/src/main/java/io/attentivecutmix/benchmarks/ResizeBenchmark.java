package io.attentivecutmix.benchmarks;

import io.attentivecutmix.image.ResizeFilter;
import io.attentivecutmix.image.Resizer;
import io.attentivecutmix.image.RgbImage;
import java.nio.ByteBuffer;
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
 * Stage: a picture to the extractor's 224×224. Least traffic: every byte of it read, every byte of the result written.
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
public class ResizeBenchmark {
    @Param({"375x500", "224x224", "1080x1920", "64x64"})
    public String image;
    @Param({"BICUBIC", "BILINEAR"})
    public ResizeFilter filter;

    private static final int SIDE = 224;
    private int height;
    private int width;
    private ByteBuffer from;
    private ByteBuffer to;
    private ByteBuffer expected;
    private Resizer resizer;

    @Setup
    public void make() {
        height = Integer.parseInt(image.substring(0, image.indexOf('x')));
        width = Integer.parseInt(image.substring(image.indexOf('x') + 1));
        RgbImage picture = Samples.image(0, height, width);
        from = ByteBuffer.allocateDirect(picture.rgb().length).put(0, picture.rgb());
        to = ByteBuffer.allocateDirect(3 * SIDE * SIDE);
        expected = ByteBuffer.allocate(3 * SIDE * SIDE);
        resizer = new Resizer(filter);
        resizer.resize(from, 0, height, width, expected, 0, SIDE, SIDE);
        double[] means = {mean(from), mean(expected)};
        Samples.require(Math.abs(means[0] - means[1]) < 1, "mean " + means[1] + ", of the picture " + means[0]);
    }

    private static double mean(ByteBuffer values) {
        long sum = 0;
        for (int i = 0; i < values.capacity(); i++) {
            sum += values.get(i) & 0xff;
        }
        return (double) sum / values.capacity();
    }

    @Benchmark
    public ByteBuffer resize(Counters counters) {
        resizer.resize(from, 0, height, width, to, 0, SIDE, SIDE);
        Samples.require(to.mismatch(expected) < 0, "pixels");
        counters.add(1, from.capacity() + to.capacity());
        return to;
    }
}
