package io.attentivecutmix.image;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Objects;

/**
 * Resizes images exactly as Pillow 13 does, bit for bit.
 *
 * <p>uint8: two passes, along the rows and then down the columns (the other way round when the height shrinks by more
 * than twice what the width does, as Pillow does since version 13), each with weights of 22 fractional bits and a
 * result rounded and clamped to 0..255; a direction whose size stays is skipped. Floating values: Pillow's mode "F",
 * sums in double, each pass rounded to float, nothing clamped. NEAREST: the input position is {@code (int) s} with s
 * starting at {@code 0.5 · (in/out)} and {@code in/out} added for every step in double, as Pillow's loop does; that
 * running sum differs from {@code floor((x + 0.5) · in / out)} for about one pair of sizes in ten.
 *
 * <p>Not thread-safe: one per thread. It keeps its scratch memory and its weights, so that a repeated size allocates
 * nothing.
 */
public final class Resizer {
    private static final int CHANNELS = 3;
    /** Rows that are resized along the rows together; a multiple of 8. */
    private static final int BLOCK = 32;
    private static final int HALF = 1 << (Resampling.PRECISION_BITS - 1);

    private final ResizeFilter filter;
    private final Resampling across;
    private final Resampling down;
    private byte[] line = new byte[0];
    /** Up to BLOCK rows of input, one after the other. */
    private byte[] lines = new byte[0];
    /** Up to BLOCK rows that went down the columns and wait to be resized along the rows. */
    private byte[] heldLines = new byte[0];
    /** A block of rows turned: array x holds the values of column x, R of every row, then G, then B. */
    private int[][] turned = new int[0][];
    /** Up to BLOCK rows of input as ints, resized along the rows if that comes first. */
    private int[][] block = new int[0][];
    /** Up to BLOCK rows that were held back, resized along the rows. */
    private int[][] finished = new int[0][];
    private int blockFrom;
    private int blockCount;
    private final int[] columnSums = new int[BLOCK * CHANNELS];
    private int[] sums = new int[0];
    /** Rows kept while going down the columns, row y at {@code y % kept}: open sums when shrinking, else input. */
    private int[][] rows = new int[0][];
    private float[] floatLine = new float[0];
    private double[] floatRow = new double[0];
    private double[] floatOut = new double[0];
    private double[][] floatRows = new double[0][];
    /** NEAREST: the input column of every output column. */
    private int[] columns = new int[0];
    private int columnsIn;
    private int columnsOut;

    /** A resizer of one filter. */
    public Resizer(ResizeFilter filter) {
        this.filter = Objects.requireNonNull(filter, "filter");
        across = new Resampling(filter);
        down = new Resampling(filter);
    }

    /** The filter of this resizer. */
    public ResizeFilter filter() {
        return filter;
    }

    /**
     * Resizes one uint8 RGB image; copies when the sizes are equal.
     *
     * @param src (h, w, 3) uint8 from byte {@code srcOffset}; direct or heap; read absolutely, its position is not used
     * @param dst (outH, outW, 3) uint8 from byte {@code dstOffset}; must not overlap {@code src}
     * @throws IllegalArgumentException if a size is below 1 or a buffer is too short
     */
    public void resize(ByteBuffer src, int srcOffset, int h, int w,
            ByteBuffer dst, int dstOffset, int outH, int outW) {
        check("src", src.limit(), srcOffset, h, w, CHANNELS);
        check("dst", dst.limit(), dstOffset, outH, outW, CHANNELS);
        if (h == outH && w == outW) {
            dst.put(dstOffset, src, srcOffset, h * w * CHANNELS);
        } else if (filter == ResizeFilter.NEAREST) {
            nearest(src, srcOffset, h, w, dst, dstOffset, outH, outW);
        } else {
            filtered(src, srcOffset, h, w, dst, dstOffset, outH, outW);
        }
    }

