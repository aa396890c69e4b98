package io.attentivecutmix.cpu;

import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.HalfFloats;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.method.Normalisation;

/**
 * Moves ranges of pixels from one picture to another of the same size, converting type and layout on the way.
 *
 * <p>Equal forms are bulk copies. Others are gathered, in the form they have, into a chunk that stays in the
 * first-level cache, converted there and written in bulk; ranges of several pictures of one form share a chunk.
 */
final class PixelTransfer {
    /** Pixels of a chunk. */
    private static final int CHUNK = 1024;

    private final float[][] normal;
    private short[][] float16;
    private short[][] bfloat16;

    private final byte[] bytesIn = new byte[CHUNK * Picture.CHANNELS];
    private final byte[] bytesOut = new byte[CHUNK * Picture.CHANNELS];
    private final short[] shortsIn = new short[CHUNK * Picture.CHANNELS];
    private final short[] shortsOut = new short[CHUNK * Picture.CHANNELS];
    private final float[] floatsIn = new float[CHUNK * Picture.CHANNELS];
    private final float[] floatsOut = new float[CHUNK * Picture.CHANNELS];

    private Picture to;
    private ElementType type;
    private Layout layout;
    private int start;
    private int count;

    PixelTransfer(Normalisation normalisation) {
        normal = new float[Picture.CHANNELS][256];
        for (int c = 0; c < Picture.CHANNELS; c++) {
            for (int v = 0; v < 256; v++) {
                normal[c][v] = (v / 255f - normalisation.mean().get(c)) / normalisation.std().get(c);
            }
        }
    }

    /** Starts writing into a picture. */
    void into(Picture picture) {
        to = picture;
        count = 0;
    }

    /**
     * Moves {@code length} pixels from pixel {@code first} on, counted along the rows; the same place in both pictures.
     */
    void move(Picture from, int first, int length) {
        if (from.sameForm(to)) {
            for (int plane = 0; plane < from.planes; plane++) {
                int at = (plane * from.count() + first) * from.unit;
                to.bytes.put(at, from.bytes, at, length * from.unit);
            }
            return;
        }
        if (count > 0 && (from.type != type || from.layout != layout || start + count != first)) {
            flush();
        }
        while (length > 0) {
            if (count == 0) {
                type = from.type;
                layout = from.layout;
                start = first;
            }
            int n = Math.min(length, CHUNK - count);
            gather(from, first, n);
            first += n;
            length -= n;
            count += n;
            if (count == CHUNK) {
                flush();
            }
        }
    }

    /** Writes what is still in the chunk; forgets the pictures. */
    void finish() {
        if (count > 0) {
            flush();
        }
        to = null;
    }

    private void gather(Picture from, int first, int n) {
        int values = from.unit / from.type.bytes();
        for (int plane = 0; plane < from.planes; plane++) {
            int at = (plane * from.count() + first) * values;
            int in = plane * CHUNK + count * values;
            switch (from.type) {
                case UINT8 -> from.bytes.get(at, bytesIn, in, n * values);
                case FLOAT32 -> from.floats().get(at, floatsIn, in, n * values);
                case FLOAT16, BFLOAT16 -> from.shorts().get(at, shortsIn, in, n * values);
            }
        }
    }

    private void flush() {
        boolean inPlanes = layout == Layout.NCHW;
        boolean outPlanes = to.layout == Layout.NCHW;
        // Channel c of pixel x lies at c·channel + x·pixel of a chunk.
        int inChannel = inPlanes ? CHUNK : 1;
        int inPixel = inPlanes ? 1 : Picture.CHANNELS;
        int outChannel = outPlanes ? CHUNK : 1;
        int outPixel = outPlanes ? 1 : Picture.CHANNELS;
        if (type == ElementType.UINT8 && to.type == ElementType.FLOAT32 && !inPlanes) {
            if (outPlanes) {
                lookIntoPlanes(normal, bytesIn, floatsOut, count);
            } else {
                look(normal, bytesIn, floatsOut, count);
            }
        } else if (type == ElementType.UINT8 && to.type != ElementType.UINT8 && !inPlanes) {
            if (outPlanes) {
                lookIntoPlanes(halves(), bytesIn, shortsOut, count);
            } else {
                look(halves(), bytesIn, shortsOut, count);
            }
        } else {
            for (int c = 0; c < Picture.CHANNELS; c++) {
                convert(c, c * inChannel, inPixel, c * outChannel, outPixel);
            }
        }
        int values = to.unit / to.type.bytes();
        for (int plane = 0; plane < to.planes; plane++) {
            int at = (plane * to.count() + start) * values;
            int out = plane * CHUNK;
            switch (to.type) {
                case UINT8 -> to.bytes.put(at, bytesOut, out, count * values);
                case FLOAT32 -> to.floats().put(at, floatsOut, out, count * values);
                case FLOAT16, BFLOAT16 -> to.shorts().put(at, shortsOut, out, count * values);
            }
        }
        count = 0;
    }

