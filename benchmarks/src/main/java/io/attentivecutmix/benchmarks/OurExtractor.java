package io.attentivecutmix.benchmarks;

import io.attentivecutmix.Attention;
import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.Device;
import io.attentivecutmix.ImageBatch;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.method.Precision;
import java.util.Arrays;

/** Our extractor from a normalised float tensor to selected cells; reduction and selection are a thousandth of it. */
final class OurExtractor implements Contestant {
    private final AttentiveCutMix mixer;
    private final ImageBatch images;
    private final int[] expected;

    OurExtractor(Device device, Precision precision, int batch, int side, int threads) {
        mixer = Settings.mixer(device, precision, threads,
                Settings.options(side, 6).withNormalisation(Normalisation.ALREADY_NORMALISED));
        images = Samples.tensorBatch(batch, side);
        mixer.prepare(batch);
        expected = mixer.attend(images).cells(batch - 1);
    }

    @Override
    public void run() {
        Attention attention = mixer.attend(images);
        Samples.require(Arrays.equals(attention.cells(images.count() - 1), expected),
                "other cells than in the first batch");
    }

    @Override
    public void close() {
        mixer.close();
    }
}
