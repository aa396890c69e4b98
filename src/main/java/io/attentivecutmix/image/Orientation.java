package io.attentivecutmix.image;

import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The Exif orientation, 1 to 8, found where {@code PIL.ImageOps.exif_transpose} finds it. 1: as it is. */
final class Orientation {
    private static final int TAG = 0x112;
    private static final Pattern XMP = Pattern.compile("tiff:Orientation(=\"|>)([0-9])");

    private Orientation() {
    }

    /**
     * The orientation that an Exif block (a TIFF header and its first directory, before it at most two "Exif\0\0")
     * names, else the one that an XMP packet names, else 1. A damaged block names none: Pillow refuses some of these.
     *
     * @param exif the block; may be empty
     * @param xmp the packet; may be empty
     */
    static int of(byte[] exif, byte[] xmp) {
        int named = ofExif(exif);
        if (named == 0 && xmp.length > 0) {
            Matcher matcher = XMP.matcher(new String(xmp, StandardCharsets.ISO_8859_1));
            named = matcher.find() ? matcher.group(2).charAt(0) - '0' : 0;
        }
        return named >= 2 && named <= 8 ? named : 1;
    }

    private static int ofExif(byte[] exif) {
        Input in = new Input(exif, "");
        int start = 0;
        for (int i = 0; i < 2 && in.has(start, "Exif\0\0"); i++) {
            start += 6;
        }
        boolean little = in.has(start, "II*\0");
        if (!little && !in.has(start, "MM\0*") || exif.length < start + 8) {
            return 0;
        }
        long directory = start + u32(exif, start + 4, little);
        if (directory + 2 > exif.length) {
            return 0;
        }
        int found = 0;
        int count = u16(exif, (int) directory, little);
        for (int i = 0; i < count; i++) {
            long at = directory + 2 + 12L * i;
            if (at + 12 > exif.length) {
                break;
            }
            int entry = (int) at;
            if (u16(exif, entry, little) == TAG && u32(exif, entry + 4, little) == 1) {
                switch (u16(exif, entry + 2, little)) {
                    case 3, 8 -> found = u16(exif, entry + 8, little);
                    case 4, 9, 13 -> found = (int) Math.min(u32(exif, entry + 8, little), 9);
                    default -> { }
                }
            }
        }
        return found;
    }

    private static int u16(byte[] data, int at, boolean little) {
        int a = data[at] & 0xff;
        int b = data[at + 1] & 0xff;
        return little ? b << 8 | a : a << 8 | b;
    }

    private static long u32(byte[] data, int at, boolean little) {
        long a = u16(data, at, little);
        long b = u16(data, at + 2, little);
        return little ? b << 16 | a : a << 16 | b;
    }

    /** The image turned upright; the same image for orientation 1. */
    static RgbImage apply(RgbImage image, int orientation) {
        if (orientation == 1) {
            return image;
        }
        int h = image.height();
        int w = image.width();
        // Input position of output (0, 0), and its change per output column and per output row, in pixels.
        int start;
        int right;
        int down;
        switch (orientation) {
            case 2 -> {
                start = w - 1;
                right = -1;
                down = w;
            }
            case 3 -> {
                start = h * w - 1;
                right = -1;
                down = -w;
            }
            case 4 -> {
                start = (h - 1) * w;
                right = 1;
                down = -w;
            }
            case 5 -> {
                start = 0;
                right = w;
                down = 1;
            }
            case 6 -> {
                start = (h - 1) * w;
                right = -w;
                down = 1;
            }
            case 7 -> {
                start = h * w - 1;
                right = -w;
                down = -1;
            }
            case 8 -> {
                start = w - 1;
                right = w;
                down = -1;
            }
            default -> throw new IllegalArgumentException("orientation is " + orientation + "; allowed: 1 to 8");
        }
        int outH = orientation >= 5 ? w : h;
        int outW = orientation >= 5 ? h : w;
        byte[] in = image.rgb();
        byte[] out = new byte[in.length];
        for (int y = 0, to = 0; y < outH; y++) {
            int from = (start + y * down) * 3;
            for (int x = 0; x < outW; x++, from += right * 3, to += 3) {
                out[to] = in[from];
                out[to + 1] = in[from + 1];
                out[to + 2] = in[from + 2];
            }
        }
        return new RgbImage(outH, outW, out);
    }
}