    private void filtered(ByteBuffer src, int srcOffset, int h, int w,
            ByteBuffer dst, int dstOffset, int outH, int outW) {
        boolean rowsFirst = !columnsFirst(h, w, outH, outW);
        int inRow = w * CHANNELS;
        int outRow = outW * CHANNELS;
        if (w != outW) {
            across.prepare(w, outW);
        }
        // Pixels of a row before it goes down the columns
        int middle = rowsFirst ? outW : w;
        int width = middle * CHANNELS;
        if (line.length < outRow) {
            line = new byte[outRow];
        }
        if (lines.length < (long) BLOCK * inRow) {
            lines = new byte[Math.multiplyExact(BLOCK, inRow)];
        }
        if (middle != outW) {
            finished = fit(finished, BLOCK, outRow);
            if (heldLines.length < lines.length) {
                heldLines = new byte[lines.length];
            }
        }
        if (sums.length < width) {
            sums = new int[width];
        }
        block = fit(block, BLOCK, width);
        blockCount = 0;
        if (h == outH) {
            for (int y = 0; y < h; y++) {
                store(dst, dstOffset + y * outRow, row(src, srcOffset, y, h, w, outW), outRow);
            }
            return;
        }
        down.prepare(h, outH);
        int[] first = down.first();
        int[] taps = down.taps();
        int[] weights = down.fixedWeights();
        int stride = down.stride();
        int kept = outH < h ? down.overlap() : stride;
        rows = fit(rows, kept, width);
        int end = first[outH - 1] + taps[outH - 1];
        int held = 0;
        if (outH < h) {
            // Every input row is added to the few output rows that it touches: an extreme ratio costs no memory.
            int open = 0;
            int done = 0;
            for (int y = first[0]; done < outH; y++) {
                int[] row = row(src, srcOffset, y, end, w, middle);
                for (; open < outH && first[open] <= y; open++) {
                    Arrays.fill(rows[open % kept], 0, width, HALF);
                }
                for (int out = done; out < open; out++) {
                    addScaled(rows[out % kept], row, weights[out * stride + y - first[out]], width);
                }
                for (; done < open && first[done] + taps[done] - 1 == y; done++) {
                    held = finish(dst, dstOffset, outH, done, rows[done % kept], held, middle, outW);
                }
            }
            return;
        }
        // Every output row is the sum of the few input rows that it needs.
        int next = first[0];
        for (int y = 0; y < outH; y++) {
            for (; next < first[y] + taps[y]; next++) {
                System.arraycopy(row(src, srcOffset, next, end, w, middle), 0, rows[next % kept], 0, width);
            }
            Arrays.fill(sums, 0, width, HALF);
            for (int t = 0; t < taps[y]; t++) {
                addScaled(sums, rows[(first[y] + t) % kept], weights[y * stride + t], width);
            }
            held = finish(dst, dstOffset, outH, y, sums, held, middle, outW);
        }
    }

    /** Arrays of at least that number and length; those that are there are used again. */
    private static int[][] fit(int[][] arrays, int count, int length) {
        if (arrays.length >= count && arrays[0].length >= length) {
            return arrays;
        }
        return new int[Math.max(count, arrays.length)][Math.max(length, arrays.length > 0 ? arrays[0].length : 0)];
    }

    /** Pillow 13 goes down the columns first when the height shrinks by more than twice what the width does. */
    private static boolean columnsFirst(int h, int w, int outH, int outW) {
        return h > outH && h - outH > (w - outW) * 2L;
    }

    /**
     * Row y of {@code src} as ints 0..255, resized from w to outW pixels. Rows are asked for in ascending order without
     * gaps, below {@code end}; a block of them is resized at a time.
     */
    private int[] row(ByteBuffer src, int srcOffset, int y, int end, int w, int outW) {
        if (blockCount == 0 || y >= blockFrom + blockCount) {
            blockFrom = y;
            blockCount = Math.min(BLOCK, end - y);
            src.get(srcOffset + y * w * CHANNELS, lines, 0, blockCount * w * CHANNELS);
            if (w == outW) {
                for (int r = 0; r < blockCount; r++) {
                    widen(lines, r * w * CHANNELS, block[r], w * CHANNELS);
                }
            } else {
                across(lines, blockCount, w, block, outW);
            }
        }
        return block[y - blockFrom];
    }

