package io.attentivecutmix.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.HalfFloats;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.image.ResizeFilter;
import io.attentivecutmix.image.Resizer;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Normalisation;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

class InputStageTest {
    private static final int S = 96;
    private static final float[] MEAN = {0.485f, 0.456f, 0.406f};
    private static final float[] STD = {0.229f, 0.224f, 0.225f};

    @Test
    void everyByteBecomesWhatTorchvisionMakesOfIt() {
        ByteBuffer pixels = TestImages.buffer(S * S * 3);
        for (int i = 0; i < S * S * 3; i++) {
            pixels.put(i, (byte) (i / 3));
        }
        FloatBuffer input = load(MixOptions.paper(), TestImages.bytes(new TestImages.Image(S, S, pixels)), 0);
        for (int i = 0; i < S * S * 3; i++) {
            int c = i % 3;
            float expected = (((i / 3) & 0xff) / 255f - MEAN[c]) / STD[c];
            assertEquals(expected, input.get(i), "value " + i);
        }
        input = load(MixOptions.paper().withNormalisation(Normalisation.NONE),
                TestImages.bytes(new TestImages.Image(S, S, pixels)), 0);
        assertEquals(1f, input.get(255 * 3));
        assertEquals(128 / 255f, input.get(128 * 3 + 2));
    }

    @Test
    void anotherSizeIsResizedFirst() {
        for (ResizeFilter filter : ResizeFilter.values()) {
            TestImages.Image image = TestImages.structured(1, 50, 131);
            ByteBuffer resized = TestImages.buffer(S * S * 3);
            new Resizer(filter).resize(image.pixels(), 0, 50, 131, resized, 0, S, S);
            MixOptions options = MixOptions.paper().withResizeFilter(filter);
            assertEquals(load(options, TestImages.bytes(new TestImages.Image(S, S, resized)), 0),
                    load(options, TestImages.bytes(image), 0), filter.name());
        }
    }

    @Test
    void planesGiveWhatInterleavedValuesGive() {
        for (int[] size : new int[][] {{S, S}, {40, 97}}) {
            int h = size[0];
            int w = size[1];
            TestImages.Image image = TestImages.structured(2, h, w);
            FloatBuffer expected = load(MixOptions.paper(), TestImages.bytes(image), 0);
            assertEquals(expected, load(MixOptions.paper(), planes(ElementType.UINT8, image), 0),
                    "UINT8 " + h + "×" + w);
            FloatBuffer floats = load(MixOptions.paper(), floating(ElementType.FLOAT32, Layout.NHWC, image), 0);
            assertEquals(floats, load(MixOptions.paper(), floating(ElementType.FLOAT32, Layout.NCHW, image), 0),
                    "FLOAT32 " + h + "×" + w);
        }
    }

    @Test
    void floatsOfTheSideAreNormalisedAndNothingElse() {
        TestImages.Image image = TestImages.structured(3, S, S);
        assertEquals(load(MixOptions.paper(), TestImages.bytes(image), 0),
                load(MixOptions.paper(), floating(ElementType.FLOAT32, Layout.NHWC, image), 0));
        TestImages batch = floating(ElementType.FLOAT32, Layout.NHWC, image);
        assertEquals(batch.pixels(0).asFloatBuffer(),
                load(MixOptions.paper().withNormalisation(Normalisation.ALREADY_NORMALISED), batch, 0));
    }

    @Test
    void floatsOfAnotherSizeAreResizedInFloat() {
        TestImages batch = floating(ElementType.FLOAT32, Layout.NHWC, TestImages.structured(4, 33, 80));
        FloatBuffer expected = FloatBuffer.allocate(S * S * 3);
        new Resizer(ResizeFilter.BICUBIC)
                .resizeFloat(batch.pixels(0).asFloatBuffer(), 0, 33, 80, expected, 0, S, S, Layout.NHWC);
        assertEquals(expected, load(MixOptions.paper().withNormalisation(Normalisation.NONE), batch, 0));
    }

    @Test
    void halvesAreTheirValues() {
        TestImages.Image image = TestImages.structured(5, S, S);
        MixOptions options = MixOptions.paper().withNormalisation(Normalisation.NONE);
        for (Layout layout : Layout.values()) {
            FloatBuffer half = load(options, floating(ElementType.FLOAT16, layout, image), 0);
            FloatBuffer brain = load(options, floating(ElementType.BFLOAT16, layout, image), 0);
            for (int i = 0; i < S * S * 3; i++) {
                float v = (image.pixels().get(i) & 0xff) / 255f;
                assertEquals(HalfFloats.fromFloat16(HalfFloats.toFloat16(v)), half.get(i));
                assertEquals(HalfFloats.fromBfloat16(HalfFloats.toBfloat16(v)), brain.get(i));
            }
        }
    }

    /** Scratch memory that was made for one image must not leak into the next, of whatever size and type. */
    @Test
    void oneStageServesManySizes() {
        InputStage stage = new InputStage(MixOptions.paper().withInputSide(S));
        for (int round = 0; round < 2; round++) {
            for (int i = 0; i < 6; i++) {
                TestImages.Image image = TestImages.structured(i, 20 + 31 * i, 200 - 30 * i);
                for (TestImages batch : List.of(TestImages.bytes(image), planes(ElementType.UINT8, image),
                        floating(ElementType.FLOAT16, Layout.NCHW, image))) {
                    FloatBuffer input = FloatBuffer.allocate(S * S * 3);
                    stage.load(batch, 0, input);
                    assertEquals(load(MixOptions.paper(), batch, 0), input);
                }
            }
        }
    }

    private static FloatBuffer load(MixOptions options, TestImages batch, int i) {
        FloatBuffer input = FloatBuffer.allocate(S * S * 3);
        new InputStage(options.withInputSide(S)).load(batch, i, input);
        return input;
    }

    private static TestImages planes(ElementType type, TestImages.Image image) {
        int size = image.h() * image.w();
        ByteBuffer planes = TestImages.buffer(3 * size);
        for (int p = 0; p < size; p++) {
            for (int c = 0; c < 3; c++) {
                planes.put(c * size + p, image.pixels().get(p * 3 + c));
            }
        }
        return new TestImages(type, Layout.NCHW, List.of(new TestImages.Image(image.h(), image.w(), planes)));
    }

    /** The image with values v/255 in a floating type. */
    static TestImages floating(ElementType type, Layout layout, TestImages.Image image) {
        int size = image.h() * image.w();
        ByteBuffer values = TestImages.buffer(3 * size * type.bytes());
        for (int p = 0; p < size; p++) {
            for (int c = 0; c < 3; c++) {
                float v = (image.pixels().get(p * 3 + c) & 0xff) / 255f;
                int at = layout == Layout.NHWC ? p * 3 + c : c * size + p;
                switch (type) {
                    case FLOAT32 -> values.putFloat(4 * at, v);
                    case FLOAT16 -> values.putShort(2 * at, HalfFloats.toFloat16(v));
                    case BFLOAT16 -> values.putShort(2 * at, HalfFloats.toBfloat16(v));
                    case UINT8 -> throw new IllegalArgumentException();
                }
            }
        }
        return new TestImages(type, layout, List.of(new TestImages.Image(image.h(), image.w(), values)));
    }
}
