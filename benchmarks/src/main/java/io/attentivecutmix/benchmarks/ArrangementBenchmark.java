package io.attentivecutmix.benchmarks;

import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.ImageBatch;
import io.attentivecutmix.MixedBatch;
import io.attentivecutmix.image.ImageDecoder;
import io.attentivecutmix.image.RgbImage;
import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.Pairing;
import java.util.List;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
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

/** How decoding and mixing share the processors best: batches of JPEG files, one after the other. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Threads(1)
@Fork(value = Settings.FORKS, jvmArgsAppend = {Settings.HEAP_MIN, Settings.HEAP_MAX, Settings.NO_NATIVE_LIMIT,
        Settings.HEADLESS})
// The decoder is Java or has Java around it, and must be compiled first.
@Warmup(iterations = 3, time = 3)
@Measurement(iterations = 5, time = 3)
public class ArrangementBenchmark {
    /** Who works when. */
    public enum Arrangement {
        /** All threads decode a batch, then all mix it. */
        TURNS,
        /** All threads mix a batch while as many others decode the next. */
        AHEAD,
        /** One thread decodes the next batch while all mix. */
        ONE_AHEAD,
        /** One thread decodes the next batch while the rest mix. */
        SPLIT
    }

    @Param
    public Arrangement arrangement;
    @Param("cpu")
    public String device;
    @Param({"FP32", "BF16"})
    public String precision;
    @Param("32")
    public int batch;
    @Param("0")
    public int threads;

    private final ImageDecoder decoder = ImageDecoder.best();
    private final MixedBatch mixed = new MixedBatch();
    private ImageBatch images = new ImageBatch();
    private ImageBatch next = new ImageBatch();
    private List<byte[]> files;
    private Labels labels;
    private AttentiveCutMix mixer;
    private ForkJoinPool pool;
    private ForkJoinTask<?> decoding;

    @Setup
    public void open() {
        int all = Settings.threads(threads);
        files = OurPipeline.files(batch);
        labels = Samples.labels(batch);
        int mixing = arrangement == Arrangement.SPLIT ? Math.max(1, all - 1) : all;
        pool = new ForkJoinPool(arrangement == Arrangement.TURNS || arrangement == Arrangement.AHEAD ? all : 1);
        mixer = AttentiveCutMix.builder().weights(Samples.weights()).device(Settings.device(device))
                .precision(Settings.precision(precision)).threads(mixing).options(Settings.options(224, 6)).build();
        decoding = decode();
    }

    private ForkJoinTask<?> decode() {
        ImageBatch into = next;
        return pool.submit(() -> {
            RgbImage[] decoded = new RgbImage[batch];
            IntStream.range(0, batch).parallel().forEach(i -> decoded[i] = decoder.decode(files.get(i), "image " + i));
            into.clear();
            for (RgbImage image : decoded) {
                into.add(image);
            }
        });
    }

    @Benchmark
    public MixedBatch mix(Counters counters) {
        decoding.join();
        ImageBatch ready = next;
        next = images;
        images = ready;
        if (arrangement == Arrangement.TURNS) {
            mixer.mix(images, labels, Pairing.roll(), mixed);
            decoding = decode();
            decoding.join();
        } else {
            decoding = decode();
            mixer.mix(images, labels, Pairing.roll(), mixed);
        }
        counters.add(batch, 0);
        return mixed;
    }

    /** Every pixel and weight of the iteration's last batch. */
    @TearDown(Level.Iteration)
    public void check() {
        for (int i = 0; i < batch; i++) {
            Expected.mixed(images, mixed.partner(i), i, 7, mixed.cells(i), 6, mixed.pixels(i), mixed.sourceWeight(i));
        }
    }

    @TearDown
    public void close() {
        decoding.join();
        pool.shutdown();
        mixer.close();
    }
}