    /**
     * Rounds the sums of output row y, of w pixels, and writes it when it has outW pixels; else holds it back until
     * BLOCK rows can be resized together. Returns the number of rows held.
     */
    private int finish(ByteBuffer dst, int dstOffset, int outH, int y, int[] sums, int held, int w, int outW) {
        int outRow = outW * CHANNELS;
        clip(sums, w * CHANNELS);
        if (w == outW) {
            store(dst, dstOffset + y * outRow, sums, outRow);
            return 0;
        }
        narrow(sums, heldLines, held * w * CHANNELS, w * CHANNELS);
        if (held + 1 < BLOCK && y + 1 < outH) {
            return held + 1;
        }
        across(heldLines, held + 1, w, finished, outW);
        for (int r = 0; r <= held; r++) {
            store(dst, dstOffset + (y - held + r) * outRow, finished[r], outRow);
        }
        return 0;
    }

    private void store(ByteBuffer dst, int dstAt, int[] in, int length) {
        narrow(in, line, 0, length);
        dst.put(dstAt, line, 0, length);
    }

    /**
     * Resizes {@code count} rows from w to outW pixels. The rows are turned first, so that the innermost loop runs down
     * a column: one weight for many values, which the compiler makes vectors of. It does so only if every array is read
     * from the same index, hence an array per column.
     */
    private void across(byte[] in, int count, int w, int[][] out, int outW) {
        int height = (count + 7) / 8 * 8;
        int values = height * CHANNELS;
        turned = fit(turned, w, BLOCK * CHANNELS);
        turn(in, height, w);
        int[] first = across.first();
        int[] taps = across.taps();
        int[] weights = across.fixedWeights();
        int stride = across.stride();
        for (int x = 0; x < outW; x++) {
            Arrays.fill(columnSums, 0, values, HALF);
            int from = first[x];
            int at = x * stride;
            int end = at + taps[x];
            for (; at + 3 < end; at += 4, from += 4) {
                addScaled(columnSums, turned[from], turned[from + 1], turned[from + 2], turned[from + 3],
                        weights[at], weights[at + 1], weights[at + 2], weights[at + 3], values);
            }
            for (; at < end; at++, from++) {
                addScaled(columnSums, turned[from], weights[at], values);
            }
            clip(columnSums, values);
            for (int r = 0, to = x * CHANNELS; r < count; r++) {
                int[] row = out[r];
                row[to] = columnSums[r];
                row[to + 1] = columnSums[height + r];
                row[to + 2] = columnSums[2 * height + r];
            }
        }
    }

    /** Turns {@code height} rows, a multiple of 8; those past the last one asked for hold what was there before. */
    private void turn(byte[] in, int height, int w) {
        int row = w * CHANNELS;
        for (int r = 0; r < height; r += 8) {
            int from = r * row;
            for (int x = 0; x < w; x++) {
                int[] column = turned[x];
                for (int c = 0; c < CHANNELS; c++, from++) {
                    int to = c * height + r;
                    column[to] = in[from] & 0xff;
                    column[to + 1] = in[from + row] & 0xff;
                    column[to + 2] = in[from + 2 * row] & 0xff;
                    column[to + 3] = in[from + 3 * row] & 0xff;
                    column[to + 4] = in[from + 4 * row] & 0xff;
                    column[to + 5] = in[from + 5 * row] & 0xff;
                    column[to + 6] = in[from + 6 * row] & 0xff;
                    column[to + 7] = in[from + 7 * row] & 0xff;
                }
            }
        }
    }

    private static void addScaled(int[] sums, int[] row, int weight, int length) {
        for (int i = 0; i < length; i++) {
            sums[i] += row[i] * weight;
        }
    }

    private static void addScaled(int[] sums, int[] a, int[] b, int[] c, int[] d,
            int weightA, int weightB, int weightC, int weightD, int length) {
        for (int i = 0; i < length; i++) {
            sums[i] += a[i] * weightA + b[i] * weightB + c[i] * weightC + d[i] * weightD;
        }
    }

    private static void clip(int[] sums, int length) {
        for (int i = 0; i < length; i++) {
            sums[i] = Math.max(0, Math.min(255, sums[i] >> Resampling.PRECISION_BITS));
        }
    }

