package io.attentivecutmix.method;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.Trials;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class PairingTest {
    private static int[] partners(Pairing pairing, int n) {
        int[] out = new int[n];
        pairing.partners(n, out);
        return out;
    }

    @Test
    void shuffledIsAPermutationWithoutFixedPoints() {
        Trials.run(500, (seed, random) ->
                shuffledIsAPermutationWithoutFixedPoints(seed, Trials.between(random, 2, 300)));
    }

    private static void shuffledIsAPermutationWithoutFixedPoints(long seed, int n) {
        int[] out = partners(Pairing.shuffled(seed, 1, 2), n);
        for (int i = 0; i < n; i++) {
            assertNotEquals(i, out[i], "seed " + seed);
        }
        Arrays.sort(out);
        for (int i = 0; i < n; i++) {
            assertEquals(i, out[i], "seed " + seed);
        }
    }

    @Test
    void permutedIsAPermutation() {
        Trials.run(200, (seed, random) -> permutedIsAPermutation(seed, Trials.between(random, 1, 300)));
    }

    private static void permutedIsAPermutation(long seed, int n) {
        int[] out = partners(Pairing.permuted(seed, 1, 2), n);
        Arrays.sort(out);
        for (int i = 0; i < n; i++) {
            assertEquals(i, out[i], "seed " + seed);
        }
    }

    private static Map<String, Integer> counts(boolean fixedPoints, int n, int draws) {
        Map<String, Integer> counts = new TreeMap<>();
        for (int step = 0; step < draws; step++) {
            Pairing pairing = fixedPoints ? Pairing.permuted(11, 0, step) : Pairing.shuffled(11, 0, step);
            counts.merge(Arrays.toString(partners(pairing, n)), 1, Integer::sum);
        }
        return counts;
    }

    /** All derangements, none more often: 2 of 3 images, 9 of 4; all permutations: 6, 24. Chi-square at 1e-6. */
    @Test
    void everyPairingIsEquallyLikely() {
        assertUniform(counts(false, 3, 20_000), 2, 20_000, 23.9);
        assertUniform(counts(false, 4, 45_000), 9, 45_000, 42.7);
        assertUniform(counts(true, 3, 30_000), 6, 30_000, 35.9);
        assertUniform(counts(true, 4, 48_000), 24, 48_000, 70.7);
    }

    private static void assertUniform(Map<String, Integer> counts, int kinds, int draws, double quantile) {
        assertEquals(kinds, counts.size(), counts.toString());
        double expected = (double) draws / kinds;
        double chi = counts.values().stream().mapToDouble(c -> (c - expected) * (c - expected) / expected).sum();
        assertTrue(chi < quantile, chi + " " + counts);
    }

    @Test
    void rollFlipAndExplicit() {
        assertArrayEquals(new int[] {3, 0, 1, 2}, partners(Pairing.roll(), 4));
        assertArrayEquals(new int[] {3, 2, 1, 0}, partners(Pairing.flip(), 4));
        assertArrayEquals(new int[] {2, 1, 0}, partners(Pairing.flip(), 3));
        assertArrayEquals(new int[] {0}, partners(Pairing.flip(), 1));
        assertArrayEquals(new int[] {0}, partners(Pairing.permuted(1, 2, 3), 1));
        assertArrayEquals(new int[] {1, 1, 0}, partners(Pairing.explicit(1, 1, 0), 3));
    }

    @Test
    void explicitKeepsItsOwnCopy() {
        int[] mine = {1, 0};
        Pairing pairing = Pairing.explicit(mine);
        mine[0] = 0;
        assertArrayEquals(new int[] {1, 0}, partners(pairing, 2));
    }

    private static String refusal(Runnable call) {
        return assertThrows(IllegalArgumentException.class, call::run).getMessage();
    }

    @Test
    void refusalsSayWhatIsAllowed() {
        assertEquals("batch has 1 image, and pairing SHUFFLED pairs no image with itself; allowed: 2 or more images,"
                + " or a pairing that permits fixed points", refusal(() -> partners(Pairing.shuffled(1, 2, 3), 1)));
        assertTrue(refusal(() -> partners(Pairing.roll(), 1)).startsWith("batch has 1 image, and pairing ROLL"));
        assertEquals("batch has 0 images; allowed: 1 or more", refusal(() -> partners(Pairing.flip(), 0)));
        assertEquals("partners[2] is 3; allowed: 0 to 2 (batch of 3)", refusal(() -> Pairing.explicit(0, 1, 3)));
        assertEquals("partners[0] is -1; allowed: 0 to 0 (batch of 1)", refusal(() -> Pairing.explicit(-1)));
        assertEquals("partners is empty; allowed: one for each image of the batch", refusal(Pairing::explicit));
        assertEquals("explicit pairing has 2 partners; allowed: as many as the batch has images, 3",
                refusal(() -> partners(Pairing.explicit(1, 0), 3)));
        assertEquals("out has room for 1 partners; needed: 2", refusal(() -> Pairing.flip().partners(2, new int[1])));
        assertEquals("firstSample is -1; allowed: 0 or more", refusal(() -> Pairing.flip().firstSample(-1)));
    }

    @Test
    void withersKeepTheRest() {
        Pairing pairing = Pairing.explicit(1, 0).firstSample(64).at(7, 8, 9);
        assertEquals(7, pairing.seed());
        assertEquals(8, pairing.epoch());
        assertEquals(9, pairing.step());
        assertEquals(64, pairing.firstSample());
        assertEquals(Pairing.Kind.EXPLICIT, pairing.kind());
        assertEquals(Pairing.explicit(1, 0).at(7, 8, 9).firstSample(64), pairing);
        assertEquals(Pairing.explicit(1, 0).at(7, 8, 9).firstSample(64).hashCode(), pairing.hashCode());
        assertNotEquals(Pairing.explicit(1, 1).at(7, 8, 9).firstSample(64), pairing);
        assertNotEquals(pairing.firstSample(65), pairing);
        assertTrue(pairing.toString().contains("[1, 0]"), pairing.toString());
    }

    @Test
    void ranksAndStepsPairDifferently() {
        int[] a = partners(Pairing.shuffled(1, 0, 0), 32);
        for (Pairing other : List.of(Pairing.shuffled(2, 0, 0), Pairing.shuffled(1, 1, 0), Pairing.shuffled(1, 0, 1),
                Pairing.shuffled(1, 0, 0).firstSample(32))) {
            assertNotEquals(Arrays.toString(a), Arrays.toString(partners(other, 32)), other.toString());
        }
        assertArrayEquals(a, partners(Pairing.shuffled(1, 0, 0), 32));
    }
}
