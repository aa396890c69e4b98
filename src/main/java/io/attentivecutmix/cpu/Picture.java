package io.attentivecutmix.cpu;

import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Images;
import io.attentivecutmix.image.Layout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;

/**
 * One image or mask in memory as {@link PixelMixer} sees it, and the memory of those that it resizes; reusable, so that
 * a step allocates nothing but a view object of a caller's floating buffer.
 *
 * <p>A pixel is {@link #unit} bytes in each of {@link #planes} planes: NHWC has one plane of 3 values, NCHW three of
 * one, a mask one of one element.
 */
final class Picture {
    static final int CHANNELS = 3;

    ByteBuffer bytes;
    int height;
    int width;
    int planes;
    int unit;
    /** Null for a mask. */
    ElementType type;
    /** Null for a mask. */
    Layout layout;

    private FloatBuffer floats;
    private ShortBuffer shorts;

    private ByteBuffer memory = ByteBuffer.allocateDirect(0);
    private FloatBuffer memoryFloats = memory.asFloatBuffer();

    /** Becomes image i of a batch. */
    void pixels(Images images, int i) {
        form(images.elementType(), images.layout(), images.height(i), images.width(i));
        bytes = images.pixels(i);
    }

    /** Becomes the mask of image i of a batch. */
    void mask(Images images, int i) {
        maskForm(images.maskBytes(), images.height(i), images.width(i));
        bytes = images.mask(i);
    }

    /** Becomes an image in own memory, of undefined values. */
    void own(ElementType type, Layout layout, int height, int width) {
        form(type, layout, height, width);
        useMemory();
    }

    /** Becomes a mask in own memory, of undefined values. */
    void ownMask(int elementBytes, int height, int width) {
        maskForm(elementBytes, height, width);
        useMemory();
    }

    private void form(ElementType type, Layout layout, int height, int width) {
        this.type = type;
        this.layout = layout;
        this.height = height;
        this.width = width;
        planes = layout == Layout.NHWC ? 1 : CHANNELS;
        unit = (layout == Layout.NHWC ? CHANNELS : 1) * type.bytes();
        floats = null;
        shorts = null;
    }

    private void maskForm(int elementBytes, int height, int width) {
        type = null;
        layout = null;
        this.height = height;
        this.width = width;
        planes = 1;
        unit = elementBytes;
        floats = null;
        shorts = null;
    }

    private void useMemory() {
        int size = Math.multiplyExact(Math.multiplyExact(height, width), planes * unit);
        if (memory.capacity() < size) {
            memory = ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
            memoryFloats = memory.asFloatBuffer();
        }
        bytes = memory;
        floats = memoryFloats;
    }

    /** H·W. */
    int count() {
        return height * width;
    }

    boolean sameForm(Picture other) {
        return type == other.type && layout == other.layout && unit == other.unit;
    }

    /** The bytes as floats; a view made once per image. */
    FloatBuffer floats() {
        if (floats == null) {
            floats = bytes.asFloatBuffer();
        }
        return floats;
    }

    /** The bytes as 16-bit values; a view made once per image. */
    ShortBuffer shorts() {
        if (shorts == null) {
            shorts = bytes.asShortBuffer();
        }
        return shorts;
    }
}
