package io.attentivecutmix.cli;

import io.attentivecutmix.image.PngWriter;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.awt.image.DataBufferInt;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;

/** Pixels as Java2D has them, for pictures that people look at; nothing that is mixed passes through here. */
final class Pictures {
    private Pictures() {}

    /** A copy of (H, W, 3) uint8 values, from index 0. */
    static BufferedImage of(ByteBuffer rgb, int height, int width) {
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        int[] pixels = ((DataBufferInt) image.getRaster().getDataBuffer()).getData();
        for (int p = 0, at = 0; p < pixels.length; p++, at += 3) {
            pixels[p] = (rgb.get(at) & 255) << 16 | (rgb.get(at + 1) & 255) << 8 | rgb.get(at + 2) & 255;
        }
        return image;
    }

    /** Writes a TYPE_INT_RGB image as PNG. */
    static void png(OutputStream out, BufferedImage image) throws IOException {
        PngWriter.write(out, ByteBuffer.wrap(rgb(image)), 0, image.getHeight(), image.getWidth());
    }

    /** (H, W, 3) uint8 values of a TYPE_INT_RGB image. */
    static byte[] rgb(BufferedImage image) {
        int[] pixels = ((DataBufferInt) image.getRaster().getDataBuffer()).getData();
        byte[] rgb = new byte[3 * pixels.length];
        for (int p = 0, at = 0; p < pixels.length; p++) {
            rgb[at++] = (byte) (pixels[p] >> 16);
            rgb[at++] = (byte) (pixels[p] >> 8);
            rgb[at++] = (byte) pixels[p];
        }
        return rgb;
    }

    /**
     * The image in the largest size of its shape that fits a square. Reduced in halves first, so that no pixel is
     * passed over; enlarged by nearest, so that the pixels of a tiny image can be seen.
     */
    static BufferedImage fit(BufferedImage image, int side) {
        double scale = Math.min((double) side / image.getWidth(), (double) side / image.getHeight());
        int width = Math.max(1, (int) Math.round(image.getWidth() * scale));
        int height = Math.max(1, (int) Math.round(image.getHeight() * scale));
        BufferedImage from = image;
        while (from.getWidth() >= 2 * width && from.getHeight() >= 2 * height) {
            from = scaled(from, from.getWidth() / 2, from.getHeight() / 2);
        }
        return scaled(from, width, height);
    }

    static BufferedImage scaled(BufferedImage image, int width, int height) {
        BufferedImage out = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = out.createGraphics();
        g.setRenderingHint(RenderingHints.KEY_INTERPOLATION, width > image.getWidth()
                ? RenderingHints.VALUE_INTERPOLATION_NEAREST_NEIGHBOR : RenderingHints.VALUE_INTERPOLATION_BILINEAR);
        g.drawImage(image, 0, 0, width, height, null);
        g.dispose();
        return out;
    }
}
