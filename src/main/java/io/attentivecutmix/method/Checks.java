package io.attentivecutmix.method;

import io.attentivecutmix.image.BatchForm;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Images;

/** What a call's arguments must satisfy before anything native runs. Internal to the library. */
public final class Checks {
    private Checks() {}

    /**
     * Checks a batch against the options: 1 image at least, each at least G by G pixels and small enough for an int
     * index (3·H·W values of four bytes, the size that working copies and outputs may have), in a buffer that holds it;
     * type and normalisation fit.
     *
     * @throws IllegalArgumentException naming the image and what is allowed
     */
    public static void batch(MixOptions options, Images images) {
        form(options, images);
        ElementType type = images.elementType();
        int maskBytes = images.maskBytes();
        for (int i = 0; i < images.count(); i++) {
            long pixels = (long) images.height(i) * images.width(i);
            if (images.pixels(i).limit() < pixels * 3 * type.bytes()) {
                throw new IllegalArgumentException("image " + i + " has a buffer of " + images.pixels(i).limit()
                        + " bytes; needed: " + pixels * 3 * type.bytes() + " (3·H·W " + type + " values)");
            }
            if (maskBytes != 0 && images.mask(i).limit() < pixels * maskBytes) {
                throw new IllegalArgumentException("mask " + i + " has a buffer of " + images.mask(i).limit()
                        + " bytes; needed: " + pixels * maskBytes);
            }
        }
    }

    /**
     * Checks all of {@link #batch} but the buffers, for a batch that lies anywhere.
     *
     * @throws IllegalArgumentException naming the image and what is allowed
     */
    public static void form(MixOptions options, BatchForm images) {
        int n = images.count();
        if (n < 1) {
            throw new IllegalArgumentException("batch has " + n + " images; allowed: 1 or more");
        }
        ElementType type = images.elementType();
        if (type == ElementType.UINT8 && options.normalisation().kind() == Normalisation.Kind.ALREADY_NORMALISED) {
            throw new IllegalArgumentException("batch type is UINT8; allowed with normalisation ALREADY_NORMALISED: the"
                    + " floating types");
        }
        int maskBytes = images.maskBytes();
        if (maskBytes != 0 && maskBytes != 1 && maskBytes != 2 && maskBytes != 4) {
            throw new IllegalArgumentException("mask elements have " + maskBytes + " bytes; allowed: 1, 2 or 4");
        }
        int grid = options.grid();
        for (int i = 0; i < n; i++) {
            int height = images.height(i);
            int width = images.width(i);
            if (height < grid || width < grid) {
                throw new IllegalArgumentException("image " + i + " is " + height + " by " + width
                        + " pixels (H by W); allowed: at least " + grid + " by " + grid + " (G at inputSide "
                        + options.inputSide() + ")");
            }
            long pixels = (long) height * width;
            if (pixels > Integer.MAX_VALUE / (3 * Float.BYTES)) {
                throw new IllegalArgumentException("image " + i + " is " + height + " by " + width + ", " + pixels
                        + " pixels; allowed: up to " + Integer.MAX_VALUE / (3 * Float.BYTES));
            }
        }
    }

    /**
     * Checks that a batch of a type can be handed out in a form.
     *
     * @throws IllegalArgumentException if the form is UINT8 and the batch is not
     */
    public static void output(ElementType type, PixelFormat format) {
        if (format.type() == ElementType.UINT8 && type != ElementType.UINT8) {
            throw new IllegalArgumentException("output type is UINT8; allowed for a " + type
                    + " batch: the floating types");
        }
    }

    /**
     * Checks the labels of a call.
     *
     * @param labels null when the caller gave none
     * @param n N of the batch
     * @param classifierRows rows of the extractor's classifier, 0 when it has none; read for the CLASS reduction
     * @throws IllegalArgumentException if they are not N, or the CLASS reduction cannot use them
     */
    public static void labels(MixOptions options, Labels labels, int n, int classifierRows) {
        if (labels != null && labels.count() != n) {
            throw new IllegalArgumentException("labels has " + labels.count() + " labels; allowed: " + n
                    + ", one for each image of the batch");
        }
        if (options.mode() != Mode.ATTENTIVE || options.reduction() != Reduction.CLASS) {
            return;
        }
        if (classifierRows < 1) {
            throw new IllegalArgumentException("reduction is CLASS; allowed only with weights that hold the classifier"
                    + " (fc.weight)");
        }
        if (labels == null) {
            throw new IllegalArgumentException("labels is missing; the CLASS reduction needs each image's class id");
        }
        if (labels.isRows()) {
            throw new IllegalArgumentException("labels has rows of " + labels.classes()
                    + " values; the CLASS reduction needs class ids");
        }
        for (int i = 0; i < n; i++) {
            if (labels.id(i) >= classifierRows) {
                throw new IllegalArgumentException("label " + i + " is class " + labels.id(i) + "; allowed: 0 to "
                        + (classifierRows - 1) + " (rows of the classifier, for the CLASS reduction)");
            }
        }
    }

    /** All of the above for one mix. */
    public static void mix(MixOptions options, Images images, Labels labels, int classifierRows, PixelFormat format) {
        batch(options, images);
        output(images.elementType(), format);
        labels(options, labels, images.count(), classifierRows);
    }
}
