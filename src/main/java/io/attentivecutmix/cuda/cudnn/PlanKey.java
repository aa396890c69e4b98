package io.attentivecutmix.cuda.cudnn;

import io.attentivecutmix.cuda.DeviceProperties;
import io.attentivecutmix.method.Precision;
import java.util.Locale;

/**
 * Where choices of engines hold. The layout is NHWC throughout.
 *
 * @param cudnn version as cuDNN numbers it
 * @param gpu its name
 * @param architecture {@code sm_90} and the like
 */
record PlanKey(long cudnn, String gpu, String architecture, Precision precision) {
    PlanKey(long cudnn, DeviceProperties device, Precision precision) {
        this(cudnn, device.name(), device.architecture(), precision);
    }

    /** A name that every file system takes. */
    String fileName() {
        String name = gpu.replaceAll("[^A-Za-z0-9]+", "-");
        return "cudnn-" + PresetCudnn.text(cudnn) + "-" + name.substring(0, Math.min(64, name.length())) + "-"
                + architecture.replaceAll("[^A-Za-z0-9_]", "-") + "-" + precision.name().toLowerCase(Locale.ROOT)
                + ".json";
    }
}
