package io.attentivecutmix;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import java.awt.image.BufferedImage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class ImageBatchTest {
    private static byte[] bytes(ByteBuffer b) {
        byte[] out = new byte[b.capacity()];
        b.get(0, out);
        return out;
    }

    @Test
    void keepsWhatWasAddedForEverySource() {
        byte[] rgb = {1, 2, 3, 4, 5, 6};
        BufferedImage awt = new BufferedImage(2, 1, BufferedImage.TYPE_INT_RGB);
        awt.setRGB(0, 0, 0x010203);
        awt.setRGB(1, 0, 0x040506);
        ByteBuffer heap = ByteBuffer.wrap(new byte[] {9, 1, 2, 3, 4, 5, 6, 9});
        heap.position(1).limit(7);
        ImageBatch batch = new ImageBatch().add(rgb, 1, 2).add(awt).add(heap, 1, 2).add(rgb, 2, 1);
        batch.reserve(1, 1).put(0, new byte[] {7, 8, 9});
        assertEquals(5, batch.count());
        for (int i = 0; i < 4; i++) {
            assertArrayEquals(rgb, bytes(batch.pixels(i)), "image " + i);
        }
        assertEquals(2, batch.height(3));
        assertEquals(1, batch.width(3));
        assertArrayEquals(new byte[] {7, 8, 9}, bytes(batch.pixels(4)));
        assertEquals(1, heap.position());
    }

    @Test
    void clearKeepsTheMemory() {
        ImageBatch batch = new ImageBatch();
        ByteBuffer first = batch.reserve(5, 7);
        batch.clear();
        assertEquals(0, batch.count());
        batch.reserve(5, 7).put(3, (byte) 77);
        assertEquals(77, first.get(3));
    }

    @Test
    void whatACallerDoesToAViewChangesNoOther() {
        ImageBatch batch = new ImageBatch(ElementType.FLOAT32, Layout.NHWC);
        batch.reserve(1, 1).order(ByteOrder.BIG_ENDIAN).limit(3);
        batch.pixels(0).order(ByteOrder.BIG_ENDIAN).position(2);
        assertEquals(ByteOrder.nativeOrder(), batch.pixels(0).order());
        assertEquals(12, batch.pixels(0).limit());
        assertEquals(0, batch.pixels(0).position());
    }

    @Test
    void ensureMakesOneTensorOfManyAdds() {
        ImageBatch batch = new ImageBatch().ensure(3 * 1000);
        assertThrows(IllegalArgumentException.class, () -> batch.ensure(-1));
        for (int i = 0; i < 1000; i++) {
            batch.add(new byte[] {1, 2, (byte) i}, 1, 1);
        }
        assertEquals((byte) 999, batch.pixels(999).get(2));
        assertThrows(IllegalStateException.class, () -> batch.ensure(1));
    }

    @Test
    void wrapsWithoutCopying() {
        ByteBuffer mine = ByteBuffer.allocateDirect(3 * 2 * 4 * 4 + 4).order(ByteOrder.nativeOrder());
        mine.position(4);
        ImageBatch batch = ImageBatch.wrap(mine, ElementType.FLOAT32, Layout.NCHW, 2, 2, 2);
        mine.putFloat(4 + 48, 0.25f);
        assertEquals(0.25f, batch.pixels(1).getFloat(0));
        assertEquals(4, mine.position());
        assertThrows(IllegalStateException.class, batch::clear);
        assertThrows(IllegalStateException.class, () -> batch.reserve(1, 1));
        assertThrows(IllegalArgumentException.class,
                () -> ImageBatch.wrap(mine, ElementType.FLOAT32, Layout.NCHW, 3, 2, 2));
        assertThrows(IllegalArgumentException.class,
                () -> ImageBatch.wrap(ByteBuffer.allocate(12), ElementType.UINT8, Layout.NHWC, 1, 2, 2));
        ByteBuffer swapped = ByteBuffer.allocateDirect(48).order(
                ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
        assertThrows(IllegalArgumentException.class,
                () -> ImageBatch.wrap(swapped, ElementType.FLOAT32, Layout.NCHW, 1, 2, 2));
    }

    @Test
    void refusalsNameValueAndWhatIsAllowed() {
        ImageBatch batch = new ImageBatch();
        assertEquals("size is 0x4; allowed: 1 or more in both directions",
                assertThrows(IllegalArgumentException.class, () -> batch.reserve(0, 4)).getMessage());
        assertEquals("an image of 30000x30000 UINT8 has 2700000000 bytes; allowed: below 2 GiB",
                assertThrows(IllegalArgumentException.class, () -> batch.reserve(30000, 30000)).getMessage());
        assertEquals("rgb has 5 bytes; needed: 6 for 1x2",
                assertThrows(IllegalArgumentException.class, () -> batch.add(new byte[5], 1, 2)).getMessage());
        assertThrows(IllegalArgumentException.class, () -> new ImageBatch(ElementType.UINT8, Layout.NCHW));
        assertThrows(IndexOutOfBoundsException.class, () -> batch.pixels(0));
        assertEquals(0, batch.count(), "a refused image leaves nothing behind");
    }

    @Test
    void masksAreForAllOrForNone() {
        ImageBatch batch = new ImageBatch();
        assertThrows(IllegalStateException.class, () -> batch.mask(ByteBuffer.allocate(1), 1));
        batch.add(new byte[6], 1, 2).mask(ByteBuffer.wrap(new byte[] {1, 2}), 1);
        assertArrayEquals(new byte[] {1, 2}, bytes(batch.mask(0)));
        batch.checkMasks();
        batch.add(new byte[6], 1, 2);
        assertEquals("image 1 has no mask; allowed: a mask for every image or for none",
                assertThrows(IllegalArgumentException.class, batch::checkMasks).getMessage());
        assertThrows(IllegalArgumentException.class,
                () -> batch.mask(ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()), 2));
        assertEquals("image 0 has no mask; allowed: a mask for every image or for none",
                assertThrows(IllegalArgumentException.class, () ->
                new ImageBatch().add(new byte[3], 1, 1).add(new byte[3], 1, 1)
                        .mask(ByteBuffer.allocate(1), 1)).getMessage());
        ByteOrder other = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN ? ByteOrder.BIG_ENDIAN
                : ByteOrder.LITTLE_ENDIAN;
        assertThrows(IllegalArgumentException.class, () -> new ImageBatch().add(new byte[3], 1, 1)
                .mask(ByteBuffer.allocate(2).order(other), 2), "class ids of another byte order");
        assertThrows(IllegalArgumentException.class, () -> batch.mask(ByteBuffer.allocate(3), 1));
        assertThrows(IllegalArgumentException.class, () -> batch.mask(ByteBuffer.allocate(6), 3));
        batch.clear().add(new byte[3], 1, 1).checkMasks();
        assertEquals(0, batch.maskBytes());
    }

    /** Known mistake 25: totals beyond 2 GiB; two chunks, so that no index overflows. */
    @Test
    void aBatchMayBeLargerThanAnIntCanCount() {
        long total = 0;
        for (int i = 0; i < 256; i++) {
            total += ImageBatch.imageBytes(2048, 2048, ElementType.FLOAT32);
        }
        assertEquals(12_884_901_888L, total);
    }

    @Test
    void anImageHasOneMaskAtMost() {
        ImageBatch batch = new ImageBatch().add(new byte[12], 2, 2).mask(ByteBuffer.allocate(4), 1);
        assertEquals("image 0 has a mask already",
                assertThrows(IllegalStateException.class, () -> batch.mask(ByteBuffer.allocate(4), 1)).getMessage());
        // no bytes are no reason to allocate
        assertEquals(0, new ImageBatch().ensure(0).count());
    }
}
