package io.attentivecutmix.image;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ColorModel;
import java.awt.image.ComponentSampleModel;
import java.awt.image.DataBuffer;
import java.awt.image.DataBufferByte;
import java.awt.image.DirectColorModel;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;

/** Pixels out of rasters. {@code BufferedImage.getRGB} is not used: it converts grey through a gamma curve. */
final class Rasters {
    private Rasters() {
    }

    static RgbImage rgb(BufferedImage image) {
        Raster raster = image.getRaster();
        int h = image.getHeight();
        int w = image.getWidth();
        byte[] rgb = new byte[Math.multiplyExact(Math.multiplyExact(h, w), 3)];
        if (image.getType() == BufferedImage.TYPE_3BYTE_BGR && bgr(raster, h, w, rgb)) {
            return new RgbImage(h, w, rgb);
        }
        ColorModel model = image.getColorModel();
        if (raster.getTransferType() == DataBuffer.TYPE_FLOAT || raster.getTransferType() == DataBuffer.TYPE_DOUBLE) {
            throw unsupported(image, "floating values");
        }
        int[] row = new int[w * raster.getNumBands()];
        if (model instanceof IndexColorModel palette) {
            int[] colours = new int[palette.getMapSize()];
            palette.getRGBs(colours);
            for (int y = 0, to = 0; y < h; y++) {
                raster.getPixels(raster.getMinX(), raster.getMinY() + y, w, 1, row);
                for (int x = 0; x < w; x++, to += 3) {
                    // As in Pillow, an index past the palette's end is black.
                    int colour = row[x] < colours.length ? colours[row[x]] : 0;
                    rgb[to] = (byte) (colour >> 16);
                    rgb[to + 1] = (byte) (colour >> 8);
                    rgb[to + 2] = (byte) colour;
                }
            }
            return new RgbImage(h, w, rgb);
        }
        int colours = model.getNumColorComponents();
        int space = model.getColorSpace().getType();
        if (!(colours == 1 && space == ColorSpace.TYPE_GRAY || colours == 3 && space == ColorSpace.TYPE_RGB)
                || raster.getNumBands() < colours) {
            throw unsupported(image, "colour space type " + space + " of " + colours + " components");
        }
        boolean divide = model.isAlphaPremultiplied() && model.hasAlpha() && raster.getNumBands() == colours + 1;
        int bands = raster.getNumBands();
        int[] bits = model.getComponentSize();
        for (int y = 0, to = 0; y < h; y++) {
            raster.getPixels(raster.getMinX(), raster.getMinY() + y, w, 1, row);
            for (int x = 0; x < w; x++) {
                for (int c = 0; c < 3; c++, to++) {
                    int band = colours == 1 ? 0 : c;
                    int value = row[x * bands + band];
                    int alpha = divide ? row[x * bands + colours] : 0;
                    int most = divide ? (1 << bits[colours]) - 1 : 0;
                    if (divide && alpha != 0 && alpha != most) {
                        value = (int) Math.min(most, (long) most * value / alpha);
                    }
                    rgb[to] = (byte) eight(model, value, bits[band], colours == 1 && bands == 1);
                }
            }
        }
        return new RgbImage(h, w, rgb);
    }

    /** A value of so many bits as 8 bits, as Pillow does for the like mode. */
    private static int eight(ColorModel model, int value, int bits, boolean greyOnly) {
        if (bits == 8) {
            return value;
        }
        if (bits < 8) {
            return value * 255 / ((1 << bits) - 1);
        }
        return greyOnly && !(model instanceof DirectColorModel) ? Math.min(value, 255) : value >> bits - 8;
    }

    private static boolean bgr(Raster raster, int h, int w, byte[] rgb) {
        if (!(raster.getSampleModel() instanceof ComponentSampleModel model)
                || !(raster.getDataBuffer() instanceof DataBufferByte buffer) || buffer.getNumBanks() != 1) {
            return false;
        }
        byte[] data = buffer.getData();
        int offset = buffer.getOffset() - raster.getSampleModelTranslateY() * model.getScanlineStride()
                - raster.getSampleModelTranslateX() * 3 + raster.getMinY() * model.getScanlineStride()
                + raster.getMinX() * 3;
        for (int y = 0, to = 0; y < h; y++) {
            int from = offset + y * model.getScanlineStride();
            for (int x = 0; x < w; x++, from += 3, to += 3) {
                rgb[to] = data[from + 2];
                rgb[to + 1] = data[from + 1];
                rgb[to + 2] = data[from];
            }
        }
        return true;
    }

    private static IllegalArgumentException unsupported(BufferedImage image, String what) {
        return new IllegalArgumentException("image has " + what + " (type " + image.getType()
                + "); allowed: grey, RGB or a palette, of integers");
    }
}
