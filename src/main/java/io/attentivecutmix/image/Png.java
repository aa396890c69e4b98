package io.attentivecutmix.image;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Reads PNG (ISO/IEC 15948), all colour types, depths and interlacing, to RGB as Pillow does: grey of 16 bits is cut at
 * 255, colour of 16 bits gives its high byte, alpha and transparency are dropped, profiles and gamma ignored, the first
 * image of an animation taken. The checksum of every chunk is checked and the end chunk must be there.
 */
final class Png {
    private static final String PLACE = "PNG";
    private static final String MAGIC = "\u0089PNG\r\n\u001a\n";
    /** As in Pillow, a text does not decompress to more. */
    private static final int MOST_TEXT = 1 << 20;
    /** Of all texts that may name an orientation; Pillow's 64 MiB would let a small file cost a second. */
    private static final int MOST_TEXTS = 2 << 20;
    /** Deflate's highest ratio. */
    private static final int MOST_RATIO = 1032;

    private final Input in;
    private int height;
    private int width;
    private int depth;
    private int colourType;
    private boolean interlaced;
    private byte[] palette = {};
    /** Pairs of from and length. */
    private int[] data = new int[16];
    private int dataCount;
    private long dataBytes;
    private byte[] exif = {};
    private byte[] profile = {};
    private byte[] xmp = {};
    private int textBytes;
    private final Inflater inflater = new Inflater();
    private int nextData;

    private Png(Input in) {
        this.in = in;
    }

    static boolean accepts(Input in) {
        return in.has(0, MAGIC);
    }

    static RgbImage decode(Input in, ImageLimits limits) {
        Png png = new Png(in);
        try {
            png.chunks(limits);
            RgbImage image = new RgbImage(png.height, png.width, png.pixels());
            byte[] exif = png.exif.length > 0 ? png.exif : png.profile;
            return Orientation.apply(image, Orientation.of(exif, png.xmp));
        } finally {
            png.inflater.end();
        }
    }

    private void chunks(ImageLimits limits) {
        int at = MAGIC.length();
        CRC32 crc = new CRC32();
        boolean dataEnded = false;
        while (true) {
            long length = in.u32be(PLACE, at);
            in.need(PLACE, at, 12 + length);
            int size = (int) length;
            int from = at + 8;
            crc.reset();
            crc.update(in.data(), at + 4, size + 4);
            if (crc.getValue() != in.u32be(PLACE, from + size)) {
                throw in.fault(PLACE, "wrong checksum of the chunk at byte " + at);
            }
            String type = new String(in.data(), at + 4, 4, StandardCharsets.ISO_8859_1);
            if (height == 0 && !type.equals("IHDR")) {
                throw in.fault(PLACE, "first chunk is " + type.replaceAll("[^A-Za-z]", "?") + "; allowed: IHDR");
            }
            switch (type) {
                case "IHDR" -> header(from, size, limits);
                case "PLTE" -> palette(from, size);
                case "IDAT" -> {
                    if (!dataEnded && size > 0) {
                        addData(from, size);
                    }
                }
                case "eXIf" -> exif = Arrays.copyOfRange(in.data(), from, from + size);
                case "tEXt", "zTXt", "iTXt" -> text(type, from, from + size);
                case "IEND" -> {
                    checkData();
                    return;
                }
                default -> { }
            }
            dataEnded = dataCount > 0 && !type.equals("IDAT");
            at = from + size + 4;
        }
    }

    private void header(int from, int size, ImageLimits limits) {
        String place = "PNG header";
        if (height != 0 || size < 13) {
            throw in.fault(place, height != 0 ? "a second header" : size + " bytes; allowed: 13");
        }
        limits.check(in, place, in.u32be(place, from + 4), in.u32be(place, from));
        width = (int) in.u32be(place, from);
        height = (int) in.u32be(place, from + 4);
        depth = in.u8(place, from + 8);
        colourType = in.u8(place, from + 9);
        boolean allowed = switch (colourType) {
            case 0 -> depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
            case 3 -> depth == 1 || depth == 2 || depth == 4 || depth == 8;
            case 2, 4, 6 -> depth == 8 || depth == 16;
            default -> false;
        };
        if (!allowed) {
            throw in.fault(place, "colour type " + colourType + " with " + depth + " bits; no such combination");
        }
        int methods = in.u8(place, from + 10) | in.u8(place, from + 11);
        int interlace = in.u8(place, from + 12);
        if (methods != 0 || interlace > 1) {
            throw in.fault(place, "unknown compression, filter or interlace method");
        }
        interlaced = interlace == 1;
    }

