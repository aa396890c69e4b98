package io.attentivecutmix.image;

/**
 * Reads Windows and OS/2 bitmaps (1, 4, 8 bits with a palette, also run-length coded; 16, 24, 32 bits) to RGB as Pillow
 * does: values of 5 and 6 bits are scaled by v·255/31 and v·255/63 rounded down, a fourth byte is dropped.
 */
final class Bmp {
    private static final String PLACE = "BMP";
    private static final String HEADER = "BMP header";

    private final Input in;
    private int height;
    private int width;
    private int bits;
    private long compression;
    private boolean topDown;
    private int headerSize;
    private long start;
    private int paletteAt;
    private int paletteEntry;
    private int paletteCount;

    private Bmp(Input in) {
        this.in = in;
    }

    static boolean accepts(Input in) {
        return in.has(0, "BM");
    }

    static RgbImage decode(Input in, ImageLimits limits) {
        Bmp bmp = new Bmp(in);
        bmp.header(limits);
        return new RgbImage(bmp.height, bmp.width, bmp.pixels());
    }

    private void header(ImageLimits limits) {
        start = in.u32le(HEADER, 10);
        long size = in.u32le(HEADER, 14);
        if (size != 12 && size != 40 && size != 52 && size != 56 && size != 64 && size != 108 && size != 124) {
            throw in.fault(HEADER, "header of " + size + " bytes; allowed: 12, 40, 52, 56, 64, 108, 124");
        }
        headerSize = (int) size;
        in.need(HEADER, 14, headerSize);
        long colours = 0;
        long h;
        long w;
        if (headerSize == 12) {
            w = in.u16le(HEADER, 18);
            h = in.u16le(HEADER, 20);
            bits = in.u16le(HEADER, 24);
            paletteEntry = 3;
        } else {
            w = in.u32le(HEADER, 18);
            h = in.u32le(HEADER, 22);
            topDown = h >> 24 == 0xff;
            h = topDown ? (1L << 32) - h : h;
            bits = in.u16le(HEADER, 28);
            compression = in.u32le(HEADER, 30);
            colours = in.u32le(HEADER, 46);
            paletteEntry = 4;
        }
        limits.check(in, HEADER, h, w);
        if (compression == 1 || compression == 2) {
            limits.checkRatio(in, HEADER, h, w);
        }
        height = (int) h;
        width = (int) w;
        boolean indexed = bits == 1 || bits == 4 || bits == 8;
        boolean direct = bits == 16 || bits == 24 || bits == 32;
        boolean allowed = compression == 0 && (indexed || direct) || compression == 1 && bits == 8
                || compression == 2 && bits == 4 || compression == 3 && direct;
        if (!allowed) {
            throw in.fault(HEADER, bits + " bits with compression " + compression
                    + "; allowed: 1, 4, 8, 16, 24, 32 plain, 8 and 4 run-length coded, 16, 24, 32 with masks");
        }
        int after = 14 + headerSize;
        if (indexed) {
            colours = colours == 0 ? 1L << bits : colours;
            if (colours > 65536) {
                throw in.fault(HEADER, "palette of " + colours + " colours; allowed: 1 to 65536");
            }
            paletteAt = after;
            paletteCount = (int) colours;
            after += paletteEntry * paletteCount;
            if (start == 14 + headerSize) {
                start = after;
            }
        } else if (compression == 3 && headerSize == 40) {
            after += 12;
        }
        start = start == 0 ? after : start;
        if (start > in.length()) {
            throw in.fault(HEADER, "pixels start at byte " + start + " of " + in.length());
        }
    }

    private byte[] pixels() {
        if (compression == 1 || compression == 2) {
            int count = runs(null);
            if (count < height * width) {
                throw in.fault(PLACE, "the image data is cut: " + count + " pixels of " + height + " by " + width);
            }
            byte[] indices = new byte[height * width];
            runs(indices);
            byte[] rgb = new byte[indices.length * 3];
            byte[] palette = palette();
            for (int y = 0; y < height; y++) {
                int to = outRow(y) * 3 * width;
                for (int x = 0; x < width; x++, to += 3) {
                    System.arraycopy(palette, (indices[y * width + x] & 0xff) * 3, rgb, to, 3);
                }
            }
            return rgb;
        }
        long stride = ((long) width * bits + 31) / 32 * 4;
        // The last row may lack its padding.
        in.need(PLACE, (int) start, stride * (height - 1) + ((long) width * bits + 7) / 8);
        byte[] rgb = new byte[height * width * 3];
        byte[] palette = bits <= 8 ? palette() : new byte[0];
        int[] masks = masks();
        for (int y = 0; y < height; y++) {
            int from = (int) (start + y * stride);
            int to = outRow(y) * width * 3;
            switch (bits) {
                case 16 -> words(from, rgb, to, masks[1] == 0x7e0);
                case 24, 32 -> bytes(from, rgb, to, masks);
                default -> indices(from, rgb, to, palette);
            }
        }
        return rgb;
    }

    private int outRow(int y) {
        return topDown ? y : height - 1 - y;
    }

