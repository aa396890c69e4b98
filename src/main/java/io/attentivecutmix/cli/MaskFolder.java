package io.attentivecutmix.cli;

import io.attentivecutmix.image.ImageDecoder;
import io.attentivecutmix.image.ImageException;
import io.attentivecutmix.image.RgbImage;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.DeflaterOutputStream;

/**
 * Segmentation masks of class numbers 0..255 as PNG files: 8-bit grey, or palette as Pascal VOC has them, where a
 * pixel's class is its place in the palette. A mask lies below the folder at its image's name with the ending
 * {@code .png}.
 */
final class MaskFolder {
    private static final byte[] MAGIC = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

    private final Path folder;
    private final ImageDecoder decoder;

    MaskFolder(Path folder, ImageDecoder decoder) {
        this.folder = folder;
        this.decoder = decoder;
    }

    /** Where the mask of an image of this name lies. */
    static Path path(Path folder, String image) {
        int dot = image.lastIndexOf('.');
        String stem = dot > image.lastIndexOf('/') ? image.substring(0, dot) : image;
        return folder.resolve(stem + ".png");
    }

    /**
     * The mask of an image, (H, W) from index 0.
     *
     * @throws ImageException if there is none, or it is none of the kinds above or of the image's size
     */
    ByteBuffer read(Item item, RgbImage image) {
        Path path = path(folder, item.name());
        String file = path.toString();
        RgbImage mask;
        try {
            mask = decoder.read(path);
        } catch (ImageException e) {
            throw new ImageException(file, "mask " + file, e.place() + ": " + e.fault(), e);
        }
        if (mask.height() != image.height() || mask.width() != image.width()) {
            throw new ImageException(file, "mask " + file, "is " + mask.height() + "x" + mask.width()
                    + " and its image "
                    + image.height() + "x" + image.width() + " (height by width); allowed: equal");
        }
        byte[] bytes;
        try {
            bytes = Files.readAllBytes(path);
        } catch (IOException e) {
            throw new ImageException(file, "mask " + file, "cannot be read: " + e, e);
        }
        byte[] palette = palette(file, bytes);
        ByteBuffer values = ByteBuffer.allocate(mask.height() * mask.width());
        Map<Integer, Byte> classes = classes(file, palette);
        byte[] rgb = mask.rgb();
        for (int p = 0; p < values.capacity(); p++) {
            int color = (rgb[3 * p] & 255) << 16 | (rgb[3 * p + 1] & 255) << 8 | rgb[3 * p + 2] & 255;
            if (palette.length == 0) {
                values.put(p, rgb[3 * p]);
            } else if (classes.containsKey(color)) {
                values.put(p, classes.get(color));
            } else {
                throw new ImageException(file, "mask " + file, "has a pixel outside its palette");
            }
        }
        return values;
    }

    /**
     * The palette's bytes; empty for 8-bit grey. The decoder has checked the file, so chunks can be walked without
     * care.
     */
    private static byte[] palette(String file, byte[] png) {
        if (png.length < 33 || !java.util.Arrays.equals(png, 0, 8, MAGIC, 0, 8)) {
            throw new ImageException(file, "mask " + file, "is no PNG");
        }
        int depth = png[24];
        int colourType = png[25];
        if (colourType == 0 && depth == 8) {
            return new byte[0];
        }
        if (colourType != 3) {
            throw new ImageException(file, "mask " + file, "has PNG colour type " + colourType + " with " + depth
                    + " bits; allowed: 8-bit grey, or a palette");
        }
        ByteBuffer chunks = ByteBuffer.wrap(png);
        int at = 8;
        while (at + 8 <= png.length) {
            int length = chunks.getInt(at);
            if (new String(png, at + 4, 4, StandardCharsets.US_ASCII).equals("PLTE")) {
                return java.util.Arrays.copyOfRange(png, at + 8, at + 8 + length);
            }
            at += 12 + length;
        }
        throw new ImageException(file, "mask " + file, "has no palette");
    }

    private static Map<Integer, Byte> classes(String file, byte[] palette) {
        Map<Integer, Byte> classes = new HashMap<>();
        for (int c = 0; c < palette.length / 3; c++) {
            int color = (palette[3 * c] & 255) << 16 | (palette[3 * c + 1] & 255) << 8 | palette[3 * c + 2] & 255;
            if (classes.putIfAbsent(color, (byte) c) != null) {
                throw new ImageException(file, "mask " + file, "has colour " + Integer.toHexString(color)
                        + " twice in its palette, so its classes cannot be told apart; allowed: each colour once, or "
                        + "8-bit grey");
            }
        }
        return classes;
    }

    /**
     * Writes a mask as 8-bit grey PNG, whatever it was read from: the two masks of a mix may have different palettes.
     *
     * @param values (H, W) from index 0
     */
    static void write(OutputStream out, ByteBuffer values, int height, int width) throws IOException {
        out.write(MAGIC);
        chunk(out, "IHDR", ByteBuffer.allocate(13).putInt(width).putInt(height).put((byte) 8).array());
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        try (DeflaterOutputStream deflater = new DeflaterOutputStream(data)) {
            byte[] row = new byte[1 + width]; // first byte: filter 0
            for (int y = 0; y < height; y++) {
                values.get(y * width, row, 1, width);
                deflater.write(row);
            }
        }
        chunk(out, "IDAT", data.toByteArray());
        chunk(out, "IEND", new byte[0]);
    }

    private static void chunk(OutputStream out, String type, byte[] data) throws IOException {
        byte[] name = type.getBytes(StandardCharsets.US_ASCII);
        CRC32 crc = new CRC32();
        crc.update(name);
        crc.update(data);
        DataOutputStream o = new DataOutputStream(out);
        o.writeInt(data.length);
        o.write(name);
        o.write(data);
        o.writeInt((int) crc.getValue());
        o.flush();
    }
}
