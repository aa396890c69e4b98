package io.attentivecutmix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.engine.HostMemory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PixelStoreTest {
    @Test
    void piecesNeverOverlapWhateverTheSizes() {
        Random random = new Random(11);
        PixelStore store = new PixelStore(HostMemory::plain);
        for (int round = 0; round < 5; round++) {
            List<ByteBuffer> pieces = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                ByteBuffer piece = store.next(1 + random.nextInt(5000));
                for (int b = 0; b < piece.capacity(); b++) {
                    piece.put(b, (byte) i);
                }
                pieces.add(piece);
            }
            for (int i = 0; i < pieces.size(); i++) {
                for (int b = 0; b < pieces.get(i).capacity(); b++) {
                    assertEquals((byte) i, pieces.get(i).get(b), "seed 11, round " + round + ", piece " + i);
                }
            }
            store.clear();
        }
    }

    @Test
    void sameSizesAgainGiveTheSameViews() {
        PixelStore store = new PixelStore(HostMemory::plain);
        store.expect(30);
        ByteBuffer first = store.next(10);
        ByteBuffer second = store.next(20);
        store.clear();
        store.expect(30);
        assertSame(first, store.next(10));
        assertSame(second, store.next(20));
        store.clear();
        assertNotSame(first, store.next(11));
    }

    @Test
    void wholeIsOneTensorOrNothing() {
        PixelStore store = new PixelStore(HostMemory::plain);
        assertNull(store.whole());
        store.expect(300);
        for (int i = 0; i < 3; i++) {
            store.next(100).put(0, (byte) (i + 1));
        }
        ByteBuffer whole = store.whole();
        assertNotNull(whole);
        assertEquals(300, whole.capacity());
        assertEquals(1, whole.get(0));
        assertEquals(3, whole.get(200));
        store.next(1000);
        assertNull(store.whole(), "pieces in two chunks are no tensor");
        store.clear();
        for (int i = 0; i < 4; i++) {
            store.next(i < 3 ? 100 : 1000);
        }
        assertEquals(1300, store.whole().capacity(), "after clear one chunk holds what needed two");
    }

    @Test
    void aViewOutlivesTheStoresOwnReferences() {
        PixelStore store = new PixelStore(HostMemory::plain);
        ByteBuffer old = store.next(1 << 20);
        old.put(0, (byte) 42);
        store.clear();
        store.expect(4 << 20);
        store.next(4 << 20).put(0, (byte) 7);
        System.gc();
        assertEquals(42, old.get(0));
        assertTrue(old.isDirect());
    }
}
