package io.attentivecutmix;

import io.attentivecutmix.engine.HostMemory;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.ImageDecoder;
import io.attentivecutmix.image.Images;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.image.RgbImage;
import java.awt.image.BufferedImage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.function.ToLongFunction;

/**
 * A batch of N RGB images in off-heap memory, of one size or of many; filled image by image, then handed to a mixer.
 *
 * <p>Reusable: {@link #clear} keeps the memory, and a batch that is filled with the same sizes again allocates nothing.
 * The memory belongs to the JVM: it goes when the batch and all views of it are unreachable, so there is nothing to
 * close. Not thread-safe; it must not change while a mixer reads it.
 */
public final class ImageBatch implements Images {
    /** Channels of an image: R, G, B. */
    public static final int CHANNELS = 3;

    /** Below 2 GiB, with room for the alignment of its memory. */
    private static final int LARGEST_IMAGE = Integer.MAX_VALUE - 256;

    private final ElementType type;
    private final Layout layout;
    private final boolean wrapped;
    private final PixelStore store;
    private final PixelStore maskStore;
    /** Of the first image of a wrapped batch, once somebody has asked. */
    private long address;
    private int count;
    private int maskBytes;
    private int[] heights = new int[16];
    private int[] widths = new int[16];
    private ByteBuffer[] pixels = new ByteBuffer[16];
    private ByteBuffer[] masks = new ByteBuffer[16];

    /** An empty batch of uint8 images, NHWC: what image files hold. */
    public ImageBatch() {
        this(ElementType.UINT8, Layout.NHWC);
    }

    /**
     * An empty batch.
     *
     * @param type UINT8 (0..255), or a floating type: values in 0..1, or normalised before
     * @param layout NHWC or NCHW; UINT8 is NHWC only
     */
    public ImageBatch(ElementType type, Layout layout) {
        this(type, layout, false, HostMemory::plain);
    }

    ImageBatch(ElementType type, Layout layout, boolean wrapped, IntFunction<HostMemory> allocator) {
        this.type = Objects.requireNonNull(type, "type");
        this.layout = Objects.requireNonNull(layout, "layout");
        this.wrapped = wrapped;
        store = new PixelStore(allocator);
        maskStore = new PixelStore(allocator);
        if (type == ElementType.UINT8 && layout != Layout.NHWC) {
            throw new IllegalArgumentException("layout is " + layout + " for UINT8 images; allowed: NHWC");
        }
    }

    /**
     * A batch over the caller's memory; nothing is copied.
     *
     * @param buffer direct, native byte order; from its position: n images of 3·h·w values, side by side
     * @param n images, 1 or more
     * @param h height in pixels
     * @param w width in pixels
     * @return a batch that cannot be cleared or added to, and that keeps the buffer's memory alive
     */
    public static ImageBatch wrap(ByteBuffer buffer, ElementType type, Layout layout, int n, int h, int w) {
        if (!buffer.isDirect()) {
            throw new IllegalArgumentException("buffer is on the heap; allowed: a direct buffer (or copy with add)");
        }
        if (buffer.order() != ByteOrder.nativeOrder() && type.bytes() > 1) {
            throw new IllegalArgumentException("buffer is " + buffer.order() + "; allowed: " + ByteOrder.nativeOrder());
        }
        if (n < 1) {
            throw new IllegalArgumentException("n is " + n + "; allowed: 1 or more");
        }
        ImageBatch batch = new ImageBatch(type, layout, true, HostMemory::plain);
        int bytes = batch.imageBytes(h, w);
        if ((long) bytes * n > buffer.remaining()) {
            throw new IllegalArgumentException("buffer has " + buffer.remaining() + " bytes; needed: "
                    + (long) bytes * n + " for " + n + " images of " + h + "x" + w);
        }
        for (int i = 0; i < n; i++) {
            ByteBuffer view = buffer.slice(buffer.position() + i * bytes, bytes).order(ByteOrder.nativeOrder());
            batch.append(h, w, view);
        }
        return batch;
    }

    /** Forgets all images and masks; keeps the memory. */
    public ImageBatch clear() {
        refuseIfWrapped("clear");
        // old views would keep old chunks alive while new ones are allocated
        Arrays.fill(pixels, 0, count, null);
        Arrays.fill(masks, 0, count, null);
        count = 0;
        maskBytes = 0;
        store.clear();
        maskStore.clear();
        return this;
    }

