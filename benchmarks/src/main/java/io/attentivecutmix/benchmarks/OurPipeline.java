package io.attentivecutmix.benchmarks;

import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.Device;
import io.attentivecutmix.ImageBatch;
import io.attentivecutmix.MixedBatch;
import io.attentivecutmix.image.ImageDecoder;
import io.attentivecutmix.image.RgbImage;
import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.Pairing;
import io.attentivecutmix.method.Precision;
import java.util.List;
import java.util.concurrent.ForkJoinPool;
import java.util.stream.IntStream;

/** From JPEG files in memory to mixed pixels with this library: decode on all threads, then mix. */
final class OurPipeline implements Contestant {
    private final ImageDecoder decoder = ImageDecoder.best();
    private final ImageBatch images = new ImageBatch();
    private final MixedBatch mixed = new MixedBatch();
    private final List<byte[]> files;
    private final Labels labels;
    private final AttentiveCutMix mixer;
    private final ForkJoinPool pool;

    OurPipeline(Device device, Precision precision, int batch, int threads) {
        files = files(batch);
        labels = Samples.labels(batch);
        mixer = AttentiveCutMix.builder().weights(Samples.weights()).device(device).precision(precision).threads(
                threads) .options(Settings.options(224, 6)).build();
        pool = new ForkJoinPool(threads);
        run();
        for (int i = 0; i < batch; i++) {
            Expected.mixed(images, mixed.partner(i), i, 7, mixed.cells(i), 6, mixed.pixels(i), mixed.sourceWeight(i));
        }
    }

    static List<byte[]> files(int batch) {
        return IntStream.range(0, batch).mapToObj(i -> Samples.file("jpg", i, 375, 500)).toList();
    }

    @Override
    public void run() {
        RgbImage[] decoded = new RgbImage[files.size()];
        pool.submit(() -> IntStream.range(0, decoded.length).parallel()
                .forEach(i -> decoded[i] = decoder.decode(files.get(i), "image " + i))).join();
        images.clear();
        for (RgbImage image : decoded) {
            images.add(image);
        }
        mixer.mix(images, labels, Pairing.roll(), mixed);
        Samples.require(mixed.count() == files.size(), "count");
    }

    int[] cells(int i) {
        return mixed.cells(i);
    }

    float sourceWeight(int i) {
        return mixed.sourceWeight(i);
    }

    @Override
    public void close() {
        pool.shutdown();
        mixer.close();
    }
}
