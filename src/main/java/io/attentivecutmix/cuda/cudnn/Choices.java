package io.attentivecutmix.cuda.cudnn;

import java.util.LinkedHashMap;
import java.util.Map;

/** What measuring found, for one {@link PlanKey}. */
final class Choices {
    /** How the stem runs on packed input. */
    enum StemKind {
        /** Convolution, bias, ReLU and pool in our kernel. */
        KERNEL,
        /** cuDNN's convolution, then our pool. */
        CUDNN
    }

    /** What a stem is chosen for: n images of side S. */
    record StemShape(int n, int side) {}

    /**
     * An engine and its time.
     *
     * @param micros microseconds of one run when it was chosen; for people
     */
    record Timed(EngineChoice choice, double micros) {}

    private final Map<ConvolutionShape, Timed> engines = new LinkedHashMap<>();
    private final Map<StemShape, StemKind> stems = new LinkedHashMap<>();

    Map<ConvolutionShape, Timed> engines() {
        return engines;
    }

    Map<StemShape, StemKind> stems() {
        return stems;
    }

    /** Takes over what others have and this has not. */
    void fill(Choices others) {
        others.engines.forEach(engines::putIfAbsent);
        others.stems.forEach(stems::putIfAbsent);
    }
}