    /**
     * Makes room for so many bytes of pixels, in one piece if one buffer can hold them; without, memory grows as images
     * are added, to up to twice what they need. Only on an empty batch.
     *
     * @param bytes 0 or more
     */
    public ImageBatch ensure(long bytes) {
        refuseIfWrapped("ensure");
        if (count > 0) {
            throw new IllegalStateException("ensure was called on a batch of " + count
                    + " images; allowed: an empty one");
        }
        if (bytes < 0) {
            throw new IllegalArgumentException("bytes is " + bytes + "; allowed: 0 or more");
        }
        store.expect(bytes);
        return this;
    }

    /**
     * Adds an image whose values the caller then writes.
     *
     * @param h height in pixels
     * @param w width in pixels
     * @return view of its 3·h·w values, native byte order, from index 0; holds whatever the memory held before
     */
    public ByteBuffer reserve(int h, int w) {
        refuseIfWrapped("reserve");
        ByteBuffer view = store.next(imageBytes(h, w));
        append(h, w, view);
        return view(view);
    }

    /** Adds a copy of a uint8 image (h, w, 3). */
    public ImageBatch add(byte[] rgb, int h, int w) {
        refuseUnlessUint8("byte[]");
        if (rgb.length != imageBytes(h, w)) {
            throw new IllegalArgumentException("rgb has " + rgb.length + " bytes; needed: " + imageBytes(h, w) + " for "
                    + h + "x" + w);
        }
        reserve(h, w).put(0, rgb, 0, rgb.length);
        return this;
    }

    /**
     * Adds a copy of an image in the batch's type and layout.
     *
     * @param values 3·h·w values from its position to its limit, native byte order; position and limit stay
     */
    public ImageBatch add(ByteBuffer values, int h, int w) {
        if (values.remaining() != imageBytes(h, w)) {
            throw new IllegalArgumentException("values has " + values.remaining() + " bytes; needed: "
                    + imageBytes(h, w) + " for " + h + "x" + w + " of " + type);
        }
        if (values.order() != ByteOrder.nativeOrder() && type.bytes() > 1) {
            throw new IllegalArgumentException("values is " + values.order() + "; allowed: " + ByteOrder.nativeOrder());
        }
        reserve(h, w).put(0, values, values.position(), values.remaining());
        return this;
    }

    /** Adds a copy of a decoded image. */
    public ImageBatch add(RgbImage image) {
        return add(image.rgb(), image.height(), image.width());
    }

    /** Adds a copy of an AWT image; grey, palette and alpha convert as Pillow's {@code convert("RGB")} does. */
    public ImageBatch add(BufferedImage image) {
        return add(RgbImage.of(image));
    }

    /**
     * Reads an image file and adds it.
     *
     * @throws io.attentivecutmix.image.ImageException if the file is not a whole image within the decoder's limits
     */
    public ImageBatch add(Path file, ImageDecoder decoder) {
        refuseUnlessUint8("an image file");
        return add(decoder.read(file));
    }

    /** Reads an image file with the best decoder on the class path and adds it. */
    public ImageBatch add(Path file) {
        return add(file, ImageDecoder.best());
    }

    /**
     * Gives the image added last a segmentation mask (a copy), which is mixed along with the pixels. Either all images
     * of a batch have one or none has, and an image has one at most.
     *
     * @param mask h·w elements from its position to its limit, native byte order, never interpolated
     * @param elementBytes 1, 2 or 4, the same for the whole batch
     */
    public ImageBatch mask(ByteBuffer mask, int elementBytes) {
        if (elementBytes != 1 && elementBytes != 2 && elementBytes != 4) {
            throw new IllegalArgumentException("elementBytes is " + elementBytes + "; allowed: 1, 2, 4");
        }
        if (count == 0) {
            throw new IllegalStateException("mask was called on an empty batch; add its image first");
        }
        if (elementBytes > 1 && mask.order() != ByteOrder.nativeOrder()) {
            throw new IllegalArgumentException("mask is " + mask.order() + "; allowed: " + ByteOrder.nativeOrder());
        }
        int last = count - 1;
        if (masks[last] != null) {
            throw new IllegalStateException("image " + last + " has a mask already");
        }
        if (last > 0 && maskBytes == 0) {
            throw new IllegalArgumentException("image 0 has no mask; allowed: a mask for every image or for none");
        }
        if (last > 0 && elementBytes != maskBytes) {
            throw new IllegalArgumentException("elementBytes is " + elementBytes + "; allowed: " + maskBytes
                    + ", as for the images before");
        }
        long bytes = (long) heights[last] * widths[last] * elementBytes;
        if (mask.remaining() != bytes) {
            throw new IllegalArgumentException("mask has " + mask.remaining() + " bytes; needed: " + bytes + " for "
                    + heights[last] + "x" + widths[last] + " elements of " + elementBytes);
        }
        maskBytes = elementBytes;
        masks[last] = maskStore.next((int) bytes);
        masks[last].put(0, mask, mask.position(), mask.remaining());
        return this;
    }