    private static void widen(byte[] in, int inAt, int[] out, int length) {
        for (int i = 0; i < length; i++) {
            out[i] = in[inAt + i] & 0xff;
        }
    }

    private static void narrow(int[] in, byte[] out, int outAt, int length) {
        for (int i = 0; i < length; i++) {
            out[outAt + i] = (byte) in[i];
        }
    }

    private void nearest(ByteBuffer src, int srcOffset, int h, int w,
            ByteBuffer dst, int dstOffset, int outH, int outW) {
        int inRow = w * CHANNELS;
        int outRow = outW * CHANNELS;
        prepareColumns(w, outW);
        if (line.length < inRow + outRow) {
            line = new byte[inRow + outRow];
        }
        double step = (double) h / outH;
        double at = 0.5 * step;
        int last = -1;
        for (int y = 0; y < outH; y++, at += step) {
            int from = (int) at;
            if (from != last) {
                src.get(srcOffset + from * inRow, line, 0, inRow);
                for (int x = 0, to = inRow; x < outW; x++, to += CHANNELS) {
                    int column = columns[x] * CHANNELS;
                    line[to] = line[column];
                    line[to + 1] = line[column + 1];
                    line[to + 2] = line[column + 2];
                }
                last = from;
            }
            dst.put(dstOffset + y * outRow, line, inRow, outRow);
        }
    }

    private void prepareColumns(int w, int outW) {
        if (w == columnsIn && outW == columnsOut) {
            return;
        }
        if (columns.length < outW) {
            columns = new int[outW];
        }
        double step = (double) w / outW;
        double at = 0.5 * step;
        for (int x = 0; x < outW; x++, at += step) {
            columns[x] = (int) at;
        }
        columnsIn = w;
        columnsOut = outW;
    }

    /**
     * Resizes one image of three floating channels; copies when the sizes are equal.
     *
     * @param src (h, w, 3) for NHWC, (3, h, w) for NCHW, from value {@code srcOffset}; direct or heap; absolute access
     * @param dst (outH, outW, 3) or (3, outH, outW) from value {@code dstOffset}; must not overlap {@code src}
     * @throws IllegalArgumentException if a size is below 1 or a buffer is too short
     */
    public void resizeFloat(FloatBuffer src, int srcOffset, int h, int w,
            FloatBuffer dst, int dstOffset, int outH, int outW, Layout layout) {
        check("src", src.limit(), srcOffset, h, w, CHANNELS);
        check("dst", dst.limit(), dstOffset, outH, outW, CHANNELS);
        if (h == outH && w == outW) {
            dst.put(dstOffset, src, srcOffset, h * w * CHANNELS);
            return;
        }
        switch (layout) {
            case NHWC -> plane(src, srcOffset, h, w, dst, dstOffset, outH, outW, CHANNELS);
            case NCHW -> {
                for (int c = 0; c < CHANNELS; c++) {
                    plane(src, srcOffset + c * h * w, h, w, dst, dstOffset + c * outH * outW, outH, outW, 1);
                }
            }
        }
    }