    /** Of two palettes one reader takes the first, another the last; behind the data none takes it. */
    private void palette(int from, int size) {
        if (dataCount > 0) {
            return;
        }
        if (palette.length > 0) {
            throw in.fault(PLACE, "a second palette");
        }
        palette = Arrays.copyOfRange(in.data(), from, from + Math.min(size, 768));
    }

    private void addData(int from, int size) {
        if (dataCount == data.length) {
            data = Arrays.copyOf(data, 2 * dataCount);
        }
        data[dataCount++] = from;
        data[dataCount++] = size;
        dataBytes += size;
    }

    private int channels() {
        return switch (colourType) {
            case 2 -> 3;
            case 4 -> 2;
            case 6 -> 4;
            default -> 1;
        };
    }

    private int rowBytes(int pixels) {
        return (int) (((long) pixels * channels() * depth + 7) / 8);
    }

    private void checkData() {
        if (dataCount == 0) {
            throw in.fault(PLACE, "no image data");
        }
        if (colourType == 3 && palette.length < 3) {
            throw in.fault(PLACE, "no palette");
        }
        long needed = (long) height * rowBytes(width);
        if (dataBytes * MOST_RATIO < needed) {
            throw in.fault(PLACE, "the image data is cut: " + dataBytes + " bytes for " + height + " by " + width
                    + " pixels; needed: at least " + needed / MOST_RATIO);
        }
    }

    private byte[] pixels() {
        byte[] rgb = new byte[height * width * 3];
        if (!interlaced) {
            pass(rgb, 0, 0, 1, 1);
            return rgb;
        }
        // first row, first column, row step, column step
        int[][] passes = {{0, 0, 8, 8}, {0, 4, 8, 8}, {4, 0, 8, 4}, {0, 2, 4, 4}, {2, 0, 4, 2}, {0, 1, 2, 2},
            {1, 0, 2, 1}};
        for (int[] pass : passes) {
            if (pass[0] < height && pass[1] < width) {
                pass(rgb, pass[0], pass[1], pass[2], pass[3]);
            }
        }
        return rgb;
    }

    private void pass(byte[] rgb, int firstRow, int firstColumn, int rowStep, int columnStep) {
        int columns = (width - firstColumn + columnStep - 1) / columnStep;
        int bytes = rowBytes(columns);
        int pixelBytes = Math.max(1, channels() * depth / 8);
        byte[] row = new byte[bytes + 1];
        byte[] above = new byte[bytes + 1];
        for (int y = firstRow; y < height; y += rowStep) {
            inflate(row);
            unfilter(row, above, pixelBytes);
            expand(row, columns, rgb, (y * width + firstColumn) * 3, columnStep * 3);
            byte[] swap = above;
            above = row;
            row = swap;
        }
    }

    private void inflate(byte[] row) {
        int done = 0;
        try {
            while (done < row.length) {
                int count = inflater.inflate(row, done, row.length - done);
                done += count;
                if (count == 0) {
                    if (inflater.finished() || inflater.needsDictionary() || nextData == dataCount) {
                        throw in.fault(PLACE, "the image data is cut");
                    }
                    inflater.setInput(in.data(), data[nextData], data[nextData + 1]);
                    nextData += 2;
                }
            }
        } catch (DataFormatException e) {
            throw new ImageException(in.name(), PLACE, "the image data is damaged: " + e.getMessage(), e);
        }
    }

    private void unfilter(byte[] row, byte[] above, int pixelBytes) {
        int end = row.length;
        switch (row[0]) {
            case 0 -> { }
            case 1 -> {
                for (int i = 1 + pixelBytes; i < end; i++) {
                    row[i] += row[i - pixelBytes];
                }
            }
            case 2 -> {
                for (int i = 1; i < end; i++) {
                    row[i] += above[i];
                }
            }
            case 3 -> {
                for (int i = 1; i < end; i++) {
                    int left = i > pixelBytes ? row[i - pixelBytes] & 0xff : 0;
                    row[i] += (byte) (left + (above[i] & 0xff) >> 1);
                }
            }
            case 4 -> {
                for (int i = 1; i <= pixelBytes && i < end; i++) {
                    row[i] += above[i];
                }
                for (int i = 1 + pixelBytes; i < end; i++) {
                    int left = row[i - pixelBytes] & 0xff;
                    int up = above[i] & 0xff;
                    int corner = above[i - pixelBytes] & 0xff;
                    int byLeft = Math.abs(up - corner);
                    int byUp = Math.abs(left - corner);
                    int byCorner = Math.abs(left + up - 2 * corner);
                    row[i] += (byte) (byLeft <= byUp && byLeft <= byCorner ? left : byUp <= byCorner ? up : corner);
                }
            }
            default -> throw in.fault(PLACE, "unknown filter " + (row[0] & 0xff) + " of a row");
        }
    }

