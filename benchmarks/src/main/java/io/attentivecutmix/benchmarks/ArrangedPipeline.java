package io.attentivecutmix.benchmarks;

import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.Device;
import io.attentivecutmix.ImageBatch;
import io.attentivecutmix.MixedBatch;
import io.attentivecutmix.image.ImageDecoder;
import io.attentivecutmix.image.PngWriter;
import io.attentivecutmix.image.RgbImage;
import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.Pairing;
import io.attentivecutmix.method.Precision;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;
import java.util.stream.IntStream;

/**
 * JPEG files in memory to mixed images, batch after batch, in one {@link Arrangement}: what the command line does but
 * the disk.
 */
final class ArrangedPipeline implements AutoCloseable {
    private final Arrangement arrangement;
    private final boolean png;
    private final List<byte[]> files;
    private final ImageDecoder decoder = ImageDecoder.best();
    private final Labels labels;
    private final AttentiveCutMix mixer;
    private final ForkJoinPool pool;
    private final int[] lengths;
    private ImageBatch images = new ImageBatch();
    private ImageBatch next = new ImageBatch();
    private MixedBatch mixed = new MixedBatch();
    private MixedBatch spare = new MixedBatch();
    private ForkJoinTask<?> decoding;
    private ForkJoinTask<?> encoding;

    /** @param png whether mixed images are encoded; else they stay in memory, as for a training loop */
    ArrangedPipeline(Arrangement arrangement, Device device, Precision precision, int batch, boolean png, int threads) {
        this.arrangement = arrangement;
        this.png = png;
        files = OurPipeline.files(batch);
        labels = Samples.labels(batch);
        lengths = new int[batch];
        int mixing = arrangement == Arrangement.SPLIT ? Math.max(1, threads - 1) : threads;
        pool = new ForkJoinPool(arrangement == Arrangement.TURNS || arrangement == Arrangement.AHEAD ? threads : 1);
        mixer = AttentiveCutMix.builder().weights(Samples.weights()).device(device).precision(precision).threads(mixing)
                .options(Settings.options(224, 6)).build();
        start();
    }

    /** Begins anew, after {@link #drain}. */
    void start() {
        decoding = decode();
        encoding = pool.submit(() -> { });
    }

    /** One batch further. */
    void step() {
        decoding.join();
        ImageBatch ready = next;
        next = images;
        images = ready;
        if (arrangement == Arrangement.TURNS) {
            mixer.mix(images, labels, Pairing.roll(), mixed);
            encoding = encode();
            encoding.join();
            decoding = decode();
            decoding.join();
        } else {
            decoding = decode();
            mixer.mix(images, labels, Pairing.roll(), spare);
            encoding.join();
            MixedBatch free = mixed;
            mixed = spare;
            spare = free;
            encoding = encode();
        }
    }

    /** Waits for what is under way, so that nothing of this runs while others are timed. */
    void drain() {
        decoding.join();
        encoding.join();
    }

    private ForkJoinTask<?> decode() {
        ImageBatch into = next;
        return pool.submit(() -> {
            RgbImage[] decoded = new RgbImage[files.size()];
            IntStream.range(0, decoded.length).parallel()
                    .forEach(i -> decoded[i] = decoder.decode(files.get(i), "image " + i));
            into.clear();
            for (RgbImage image : decoded) {
                into.add(image);
            }
        });
    }

    private ForkJoinTask<?> encode() {
        MixedBatch from = mixed;
        return pool.submit(() -> {
            if (png) {
                IntStream.range(0, files.size()).parallel().forEach(i -> lengths[i] = encode(from, i).length);
            }
        });
    }

    private static byte[] encode(MixedBatch from, int i) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(from.pixels(i).remaining());
        try {
            PngWriter.write(out, from.pixels(i), 0, from.height(i), from.width(i));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    /** Compares every pixel and weight of the last batch, and its last file. After {@link #drain}. */
    void check() {
        int last = files.size() - 1;
        for (int i = 0; i <= last; i++) {
            Expected.mixed(images, mixed.partner(i), i, 7, mixed.cells(i), 6, mixed.pixels(i), mixed.sourceWeight(i));
        }
        if (png) {
            byte[] file = encode(mixed, last);
            byte[] pixels = new byte[mixed.pixels(last).remaining()];
            mixed.pixels(last).get(pixels);
            Samples.require(file.length == lengths[last], "length of a file");
            Samples.require(Arrays.equals(decoder.decode(file, "mixed").rgb(), pixels), "pixels of a file");
        }
    }

    @Override
    public void close() {
        drain();
        pool.shutdown();
        mixer.close();
    }
}
