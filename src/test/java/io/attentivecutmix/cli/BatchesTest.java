package io.attentivecutmix.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.Trials;
import java.util.Arrays;
import java.util.BitSet;
import org.junit.jupiter.api.Test;

/** Batches cover the list, each image once, whatever the numbers; shards share them without overlap. */
class BatchesTest {
    @Test
    void shardsCoverEveryImageOnce() {
        Trials.run(500, (seed, random) -> shardsCoverEveryImageOnce(Trials.between(random, 1, 300),
                Trials.between(random, 1, 40), Trials.between(random, 1, 7), seed, random.nextBoolean()));
    }

    private static void shardsCoverEveryImageOnce(int size, int batchSize, int shards, long seed, boolean sorted) {
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

    @Test
    void aLimitTakesTheRunsFirstImages() {
        Trials.run(200, (seed, random) -> aLimitTakesTheRunsFirstImages(Trials.between(random, 2, 200),
                Trials.between(random, 1, 200), Trials.between(random, 1, 20)));
    }

    private static void aLimitTakesTheRunsFirstImages(int size, int limit, int batchSize) {
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
