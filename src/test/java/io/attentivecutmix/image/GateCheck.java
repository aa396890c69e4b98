package io.attentivecutmix.image;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** What must hold for any bytes: an image of the declared size within the limits, or an ImageException. */
final class GateCheck {
    /** A hang is what this catches; of processor time, so that a busy machine does not count. */
    private static final long MOST_NANOS = 2_000_000_000L;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private GateCheck() {
    }

    /** Whether the file was accepted. */
    static boolean accepts(ImageDecoder decoder, byte[] file) {
        long start = THREADS.getCurrentThreadCpuTime();
        boolean accepted;
        try {
            RgbImage image = decoder.decode(file, "f.img");
            checkSize(decoder.limits(), image, file);
            accepted = true;
        } catch (ImageException e) {
            if (!e.getMessage().startsWith("f.img: " + e.place() + ": ") || e.fault().isBlank()) {
                throw new AssertionError("message names not file, place and fault: " + e.getMessage(), e);
            }
            accepted = false;
        }
        long nanos = THREADS.getCurrentThreadCpuTime() - start;
        if (nanos > MOST_NANOS) {
            throw new AssertionError(nanos / 1_000_000 + " ms for " + file.length + " bytes");
        }
        return accepted;
    }

    private static void checkSize(ImageLimits limits, RgbImage image, byte[] file) {
        int h = image.height();
        int w = image.width();
        if ((long) h * w > limits.maxPixels() || Math.max(h, w) > limits.maxSide() || image.rgb().length != 3 * h * w) {
            throw new AssertionError(h + " by " + w + " passed the limits, with " + image.rgb().length + " bytes");
        }
        long[] declared = declared(file);
        boolean equal = declared[0] == h && declared[1] == w || declared[0] == w && declared[1] == h;
        // A GIF's frame may be larger than its screen.
        boolean gif = file[0] == 'G' && h >= declared[0] && w >= declared[1];
        if (!equal && !gif) {
            throw new AssertionError("declared " + declared[0] + " by " + declared[1] + ", decoded " + h + " by " + w);
        }
    }

    /** Height and width as the header has them, read by other code than the gate's. */
    static long[] declared(byte[] file) {
        ByteBuffer big = ByteBuffer.wrap(file);
        ByteBuffer little = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        switch (file[0] & 0xff) {
            case 0x89 -> {
                return new long[] {big.getInt(20), big.getInt(16)};
            }
            case 'G' -> {
                return new long[] {little.getShort(8) & 0xffff, little.getShort(6) & 0xffff};
            }
            case 'B' -> {
                return little.getInt(14) == 12
                        ? new long[] {little.getShort(20) & 0xffff, little.getShort(18) & 0xffff}
                        : new long[] {Math.abs((long) little.getInt(22)), little.getInt(18)};
            }
            case 'R' -> {
                return webp(little);
            }
            default -> {
                return jpeg(big);
            }
        }
    }

    private static long[] jpeg(ByteBuffer file) {
        for (int at = 2;;) {
            if ((file.get(at) & 0xff) != 0xff || file.get(at + 1) == 0 || file.get(at + 1) == (byte) 0xff) {
                at++;
                continue;
            }
            int marker = file.get(at + 1) & 0xff;
            if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc) {
                return new long[] {file.getShort(at + 5) & 0xffff, file.getShort(at + 7) & 0xffff};
            }
            at += marker == 1 || marker >= 0xd0 && marker <= 0xd7 ? 2 : 2 + (file.getShort(at + 2) & 0xffff);
        }
    }

    private static long[] webp(ByteBuffer file) {
        for (int at = 12;;) {
            int size = file.getInt(at + 4);
            switch (file.getInt(at)) {
                case 'V' | 'P' << 8 | '8' << 16 | 'X' << 24 -> {
                    if (size >= 10) {
                        return new long[] {1 + (file.getInt(at + 14) >>> 8), 1 + (file.getInt(at + 12) & 0xffffff)};
                    }
                }
                case 'V' | 'P' << 8 | '8' << 16 | 'L' << 24 -> {
                    int bits = file.getInt(at + 9);
                    return new long[] {1 + (bits >> 14 & 0x3fff), 1 + (bits & 0x3fff)};
                }
                case 'V' | 'P' << 8 | '8' << 16 | ' ' << 24 -> {
                    return new long[] {file.getShort(at + 16) & 0x3fff, file.getShort(at + 14) & 0x3fff};
                }
                case 'A' | 'N' << 8 | 'M' << 16 | 'F' << 24 -> {
                    return new long[] {1 + (file.getInt(at + 16) >>> 8), 1 + (file.getInt(at + 14) & 0xffffff)};
                }
                default -> { }
            }
            at += 8 + size + (size & 1);
        }
    }
}