    private void convert(int c, int in, int inPixel, int out, int outPixel) {
        if (type == ElementType.UINT8) {
            switch (to.type) {
                case UINT8 -> permute(bytesIn, in, inPixel, bytesOut, out, outPixel);
                case FLOAT32 -> look(normal[c], in, inPixel, out, outPixel);
                case FLOAT16, BFLOAT16 -> look(halves()[c], in, inPixel, out, outPixel);
            }
            return;
        }
        if (type == to.type) {
            if (type == ElementType.FLOAT32) {
                permute(floatsIn, in, inPixel, floatsOut, out, outPixel);
            } else {
                permute(shortsIn, in, inPixel, shortsOut, out, outPixel);
            }
            return;
        }
        for (int x = 0; x < count; x++) {
            int from = in + x * inPixel;
            float value = switch (type) {
                case FLOAT16 -> HalfFloats.fromFloat16(shortsIn[from]);
                case BFLOAT16 -> HalfFloats.fromBfloat16(shortsIn[from]);
                default -> floatsIn[from];
            };
            int at = out + x * outPixel;
            switch (to.type) {
                case FLOAT32 -> floatsOut[at] = value;
                case FLOAT16 -> shortsOut[at] = HalfFloats.toFloat16(value);
                case BFLOAT16 -> shortsOut[at] = HalfFloats.toBfloat16(value);
                default -> throw new IllegalArgumentException("output type is UINT8; allowed for a " + type
                        + " batch: the floating types");
            }
        }
    }

    // The four that nearly every training step takes, one of them per chunk: constant strides, so that no bounds are
    // checked inside the loops.

    private static void lookIntoPlanes(float[][] tables, byte[] in, float[] out, int count) {
        float[] red = tables[0];
        float[] green = tables[1];
        float[] blue = tables[2];
        for (int x = 0; x < count; x++) {
            out[x] = red[in[3 * x] & 0xff];
            out[x + CHUNK] = green[in[3 * x + 1] & 0xff];
            out[x + 2 * CHUNK] = blue[in[3 * x + 2] & 0xff];
        }
    }

    private static void look(float[][] tables, byte[] in, float[] out, int count) {
        float[] red = tables[0];
        float[] green = tables[1];
        float[] blue = tables[2];
        for (int x = 0; x < count; x++) {
            out[3 * x] = red[in[3 * x] & 0xff];
            out[3 * x + 1] = green[in[3 * x + 1] & 0xff];
            out[3 * x + 2] = blue[in[3 * x + 2] & 0xff];
        }
    }

    private static void lookIntoPlanes(short[][] tables, byte[] in, short[] out, int count) {
        short[] red = tables[0];
        short[] green = tables[1];
        short[] blue = tables[2];
        for (int x = 0; x < count; x++) {
            out[x] = red[in[3 * x] & 0xff];
            out[x + CHUNK] = green[in[3 * x + 1] & 0xff];
            out[x + 2 * CHUNK] = blue[in[3 * x + 2] & 0xff];
        }
    }

    private static void look(short[][] tables, byte[] in, short[] out, int count) {
        short[] red = tables[0];
        short[] green = tables[1];
        short[] blue = tables[2];
        for (int x = 0; x < count; x++) {
            out[3 * x] = red[in[3 * x] & 0xff];
            out[3 * x + 1] = green[in[3 * x + 1] & 0xff];
            out[3 * x + 2] = blue[in[3 * x + 2] & 0xff];
        }
    }

    private void look(float[] table, int in, int inPixel, int out, int outPixel) {
        for (int x = 0; x < count; x++) {
            floatsOut[out + x * outPixel] = table[bytesIn[in + x * inPixel] & 0xff];
        }
    }

    private void look(short[] table, int in, int inPixel, int out, int outPixel) {
        for (int x = 0; x < count; x++) {
            shortsOut[out + x * outPixel] = table[bytesIn[in + x * inPixel] & 0xff];
        }
    }

    private void permute(byte[] from, int in, int inPixel, byte[] into, int out, int outPixel) {
        for (int x = 0; x < count; x++) {
            into[out + x * outPixel] = from[in + x * inPixel];
        }
    }

    private void permute(short[] from, int in, int inPixel, short[] into, int out, int outPixel) {
        for (int x = 0; x < count; x++) {
            into[out + x * outPixel] = from[in + x * inPixel];
        }
    }

    private void permute(float[] from, int in, int inPixel, float[] into, int out, int outPixel) {
        for (int x = 0; x < count; x++) {
            into[out + x * outPixel] = from[in + x * inPixel];
        }
    }

    /** The normalised values in the 16-bit type of the target, made at its first use. */
    private short[][] halves() {
        if (to.type == ElementType.FLOAT16) {
            if (float16 == null) {
                float16 = new short[Picture.CHANNELS][256];
                for (int c = 0; c < Picture.CHANNELS; c++) {
                    for (int v = 0; v < 256; v++) {
                        float16[c][v] = HalfFloats.toFloat16(normal[c][v]);
                    }
                }
            }
            return float16;
        }
        if (bfloat16 == null) {
            bfloat16 = new short[Picture.CHANNELS][256];
            for (int c = 0; c < Picture.CHANNELS; c++) {
                for (int v = 0; v < 256; v++) {
                    bfloat16[c][v] = HalfFloats.toBfloat16(normal[c][v]);
                }
            }
        }
        return bfloat16;
    }
}
