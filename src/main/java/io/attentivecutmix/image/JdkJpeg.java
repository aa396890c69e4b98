package io.attentivecutmix.image;

import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Iterator;
import javax.imageio.ImageReader;
import javax.imageio.spi.IIORegistry;
import javax.imageio.spi.ImageReaderSpi;
import javax.imageio.stream.MemoryCacheImageInputStream;

/** Decodes a JPEG that passed the gate with the JDK's own reader, taken by its class whatever else is registered. */
final class JdkJpeg {
    private static final String READER = "com.sun.imageio.plugins.jpeg.JPEGImageReaderSpi";
    private static final String PLACE = "JPEG";

    private JdkJpeg() {
    }

    /** Looked up once: the registry is asked for nothing but the provider of this class name. */
    private static final class Provider {
        static final ImageReaderSpi SPI = find();

        private static ImageReaderSpi find() {
            Iterator<ImageReaderSpi> all =
                    IIORegistry.getDefaultInstance().getServiceProviders(ImageReaderSpi.class, false);
            while (all.hasNext()) {
                ImageReaderSpi spi = all.next();
                if (spi.getClass().getName().equals(READER)) {
                    return spi;
                }
            }
            throw new IllegalStateException("this Java runtime has no " + READER + " (module java.desktop)");
        }
    }

    static RgbImage decode(Jpeg jpeg, Input in) {
        ImageReader reader = null;
        String[] warning = new String[1];
        try (var stream = new MemoryCacheImageInputStream(new ByteArrayInputStream(jpeg.clean()))) {
            reader = Provider.SPI.createReaderInstance();
            reader.addIIOReadWarningListener((source, text) -> warning[0] = text);
            reader.setInput(stream, true, true);
            RgbImage image = switch (jpeg.colour()) {
                case YCBCR, RGB -> colour(reader.read(0));
                case GREY -> grey(reader.readRaster(0, null));
                case CMYK, YCCK -> cmyk(reader.readRaster(0, null), jpeg.colour() == Jpeg.Colour.YCCK);
            };
            if (warning[0] != null) {
                throw in.fault(PLACE, warning[0]);
            }
            if (image.height() != jpeg.height() || image.width() != jpeg.width()) {
                throw in.fault(PLACE, "decoded to " + image.height() + " by " + image.width()
                        + " pixels; the header has " + jpeg.height() + " by " + jpeg.width());
            }
            return image;
        } catch (ImageException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            String arithmetic = jpeg.arithmetic() ? " (arithmetic coding: not every Java runtime reads it)" : "";
            throw new ImageException(in.name(), PLACE, "cannot be decoded: " + e.getMessage() + arithmetic, e);
        } finally {
            if (reader != null) {
                reader.dispose();
            }
        }
    }

    private static RgbImage colour(BufferedImage image) {
        return Rasters.rgb(image);
    }

    private static byte[] bytes(Raster raster, int bands) throws IOException {
        if (raster.getNumBands() != bands || !(raster.getDataBuffer() instanceof DataBufferByte buffer)
                || buffer.getData().length != raster.getWidth() * raster.getHeight() * bands) {
            throw new IOException("unexpected raster " + raster);
        }
        return buffer.getData();
    }

    private static RgbImage grey(Raster raster) throws IOException {
        byte[] grey = bytes(raster, 1);
        byte[] rgb = new byte[grey.length * 3];
        for (int i = 0, to = 0; i < grey.length; i++) {
            rgb[to++] = grey[i];
            rgb[to++] = grey[i];
            rgb[to++] = grey[i];
        }
        return new RgbImage(raster.getHeight(), raster.getWidth(), rgb);
    }

    /**
     * The raster holds the file's own four components. YCCK: libjpeg's conversion to CMYK, in its fixed point. Then as
     * Pillow: CMYK in a JPEG is taken for inverted, as Adobe writes it, and K is multiplied in.
     */
    private static RgbImage cmyk(Raster raster, boolean ycck) throws IOException {
        byte[] in = bytes(raster, 4);
        byte[] rgb = new byte[in.length / 4 * 3];
        for (int i = 0, to = 0; i < in.length; i += 4, to += 3) {
            int c = in[i] & 0xff;
            int m = in[i + 1] & 0xff;
            int y = in[i + 2] & 0xff;
            if (ycck) {
                int luma = c;
                int cb = m - 128;
                int cr = y - 128;
                c = clip(255 - (luma + (CR_RED * cr + HALF >> 16)));
                m = clip(255 - (luma + (-CB_GREEN * cb - CR_GREEN * cr + HALF >> 16)));
                y = clip(255 - (luma + (CB_BLUE * cb + HALF >> 16)));
            }
            int light = in[i + 3] & 0xff;
            rgb[to] = (byte) clip(light - scale(255 - c, light));
            rgb[to + 1] = (byte) clip(light - scale(255 - m, light));
            rgb[to + 2] = (byte) clip(light - scale(255 - y, light));
        }
        return new RgbImage(raster.getHeight(), raster.getWidth(), rgb);
    }

    private static final int HALF = 1 << 15;
    /** 1.40200, 0.34414, 0.71414 and 1.77200 with 16 fractional bits. */
    private static final int CR_RED = 91881;
    private static final int CB_GREEN = 22554;
    private static final int CR_GREEN = 46802;
    private static final int CB_BLUE = 116130;

    private static int clip(int value) {
        return Math.max(0, Math.min(255, value));
    }

    /** a·b/255, rounded. */
    private static int scale(int a, int b) {
        int product = a * b + 128;
        return (product >> 8) + product >> 8;
    }
}
