package io.attentivecutmix.image;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ThreadLocalRandom;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/** Writes 8-bit RGB images as PNG. */
public final class PngWriter {
    private static final byte[] MAGIC = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    private static final int CHUNK = 1 << 16;
    private static final int PIXEL = 3;
    private static final int FILTERS = 5;

    private PngWriter() {
    }

    /**
     * Writes a file: under a temporary name in the same folder first, then moved to its own, replacing what was there.
     *
     * @param rgb (h, w, 3) uint8 from byte {@code offset}; read absolutely
     * @throws IllegalArgumentException if a size is below 1 or the buffer is too short
     */
    public static void write(Path path, ByteBuffer rgb, int offset, int h, int w) throws IOException {
        check(rgb, offset, h, w);
        if (path.getFileName() == null) {
            throw new IllegalArgumentException("path is " + path + "; allowed: the path of a file");
        }
        String random = Long.toHexString(ThreadLocalRandom.current().nextLong());
        // short, since a file name may be at its limit of 255 bytes already
        Path temporary = path.resolveSibling("." + random + ".tmp");
        try {
            try (OutputStream out = new BufferedOutputStream(
                    Files.newOutputStream(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE))) {
                write(out, rgb, offset, h, w);
            }
            try {
                Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE);
            } catch (AtomicMoveNotSupportedException e) {
                Files.move(temporary, path, StandardCopyOption.REPLACE_EXISTING);
            }
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    /** Writes the file's bytes to a stream, which stays open. */
    public static void write(OutputStream out, ByteBuffer rgb, int offset, int h, int w) throws IOException {
        check(rgb, offset, h, w);
        out.write(MAGIC);
        byte[] header = ByteBuffer.allocate(13).putInt(w).putInt(h).put((byte) 8).put((byte) 2).array();
        chunk(out, "IHDR", header, header.length);
        Deflater deflater = new Deflater(Deflater.BEST_SPEED + 3);
        try {
            pixels(out, deflater, rgb, offset, h, w * PIXEL);
        } finally {
            deflater.end();
        }
        chunk(out, "IEND", header, 0);
    }

    private static void check(ByteBuffer rgb, int offset, int h, int w) {
        if (h < 1 || w < 1 || offset < 0 || (long) h * w > ((long) rgb.limit() - offset) / PIXEL) {
            throw new IllegalArgumentException("h, w and offset are " + h + ", " + w + " and " + offset
                    + " with " + rgb.limit() + " bytes; allowed: sizes from 1, 3·h·w bytes from offset");
        }
    }

    private static void pixels(OutputStream out, Deflater deflater, ByteBuffer rgb, int offset, int h, int bytes)
            throws IOException {
        byte[] compressed = new byte[CHUNK];
        byte[] row = new byte[bytes];
        byte[] above = new byte[bytes];
        byte[][] candidates = new byte[FILTERS][bytes + 1];
        int held = 0;
        for (int y = 0; y < h; y++) {
            rgb.get(offset + y * bytes, row, 0, bytes);
            deflater.setInput(candidates[filter(row, above, candidates)]);
            if (y == h - 1) {
                deflater.finish();
            }
            while (!deflater.finished() && (y == h - 1 || !deflater.needsInput())) {
                held += deflater.deflate(compressed, held, CHUNK - held);
                if (held == CHUNK) {
                    chunk(out, "IDAT", compressed, held);
                    held = 0;
                }
            }
            byte[] swap = above;
            above = row;
            row = swap;
        }
        if (held > 0) {
            chunk(out, "IDAT", compressed, held);
        }
    }

    /** Fills every filter's row and returns the filter of the smallest sum of magnitudes (the standard's advice). */
    private static int filter(byte[] row, byte[] above, byte[][] filtered) {
        byte[] none = filtered[0];
        byte[] sub = filtered[1];
        byte[] up = filtered[2];
        byte[] average = filtered[3];
        byte[] paeth = filtered[4];
        long sumNone = 0;
        long sumSub = 0;
        long sumUp = 0;
        long sumAverage = 0;
        long sumPaeth = 0;
        for (int i = 0; i < row.length; i++) {
            int value = row[i] & 0xff;
            int left = i >= PIXEL ? row[i - PIXEL] & 0xff : 0;
            int high = above[i] & 0xff;
            int corner = i >= PIXEL ? above[i - PIXEL] & 0xff : 0;
            int byLeft = Math.abs(high - corner);
            int byHigh = Math.abs(left - corner);
            int byCorner = Math.abs(left + high - 2 * corner);
            int predicted = byLeft <= byHigh && byLeft <= byCorner ? left : byHigh <= byCorner ? high : corner;
            none[i + 1] = (byte) value;
            sub[i + 1] = (byte) (value - left);
            up[i + 1] = (byte) (value - high);
            average[i + 1] = (byte) (value - (left + high >> 1));
            paeth[i + 1] = (byte) (value - predicted);
            sumNone += Math.abs((byte) value);
            sumSub += Math.abs(sub[i + 1]);
            sumUp += Math.abs(up[i + 1]);
            sumAverage += Math.abs(average[i + 1]);
            sumPaeth += Math.abs(paeth[i + 1]);
        }
        long[] sums = {sumNone, sumSub, sumUp, sumAverage, sumPaeth};
        int best = 0;
        for (int i = 0; i < FILTERS; i++) {
            filtered[i][0] = (byte) i;
            if (sums[i] < sums[best]) {
                best = i;
            }
        }
        return best;
    }

    private static void chunk(OutputStream out, String type, byte[] data, int length) throws IOException {
        byte[] name = type.getBytes(StandardCharsets.US_ASCII);
        CRC32 crc = new CRC32();
        crc.update(name);
        crc.update(data, 0, length);
        out.write(ByteBuffer.allocate(8).putInt(length).put(name).array());
        out.write(data, 0, length);
        out.write(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
    }
}
