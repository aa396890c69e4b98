package io.attentivecutmix.cpu;

import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Images;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.image.Resizer;
import io.attentivecutmix.method.CellGrid;
import io.attentivecutmix.method.Geometry;
import io.attentivecutmix.method.MixGeometry;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.Mode;
import io.attentivecutmix.method.Normalisation;

/**
 * Stage 5 in plain Java: writes one mixed image, and its mask, in the form asked for.
 *
 * <p>The mask is uniform over a cell, so neighbouring cells and rows are merged into runs that are copied or converted
 * as a whole; every output value is written once. Values of a UINT8 batch become {@code (v/255 − mean)/std} in float,
 * then the nearest half (ties to even) where asked; values of a floating batch are converted only. A floating image
 * that is resized is float until it is written. Out of place only: nothing that was written is read.
 *
 * <p>Not thread-safe: one per worker thread. Steady state allocates no arrays and no native memory.
 */
public final class PixelMixer {
    private final MixOptions options;
    private final Resizer resizer;
    private final PixelTransfer transfer;
    private final Picture image = new Picture();
    private final Picture partner = new Picture();
    private final Picture fittedImage = new Picture();
    private final Picture fittedPartner = new Picture();
    private final Picture canvas = new Picture();
    private final Picture result = new Picture();
    private final int[] lefts;
    private final int[] runEnds;
    private final boolean[] runSource;

    /** A mixer of one set of options. */
    public PixelMixer(MixOptions options) {
        this.options = options;
        resizer = new Resizer(options.resizeFilter());
        transfer = new PixelTransfer(options.normalisation());
        lefts = new int[options.grid() + 1];
        runEnds = new int[options.grid()];
        runSource = new boolean[options.grid()];
    }

    /**
     * Writes image i of {@code out}: its pixels, and its mask when the batch has masks.
     *
     * @param in N images
     * @param plan partner, mixed, and cells (or box, in {@link Mode#CUTMIX}) of image i
     * @param out N images of the sizes {@link MixGeometry} gives; image i is written; shares no memory with {@code in}
     * @throws IllegalArgumentException if the plan has another grid, out has another size, or cannot hold the batch's
     *     type
     */
    public void mix(Images in, MixPlan plan, int i, Images out) {
        check(in, plan, i, out);
        int b = plan.partner[i];
        image.pixels(in, i);
        partner.pixels(in, b);
        result.pixels(out, i);
        if (!plan.mixed[i]) {
            copy(image, result);
        } else if (options.geometry() == Geometry.NATIVE) {
            compose(fit(image, fittedImage, partner.height, partner.width), partner, plan, i, result);
        } else {
            mixResized(plan, i);
        }
        if (in.maskBytes() != 0) {
            image.mask(in, i);
            partner.mask(in, b);
            result.mask(out, i);
            if (!plan.mixed[i]) {
                copy(image, result);
            } else if (options.geometry() == Geometry.NATIVE) {
                compose(fitMask(image, fittedImage, partner.height, partner.width), partner, plan, i, result);
            } else {
                mixResizedMask(plan, i);
            }
        }
    }

    private void mixResized(MixPlan plan, int i) {
        int side = options.inputSide();
        Picture source = fit(image, fittedImage, side, side);
        Picture background = fit(partner, fittedPartner, side, side);
        if (result.height == side && result.width == side) {
            compose(source, background, plan, i, result);
            return;
        }
        canvas.own(workType(image), workLayout(image), side, side);
        compose(source, background, plan, i, canvas);
        if (canvas.sameForm(result)) {
            resize(canvas, result);
        } else {
            copy(fit(canvas, fittedImage, result.height, result.width), result);
        }
    }

    private void mixResizedMask(MixPlan plan, int i) {
        int side = options.inputSide();
        Picture source = fitMask(image, fittedImage, side, side);
        Picture background = fitMask(partner, fittedPartner, side, side);
        canvas.ownMask(image.unit, side, side);
        compose(source, background, plan, i, canvas);
        Resizer.resizeMask(canvas.bytes, side, side, canvas.unit, result.bytes, result.height, result.width);
    }

    /**
     * The picture itself if it has the size, else one resized into {@code room}: UINT8 NHWC, or FLOAT32 in its layout.
     */
    private Picture fit(Picture picture, Picture room, int height, int width) {
        if (picture.height == height && picture.width == width) {
            return picture;
        }
        Picture working = picture;
        if (picture.type != workType(picture) || picture.layout != workLayout(picture)) {
            working = canvas;
            working.own(workType(picture), workLayout(picture), picture.height, picture.width);
            copy(picture, working);
        }
        room.own(working.type, working.layout, height, width);
        resize(working, room);
        return room;
    }

    private static Picture fitMask(Picture mask, Picture room, int height, int width) {
        if (mask.height == height && mask.width == width) {
            return mask;
        }
        room.ownMask(mask.unit, height, width);
        Resizer.resizeMask(mask.bytes, mask.height, mask.width, mask.unit, room.bytes, height, width);
        return room;
    }

