package io.attentivecutmix.cuda;

import io.attentivecutmix.cuda.kernels.KernelImages;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import java.util.Arrays;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;

/**
 * Where the images of a batch lie in device memory, and the struct that tells the kernels. Uniform: one size, one
 * behind the other. Ragged: an address and a size for each, which travel in {@link Tables}. Owns no device memory. Not
 * thread-safe.
 */
final class Batch {
    final KernelImages images;
    private final Tables.Role role;
    private final boolean masks;
    private final Address base = new Address(0);
    private LongPointer offsets;
    private IntPointer sizes;

    ElementType type = ElementType.UINT8;
    Layout layout = Layout.NHWC;
    int channels = 3;
    int count;
    boolean uniform;
    long[] address = {};
    int[] height = {};
    int[] width = {};

    Batch(Structs structs, Tables.Role role, boolean masks) {
        images = new KernelImages(structs.allocate(KernelImages.class));
        this.role = role;
        this.masks = masks;
    }

    /** Follows the tables, whose addresses have changed. */
    void bind(Tables tables) {
        offsets = tables.offsets(role, masks);
        sizes = tables.sizes(role, masks);
    }

    Batch form(ElementType newType, Layout newLayout, int newChannels) {
        type = newType;
        layout = newLayout;
        channels = newChannels;
        return this;
    }

    Batch formOf(Batch other) {
        return form(other.type, other.layout, other.channels);
    }

    boolean hasForm(ElementType otherType, Layout otherLayout) {
        return type == otherType && layout == otherLayout;
    }

    /** Begins a batch of n images; each is then {@link #put}. */
    void begin(int n) {
        if (address.length < n) {
            address = new long[n];
            height = new int[n];
            width = new int[n];
        }
        count = n;
        uniform = false;
    }

    void put(int i, long at, int h, int w) {
        address[i] = at;
        height[i] = h;
        width[i] = w;
    }

    /** n images of one size, one behind the other. */
    void uniform(long first, int n, int h, int w) {
        begin(n);
        uniform = true;
        Arrays.fill(height, 0, n, h);
        Arrays.fill(width, 0, n, w);
        long bytes = bytes(0);
        for (int i = 0; i < n; i++) {
            address[i] = first + i * bytes;
        }
    }

    /** The same images in the same place as another batch. */
    void copy(Batch other) {
        formOf(other);
        begin(other.count);
        uniform = other.uniform;
        System.arraycopy(other.address, 0, address, 0, count);
        System.arraycopy(other.height, 0, height, 0, count);
        System.arraycopy(other.width, 0, width, 0, count);
    }

    /** Bytes of image i. */
    long bytes(int i) {
        return (long) height[i] * width[i] * channels * type.bytes();
    }

    /**
     * Lays the images out in a block that begins at {@code first}, each on {@code alignment} bytes; returns the bytes
     * needed.
     */
    long layOut(long first, int alignment) {
        long at = 0;
        for (int i = 0; i < count; i++) {
            address[i] = first + at;
            at += (bytes(i) + alignment - 1) / alignment * alignment;
        }
        return at;
    }

    /** Moves all images by so many bytes. */
    void move(long by) {
        for (int i = 0; i < count; i++) {
            address[i] += by;
        }
    }

    /** Tells the kernels; a ragged batch's addresses and sizes are written to the tables. */
    void publish(Tables tables) {
        images.count(count);
        images.type(type.ordinal());
        images.layout(layout.ordinal());
        images.channels(channels);
        images.pixels(base.at(count == 0 ? 0 : address[0]));
        if (uniform || count == 0) {
            images.height(count == 0 ? 1 : height[0]);
            images.width(count == 0 ? 1 : width[0]);
            images.offsets(null);
            images.sizes(null);
            return;
        }
        int most = 1;
        int widest = 1;
        for (int i = 0; i < count; i++) {
            tables.put(role, masks, i, address[i] - address[0], height[i], width[i]);
            most = Math.max(most, height[i]);
            widest = Math.max(widest, width[i]);
        }
        images.height(most);
        images.width(widest);
        images.offsets(offsets);
        images.sizes(sizes);
    }
}
