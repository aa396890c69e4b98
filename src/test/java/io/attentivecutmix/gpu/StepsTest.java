package io.attentivecutmix.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class StepsTest {
    @Test
    void warmingUpIsNoLeak() {
        assertEquals(0, Steps.lost(new long[] {900, 800, 700, 700, 700, 700, 700, 700}));
        assertEquals(0, Steps.lost(new long[] {700, 700, 700, 700, 700, 700, 900, 900}), "memory that came back");
        assertEquals(0, Steps.lost(new long[] {5, 3, 1}), "too few to tell");
    }

    @Test
    void aLeakOfOneKilobyteInEachOfTenThousandStepsIsFound() {
        long[] free = new long[1000];
        for (int i = 0; i < free.length; i++) {
            free[i] = (80L << 30) - i * 10L * 1024;
        }
        assertEquals(500 * 10 * 1024, Steps.lost(free), "half of the way");
        assertTrue(Steps.lost(free) > Steps.ALLOWED);
    }
}
