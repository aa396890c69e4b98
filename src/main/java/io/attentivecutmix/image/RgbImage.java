package io.attentivecutmix.image;

import java.awt.image.BufferedImage;
import java.util.Objects;

/**
 * One image in memory.
 *
 * @param height H in pixels, 1 or more
 * @param width W in pixels, 1 or more
 * @param rgb (H, W, 3) uint8, R G B; the record's own array, not a copy
 */
public record RgbImage(int height, int width, byte[] rgb) {
    public RgbImage {
        Objects.requireNonNull(rgb, "rgb");
        if (height < 1 || width < 1 || 3L * height * width != rgb.length) {
            throw new IllegalArgumentException("height, width and rgb.length are " + height + ", " + width + " and "
                    + rgb.length + "; allowed: sizes from 1, length 3·height·width");
        }
    }

    /**
     * The pixels of a {@code BufferedImage}, read from its raster. Alpha is dropped, after premultiplied values were
     * divided by it; the values of a palette, grey and 16-bit image become those that Pillow's {@code convert("RGB")}
     * gives for the like mode, so 16-bit grey is cut at 255 (scale it first if it uses more than 8 bits) and 16-bit
     * colour gives its high byte. No colour profile is applied.
     *
     * @throws IllegalArgumentException if the colour model is neither grey, RGB nor a palette, or not of integers
     */
    public static RgbImage of(BufferedImage image) {
        return Rasters.rgb(image);
    }
}
