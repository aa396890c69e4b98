package io.attentivecutmix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class TrialsTest {
    @Test
    void everyRunTriesTheSameSeedsAndNoneTwice() {
        List<Long> seeds = new ArrayList<>();
        Set<Integer> draws = new HashSet<>();
        Trials.run(1000, (seed, random) -> {
            seeds.add(seed);
            draws.add(random.nextInt());
        });
        List<Long> again = new ArrayList<>();
        Trials.run(1000, (seed, random) -> again.add(seed));
        assertEquals(seeds, again);
        assertEquals(1000, new HashSet<>(seeds).size());
        assertTrue(seeds.containsAll(List.of(0L, -1L, Long.MIN_VALUE, Long.MAX_VALUE)));
        assertTrue(draws.size() > 990, "different draws: " + draws.size());
    }

    @Test
    void aFailureNamesItsSeed() {
        AssertionError fault = new AssertionError("odd");
        AssertionError failure = assertThrows(AssertionError.class, () -> Trials.run(10, (seed, random) -> {
            if (seed == Long.MIN_VALUE) {
                throw fault;
            }
        }));
        assertEquals("try 3 of 10, seed " + Long.MIN_VALUE + ": odd", failure.getMessage());
        assertSame(fault, failure.getCause());
    }

    @Test
    void drawsReachBothEnds() {
        Random random = new Random(1);
        Set<Integer> drawn = new TreeSet<>();
        Set<Float> shares = new TreeSet<>();
        for (int i = 0; i < 1000; i++) {
            drawn.add(Trials.between(random, 3, 1_000_000));
            assertEquals(5, Trials.between(random, 5, 5));
            float share = Trials.share(random);
            assertTrue(share >= 0 && share <= 1, "share " + share);
            shares.add(share);
        }
        assertTrue(drawn.containsAll(List.of(3, 4, 999_999, 1_000_000)), drawn.toString());
        assertTrue(shares.containsAll(List.of(0f, Float.MIN_VALUE, 1f)), shares.toString());
    }
}
