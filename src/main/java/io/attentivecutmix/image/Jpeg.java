package io.attentivecutmix.image;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;

/**
 * A JPEG file that passed the gate: every segment and scan was walked, the end marker is there, and the entropy-coded
 * data is long enough for the size that the header declares.
 *
 * @param height H in pixels
 * @param width W in pixels
 * @param colour how the components are to be understood, by libjpeg's rules
 * @param arithmetic whether it is arithmetic-coded
 * @param orientation Exif orientation, 1 to 8
 * @param clean the file without APPn and COM segments (no profile, thumbnail or text is left), with a marker that makes
 *     every decoder understand the colours as {@code colour} says; CMYK and YCCK are left unconverted
 */
record Jpeg(int height, int width, Colour colour, boolean arithmetic, int orientation,
        byte[] clean) {
    enum Colour { GREY, YCBCR, RGB, CMYK, YCCK }

    private static final String PLACE = "JPEG";
    /** An encoder writes about ten; hundreds are only written to waste time. */
    private static final int MOST_SCANS = 100;
    /**
     * The JDK's reader goes through the whole picture for every scan, 0.4 s for 64 Mi pixels, however few bytes the
     * scan has: so many scans of the largest picture, or more of a smaller one.
     */
    private static final long MOST_SCANS_OF_LARGEST = 16;
    private static final byte[] JFIF =
            {(byte) 0xff, (byte) 0xe0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0};
    private static final byte[] ADOBE_RGB =
            {(byte) 0xff, (byte) 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0};

    static boolean accepts(Input in) {
        return in.has(0, "\u00ff\u00d8\u00ff");
    }

    static Jpeg parse(Input in, ImageLimits limits) {
        return new Parser(in, limits).parse();
    }

    private static final class Parser {
        private final Input in;
        private final ImageLimits limits;
        /** Pairs of from and to: the bytes that are kept. */
        private int[] ranges = new int[64];
        private int rangeCount;
        private int frame = -1;
        private int process;
        private int height;
        private int width;
        private int components;
        private boolean jfif;
        /** The Adobe marker's transform, or -1. */
        private int adobe = -1;
        private final ByteArrayOutputStream exif = new ByteArrayOutputStream();
        private byte[] xmp = {};
        private int scans;
        private long entropyBytes;

        Parser(Input in, ImageLimits limits) {
            this.in = in;
            this.limits = limits;
        }

        Jpeg parse() {
            int at = 2;
            while (true) {
                at = nextMarker(at);
                int marker = in.u8(PLACE, at + 1);
                if (marker == 0xd9) {
                    break;
                }
                if (marker == 0xd8) {
                    throw in.fault(PLACE, "a second start of image at byte " + at);
                }
                if (marker == 0x01 || marker >= 0xd0 && marker <= 0xd7) {
                    at += 2;
                    continue;
                }
                int length = in.u16be(PLACE, at + 2);
                if (length < 2) {
                    throw in.fault(PLACE, "segment at byte " + at + " has length " + length + "; allowed: 2 or more");
                }
                int end = at + 2 + length;
                in.need(PLACE, at, 2L + length);
                if (marker >= 0xe0 && marker <= 0xef || marker == 0xfe) {
                    application(marker, at + 4, end);
                } else if (marker == 0xda) {
                    end = scan(at, end);
                    keep(at, end);
                } else if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc) {
                    frame(marker, at, length);
                    keep(at, end);
                } else if (marker == 0xc4 || marker == 0xcc || marker == 0xdb || marker == 0xdd) {
                    keep(at, end);
                } else if (marker == 0xc8 || marker == 0xde || marker == 0xdf) {
                    throw in.fault(PLACE, "hierarchical or reserved coding, marker 0x" + Integer.toHexString(marker)
                            + " at byte " + at);
                } else if (marker < 0xc0) {
                    throw in.fault(PLACE, "unknown marker 0x" + Integer.toHexString(marker) + " at byte " + at);
                }
                at = end;
            }
            if (scans == 0) {
                throw in.fault(PLACE, "no image data before the end marker");
            }
            Colour colour = colour();
            checkEntropy();
            int orientation = Orientation.of(exif.toByteArray(), xmp);
            return new Jpeg(height, width, colour, process >= 0xc9, orientation, clean(colour));
        }

        /** Position of the next 0xff that starts a marker; junk between segments is passed over as in libjpeg. */
        private int nextMarker(int from) {
            int at = from;
            while (true) {
                if (at + 1 >= in.length()) {
                    throw in.fault(PLACE, "the file is cut: no end marker in " + in.length() + " bytes");
                }
                if (in.data()[at] == (byte) 0xff && in.data()[at + 1] != 0 && in.data()[at + 1] != (byte) 0xff) {
                    return at;
                }
                at++;
            }
        }

        private void application(int marker, int from, int to) {
            if (marker == 0xe0 && to - from >= 14 && in.has(from, "JFIF\0")) {
                jfif = true;
            } else if (marker == 0xee && to - from >= 12 && in.has(from, "Adobe")) {
                adobe = in.u8(PLACE, from + 11);
            } else if (marker == 0xe1 && to - from >= 6 && in.has(from, "Exif\0\0")) {
                // A block that was split over segments is joined.
                exif.write(in.data(), from + 6, to - from - 6);
            } else if (marker == 0xe1 && to - from >= 29 && in.has(from, "http://ns.adobe.com/xap/1.0/\0")) {
                xmp = Arrays.copyOfRange(in.data(), from + 29, to);
            }
        }

        private void frame(int marker, int at, int length) {
            String place = "JPEG header";
            if (frame >= 0) {
                throw in.fault(place, "a second frame at byte " + at);
            }
            if (marker != 0xc0 && marker != 0xc1 && marker != 0xc2 && marker != 0xc9 && marker != 0xca) {
                throw in.fault(place, "coding process SOF" + (marker - 0xc0)
                        + "; allowed: baseline, extended, progressive (SOF0, 1, 2, 9, 10)");
            }
            int precision = in.u8(place, at + 4);
            if (precision != 8) {
                throw in.fault(place, precision + " bits per value; allowed: 8");
            }
            process = marker;
            height = in.u16be(place, at + 5);
            width = in.u16be(place, at + 7);
            components = in.u8(place, at + 9);
            limits.check(in, place, height, width);
            if (components != 1 && components != 3 && components != 4 || length != 8 + 3 * components) {
                throw in.fault(place, components + " components in a segment of " + length
                        + " bytes; allowed: 1, 3 or 4, of 3 bytes each after 8");
            }
            for (int c = 0; c < components; c++) {
                int sampling = in.u8(place, at + 11 + 3 * c);
                if (sampling >> 4 < 1 || sampling >> 4 > 4 || (sampling & 15) < 1 || (sampling & 15) > 4) {
                    throw in.fault(place, "sampling of component " + c + " is " + (sampling >> 4) + " by "
                            + (sampling & 15) + "; allowed: 1 to 4");
                }
            }
            frame = at;
        }

        /** Walks the data of one scan; returns the position of the marker that ends it. */
        private int scan(int at, int from) {
            if (frame < 0) {
                throw in.fault(PLACE, "image data at byte " + at + " before the header of the frame");
            }
            if (++scans > MOST_SCANS) {
                throw in.fault(PLACE, "more than " + MOST_SCANS + " scans");
            }
            if ((long) scans * height * width > MOST_SCANS_OF_LARGEST * limits.maxPixels()) {
                throw in.fault(PLACE, scans + " scans or more of " + height + " by " + width + " pixels; allowed: "
                        + MOST_SCANS_OF_LARGEST * limits.maxPixels() / ((long) height * width));
            }
            byte[] data = in.data();
            int i = from;
            while (true) {
                while (i < data.length && data[i] != (byte) 0xff) {
                    i++;
                }
                if (i + 1 >= data.length) {
                    throw in.fault(PLACE, "the file is cut in its image data, after " + data.length + " bytes");
                }
                int next = data[i + 1] & 0xff;
                if (next == 0xff) {
                    i++;
                } else if (next == 0 || next >= 0xd0 && next <= 0xd7) {
                    i += 2;
                } else {
                    entropyBytes += i - from;
                    return i;
                }
            }
        }

        /**
         * Every block costs at least one bit (two in a sequential file: its first coefficient and its end), so a header
         * that promises more than the data can hold is a lie. Arithmetic coding has no such bound of its own.
         */
        private void checkEntropy() {
            if (process >= 0xc9) {
                limits.checkRatio(in, PLACE, height, width);
                return;
            }
            int most = 0;
            int mostV = 0;
            for (int c = 0; c < components; c++) {
                int sampling = in.u8(PLACE, frame + 11 + 3 * c);
                most = Math.max(most, sampling >> 4);
                mostV = Math.max(mostV, sampling & 15);
            }
            long blocks = 0;
            for (int c = 0; c < components; c++) {
                int sampling = in.u8(PLACE, frame + 11 + 3 * c);
                long across = ceil((long) width * (sampling >> 4), 8L * most);
                blocks += across * ceil((long) height * (sampling & 15), 8L * mostV);
            }
            long needed = process == 0xc2 ? blocks : 2 * blocks;
            if (entropyBytes * 8 < needed) {
                throw in.fault(PLACE, "the image data is cut: " + entropyBytes + " bytes for " + height + " by " + width
                        + " pixels; needed: at least " + ceil(needed, 8));
            }
        }

        private static long ceil(long a, long b) {
            return (a + b - 1) / b;
        }

        /** libjpeg's rules. */
        private Colour colour() {
            if (components == 1) {
                return Colour.GREY;
            }
            if (components == 4) {
                return adobe < 0 || adobe == 0 ? Colour.CMYK : Colour.YCCK;
            }
            if (jfif) {
                return Colour.YCBCR;
            }
            if (adobe >= 0) {
                return adobe == 0 ? Colour.RGB : Colour.YCBCR;
            }
            boolean letters = in.u8(PLACE, frame + 10) == 'R' && in.u8(PLACE, frame + 13) == 'G'
                    && in.u8(PLACE, frame + 16) == 'B';
            return letters ? Colour.RGB : Colour.YCBCR;
        }

        private void keep(int from, int to) {
            if (rangeCount > 0 && ranges[rangeCount - 1] == from) {
                ranges[rangeCount - 1] = to;
                return;
            }
            if (rangeCount == ranges.length) {
                ranges = Arrays.copyOf(ranges, 2 * rangeCount);
            }
            ranges[rangeCount++] = from;
            ranges[rangeCount++] = to;
        }

        private byte[] clean(Colour colour) {
            byte[] mark = switch (colour) {
                case GREY, YCBCR -> JFIF;
                case RGB -> ADOBE_RGB;
                case CMYK, YCCK -> new byte[0];
            };
            int length = 4 + mark.length;
            for (int i = 0; i < rangeCount; i += 2) {
                length += ranges[i + 1] - ranges[i];
            }
            byte[] out = new byte[length];
            out[0] = (byte) 0xff;
            out[1] = (byte) 0xd8;
            System.arraycopy(mark, 0, out, 2, mark.length);
            int at = 2 + mark.length;
            for (int i = 0; i < rangeCount; i += 2) {
                System.arraycopy(in.data(), ranges[i], out, at, ranges[i + 1] - ranges[i]);
                at += ranges[i + 1] - ranges[i];
            }
            out[at] = (byte) 0xff;
            out[at + 1] = (byte) 0xd9;
            return out;
        }
    }
}
