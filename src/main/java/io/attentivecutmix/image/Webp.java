package io.attentivecutmix.image;

import java.util.Arrays;

/**
 * A WebP file that passed the gate: the chunks were walked, nothing is missing.
 *
 * @param height H of the canvas in pixels
 * @param width W of the canvas in pixels
 * @param top row of the canvas where the image (of an animation: its first frame) starts
 * @param left column of the canvas where it starts
 * @param imageHeight its own height
 * @param imageWidth its own width
 * @param lossless whether it is coded without loss
 * @param orientation Exif orientation, 1 to 8
 * @param clean a file of that image alone: no alpha plane, profile, text or other frames
 */
record Webp(int height, int width, int top, int left, int imageHeight, int imageWidth, boolean lossless,
        int orientation, byte[] clean) {
    private static final String PLACE = "WebP";

    static boolean accepts(Input in) {
        return in.has(0, "RIFF") && in.has(8, "WEBP");
    }

    static Webp parse(Input in, ImageLimits limits) {
        return new Parser(in, limits).parse();
    }

    private static final class Parser {
        private final Input in;
        private final ImageLimits limits;
        private int canvasH;
        private int canvasW;
        private int top;
        private int left;
        private int frameH;
        private int frameW;
        private int image = -1;
        private byte[] exif = {};
        private byte[] xmp = {};

        Parser(Input in, ImageLimits limits) {
            this.in = in;
            this.limits = limits;
        }

        Webp parse() {
            long declared = in.u32le(PLACE, 4);
            in.need(PLACE, 8, declared);
            walk(12, (int) (8 + declared), true);
            if (image < 0) {
                throw in.fault(PLACE, "no image");
            }
            boolean lossless = in.has(image, "VP8L");
            size(lossless);
            int length = (int) in.u32le(PLACE, image + 4);
            int padded = length + (length & 1);
            byte[] clean = new byte[20 + padded];
            System.arraycopy(in.data(), 0, clean, 0, 12);
            System.arraycopy(in.data(), image, clean, 12, 8 + length);
            for (int i = 0; i < 4; i++) {
                clean[4 + i] = (byte) (12 + padded >> 8 * i);
            }
            return new Webp(canvasH, canvasW, top, left, frameH, frameW, lossless, Orientation.of(exif, xmp), clean);
        }

        private void walk(int from, int end, boolean outer) {
            int at = from;
            while (at + 8 <= end) {
                long length = in.u32le(PLACE, at + 4);
                if (length > end - at - 8) {
                    throw in.fault(PLACE, "the chunk at byte " + at + " has " + length + " bytes; left: "
                            + (end - at - 8));
                }
                int size = (int) length;
                if (in.has(at, "VP8X") && outer && canvasH == 0 && size >= 10) {
                    canvasW = in.u24le(PLACE, at + 12) + 1;
                    canvasH = in.u24le(PLACE, at + 15) + 1;
                    limits.check(in, "WebP header", canvasH, canvasW);
                } else if ((in.has(at, "VP8 ") || in.has(at, "VP8L")) && image < 0) {
                    image = at;
                } else if (in.has(at, "ANMF") && outer && image < 0 && size >= 16) {
                    left = 2 * in.u24le(PLACE, at + 8);
                    top = 2 * in.u24le(PLACE, at + 11);
                    frameW = in.u24le(PLACE, at + 14) + 1;
                    frameH = in.u24le(PLACE, at + 17) + 1;
                    walk(at + 24, at + 8 + size, false);
                    if (image < 0) {
                        throw in.fault(PLACE, "the first frame has no image");
                    }
                } else if (in.has(at, "EXIF") && outer && exif.length == 0) {
                    exif = Arrays.copyOfRange(in.data(), at + 8, at + 8 + size);
                } else if (in.has(at, "XMP ") && outer && xmp.length == 0) {
                    xmp = Arrays.copyOfRange(in.data(), at + 8, at + 8 + size);
                }
                at += 8 + size + (size & 1);
            }
        }

        private void size(boolean lossless) {
            int h;
            int w;
            if (lossless) {
                long header = in.u32le(PLACE, image + 9);
                if (in.u8(PLACE, image + 8) != 0x2f || in.u32le(PLACE, image + 4) < 5) {
                    throw in.fault("WebP header", "no lossless signature");
                }
                w = (int) (header & 0x3fff) + 1;
                h = (int) (header >> 14 & 0x3fff) + 1;
            } else {
                if (in.u32le(PLACE, image + 4) < 10 || (in.u8(PLACE, image + 8) & 1) != 0
                        || in.u24le(PLACE, image + 11) != 0x2a019d) {
                    throw in.fault("WebP header", "no key frame");
                }
                w = in.u16le(PLACE, image + 14) & 0x3fff;
                h = in.u16le(PLACE, image + 16) & 0x3fff;
            }
            limits.check(in, "WebP header", h, w);
            if (frameH != 0 && (frameH != h || frameW != w)) {
                throw in.fault("WebP header", "the frame is " + frameH + " by " + frameW + ", its image " + h
                        + " by " + w);
            }
            frameH = h;
            frameW = w;
            if (canvasH == 0) {
                canvasH = h;
                canvasW = w;
            }
            if (top + h > canvasH || left + w > canvasW) {
                throw in.fault("WebP header", "the image of " + h + " by " + w + " does not fit the canvas of "
                        + canvasH + " by " + canvasW);
            }
        }
    }

    /** The decoded image on the canvas, black elsewhere. */
    RgbImage onCanvas(RgbImage decoded, Input in) {
        if (decoded.height() != imageHeight || decoded.width() != imageWidth) {
            throw in.fault(PLACE, "decoded to " + decoded.height() + " by " + decoded.width()
                    + " pixels; the header has " + imageHeight + " by " + imageWidth);
        }
        if (imageHeight == height && imageWidth == width) {
            return decoded;
        }
        byte[] rgb = new byte[height * width * 3];
        for (int y = 0; y < imageHeight; y++) {
            System.arraycopy(decoded.rgb(), y * imageWidth * 3, rgb, ((top + y) * width + left) * 3, imageWidth * 3);
        }
        return new RgbImage(height, width, rgb);
    }
}
