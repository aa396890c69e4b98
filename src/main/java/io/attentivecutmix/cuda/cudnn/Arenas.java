package io.attentivecutmix.cuda.cudnn;

import io.attentivecutmix.cuda.Closing;
import io.attentivecutmix.cuda.CudaRuntime;
import io.attentivecutmix.cuda.cudnn.NetworkLayout.Place;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;

/** The activations of the largest batch, and one workspace for all layers. */
final class Arenas implements AutoCloseable {
    /** Byte that every activation begins with: small finite numbers in all types, for timing and against stray NaNs. */
    private static final int FILL = 0x3c;

    private final CudaRuntime runtime;
    private final NetworkLayout layout;
    private final int elementBytes;
    private final Pointer stream;
    private final Map<Place, DeviceBuffer> places = new EnumMap<>(Place.class);
    private final DeviceBuffer workspace;

    Arenas(CudaRuntime runtime, NetworkLayout layout, int elementBytes, Pointer stream) {
        this.runtime = runtime;
        this.layout = layout;
        this.elementBytes = elementBytes;
        this.stream = stream;
        for (Place p : Place.values()) {
            places.put(p, new DeviceBuffer(runtime));
        }
        workspace = new DeviceBuffer(runtime);
    }

    /** Whether batches of n need other addresses than there are now. */
    boolean holds(int n) {
        return places.entrySet().stream().allMatch(e -> e.getValue().bytes() >= bytes(e.getKey(), n));
    }

    /**
     * Makes room for batches of n. One buffer after the other: those of earlier batches hold what they did, if one
     * fails.
     */
    void ensure(int n) {
        for (Map.Entry<Place, DeviceBuffer> e : places.entrySet()) {
            DeviceBuffer buffer = e.getValue();
            if (buffer.ensure(bytes(e.getKey(), n))) {
                runtime.fill(buffer.memory(), FILL, buffer.bytes(), stream);
            }
        }
    }

    private long bytes(Place place, int n) {
        return Math.multiplyExact(layout.elements(place) * elementBytes, (long) n);
    }

    /** Makes the workspace hold so many bytes; whether it moved. */
    boolean ensureWorkspace(long bytes) {
        return workspace.ensure(bytes);
    }

    long address(Place place) {
        return places.get(place).address();
    }

    long workspace() {
        return workspace.address();
    }

    @Override
    public void close() {
        List<AutoCloseable> all = new ArrayList<>(places.values());
        all.add(workspace);
        Closing.reversed(all);
    }
}
