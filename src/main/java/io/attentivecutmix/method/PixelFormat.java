package io.attentivecutmix.method;

import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import java.util.Objects;

/**
 * The form in which mixed pixels are handed out, written in the mixing pass itself.
 *
 * @param type UINT8: the pixels' own values, from a UINT8 batch only. A floating type: for a UINT8 batch
 *     {@code (v/255 − mean)/std} with the options' normalisation, for a floating batch the values as they are
 * @param layout NHWC or NCHW
 */
public record PixelFormat(ElementType type, Layout layout) {
    /** uint8, NHWC: what an image file holds. */
    public static final PixelFormat UINT8_NHWC = new PixelFormat(ElementType.UINT8, Layout.NHWC);

    public PixelFormat {
        Objects.requireNonNull(type, "type");
        Objects.requireNonNull(layout, "layout");
    }
}
