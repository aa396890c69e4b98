package io.attentivecutmix.method;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Images;
import io.attentivecutmix.image.Layout;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class ChecksTest {
    /** Claims sizes without memory behind them. */
    private record Claim(int count, int h, int w, ElementType elementType, int maskBytes, int bytes) implements Images {
        @Override
        public int height(int i) {
            return h;
        }

        @Override
        public int width(int i) {
            return w;
        }

        @Override
        public Layout layout() {
            return Layout.NHWC;
        }

        @Override
        public ByteBuffer pixels(int i) {
            return ByteBuffer.allocateDirect(bytes);
        }

        @Override
        public ByteBuffer mask(int i) {
            return ByteBuffer.allocateDirect(bytes);
        }
    }

    private static final MixOptions PAPER = MixOptions.paper();

    private static String refusal(Runnable call) {
        return assertThrows(IllegalArgumentException.class, call::run).getMessage();
    }

    private static String batch(MixOptions options, int count, int h, int w, ElementType type, int maskBytes,
            int bytes) {
        return refusal(() -> Checks.batch(options, new Claim(count, h, w, type, maskBytes, bytes)));
    }

    @Test
    void batches() {
        Checks.batch(PAPER, new Claim(1, 7, 7, ElementType.UINT8, 4, 196));
        assertEquals("batch has 0 images; allowed: 1 or more", batch(PAPER, 0, 9, 9, ElementType.UINT8, 0, 999));
        assertEquals("image 0 is 6 by 9 pixels (H by W); allowed: at least 7 by 7 (G at inputSide 224)",
                batch(PAPER, 1, 6, 9, ElementType.UINT8, 0, 999));
        assertEquals("image 0 is 9 by 6 pixels (H by W); allowed: at least 7 by 7 (G at inputSide 224)",
                batch(PAPER, 1, 9, 6, ElementType.UINT8, 0, 999));
        assertEquals("image 0 is 9 by 9 pixels (H by W); allowed: at least 10 by 10 (G at inputSide 320)",
                batch(PAPER.withInputSide(320), 1, 9, 9, ElementType.UINT8, 0, 999));
        assertEquals("image 0 is 50000 by 50000, 2500000000 pixels; allowed: up to 178956970",
                batch(PAPER, 1, 50_000, 50_000, ElementType.UINT8, 0, 0));
        assertEquals("image 0 has a buffer of 146 bytes; needed: 147 (3·H·W UINT8 values)",
                batch(PAPER, 1, 7, 7, ElementType.UINT8, 0, 146));
        assertEquals("image 0 has a buffer of 293 bytes; needed: 294 (3·H·W FLOAT16 values)",
                batch(PAPER, 1, 7, 7, ElementType.FLOAT16, 0, 293));
        assertEquals("mask 0 has a buffer of 195 bytes; needed: 196", batch(PAPER, 1, 7, 7, ElementType.UINT8, 4, 195));
        assertEquals("mask elements have 3 bytes; allowed: 1, 2 or 4",
                batch(PAPER, 1, 7, 7, ElementType.UINT8, 3, 999));
        assertEquals("batch type is UINT8; allowed with normalisation ALREADY_NORMALISED: the floating types",
                batch(PAPER.withNormalisation(Normalisation.ALREADY_NORMALISED), 1, 7, 7, ElementType.UINT8, 0, 999));
    }

    @Test
    void outputs() {
        Checks.output(ElementType.UINT8, PixelFormat.UINT8_NHWC);
        Checks.output(ElementType.FLOAT16, new PixelFormat(ElementType.BFLOAT16, Layout.NCHW));
        assertEquals("output type is UINT8; allowed for a BFLOAT16 batch: the floating types",
                refusal(() -> Checks.output(ElementType.BFLOAT16, PixelFormat.UINT8_NHWC)));
    }

    @Test
    void labels() {
        MixOptions byClass = PAPER.withReduction(Reduction.CLASS);
        assertDoesNotThrow(() -> Checks.labels(PAPER, null, 2, 0));
        assertDoesNotThrow(() -> Checks.labels(byClass, Labels.of(0, 999), 2, 1000));
        assertDoesNotThrow(() -> Checks.labels(byClass.withMode(Mode.CUTMIX), null, 2, 0));
        assertEquals("labels has 1 labels; allowed: 2, one for each image of the batch",
                refusal(() -> Checks.labels(PAPER, Labels.of(0), 2, 0)));
        assertEquals("reduction is CLASS; allowed only with weights that hold the classifier (fc.weight)",
                refusal(() -> Checks.labels(byClass, Labels.of(0, 1), 2, 0)));
        assertEquals("labels is missing; the CLASS reduction needs each image's class id",
                refusal(() -> Checks.labels(byClass, null, 2, 1000)));
        assertEquals("labels has rows of 2 values; the CLASS reduction needs class ids",
                refusal(() -> Checks.labels(byClass, Labels.rows(2, 0, 1, 1, 0), 2, 1000)));
        assertEquals("label 1 is class 1000; allowed: 0 to 999 (rows of the classifier, for the CLASS reduction)",
                refusal(() -> Checks.labels(byClass, Labels.of(0, 1000), 2, 1000)));
    }

    @Test
    void aWholeCall() {
        Images images = new Claim(2, 7, 7, ElementType.UINT8, 0, 147);
        Checks.mix(PAPER, images, Labels.of(1, 2), 0, PixelFormat.UINT8_NHWC);
        assertThrows(IllegalArgumentException.class,
                () -> Checks.mix(PAPER, images, Labels.of(1), 0, PixelFormat.UINT8_NHWC));
    }
}
