package io.attentivecutmix.method;

import io.attentivecutmix.image.BatchForm;

/**
 * Sizes that a mix works with. The <em>canvas</em> is where cells or the box are cut: the background's H×W under
 * {@link Geometry#NATIVE}, S×S under {@link Geometry#RESIZED}. The mixed image has the background's size under NATIVE,
 * image i's own size under RESIZED; an image that is not mixed keeps its own.
 */
public final class MixGeometry {
    private MixGeometry() {}

    /** Height of the mixed image i in pixels. */
    public static int outHeight(MixOptions options, MixPlan plan, int i, BatchForm images) {
        return images.height(sizeOf(options, plan, i));
    }

    /** Width of the mixed image i in pixels. */
    public static int outWidth(MixOptions options, MixPlan plan, int i, BatchForm images) {
        return images.width(sizeOf(options, plan, i));
    }

    /** Height of the canvas that image i's cells or box are cut in. */
    public static int canvasHeight(MixOptions options, MixPlan plan, int i, BatchForm images) {
        return options.geometry() == Geometry.RESIZED ? options.inputSide() : images.height(plan.partner[i]);
    }

    /** Width of the canvas that image i's cells or box are cut in. */
    public static int canvasWidth(MixOptions options, MixPlan plan, int i, BatchForm images) {
        return options.geometry() == Geometry.RESIZED ? options.inputSide() : images.width(plan.partner[i]);
    }

    private static int sizeOf(MixOptions options, MixPlan plan, int i) {
        return plan.mixed[i] && options.geometry() == Geometry.NATIVE ? plan.partner[i] : i;
    }
}
