package io.attentivecutmix.cpu;

import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.HalfFloats;
import io.attentivecutmix.image.Images;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.image.Resizer;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Normalisation;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/**
 * Stage 2 for one image: whole image → (S, S, 3) in float, resized and normalised.
 *
 * <p>uint8 images are resized in uint8 (an S×S image is not) and normalised as torchvision does it, {@code v/255} and
 * {@code (v − mean)/std} in float, through a table. Floating images are resized in float; they hold values in 0..1, or
 * normalised ones if the options say so. One per worker; scratch memory grows to the largest image seen and is kept.
 */
final class InputStage {
    private static final int CHANNELS = 3;

    private final int side;
    private final Normalisation normalisation;
    private final Resizer resizer;
    /** (3, 256) the normalised value of every byte of every channel. */
    private final float[][] table = new float[CHANNELS][256];
    private final float[] mean = new float[CHANNELS];
    private final float[] std = new float[CHANNELS];
    private final byte[] bytes;
    private final float[] row;

    private final ByteBuffer resized;
    private FloatBuffer resizedFloat = FloatBuffer.allocate(0);
    private ByteBuffer interleaved = ByteBuffer.allocate(0);
    private FloatBuffer widened = FloatBuffer.allocate(0);

    InputStage(MixOptions options) {
        side = options.inputSide();
        normalisation = options.normalisation();
        resizer = new Resizer(options.resizeFilter());
        bytes = new byte[side * CHANNELS];
        row = new float[side * CHANNELS];
        resized = ByteBuffer.allocate(side * side * CHANNELS);
        for (int c = 0; c < CHANNELS; c++) {
            mean[c] = normalisation.mean().get(c);
            std[c] = normalisation.std().get(c);
            for (int v = 0; v < 256; v++) {
                table[c][v] = normalise(v / 255f, c);
            }
        }
    }

    private float normalise(float value, int channel) {
        return normalisation.kind() == Normalisation.Kind.STANDARDISE ? (value - mean[channel]) / std[channel] : value;
    }

    /**
     * Writes image i as the extractor wants it, (S, S, 3) from index 0 of {@code input}.
     *
     * @return whether every value is finite. The extractor would not show it: oneDNN's ReLU turns NaN into 0.
     */
    boolean load(Images images, int i, FloatBuffer input) {
        if (images.elementType() == ElementType.UINT8) {
            loadBytes(images, i, input);
            return true;
        }
        return loadFloats(images, i, input);
    }

    private void loadBytes(Images images, int i, FloatBuffer input) {
        int h = images.height(i);
        int w = images.width(i);
        ByteBuffer pixels = images.pixels(i);
        if (images.layout() == Layout.NCHW) {
            pixels = interleave(pixels, h * w);
        }
        if (h != side || w != side) {
            resizer.resize(pixels, 0, h, w, resized, 0, side, side);
            pixels = resized;
        }
        float[] red = table[0];
        float[] green = table[1];
        float[] blue = table[2];
        int width = side * CHANNELS;
        for (int y = 0; y < side; y++) {
            pixels.get(y * width, bytes);
            for (int x = 0; x < width; x += CHANNELS) {
                row[x] = red[bytes[x] & 0xff];
                row[x + 1] = green[bytes[x + 1] & 0xff];
                row[x + 2] = blue[bytes[x + 2] & 0xff];
            }
            input.put(y * width, row);
        }
    }

    /** (3, size) → (size, 3). */
    private ByteBuffer interleave(ByteBuffer planes, int size) {
        if (interleaved.capacity() < size * CHANNELS) {
            interleaved = ByteBuffer.allocate(Math.multiplyExact(size, CHANNELS));
        }
        for (int c = 0; c < CHANNELS; c++) {
            for (int p = 0; p < size; p++) {
                interleaved.put(p * CHANNELS + c, planes.get(c * size + p));
            }
        }
        return interleaved;
    }

    private boolean loadFloats(Images images, int i, FloatBuffer input) {
        int h = images.height(i);
        int w = images.width(i);
        FloatBuffer values = images.elementType() == ElementType.FLOAT32
                ? images.pixels(i).asFloatBuffer()
                : widen(images.pixels(i), images.elementType(), h * w * CHANNELS);
        if (h != side || w != side) {
            if (resizedFloat.capacity() == 0) {
                resizedFloat = FloatBuffer.allocate(side * side * CHANNELS);
            }
            resizer.resizeFloat(values, 0, h, w, resizedFloat, 0, side, side, images.layout());
            values = resizedFloat;
        }
        boolean planes = images.layout() == Layout.NCHW;
        int channelStep = planes ? side * side : 1;
        int pixelStep = planes ? 1 : CHANNELS;
        float zero = 0;
        for (int y = 0; y < side; y++) {
            for (int c = 0; c < CHANNELS; c++) {
                int at = c * channelStep + y * side * pixelStep;
                for (int x = 0; x < side; x++) {
                    float v = normalise(values.get(at + x * pixelStep), c);
                    row[x * CHANNELS + c] = v;
                    zero += v * 0; // NaN for NaN and for infinities
                }
            }
            input.put(y * side * CHANNELS, row);
        }
        return zero == 0;
    }

    private FloatBuffer widen(ByteBuffer halves, ElementType type, int size) {
        if (widened.capacity() < size) {
            widened = FloatBuffer.allocate(size);
        }
        boolean brain = type == ElementType.BFLOAT16;
        for (int p = 0; p < size; p++) {
            short bits = halves.getShort(p * Short.BYTES);
            widened.put(p, brain ? HalfFloats.fromBfloat16(bits) : HalfFloats.fromFloat16(bits));
        }
        return widened;
    }
}
