package io.attentivecutmix.method;

import io.attentivecutmix.image.Resizer;
import java.nio.ByteBuffer;

/** Which pixels of a mixed image came from image i, as a picture. */
public final class SourceMask {
    private SourceMask() {}

    /**
     * Writes the mask of image i. Under RESIZED geometry the way back from S×S pixels blends neighbours; there the mask
     * is made on S×S pixels and resized by nearest, as a segmentation mask is.
     *
     * @param options of the mix
     * @param plan with its cells or boxes filled
     * @param i the image
     * @param height H of the mixed image
     * @param width W of the mixed image
     * @param out H·W bytes from index 0, whatever its position: 1 where from image i, else 0. All 1 if it was not mixed
     */
    public static void fill(MixOptions options, MixPlan plan, int i, int height, int width, ByteBuffer out) {
        long pixels = (long) height * width;
        if (out.limit() < pixels) {
            throw new IllegalArgumentException("out has room for " + out.limit() + " bytes; needed: " + pixels
                    + " (H·W)");
        }
        if (options.geometry() == Geometry.RESIZED) {
            int side = options.inputSide();
            ByteBuffer canvas = ByteBuffer.allocate(side * side);
            onCanvas(options, plan, i, side, side, canvas);
            Resizer.resizeMask(canvas, side, side, 1, out, height, width);
        } else {
            onCanvas(options, plan, i, height, width, out);
        }
    }

    private static void onCanvas(MixOptions options, MixPlan plan, int i, int height, int width, ByteBuffer out) {
        for (int y = 0; y < height; y++) {
            int row = CellGrid.cellOf(y, height, plan.grid) * plan.grid;
            for (int x = 0; x < width; x++) {
                boolean source = !plan.mixed[i] || (options.mode() == Mode.CUTMIX ? inBox(plan.box, 4 * i, y, x)
                        : plan.selected(i, row + CellGrid.cellOf(x, width, plan.grid)));
                out.put(y * width + x, (byte) (source ? 1 : 0));
            }
        }
    }

    private static boolean inBox(int[] box, int at, int y, int x) {
        return x >= box[at] && y >= box[at + 1] && x < box[at + 2] && y < box[at + 3];
    }
}