    private void plane(FloatBuffer src, int srcOffset, int h, int w,
            FloatBuffer dst, int dstOffset, int outH, int outW, int channels) {
        int inRow = w * channels;
        int outRow = outW * channels;
        if (floatLine.length < inRow + outRow) {
            floatLine = new float[inRow + outRow];
        }
        if (filter == ResizeFilter.NEAREST) {
            nearestPlane(src, srcOffset, h, w, dst, dstOffset, outH, outW, channels);
            return;
        }
        boolean rowsFirst = !columnsFirst(h, w, outH, outW);
        int width = rowsFirst ? outRow : inRow;
        if (floatRow.length < Math.max(inRow, outRow)) {
            floatRow = new double[Math.max(inRow, outRow)];
            floatOut = new double[Math.max(inRow, outRow)];
        }
        if (w != outW) {
            across.prepare(w, outW);
        }
        if (h == outH) {
            for (int y = 0; y < h; y++) {
                load(src, srcOffset + y * inRow, floatRow, w, outW, channels);
                store(dst, dstOffset + y * outRow, floatRow, outRow);
            }
            return;
        }
        down.prepare(h, outH);
        int[] first = down.first();
        int[] taps = down.taps();
        double[] weights = down.weights();
        int stride = down.stride();
        int kept = outH < h ? down.overlap() : stride;
        if (floatRows.length < kept || floatRows[0].length < width) {
            floatRows = new double[Math.max(kept, floatRows.length)][
                    Math.max(width, floatRows.length > 0 ? floatRows[0].length : 0)];
        }
        int widthAfter = rowsFirst ? outW : w;
        if (outH < h) {
            int open = 0;
            int done = 0;
            for (int y = first[0]; done < outH; y++) {
                load(src, srcOffset + y * inRow, floatRow, w, widthAfter, channels);
                for (; open < outH && first[open] <= y; open++) {
                    Arrays.fill(floatRows[open % kept], 0, width, 0);
                }
                for (int out = done; out < open; out++) {
                    addScaled(floatRows[out % kept], floatRow, weights[out * stride + y - first[out]], width);
                }
                for (; done < open && first[done] + taps[done] - 1 == y; done++) {
                    finish(dst, dstOffset + done * outRow, floatRows[done % kept], widthAfter, outW, channels);
                }
            }
            return;
        }
        int next = first[0];
        for (int y = 0; y < outH; y++) {
            for (int end = first[y] + taps[y]; next < end; next++) {
                load(src, srcOffset + next * inRow, floatRows[next % kept], w, widthAfter, channels);
            }
            Arrays.fill(floatRow, 0, width, 0);
            for (int t = 0; t < taps[y]; t++) {
                addScaled(floatRow, floatRows[(first[y] + t) % kept], weights[y * stride + t], width);
            }
            finish(dst, dstOffset + y * outRow, floatRow, widthAfter, outW, channels);
        }
    }

    private void load(FloatBuffer src, int srcAt, double[] out, int w, int outW, int channels) {
        src.get(srcAt, floatLine, 0, w * channels);
        if (w == outW) {
            for (int i = 0; i < w * channels; i++) {
                out[i] = floatLine[i];
            }
        } else if (channels == CHANNELS) {
            across(floatLine, out, outW);
        } else {
            acrossPlane(floatLine, out, outW);
        }
    }

    /** Rounds a row of w pixels to float and writes it, resized to outW pixels. */
    private void finish(FloatBuffer dst, int dstAt, double[] sums, int w, int outW, int channels) {
        narrow(sums, floatLine, w * channels);
        if (w == outW) {
            dst.put(dstAt, floatLine, 0, outW * channels);
        } else {
            if (channels == CHANNELS) {
                across(floatLine, floatOut, outW);
            } else {
                acrossPlane(floatLine, floatOut, outW);
            }
            store(dst, dstAt, floatOut, outW * channels);
        }
    }

    private void store(FloatBuffer dst, int dstAt, double[] in, int length) {
        narrow(in, floatLine, length);
        dst.put(dstAt, floatLine, 0, length);
    }

    /** Pixels of three values. Every sum is rounded to float, as Pillow's intermediate image is. */
    private void across(float[] in, double[] out, int outW) {
        int[] first = across.first();
        int[] taps = across.taps();
        double[] weights = across.weights();
        int stride = across.stride();
        for (int x = 0, to = 0; x < outW; x++, to += CHANNELS) {
            double red = 0;
            double green = 0;
            double blue = 0;
            int from = first[x] * CHANNELS;
            int at = x * stride;
            for (int end = at + taps[x]; at < end; at++, from += CHANNELS) {
                double weight = weights[at];
                red += in[from] * weight;
                green += in[from + 1] * weight;
                blue += in[from + 2] * weight;
            }
            out[to] = (float) red;
            out[to + 1] = (float) green;
            out[to + 2] = (float) blue;
        }
    }