    private void resize(Picture from, Picture to) {
        if (from.type == ElementType.UINT8) {
            resizer.resize(from.bytes, 0, from.height, from.width, to.bytes, 0, to.height, to.width);
        } else {
            resizer.resizeFloat(from.floats(), 0, from.height, from.width, to.floats(), 0, to.height, to.width,
                    from.layout);
        }
    }

    private static ElementType workType(Picture picture) {
        return picture.type == ElementType.UINT8 ? ElementType.UINT8 : ElementType.FLOAT32;
    }

    private static Layout workLayout(Picture picture) {
        return picture.type == ElementType.UINT8 ? Layout.NHWC : picture.layout;
    }

    private void copy(Picture from, Picture to) {
        transfer.into(to);
        transfer.move(from, 0, from.count());
        transfer.finish();
    }

    /** Source inside the cells or the box, background elsewhere; all three of one size. */
    private void compose(Picture source, Picture background, MixPlan plan, int i, Picture to) {
        transfer.into(to);
        if (options.mode() == Mode.CUTMIX) {
            composeBox(source, background, plan.box, 4 * i);
        } else {
            composeCells(source, background, plan, i);
        }
        transfer.finish();
    }

    private void composeBox(Picture source, Picture background, int[] box, int at) {
        int width = source.width;
        int left = box[at];
        int length = box[at + 2] - left;
        int done = 0;
        if (length > 0) {
            for (int y = box[at + 1]; y < box[at + 3]; y++) {
                int start = y * width + left;
                move(background, done, start);
                move(source, start, start + length);
                done = start + length;
            }
        }
        move(background, done, source.count());
    }

    private void composeCells(Picture source, Picture background, MixPlan plan, int i) {
        int grid = plan.grid;
        int height = source.height;
        int width = source.width;
        for (int c = 0; c <= grid; c++) {
            lefts[c] = CellGrid.boundary(c, width, grid);
        }
        // The open run, from pixel `start` to pixel `done`: it goes on past the ends of rows and of grid rows.
        boolean fromSource = false;
        int start = 0;
        int done = 0;
        for (int r = 0; r < grid; r++) {
            int runs = runs(plan, i, r);
            int bottom = CellGrid.boundary(r + 1, height, grid);
            if (runs == 1) {
                if (runSource[0] != fromSource) {
                    move(fromSource ? source : background, start, done);
                    start = done;
                    fromSource = runSource[0];
                }
                done = bottom * width;
                continue;
            }
            for (int y = CellGrid.boundary(r, height, grid); y < bottom; y++) {
                for (int run = 0; run < runs; run++) {
                    if (runSource[run] != fromSource) {
                        move(fromSource ? source : background, start, done);
                        start = done;
                        fromSource = runSource[run];
                    }
                    done = y * width + runEnds[run];
                }
            }
        }
        move(fromSource ? source : background, start, done);
    }

    /** Merges the cells of grid row r into runs of equal choice: their end columns, and which are the source's. */
    private int runs(MixPlan plan, int i, int r) {
        int grid = plan.grid;
        int runs = 0;
        for (int c = 0; c < grid; c++) {
            boolean selected = plan.selected(i, r * grid + c);
            if (runs == 0 || runSource[runs - 1] != selected) {
                runSource[runs++] = selected;
            }
            runEnds[runs - 1] = lefts[c + 1];
        }
        return runs;
    }

    private void move(Picture from, int start, int end) {
        if (end > start) {
            transfer.move(from, start, end - start);
        }
    }

    private void check(Images in, MixPlan plan, int i, Images out) {
        if (plan.grid != options.grid()) {
            throw new IllegalArgumentException("plan has grid " + plan.grid + "; allowed: " + options.grid()
                    + " (G at inputSide " + options.inputSide() + ")");
        }
        int height = MixGeometry.outHeight(options, plan, i, in);
        int width = MixGeometry.outWidth(options, plan, i, in);
        if (out.height(i) != height || out.width(i) != width) {
            throw new IllegalArgumentException("output " + i + " is " + out.height(i) + " by " + out.width(i)
                    + "; allowed: " + height + " by " + width + ", the size of the mixed image");
        }
        boolean uint8 = in.elementType() == ElementType.UINT8;
        if (!uint8 && out.elementType() == ElementType.UINT8) {
            throw new IllegalArgumentException("output type is UINT8; allowed for a " + in.elementType()
                    + " batch: the floating types");
        }
        if (uint8 && out.elementType() != ElementType.UINT8
                && options.normalisation().kind() == Normalisation.Kind.ALREADY_NORMALISED) {
            throw new IllegalArgumentException("batch type is UINT8; allowed with normalisation ALREADY_NORMALISED: the"
                    + " floating types");
        }
        if (in.maskBytes() != out.maskBytes()) {
            throw new IllegalArgumentException("output masks have " + out.maskBytes() + " bytes per element; allowed: "
                    + in.maskBytes() + ", as the batch");
        }
    }
}
