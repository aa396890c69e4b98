package io.attentivecutmix.quantisation;

import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.network.ResNet;
import java.util.List;
import java.util.function.IntFunction;

/** What a device does for a {@link CalibrationSearch}: it runs networks over a fixed list of images. */
public interface CalibrationNetworks {
    ResNet network();

    /** Images in the list. */
    int images();

    /** Threads that observe at a time. */
    int workers();

    /** The reductions for which heat maps are made: all that the weights allow. */
    List<Reduction> reductions();

    /** G², values of one heat map. */
    int cells();

    /**
     * Shows every tensor of every image in FP32.
     *
     * @param observers by worker, 0 to workers − 1; one thread at a time calls each
     */
    void observe(IntFunction<ActivationObserver> observers);

    /**
     * Heat maps of the first images, in FP32.
     *
     * @return one array (images, G²) for each reduction; for CLASS, image i counts as class i modulo their number
     */
    float[][] heat(int images);

    /** Heat maps of the first images, in 8 bits where the calibration says so. */
    float[][] heat(Calibration calibration, int images);
}