    /** Writes the pixels of a row from {@code to} on, one every {@code step} bytes. */
    private void expand(byte[] row, int columns, byte[] rgb, int to, int step) {
        int at = to;
        int wide = depth == 16 ? 2 : 1;
        switch (colourType) {
            case 2, 6 -> {
                int pixel = channels() * wide;
                if (pixel == 3 && step == 3) {
                    System.arraycopy(row, 1, rgb, to, columns * 3);
                    return;
                }
                for (int x = 0, from = 1; x < columns; x++, from += pixel, at += step) {
                    rgb[at] = row[from];
                    rgb[at + 1] = row[from + wide];
                    rgb[at + 2] = row[from + 2 * wide];
                }
            }
            case 3 -> {
                for (int x = 0; x < columns; x++, at += step) {
                    int index = sample(row, x) * 3;
                    if (index + 2 < palette.length) {
                        rgb[at] = palette[index];
                        rgb[at + 1] = palette[index + 1];
                        rgb[at + 2] = palette[index + 2];
                    }
                }
            }
            default -> {
                int scale = depth < 8 ? 255 / ((1 << depth) - 1) : 1;
                for (int x = 0; x < columns; x++, at += step) {
                    byte value;
                    if (colourType == 4) {
                        value = row[1 + x * 2 * wide];
                    } else if (depth == 16) {
                        value = row[1 + 2 * x] == 0 ? row[2 + 2 * x] : (byte) 255;
                    } else {
                        value = (byte) (sample(row, x) * scale);
                    }
                    rgb[at] = value;
                    rgb[at + 1] = value;
                    rgb[at + 2] = value;
                }
            }
        }
    }

    private int sample(byte[] row, int x) {
        if (depth == 8) {
            return row[1 + x] & 0xff;
        }
        int bit = x * depth;
        return row[1 + (bit >> 3)] >> 8 - depth - (bit & 7) & (1 << depth) - 1;
    }

    /** Of the texts only those count that may name an orientation. */
    private void text(String type, int from, int to) {
        boolean isXmp = in.has(from, "XML:com.adobe.xmp\0");
        boolean isProfile = in.has(from, "Raw profile type exif\0");
        if (!isXmp && !isProfile) {
            return;
        }
        int at = from + (isXmp ? 18 : 22);
        boolean compressed = type.equals("zTXt");
        if (type.equals("iTXt")) {
            if (at + 2 > to) {
                return;
            }
            compressed = in.data()[at] != 0;
            at += 2;
            for (int part = 0; part < 2; part++) {
                while (at < to && in.data()[at] != 0) {
                    at++;
                }
                at++;
            }
        } else if (compressed) {
            at++;
        }
        if (at >= to) {
            return;
        }
        if (to - at > MOST_TEXT) {
            throw in.fault(PLACE, "a text of more than " + MOST_TEXT + " bytes");
        }
        byte[] text = compressed ? decompress(at, to - at) : Arrays.copyOfRange(in.data(), at, to);
        if (!compressed) {
            count(text.length);
        }
        if (isXmp) {
            xmp = text;
        } else {
            profile = hex(text);
        }
    }

    private void count(int bytes) {
        textBytes += bytes;
        if (textBytes > MOST_TEXTS) {
            throw in.fault(PLACE, "texts of more than " + MOST_TEXTS + " bytes");
        }
    }

    /** Inflates twice: once to see how long the text is, so that no more memory is taken than it needs. */
    private byte[] decompress(int from, int length) {
        Inflater text = new Inflater();
        try {
            text.setInput(in.data(), from, length);
            byte[] block = new byte[4096];
            int size = 0;
            for (int count = text.inflate(block); count > 0; count = text.inflate(block)) {
                size += count;
                if (size > MOST_TEXT) {
                    throw in.fault(PLACE, "a text of more than " + MOST_TEXT + " bytes");
                }
                count(count);
            }
            byte[] out = new byte[size];
            text.reset();
            text.setInput(in.data(), from, length);
            for (int at = 0; at < size;) {
                at += text.inflate(out, at, size - at);
            }
            return out;
        } catch (DataFormatException e) {
            // As in Pillow: a text that cannot be read says nothing.
            return new byte[0];
        } finally {
            text.end();
        }
    }

    /** ImageMagick's raw profile: a newline, the name, the length, then hexadecimal digits in lines. */
    private static byte[] hex(byte[] text) {
        String[] lines = new String(text, StandardCharsets.ISO_8859_1).split("\n", 4);
        if (lines.length < 4) {
            return new byte[0];
        }
        try {
            return HexFormat.of().parseHex(lines[3].replaceAll("\\s", ""));
        } catch (IllegalArgumentException e) {
            return new byte[0];
        }
    }
}
