package io.attentivecutmix.cuda;

import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.HalfFloats;
import io.attentivecutmix.method.MixPlan;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Heat maps and feature maps for who asks for them: pictures, tests, comparisons. No step needs either on the host. Not
 * thread-safe.
 */
final class Readback implements AutoCloseable {
    private final CudaRuntime runtime;
    private final int cells;
    private final int channels;
    private final Arena heat;
    private final Arena heatStaging;
    private final Arena featureStaging;
    private final Scope scope = new Scope();

    Readback(int cells, int channels, Memory memory) {
        runtime = memory.runtime();
        this.cells = cells;
        this.channels = channels;
        heat = scope.own(memory.device("heat maps"));
        heatStaging = scope.own(memory.pinned("heat maps"));
        featureStaging = scope.own(memory.pinned("feature maps"));
    }

    private long heatBytes(int n) {
        return (long) n * cells * Float.BYTES;
    }

    private long featureBytes(int n, ElementType type) {
        return (long) n * cells * channels * type.bytes();
    }

    /** Makes room for n heat maps. */
    void growHeat(int n) {
        heatStaging.grow(heatBytes(n));
        heat.grow(heatBytes(n));
    }

    /** Where the kernel writes (N, G²) heat maps. */
    FloatPointer heat() {
        return new FloatPointer(heat.at(0));
    }

    /** Enqueues the copy of n heat maps to the host. */
    void copyHeat(int n, Pointer stream) {
        runtime.copyToHost(heatStaging.memory(), heat.memory(), heatBytes(n), stream);
    }

    /** Enqueues the copy of n feature maps to the host. */
    void copyFeatures(int n, DeviceExtractor extractor, Pointer stream) {
        long bytes = featureBytes(n, extractor.featureType());
        featureStaging.grow(bytes);
        runtime.copyToHost(featureStaging.memory(), extractor.features(), bytes, stream);
    }

    /** Hands out the heat maps of the images that asked for cells. */
    void readHeat(MixPlan plan, float[] into) {
        FloatPointer map = new FloatPointer(heatStaging.at(0));
        for (int i = 0; i < plan.count; i++) {
            if (plan.patches[i] > 0) {
                map.position((long) i * cells).get(into, i * cells, cells);
            }
        }
    }

    /** Hands out the feature maps of the images that asked for cells, in float; NaN for an image that held one. */
    void readFeatures(MixPlan plan, Tables tables, ElementType type, float[] into) {
        int each = cells * channels;
        for (int i = 0; i < plan.count; i++) {
            if (plan.patches[i] == 0) {
                continue;
            }
            if (tables.spoiled(i)) {
                Arrays.fill(into, i * each, (i + 1) * each, Float.NaN);
                continue;
            }
            long bytes = (long) each * type.bytes();
            ByteBuffer values = featureStaging.at(i * bytes).capacity(bytes).asByteBuffer().order(
                    ByteOrder.nativeOrder());
            for (int v = 0; v < each; v++) {
                into[i * each + v] = switch (type) {
                    case FLOAT32 -> values.getFloat(4 * v);
                    case FLOAT16 -> HalfFloats.fromFloat16(values.getShort(2 * v));
                    case BFLOAT16 -> HalfFloats.fromBfloat16(values.getShort(2 * v));
                    case UINT8 -> throw new AssertionError("no network has uint8 features");
                };
            }
        }
    }

    @Override
    public void close() {
        scope.close();
    }
}
