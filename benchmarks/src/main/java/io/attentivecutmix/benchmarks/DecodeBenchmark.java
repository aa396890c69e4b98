package io.attentivecutmix.benchmarks;

import io.attentivecutmix.image.ImageDecoder;
import io.attentivecutmix.image.RgbImage;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import javax.imageio.ImageIO;
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

/** Stage: a file of a 500×375 picture to RGB bytes, by our decoders and by ImageIO alone. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
// A stage as one worker runs it. All workers run it at once with -t max.
@Threads(1)
@Fork(value = 2, jvmArgsAppend = {Settings.HEAP_MIN, Settings.HEAP_MAX, Settings.NO_NATIVE_LIMIT, Settings.HEADLESS})
// Until the compiler is done with the loops of one image.
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class DecodeBenchmark {
    private static final int HEIGHT = 375;
    private static final int WIDTH = 500;

    @Param({"jpg", "png"})
    public String format;
    @Param({"jdk", "opencv", "imageio"})
    public String decoder;

    private byte[] file;
    private ImageDecoder ours;
    private byte[] expected;

    @Setup
    public void make() {
        file = Samples.file(format, 0, HEIGHT, WIDTH);
        ours = switch (decoder) {
            case "jdk" -> ImageDecoder.jdk();
            case "opencv" -> ImageDecoder.openCv().orElseThrow();
            case "imageio" -> null;
            default -> throw new IllegalArgumentException("decoder is " + decoder + "; allowed: jdk, opencv, imageio");
        };
        expected = ImageDecoder.jdk().decode(file, "sample").rgb();
    }

    @Benchmark
    public Object decode(Counters counters) throws IOException {
        counters.add(1, 0);
        if (ours == null) {
            BufferedImage image = ImageIO.read(new ByteArrayInputStream(file));
            Samples.require(image.getWidth() == WIDTH, "width");
            return image;
        }
        RgbImage image = ours.decode(file, "sample");
        int at = 3 * (HEIGHT / 2) * WIDTH;
        // Decoders of JPEG may differ by a level or two
        for (int i = at; i < at + 3 * WIDTH; i++) {
            Samples.require(Math.abs((image.rgb()[i] & 0xff) - (expected[i] & 0xff)) <= 3, "a value");
        }
        Samples.require(!format.equals("png") || Arrays.equals(image.rgb(), expected), "pixels");
        return image;
    }
}
