package io.attentivecutmix.benchmarks;

import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.Device;
import io.attentivecutmix.ImageBatch;
import io.attentivecutmix.MixedBatch;
import io.attentivecutmix.method.Labels;
import io.attentivecutmix.method.Pairing;
import io.attentivecutmix.method.Precision;

/** A whole step: uint8 images in, mixed uint8 images and labels out. */
final class OurStep implements Contestant {
    private static final int SIDE = 224;

    private final AttentiveCutMix mixer;
    private final MixedBatch mixed;
    private final ImageBatch images;
    private final Labels labels;
    private final int k;
    /** Reused: it is one small object that a caller may keep. */
    private final Pairing pairing;

    OurStep(Device device, Precision precision, int batch, int height, int width, int k, int threads) {
        this.k = k;
        mixer = Settings.mixer(device, precision, threads, Settings.options(SIDE, k));
        // in the memory that the device reads and writes best, as a training loop has it
        mixed = mixer.newMixedBatch();
        images = mixer.newBatch();
        ImageBatch samples = Samples.batch(batch, height, width);
        for (int i = 0; i < batch; i++) {
            images.add(samples.pixels(i), height, width);
        }
        labels = Samples.labels(batch);
        // a single image is its own partner, which only some pairings permit; the work is the same
        pairing = batch == 1 ? Pairing.flip() : Pairing.roll();
        mixer.prepare(batch);
        run();
        check();
    }

    @Override
    public void run() {
        mixer.mix(images, labels, pairing, mixed);
        Samples.require(mixed.count() == images.count(), "count");
    }

    /** Compares every pixel and weight of the last step. */
    void check() {
        for (int i = 0; i < images.count(); i++) {
            Expected.mixed(images, mixed.partner(i), i, SIDE / 32, mixed.cells(i), k, mixed.pixels(i),
                    mixed.sourceWeight(i));
        }
    }

    @Override
    public void close() {
        mixer.close();
    }
}
