package io.attentivecutmix.image;

import java.util.Arrays;

/**
 * Reads the first frame of a GIF (87a, 89a) to RGB as Pillow does: on a canvas that holds both the screen and the
 * frame, pixels outside the frame have the transparent index, or 0; transparency itself is dropped.
 */
final class Gif {
    private static final String PLACE = "GIF";

    private final Input in;
    private int at = 13;
    private int transparent;

    private Gif(Input in) {
        this.in = in;
    }

    static boolean accepts(Input in) {
        return in.has(0, "GIF87a") || in.has(0, "GIF89a");
    }

    static RgbImage decode(Input in, ImageLimits limits) {
        return new Gif(in).frame(limits);
    }

    private RgbImage frame(ImageLimits limits) {
        int width = in.u16le(PLACE, 6);
        int height = in.u16le(PLACE, 8);
        int flags = in.u8(PLACE, 10);
        in.need(PLACE, 0, 13);
        byte[] palette = {};
        if ((flags & 0x80) != 0) {
            palette = palette(flags);
        }
        findFrame();
        int left = in.u16le(PLACE, at);
        int top = in.u16le(PLACE, at + 2);
        int frameW = in.u16le(PLACE, at + 4);
        int frameH = in.u16le(PLACE, at + 6);
        flags = in.u8(PLACE, at + 8);
        at += 9;
        limits.check(in, "GIF frame", frameH, frameW);
        width = Math.max(width, left + frameW);
        height = Math.max(height, top + frameH);
        limits.check(in, "GIF screen", height, width);
        limits.checkRatio(in, "GIF screen", height, width);
        if ((flags & 0x80) != 0) {
            byte[] local = palette(flags);
            palette = local.length > 0 ? local : palette;
        }
        int bits = in.u8(PLACE, at++);
        if (bits < 1 || bits > 8) {
            throw in.fault(PLACE, "first code size is " + bits + "; allowed: 1 to 8");
        }
        byte[] codes = subBlocks();
        long most = codes.length * 8L / (bits + 1);
        if (Math.min(most * (most + 1) / 2, most * 4096) < (long) frameH * frameW) {
            throw in.fault(PLACE, "the image data is cut: " + codes.length + " bytes for " + frameH + " by " + frameW
                    + " pixels");
        }
        byte[] indices = new byte[frameH * frameW];
        if (unpack(codes, bits, indices) < indices.length) {
            throw in.fault(PLACE, "the image data is cut");
        }
        return paint(indices, left, top, frameH, frameW, (flags & 0x40) != 0, palette, height, width);
    }

    /** Reads a palette. One that is 0 0 0, 1 1 1, 2 2 2, … counts as none: the indices are grey values. */
    private byte[] palette(int flags) {
        int length = 3 << (flags & 7) + 1;
        in.need(PLACE, at, length);
        byte[] palette = Arrays.copyOfRange(in.data(), at, at + length);
        at += length;
        for (int i = 0; i < length; i++) {
            if ((palette[i] & 0xff) != i / 3) {
                return palette;
            }
        }
        return new byte[0];
    }

    /** Goes to the first image descriptor, past extensions; remembers the transparent index. */
    private void findFrame() {
        while (true) {
            int block = in.u8(PLACE, at++);
            if (block == ',') {
                return;
            }
            if (block == ';') {
                throw in.fault(PLACE, "no frame before the end");
            }
            if (block == '!') {
                int label = in.u8(PLACE, at++);
                if (label == 0xf9 && in.u8(PLACE, at) >= 4 && (in.u8(PLACE, at + 1) & 1) != 0) {
                    transparent = in.u8(PLACE, at + 4);
                }
                while (in.u8(PLACE, at) != 0) {
                    at += 1 + in.u8(PLACE, at);
                }
                at++;
            }
        }
    }

