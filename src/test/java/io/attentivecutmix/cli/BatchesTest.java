package io.attentivecutmix.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.BitSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/** Batches cover the list, each image once, whatever the numbers; shards share them without overlap. */
class BatchesTest {
    @Property(tries = 500)
    void shardsCoverEveryImageOnce(@ForAll @IntRange(min = 1, max = 300) int size,
            @ForAll @IntRange(min = 1, max = 40) int batchSize,
            @ForAll @IntRange(min = 1, max = 7) int shards, @ForAll long seed, @ForAll boolean sorted) {
        Batches batches = new Batches(size, Long.MAX_VALUE, batchSize, sorted ? Batches.Order.SORTED
                : Batches.Order.SHUFFLED, seed, 3);
        BitSet seen = new BitSet();
        int images = 0;
        for (int s = 1; s <= shards; s++) {
            Shard shard = new Shard(s, shards);
            int ofShard = 0;
            for (int b = 0; b < batches.count(); b++) {
                if (shard.has(b)) {
                    assertEquals(batches.size(b), batches.indices(b).length);
                    ofShard += batches.size(b);
                    for (int i : batches.indices(b)) {
                        assertFalse(seen.get(i), "image " + i + " comes twice");
                        seen.set(i);
                    }
                }
            }
            assertEquals(ofShard, batches.images(shard));
            images += ofShard;
        }
        assertEquals(size, images);
        assertEquals(size, seen.cardinality());
        for (int b = 0; b < batches.count(); b++) {
            assertTrue(batches.size(b) <= batchSize + 1);
            assertTrue(batches.size(b) >= Math.min(Math.min(size, batchSize), 2), "a batch of " + batches.size(b));
        }
    }

    @Property(tries = 200)
    void aLimitTakesTheRunsFirstImages(@ForAll @IntRange(min = 2, max = 200) int size,
            @ForAll @IntRange(min = 1, max = 200) int limit,
            @ForAll @IntRange(min = 1, max = 20) int batchSize) {
        Batches all = new Batches(size, Long.MAX_VALUE, batchSize, Batches.Order.SHUFFLED, 5, 0);
        Batches some = new Batches(size, limit, batchSize, Batches.Order.SHUFFLED, 5, 0);
        assertEquals(Math.min(size, limit), some.images());
        int[] a = flat(all);
        assertArrayEquals(Arrays.copyOf(a, some.images()), flat(some));
    }

    private static int[] flat(Batches batches) {
        int[] out = new int[batches.images()];
        for (int b = 0; b < batches.count(); b++) {
            System.arraycopy(batches.indices(b), 0, out, batches.first(b), batches.size(b));
        }
        return out;
    }

    @Test
    void theOrderIsDrawnFromSeedAndEpoch() {
        int[] first = flat(new Batches(50, 50, 8, Batches.Order.SHUFFLED, 1, 0));
        assertArrayEquals(first, flat(new Batches(50, 50, 16, Batches.Order.SHUFFLED, 1, 0)));
        assertFalse(Arrays.equals(first, flat(new Batches(50, 50, 8, Batches.Order.SHUFFLED, 2, 0))));
        assertFalse(Arrays.equals(first, flat(new Batches(50, 50, 8, Batches.Order.SHUFFLED, 1, 1))));
    }
}
