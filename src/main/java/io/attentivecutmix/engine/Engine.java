package io.attentivecutmix.engine;

import io.attentivecutmix.image.Images;
import io.attentivecutmix.method.MixPlan;
import java.util.List;
import java.util.Map;

/**
 * The stages of one device. Owns all native memory of its device.
 *
 * <p>One call at a time: the mixer above guards that, and never calls a closed engine. A call has finished when it
 * returns. Internal to the library.
 */
public interface Engine extends AutoCloseable {
    /**
     * Grows arenas for batches of up to n images, and makes batches of exactly n ready; never shrinks. What depends on
     * the images' own sizes grows in the first step that has them.
     */
    void prepare(int n);

    /**
     * Stages 2 to 4: resize, normalise, extract, reduce, select.
     *
     * @param images N images, N = plan.count
     * @param plan reads {@code mixed} and {@code patches}; writes {@code cells} and {@code nonFinite} of every image
     *     with patches above 0; others are left alone
     * @param classes (N) label of each image, read only for the CLASS reduction; may be null otherwise
     * @param heat (N, G²) heat maps, row-major, written for every image with patches above 0; null when not wanted
     * @param features (N, G, G, C) last feature maps in float, for tests and comparisons; null when not wanted
     */
    void attend(Images images, MixPlan plan, int[] classes, float[] heat, float[] features);

    /**
     * Stage 5: writes every mixed image and mask.
     *
     * @param images N images, never overlapping with {@code out}
     * @param plan all fields but sourceWeight
     * @param out N images of the sizes {@code MixGeometry} gives, of the type and layout wanted; its buffers are
     *     written
     */
    void mix(Images images, MixPlan plan, Images out);

    /**
     * Stages 2 to 5 in one: as {@link #attend} and then {@link #mix}, which a device may fuse.
     *
     * @param images as in {@link #attend}
     * @param plan reads all but sourceWeight, cells and nonFinite; writes {@code cells} and {@code nonFinite} as
     *     {@link #attend}
     * @param classes as in {@link #attend}
     * @param heat as in {@link #attend}
     * @param out as in {@link #mix}
     */
    default void attendMix(Images images, MixPlan plan, int[] classes, float[] heat, Images out) {
        attend(images, plan, classes, heat, null);
        mix(images, plan, out);
    }

    /**
     * Host memory from which and to which this device copies best, for a batch of the caller's; the memory may outlive
     * the engine.
     *
     * @param bytes 1 or more
     */
    default HostMemory allocate(int bytes) {
        return HostMemory.plain(bytes);
    }

    /**
     * What decides the bits of a result besides the call: hardware, libraries and their versions. The names are fixed;
     * nothing in it depends on where files lie.
     */
    default Map<String, String> provenance() {
        return Map.of();
    }

    /**
     * The implementation of each layer that the extractor runs now, in a fixed order and in words that mean the same in
     * another process; empty without an extractor.
     */
    default List<String> implementations() {
        return List.of();
    }

    /** What runs here, for {@code info} and a run's manifest: device, libraries and their versions, threads. */
    String description();

    @Override
    void close();
}