    /** The frame's data; a file that ends within it is cut, one that ends after a whole block may still be complete. */
    private byte[] subBlocks() {
        int length = 0;
        int end = at;
        while (end < in.length() && in.u8(PLACE, end) != 0) {
            int size = in.u8(PLACE, end);
            in.need(PLACE, end + 1, size);
            length += size;
            end += 1 + size;
        }
        byte[] codes = new byte[length];
        for (int to = 0; at < end; at += 1 + in.u8(PLACE, at)) {
            int size = in.u8(PLACE, at);
            System.arraycopy(in.data(), at + 1, codes, to, size);
            to += size;
        }
        return codes;
    }

    /** LZW; returns the number of pixels written. */
    private int unpack(byte[] codes, int bits, byte[] out) {
        int clear = 1 << bits;
        int[] prefix = new int[4096];
        byte[] last = new byte[4096];
        int[] length = new int[4096];
        for (int i = 0; i < clear; i++) {
            last[i] = (byte) i;
            length[i] = 1;
        }
        int next = clear + 2;
        int size = bits + 1;
        int previous = -1;
        int first = 0;
        int written = 0;
        int buffer = 0;
        int held = 0;
        int from = 0;
        while (written < out.length) {
            while (held < size) {
                if (from == codes.length) {
                    return written;
                }
                buffer |= (codes[from++] & 0xff) << held;
                held += 8;
            }
            int code = buffer & (1 << size) - 1;
            buffer >>>= size;
            held -= size;
            if (code == clear) {
                next = clear + 2;
                size = bits + 1;
                previous = -1;
                continue;
            }
            if (code == clear + 1) {
                return written;
            }
            if (code > next || previous < 0 && code > clear || code == next && next == 4096) {
                throw in.fault(PLACE, "the image data is damaged: code " + code + " of " + next);
            }
            // A code that is not yet known is the previous string and its own first value again.
            int string = code == next ? previous : code;
            int count = length[string] + (code == next ? 1 : 0);
            int to = written + count;
            if (code == next) {
                put(out, --to, (byte) first);
            }
            int walk = string;
            for (int i = length[string]; i > 1; i--) {
                put(out, --to, last[walk]);
                walk = prefix[walk];
            }
            put(out, --to, last[walk]);
            first = walk;
            written += count;
            if (previous >= 0 && next < 4096) {
                prefix[next] = previous;
                last[next] = (byte) first;
                length[next] = length[previous] + 1;
                next++;
                if (next == 1 << size && size < 12) {
                    size++;
                }
            }
            previous = code;
        }
        return written;
    }

    /** The last string may go past the last pixel. */
    private static void put(byte[] out, int at, byte value) {
        if (at < out.length) {
            out[at] = value;
        }
    }

    private RgbImage paint(byte[] indices, int left, int top, int frameH, int frameW, boolean interlaced,
            byte[] palette, int height, int width) {
        byte[] colours = new byte[768];
        if (palette.length == 0) {
            for (int i = 0; i < 768; i++) {
                colours[i] = (byte) (i / 3);
            }
        } else {
            System.arraycopy(palette, 0, colours, 0, palette.length);
        }
        byte[] rgb = new byte[height * width * 3];
        if (frameH < height || frameW < width) {
            for (int i = 0; i < rgb.length; i += 3) {
                System.arraycopy(colours, transparent * 3, rgb, i, 3);
            }
        }
        int from = 0;
        int[][] passes = interlaced ? new int[][] {{0, 8}, {4, 8}, {2, 4}, {1, 2}} : new int[][] {{0, 1}};
        for (int[] pass : passes) {
            for (int y = pass[0]; y < frameH; y += pass[1]) {
                int to = ((top + y) * width + left) * 3;
                for (int x = 0; x < frameW; x++, to += 3) {
                    int colour = (indices[from++] & 0xff) * 3;
                    rgb[to] = colours[colour];
                    rgb[to + 1] = colours[colour + 1];
                    rgb[to + 2] = colours[colour + 2];
                }
            }
        }
        return new RgbImage(height, width, rgb);
    }
}