    /** 256 colours R G B; those that the file does not have are black. */
    private byte[] palette() {
        byte[] palette = new byte[768];
        for (int i = 0; i < Math.min(paletteCount, 256); i++) {
            int at = paletteAt + i * paletteEntry;
            if (at + 3 > in.length()) {
                break;
            }
            palette[i * 3] = in.data()[at + 2];
            palette[i * 3 + 1] = in.data()[at + 1];
            palette[i * 3 + 2] = in.data()[at];
        }
        return palette;
    }

    private void indices(int from, byte[] rgb, int to, byte[] palette) {
        byte[] data = in.data();
        for (int x = 0, at = to; x < width; x++, at += 3) {
            int bit = x * bits;
            int index = data[from + (bit >> 3)] >> 8 - bits - (bit & 7) & (1 << bits) - 1;
            rgb[at] = palette[index * 3];
            rgb[at + 1] = palette[index * 3 + 1];
            rgb[at + 2] = palette[index * 3 + 2];
        }
    }

    private void words(int from, byte[] rgb, int to, boolean green6) {
        byte[] data = in.data();
        for (int x = 0, at = to; x < width; x++, at += 3) {
            int value = data[from + 2 * x] & 0xff | (data[from + 2 * x + 1] & 0xff) << 8;
            int red = green6 ? value >> 11 & 31 : value >> 10 & 31;
            rgb[at] = (byte) (red * 255 / 31);
            rgb[at + 1] = (byte) (green6 ? (value >> 5 & 63) * 255 / 63 : (value >> 5 & 31) * 255 / 31);
            rgb[at + 2] = (byte) ((value & 31) * 255 / 31);
        }
    }

    private void bytes(int from, byte[] rgb, int to, int[] masks) {
        byte[] data = in.data();
        int red = Integer.numberOfTrailingZeros(masks[0]) / 8;
        int green = Integer.numberOfTrailingZeros(masks[1]) / 8;
        int blue = Integer.numberOfTrailingZeros(masks[2]) / 8;
        int step = bits / 8;
        for (int x = 0, at = to, pixel = from; x < width; x++, at += 3, pixel += step) {
            rgb[at] = data[pixel + red];
            rgb[at + 1] = data[pixel + green];
            rgb[at + 2] = data[pixel + blue];
        }
    }

    private int[] masks() {
        int[] plain = bits == 16 ? new int[] {0x7c00, 0x3e0, 0x1f} : new int[] {0xff0000, 0xff00, 0xff};
        if (compression != 3) {
            return plain;
        }
        int[] masks = new int[3];
        for (int c = 0; c < 3; c++) {
            masks[c] = (int) in.u32le(HEADER, 54 + 4 * c);
        }
        boolean none = masks[0] == 0 && masks[1] == 0 && masks[2] == 0;
        if (bits == 32 && none) {
            return plain;
        }
        boolean allowed = bits == 16
                ? is(masks, 0xf800, 0x7e0, 0x1f) || is(masks, 0x7c00, 0x3e0, 0x1f)
                : is(masks, 0xff0000, 0xff00, 0xff) || bits == 32 && (is(masks, 0xff000000, 0xff0000, 0xff00)
                        || is(masks, 0xff000000, 0xff00, 0xff) || is(masks, 0xff, 0xff00, 0xff0000));
        if (!allowed) {
            throw in.fault(HEADER, "colour masks " + Integer.toHexString(masks[0]) + ", "
                    + Integer.toHexString(masks[1]) + ", " + Integer.toHexString(masks[2]) + "; no known layout");
        }
        return masks;
    }

    private static boolean is(int[] masks, int red, int green, int blue) {
        return masks[0] == red && masks[1] == green && masks[2] == blue;
    }

    /** Run-length data as Pillow takes it; counts the pixels, and writes them unless {@code out} is null. */
    private int runs(byte[] out) {
        int most = height * width;
        int count = 0;
        int x = 0;
        int at = (int) start;
        byte[] data = in.data();
        while (count < most && at + 1 < data.length) {
            int run = data[at] & 0xff;
            int value = data[at + 1] & 0xff;
            at += 2;
            if (run > 0) {
                run = Math.min(Math.max(0, Math.min(run, width - x)), most - count);
                for (int i = 0; out != null && i < run; i++) {
                    out[count + i] = (byte) (bits == 8 ? value : i % 2 == 0 ? value >> 4 : value & 15);
                }
                count += run;
                x += run;
            } else if (value == 0) {
                count += (width - count % width) % width;
                x = 0;
            } else if (value == 1) {
                break;
            } else if (value == 2) {
                if (at + 1 >= data.length) {
                    break;
                }
                long jump = (data[at] & 0xff) + (long) (data[at + 1] & 0xff) * width;
                at += 2;
                count += (int) Math.min(most - count, jump);
                x = count % width;
            } else {
                int pixels = Math.min(most - count, value);
                int bytes = bits == 8 ? pixels : (pixels + 1) / 2;
                if (at + bytes > data.length) {
                    break;
                }
                for (int i = 0; out != null && i < pixels; i++) {
                    int both = data[at + (bits == 8 ? i : i / 2)] & 0xff;
                    out[count + i] = (byte) (bits == 8 ? both : i % 2 == 0 ? both >> 4 : both & 15);
                }
                at += bytes;
                count += pixels;
                x += value;
                at += at % 2;
            }
        }
        return count;
    }
}