    /** Pixels of one value. */
    private void acrossPlane(float[] in, double[] out, int outW) {
        int[] first = across.first();
        int[] taps = across.taps();
        double[] weights = across.weights();
        int stride = across.stride();
        for (int x = 0; x < outW; x++) {
            double sum = 0;
            int from = first[x];
            int at = x * stride;
            for (int end = at + taps[x]; at < end; at++, from++) {
                sum += in[from] * weights[at];
            }
            out[x] = (float) sum;
        }
    }

    private static void addScaled(double[] sums, double[] row, double weight, int length) {
        for (int i = 0; i < length; i++) {
            sums[i] += row[i] * weight;
        }
    }

    private static void narrow(double[] in, float[] out, int length) {
        for (int i = 0; i < length; i++) {
            out[i] = (float) in[i];
        }
    }

    private void nearestPlane(FloatBuffer src, int srcOffset, int h, int w,
            FloatBuffer dst, int dstOffset, int outH, int outW, int channels) {
        int inRow = w * channels;
        int outRow = outW * channels;
        prepareColumns(w, outW);
        double step = (double) h / outH;
        double at = 0.5 * step;
        int last = -1;
        for (int y = 0; y < outH; y++, at += step) {
            int from = (int) at;
            if (from != last) {
                src.get(srcOffset + from * inRow, floatLine, 0, inRow);
                for (int x = 0, to = inRow; x < outW; x++) {
                    for (int c = 0; c < channels; c++, to++) {
                        floatLine[to] = floatLine[columns[x] * channels + c];
                    }
                }
                last = from;
            }
            dst.put(dstOffset + y * outRow, floatLine, inRow, outRow);
        }
    }

    /**
     * Resizes a segmentation mask by NEAREST, whatever the image's filter; copies when the sizes are equal.
     *
     * @param src (h, w) elements from byte 0; direct or heap; absolute access
     * @param elementBytes bytes of one element: 1, 2 or 4; an element's bytes are copied as they are
     * @param dst (outH, outW) elements from byte 0; must not overlap {@code src}
     * @throws IllegalArgumentException if a size is not allowed or a buffer is too short
     */
    public static void resizeMask(ByteBuffer src, int h, int w, int elementBytes, ByteBuffer dst, int outH, int outW) {
        if (elementBytes != 1 && elementBytes != 2 && elementBytes != 4) {
            throw new IllegalArgumentException("elementBytes is " + elementBytes + "; allowed: 1, 2 or 4");
        }
        check("src", src.limit(), 0, h, w, elementBytes);
        check("dst", dst.limit(), 0, outH, outW, elementBytes);
        if (h == outH && w == outW) {
            dst.put(0, src, 0, h * w * elementBytes);
            return;
        }
        boolean swap = src.order() != dst.order();
        double stepY = (double) h / outH;
        double stepX = (double) w / outW;
        double atY = 0.5 * stepY;
        int to = 0;
        for (int y = 0; y < outH; y++, atY += stepY) {
            int row = (int) atY * w;
            double atX = 0.5 * stepX;
            for (int x = 0; x < outW; x++, atX += stepX, to += elementBytes) {
                int from = (row + (int) atX) * elementBytes;
                switch (elementBytes) {
                    case 1 -> dst.put(to, src.get(from));
                    case 2 -> {
                        short value = src.getShort(from);
                        dst.putShort(to, swap ? Short.reverseBytes(value) : value);
                    }
                    default -> {
                        int value = src.getInt(from);
                        dst.putInt(to, swap ? Integer.reverseBytes(value) : value);
                    }
                }
            }
        }
    }

    private static void check(String name, int limit, int offset, int h, int w, int perPixel) {
        if (h < 1 || w < 1) {
            throw new IllegalArgumentException(name + " is " + h + " by " + w + "; allowed: at least 1 by 1");
        }
        if (offset < 0) {
            throw new IllegalArgumentException(name + "Offset is " + offset + "; allowed: 0 or more");
        }
        long area = (long) h * w;
        if (area > Integer.MAX_VALUE || area * perPixel > (long) limit - offset) {
            throw new IllegalArgumentException(name + " holds " + Math.max(0L, (long) limit - offset)
                    + " values from offset " + offset + "; needed: " + h + "·" + w + "·" + perPixel);
        }
    }
}
