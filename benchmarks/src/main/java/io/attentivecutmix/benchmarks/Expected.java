package io.attentivecutmix.benchmarks;

import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Images;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.Normalisation;
import java.nio.ByteBuffer;

/** The answer to a mix, written down as plainly as it can be. */
final class Expected {
    private Expected() {}

    /** Compares a mixed uint8 image, its partner being as large as it. */
    static void mixed(Images images, int partner, int source, int grid, int[] cells, int k, ByteBuffer pixels,
            float weight) {
        Samples.require(cells.length == k, "number of cells");
        int height = images.height(source);
        int width = images.width(source);
        boolean[] hot = new boolean[grid * grid];
        for (int cell : cells) {
            hot[cell] = true;
        }
        ByteBuffer from = images.pixels(source);
        ByteBuffer onto = images.pixels(partner);
        long taken = 0;
        for (int y = 0; y < height; y++) {
            int row = cellOf(y, height, grid);
            for (int x = 0; x < width; x++) {
                boolean inside = hot[row * grid + cellOf(x, width, grid)];
                taken += inside ? 1 : 0;
                for (int at = 3 * (y * width + x), c = 0; c < 3; c++) {
                    if (pixels.get(at + c) != (inside ? from : onto).get(at + c)) {
                        throw Samples.wrong("pixel " + y + ", " + x + " of image " + source);
                    }
                }
            }
        }
        Samples.require(partner == source || weight == (float) ((double) taken / ((long) height * width)),
                "source weight");
    }

    /** Compares mixed image i in any form of output with values normalised as ImageNet's. */
    static void mixedAs(Images images, MixPlan plan, int i, ByteBuffer mixed, ElementType type, Layout layout) {
        int height = images.height(i);
        int width = images.width(i);
        ByteBuffer own = images.pixels(i);
        ByteBuffer partner = images.pixels(plan.partner[i]);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                int cell = cellOf(y, height, plan.grid) * plan.grid + cellOf(x, width, plan.grid);
                ByteBuffer from = plan.selected(i, cell) ? own : partner;
                for (int c = 0; c < 3; c++) {
                    byte value = from.get(3 * (y * width + x) + c);
                    int at = layout == Layout.NHWC ? 3 * (y * width + x) + c : (c * height + y) * width + x;
                    float normalised = ((value & 0xff) / 255f - Normalisation.IMAGENET.mean().get(c))
                            / Normalisation.IMAGENET.std().get(c);
                    // Half has 11 significant bits, bfloat16 has 8
                    boolean right = switch (type) {
                        case UINT8 -> mixed.get(at) == value;
                        case FLOAT32 -> mixed.getFloat(4 * at) == normalised;
                        case FLOAT16 -> near(half(mixed.getShort(2 * at)), normalised, 0x1p-11f);
                        case BFLOAT16 -> near(Float.intBitsToFloat(mixed.getShort(2 * at) << 16), normalised, 0x1p-8f);
                    };
                    if (!right) {
                        throw Samples.wrong("value " + at + " of image " + i);
                    }
                }
            }
        }
    }

    private static boolean near(float value, float expected, float relative) {
        return Math.abs(value - expected) <= relative * Math.abs(expected);
    }

    /** A normal IEEE half, or zero; normalised pixels are not subnormal but at 0. */
    private static float half(short bits) {
        int magnitude = bits & 0x7fff;
        float value = magnitude == 0 ? 0 : Float.intBitsToFloat((magnitude << 13) + (112 << 23));
        return bits < 0 ? -value : value;
    }

    /** Cell g spans the pixels from floor(g·size/grid) to floor((g+1)·size/grid). */
    static int cellOf(int pixel, int size, int grid) {
        int g = (int) ((long) pixel * grid / size);
        return (int) ((long) (g + 1) * size / grid) <= pixel ? g + 1 : g;
    }
}