    /** Refuses a batch in which some images have a mask and some have none; called before a mix. */
    void checkMasks() {
        if (maskBytes == 0) {
            return;
        }
        for (int i = 0; i < count; i++) {
            if (masks[i] == null) {
                throw new IllegalArgumentException("image " + i
                        + " has no mask; allowed: a mask for every image or for none");
            }
        }
    }

    private void append(int h, int w, ByteBuffer view) {
        if (count == heights.length) {
            int room = Math.multiplyExact(count, 2);
            heights = Arrays.copyOf(heights, room);
            widths = Arrays.copyOf(widths, room);
            pixels = Arrays.copyOf(pixels, room);
            masks = Arrays.copyOf(masks, room);
        }
        heights[count] = h;
        widths[count] = w;
        pixels[count] = view;
        masks[count] = null;
        count++;
    }

    private int imageBytes(int h, int w) {
        return imageBytes(h, w, type);
    }

    /** Bytes of one image; refuses sizes below 1 and images of 2 GiB and more. */
    static int imageBytes(int h, int w, ElementType type) {
        if (h < 1 || w < 1) {
            throw new IllegalArgumentException("size is " + h + "x" + w + "; allowed: 1 or more in both directions");
        }
        double bytes = (double) CHANNELS * h * w * type.bytes();
        if (bytes > LARGEST_IMAGE) {
            throw new IllegalArgumentException("an image of " + h + "x" + w + " " + type + " has " + (long) bytes
                    + " bytes; allowed: below 2 GiB");
        }
        return CHANNELS * h * w * type.bytes();
    }

    private void refuseIfWrapped(String call) {
        if (wrapped) {
            throw new IllegalStateException(call + " was called on a batch over the caller's own memory");
        }
    }

    private void refuseUnlessUint8(String what) {
        if (type != ElementType.UINT8) {
            throw new IllegalStateException(what + " was added to a batch of " + type + "; allowed: a UINT8 batch");
        }
    }

    private void check(int i) {
        Objects.checkIndex(i, count);
    }

    @Override
    public int count() {
        return count;
    }

    @Override
    public int height(int i) {
        check(i);
        return heights[i];
    }

    @Override
    public int width(int i) {
        check(i);
        return widths[i];
    }

    @Override
    public ElementType elementType() {
        return type;
    }

    @Override
    public Layout layout() {
        return layout;
    }

    /** A view of its own for every caller, so that nobody changes another's order, position or limit. */
    @Override
    public ByteBuffer pixels(int i) {
        check(i);
        return view(pixels[i]);
    }

    static ByteBuffer view(ByteBuffer piece) {
        return piece.duplicate().order(ByteOrder.nativeOrder());
    }

    /** Whether these are the caller's own bytes and lie in that memory; a batch of its own memory lies nowhere else. */
    boolean liesIn(PixelStore memory, ToLongFunction<ByteBuffer> addressOf) {
        if (!wrapped) {
            return false;
        }
        if (address == 0) {
            address = addressOf.applyAsLong(pixels[0]);
        }
        // wrapped images lie side by side
        return address != 0 && memory.overlaps(address, address + (long) count * pixels[0].capacity(), addressOf);
    }

    /** The images of a batch that is not wrapped are the store's pieces, in order. */
    @Override
    public long address(int i) {
        check(i);
        return wrapped ? 0 : store.deviceAddress(i);
    }

    @Override
    public long maskAddress(int i) {
        check(i);
        return masks[i] == null ? 0 : maskStore.deviceAddress(i);
    }

    @Override
    public int maskBytes() {
        return maskBytes;
    }

    @Override
    public ByteBuffer mask(int i) {
        check(i);
        return masks[i] == null ? null : view(masks[i]);
    }
}
