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
    /** Flags of the VP8X chunk. */
    private static final int ANIMATION = 2;
    private static final int XMP = 4;
    private static final int EXIF = 8;

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
            int end = (int) (8 + declared);
            if (in.has(12, "VP8X")) {
                extended(end);
            } else if (in.has(12, "VP8 ") || in.has(12, "VP8L")) {
                // As in libwebp, nothing behind the image of a simple file counts.
                chunkSize(12, end);
                image = 12;
            } else {
                throw in.fault(PLACE, "first chunk is neither VP8X, VP8 nor VP8L");
            }
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

        /** Size of the chunk at a position, which must end where the file or the chunk around it does, or before. */
        private int chunkSize(int at, int end) {
            in.need(PLACE, at, 8);
            long length = in.u32le(PLACE, at + 4);
            if (length > end - at - 8) {
                throw in.fault(PLACE, "the chunk at byte " + at + " has " + length + " bytes; left: "
                        + Math.max(0, end - at - 8));
            }
            return (int) length;
        }

        /** What libwebp refuses is refused: an image beside frames, frames that the flags do not tell of. */
        private void extended(int end) {
            int size = chunkSize(12, end);
            if (size < 10) {
                throw in.fault("WebP header", "VP8X of " + size + " bytes; allowed: 10 or more");
            }
            int flags = in.u8(PLACE, 20);
            canvasW = in.u24le(PLACE, 24) + 1;
            canvasH = in.u24le(PLACE, 27) + 1;
            limits.check(in, "WebP header", canvasH, canvasW);
            limits.checkRatio(in, "WebP header", canvasH, canvasW);
            boolean animated = (flags & ANIMATION) != 0;
            boolean begun = false;
            for (int at = 20 + size + (size & 1); at + 8 <= end;) {
                size = chunkSize(at, end);
                if (isImage(at) || in.has(at, "ANMF")) {
                    frame(at, size, animated, begun);
                } else if (in.has(at, "ANIM")) {
                    begun = true;
                } else if (in.has(at, "EXIF") && (flags & EXIF) != 0 && exif.length == 0) {
                    exif = Arrays.copyOfRange(in.data(), at + 8, at + 8 + size);
                } else if (in.has(at, "XMP ") && (flags & XMP) != 0 && xmp.length == 0) {
                    xmp = Arrays.copyOfRange(in.data(), at + 8, at + 8 + size);
                }
                at += 8 + size + (size & 1);
            }
            if (!animated && image >= 0) {
                frameW = canvasW;
                frameH = canvasH;
            }
        }

        private boolean isImage(int at) {
            return in.has(at, "VP8 ") || in.has(at, "VP8L");
        }

        private void frame(int at, int size, boolean animated, boolean begun) {
            if (!in.has(at, "ANMF")) {
                if (animated || image >= 0) {
                    throw in.fault(PLACE, (animated ? "an image outside a frame" : "a second image") + " at byte "
                            + at);
                }
                image = at;
                return;
            }
            if (!animated || !begun || size < 16) {
                throw in.fault(PLACE, "a frame " + (size < 16 ? "of " + size + " bytes" : "but no animation")
                        + " at byte " + at);
            }
            if (image >= 0) {
                return;
            }
            left = 2 * in.u24le(PLACE, at + 8);
            top = 2 * in.u24le(PLACE, at + 11);
            frameW = in.u24le(PLACE, at + 14) + 1;
            frameH = in.u24le(PLACE, at + 17) + 1;
            int end = at + 8 + size;
            for (int inner = at + 24; inner + 8 <= end && image < 0;) {
                int length = chunkSize(inner, end);
                image = isImage(inner) ? inner : -1;
                inner += 8 + length + (length & 1);
            }
            if (image < 0) {
                throw in.fault(PLACE, "the first frame has no image");
            }
        }

        private void size(boolean lossless) {
            int h;
            int w;
            if (lossless) {
                if (in.u32le(PLACE, image + 4) < 5 || in.u8(PLACE, image + 8) != 0x2f) {
                    throw in.fault("WebP header", "no lossless signature");
                }
                long header = in.u32le(PLACE, image + 9);
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
            limits.checkRatio(in, "WebP header", h, w);
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
