package io.attentivecutmix.cuda;

import io.attentivecutmix.cuda.kernels.KernelImages;
import io.attentivecutmix.image.ElementType;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Stage 3 on the CUDA device, from a normalised batch to its last feature maps: a seam. The product runs cuDNN; tests
 * run oneDNN on host memory. Owns its weights and activations. One call at a time; nothing but {@link #prepare}
 * allocates or waits.
 */
public interface DeviceExtractor extends AutoCloseable {
    /** Type of the values of {@link #input}. */
    ElementType inputType();

    /** Channels of {@link #input}: 4 or 8; those behind R, G, B are zeros. */
    int inputChannels();

    /** Type of the values of {@link #features}. */
    ElementType featureType();

    /**
     * Whether {@link #enqueuePixels} takes uint8 images of (N, S, S, 3), so that they need no stage 2.
     */
    boolean takesPixels();

    /**
     * Makes batches of exactly n ready, and all memory for up to n; keeps what it has for other sizes. Synchronises.
     * Pointers that were handed out before may be void afterwards.
     *
     * @throws io.attentivecutmix.engine.OutOfDeviceMemoryException if the memory does not suffice; every size must be
     *     prepared again then
     */
    void prepare(int n);

    /** Where stage 2 writes (n, S, S, {@link #inputChannels}), NHWC; valid until the next {@link #prepare}. */
    Pointer input();

    /** Where (n, G, G, C) is once the stream has got there; valid until the next {@link #prepare}. */
    Pointer features();

    /** Enqueues the network for the n images in {@link #input}; n has been prepared. May be recorded into a graph. */
    void enqueue(int n, Pointer stream);

    /**
     * Enqueues the network for n uint8 images; n has been prepared. May be recorded into a graph.
     *
     * @param images (n, S, S, 3), NHWC, uint8, one behind the other
     * @param normalisation host, (6): mean, standard deviation; null: v/255
     */
    void enqueuePixels(int n, KernelImages images, FloatPointer normalisation, Pointer stream);

    /** Libraries and their versions, by fixed names; see {@code Engine.provenance}. */
    default Map<String, String> provenance() {
        return Map.of();
    }

    /** What runs each layer of each prepared batch size; see {@code Engine.implementations}. */
    default List<String> implementations() {
        return List.of();
    }

    /** The libraries and their versions. */
    String description();

    @Override
    void close();
}
