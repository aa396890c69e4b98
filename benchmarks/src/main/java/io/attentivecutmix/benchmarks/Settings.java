package io.attentivecutmix.benchmarks;

import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.Calibrator;
import io.attentivecutmix.Device;
import io.attentivecutmix.ImageBatch;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.quantisation.Calibration;

/** What the annotations of several benchmarks share, and the reading of their parameters. */
final class Settings {
    /**
     * The largest batch (256 images of 224×224 as float tensors, in and out) fits three times; equal bounds, since a
     * heap that grows makes the first iterations slower.
     */
    static final String HEAP_MIN = "-Xms2g";
    static final String HEAP_MAX = "-Xmx2g";
    /** JavaCPP otherwise counts the process's memory, the rivals' included, against the heap's bound. */
    static final String NO_NATIVE_LIMIT = "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0";
    static final String HEADLESS = "-Djava.awt.headless=true";
    /**
     * For a network: two forks and more show what differs between JVMs (memory layout), which is more than within one.
     */
    static final int FORKS = 3;

    /** Beyond any batch that is timed. */
    private static final int CALIBRATION_FIRST = 1000;
    private static final int CALIBRATION_IMAGES = 64;

    private Settings() {}

    /** Worker threads; the parameter 0 means all processors. */
    static int threads(int parameter) {
        return parameter == 0 ? Runtime.getRuntime().availableProcessors() : parameter;
    }

    static Device device(String name) {
        return Device.parse(name);
    }

    static Precision precision(String name) {
        return Precision.valueOf(name);
    }

    static MixOptions options(int side, int k) {
        return MixOptions.paper().withInputSide(side).withPatches(new Patches.Fixed(k));
    }

    /**
     * A mixer with the benchmarks' weights; INT8 is calibrated first, by the standard target, with images of its own.
     */
    static AttentiveCutMix mixer(Device device, Precision precision, int threads, MixOptions options) {
        AttentiveCutMix.Builder builder = AttentiveCutMix.builder().weights(Samples.weights()).device(device)
                .precision(precision).threads(threads).options(options);
        if (precision == Precision.INT8) {
            builder.calibration(calibration(options));
        }
        return builder.build();
    }

    private static Calibration calibration(MixOptions options) {
        try (Calibrator calibrator = Calibrator.builder().weights(Samples.weights()).options(options).build()) {
            int side = options.inputSide();
            calibrator.add(options.normalisation().kind() == Normalisation.Kind.ALREADY_NORMALISED
                    ? ImageBatch.wrap(Samples.tensor(CALIBRATION_FIRST, CALIBRATION_IMAGES, side, Layout.NHWC),
                            ElementType.FLOAT32, Layout.NHWC, CALIBRATION_IMAGES, side, side)
                    : Samples.batch(CALIBRATION_FIRST, CALIBRATION_IMAGES, side, side));
            Calibration calibration = calibrator.calibrate();
            System.out.println("INT8: " + calibration.floating().size() + " convolutions in float, "
                    + calibration.agreements().get(0));
            return calibration;
        }
    }
}
