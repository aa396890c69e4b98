package io.attentivecutmix.cpu;

import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.HalfFloats;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.image.Resizer;
import io.attentivecutmix.method.Geometry;
import io.attentivecutmix.method.HostImages;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.Mode;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;

/** The mix as its description reads: whole images as float arrays (H, W, 3), one pixel at a time. */
final class NaiveMix {
    private final MixOptions options;
    private final HostImages in;
    private final MixPlan plan;

    NaiveMix(MixOptions options, HostImages in, MixPlan plan) {
        this.options = options;
        this.in = in;
        this.plan = plan;
    }

    /** An image or mask; values are exact for uint8, all floating types, and mask elements below 2^24 in magnitude. */
    private record Grid(int height, int width, int channels, double[] values) {
        Grid(int height, int width, int channels) {
            this(height, width, channels, new double[height * width * channels]);
        }

        double at(int y, int x, int c) {
            return values[(y * width + x) * channels + c];
        }
    }

    private Grid pixels(int i) {
        Grid grid = new Grid(in.height(i), in.width(i), 3);
        for (int y = 0, at = 0; y < grid.height; y++) {
            for (int x = 0; x < grid.width; x++) {
                for (int c = 0; c < 3; c++) {
                    grid.values[at++] = in.value(i, y, x, c);
                }
            }
        }
        return grid;
    }

    private Grid mask(int i) {
        Grid grid = new Grid(in.height(i), in.width(i), 1);
        for (int y = 0, at = 0; y < grid.height; y++) {
            for (int x = 0; x < grid.width; x++) {
                grid.values[at++] = in.maskBits(i, y, x);
            }
        }
        return grid;
    }

    private Grid resize(Grid grid, int height, int width) {
        if (grid.height == height && grid.width == width) {
            return grid;
        }
        Grid result = new Grid(height, width, grid.channels);
        int size = height * width * grid.channels;
        if (grid.channels == 1) {
            ByteBuffer from = ByteBuffer.allocate(4 * grid.values.length);
            ByteBuffer to = ByteBuffer.allocate(4 * size);
            for (int at = 0; at < grid.values.length; at++) {
                from.putInt(4 * at, (int) grid.values[at]);
            }
            Resizer.resizeMask(from, grid.height, grid.width, 4, to, height, width);
            for (int at = 0; at < size; at++) {
                result.values[at] = to.getInt(4 * at);
            }
        } else if (in.elementType() == ElementType.UINT8) {
            ByteBuffer from = ByteBuffer.allocate(grid.values.length);
            ByteBuffer to = ByteBuffer.allocate(size);
            for (int at = 0; at < grid.values.length; at++) {
                from.put(at, (byte) grid.values[at]);
            }
            new Resizer(options.resizeFilter()).resize(from, 0, grid.height, grid.width, to, 0, height, width);
            for (int at = 0; at < size; at++) {
                result.values[at] = to.get(at) & 0xff;
            }
        } else {
            FloatBuffer from = FloatBuffer.allocate(grid.values.length);
            FloatBuffer to = FloatBuffer.allocate(size);
            for (int at = 0; at < grid.values.length; at++) {
                from.put(at, (float) grid.values[at]);
            }
            new Resizer(options.resizeFilter())
                    .resizeFloat(from, 0, grid.height, grid.width, to, 0, height, width, Layout.NHWC);
            for (int at = 0; at < size; at++) {
                result.values[at] = to.get(at);
            }
        }
        return result;
    }

    /** The cell by its definition: the one j with floor(j·size/G) <= p < floor((j + 1)·size/G). */
    private static int cell(int p, int size, int grid) {
        int found = -1;
        for (int j = 0; j < grid; j++) {
            if (Math.floorDiv((long) j * size, (long) grid) <= p && p < Math.floorDiv((j + 1L) * size, (long) grid)) {
                if (found >= 0) {
                    throw new AssertionError("pixel " + p + " is in cells " + found + " and " + j);
                }
                found = j;
            }
        }
        return found;
    }

    private boolean fromSource(int i, int y, int x, int height, int width) {
        if (options.mode() == Mode.CUTMIX) {
            int at = 4 * i;
            return plan.box[at] <= x && x < plan.box[at + 2] && plan.box[at + 1] <= y && y < plan.box[at + 3];
        }
        return plan.selected(i, cell(y, height, plan.grid) * plan.grid + cell(x, width, plan.grid));
    }

    private long taken;

    private Grid mix(int i, Grid own, Grid partner) {
        if (!plan.mixed[i]) {
            return own;
        }
        boolean resized = options.geometry() == Geometry.RESIZED;
        int height = resized ? options.inputSide() : partner.height;
        int width = resized ? options.inputSide() : partner.width;
        Grid source = resize(own, height, width);
        Grid background = resize(partner, height, width);
        Grid mixed = new Grid(height, width, own.channels);
        taken = 0;
        for (int y = 0, at = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                boolean from = fromSource(i, y, x, height, width);
                taken += from ? 1 : 0;
                for (int c = 0; c < own.channels; c++) {
                    mixed.values[at++] = (from ? source : background).at(y, x, c);
                }
            }
        }
        return resized ? resize(mixed, own.height, own.width) : mixed;
    }

    /**
     * Fails unless image i of {@code out}, and its mask, hold exactly what they must. @return pixels taken from image i
     */
    long check(int i, HostImages out, String message) {
        Grid expected = mix(i, pixels(i), pixels(plan.partner[i]));
        if (out.height(i) != expected.height || out.width(i) != expected.width) {
            throw new AssertionError("image " + i + " is " + out.height(i) + " by " + out.width(i) + "; " + message);
        }
        for (int y = 0; y < expected.height; y++) {
            for (int x = 0; x < expected.width; x++) {
                for (int c = 0; c < 3; c++) {
                    int bits = written(expected.at(y, x, c), c, out.elementType());
                    if (bits != out.bits(i, y, x, c)) {
                        throw new AssertionError("image " + i + ", row " + y + ", column " + x + ", channel " + c
                                + " is " + Integer.toHexString(out.bits(i, y, x, c)) + ", expected "
                                + Integer.toHexString(bits)
                                + "; " + message);
                    }
                }
            }
        }
        if (in.maskBytes() != 0) {
            Grid mask = mix(i, mask(i), mask(plan.partner[i]));
            for (int y = 0; y < mask.height; y++) {
                for (int x = 0; x < mask.width; x++) {
                    if ((int) mask.at(y, x, 0) != out.maskBits(i, y, x)) {
                        throw new AssertionError("mask " + i + ", row " + y + ", column " + x + "; " + message);
                    }
                }
            }
        }
        return taken;
    }

    private int written(double value, int c, ElementType type) {
        float number = (float) value;
        if (type == ElementType.UINT8) {
            return (int) value;
        }
        if (in.elementType() == ElementType.UINT8) {
            number = (number / 255f - options.normalisation().mean().get(c)) / options.normalisation().std().get(c);
        }
        return switch (type) {
            case FLOAT16 -> HalfFloats.toFloat16(number) & 0xffff;
            case BFLOAT16 -> HalfFloats.toBfloat16(number) & 0xffff;
            default -> Float.floatToRawIntBits(number);
        };
    }
}
