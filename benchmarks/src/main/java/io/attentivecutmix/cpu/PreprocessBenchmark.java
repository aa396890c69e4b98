package io.attentivecutmix.cpu;

import io.attentivecutmix.ImageBatch;
import io.attentivecutmix.benchmarks.Counters;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Normalisation;
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
 * Stage: a uint8 image to the extractor's normalised input, resized if need be. In this package because the stage is
 * not public. Least traffic: the image read, the input written.
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
public class PreprocessBenchmark {
    private static final int SIDE = 224;
    private static final int IMAGES = 64;

    @Param({"224x224", "375x500"})
    public String image;

    private ImageBatch images;
    private FloatBuffer input;
    private InputStage stage;
    private long traffic;
    private int next;

    @Setup
    public void make() {
        int height = Integer.parseInt(image.substring(0, image.indexOf('x')));
        int width = Integer.parseInt(image.substring(image.indexOf('x') + 1));
        Random random = new Random(7);
        byte[] rgb = new byte[3 * height * width];
        images = new ImageBatch(ElementType.UINT8, Layout.NHWC);
        for (int i = 0; i < IMAGES; i++) {
            random.nextBytes(rgb);
            images.add(rgb, height, width);
        }
        input = ByteBuffer.allocateDirect(4 * 3 * SIDE * SIDE).order(ByteOrder.nativeOrder()).asFloatBuffer();
        stage = new InputStage(MixOptions.paper());
        traffic = rgb.length + 4L * 3 * SIDE * SIDE;
    }

    @Benchmark
    public FloatBuffer load(Counters counters) {
        next = (next + 1) % IMAGES;
        boolean finite = stage.load(images, next, input);
        Normalisation norm = MixOptions.paper().normalisation();
        float top = (1 - norm.mean().get(0)) / norm.std().get(0);
        float first = input.get(0);
        boolean right = image.equals("224x224")
                ? first == ((images.pixels(next).get(0) & 0xff) / 255f - norm.mean().get(0)) / norm.std().get(0)
                : first >= -norm.mean().get(0) / norm.std().get(0) && first <= top;
        if (!finite || !right) {
            throw new IllegalStateException("wrong result: first value " + first + " of image " + next);
        }
        counters.add(1, traffic);
        return input;
    }
}
