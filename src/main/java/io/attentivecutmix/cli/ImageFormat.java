package io.attentivecutmix.cli;

import io.attentivecutmix.image.PngWriter;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.Locale;
import javax.imageio.IIOImage;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.spi.IIORegistry;
import javax.imageio.spi.ImageWriterSpi;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/** In which form mixed images are written. */
enum ImageFormat {
    /** Exactly the mixed pixels. */
    PNG,
    /** Re-compressed, so that pixels change and cells' edges blur into their neighbours. */
    JPG,
    /** Exactly the mixed pixels, as one numpy array (H, W, 3) of uint8 per image. */
    NPY;

    private static final float JPEG_QUALITY = 0.95f;

    String ending() {
        return "." + name().toLowerCase(Locale.ROOT);
    }

    /**
     * Writes one image.
     *
     * @param rgb (H, W, 3) uint8 from index 0
     */
    void write(OutputStream out, ByteBuffer rgb, int height, int width) throws IOException {
        switch (this) {
            case PNG -> PngWriter.write(out, rgb, 0, height, width);
            case JPG -> jpeg(out, Pictures.of(rgb, height, width));
            case NPY -> npy(out, rgb, height, width);
        }
    }

    private static void jpeg(OutputStream out, BufferedImage image) throws IOException {
        ImageWriter writer = jdkJpegWriter();
        try (MemoryCacheImageOutputStream stream = new MemoryCacheImageOutputStream(out)) {
            ImageWriteParam parameters = writer.getDefaultWriteParam();
            parameters.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
            parameters.setCompressionQuality(JPEG_QUALITY);
            writer.setOutput(stream);
            writer.write(null, new IIOImage(image, null, null), parameters);
        } finally {
            writer.dispose();
        }
    }

    /** The JDK's own, by its class: what else is on the class path changes nothing. */
    private static ImageWriter jdkJpegWriter() throws IOException {
        Iterator<ImageWriterSpi> writers =
                IIORegistry.getDefaultInstance().getServiceProviders(ImageWriterSpi.class, true);
        while (writers.hasNext()) {
            ImageWriterSpi spi = writers.next();
            if (spi.getClass().getName().equals("com.sun.imageio.plugins.jpeg.JPEGImageWriterSpi")) {
                return spi.createWriterInstance();
            }
        }
        throw new IOException("this Java has no JPEG writer; use --format png");
    }

    private static void npy(OutputStream out, ByteBuffer rgb, int height, int width) throws IOException {
        byte[] pixels = new byte[3 * height * width];
        rgb.get(0, pixels);
        Npy.write(out, "|u1", "(" + height + ", " + width + ", 3)", pixels);
    }
}
