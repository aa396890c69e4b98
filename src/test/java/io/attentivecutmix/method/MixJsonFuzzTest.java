package io.attentivecutmix.method;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.image.Draw;
import org.junit.jupiter.api.Test;

/** The slice of {@link MixJsonFuzz} that every build runs: drawn from one seed, without Jazzer. */
class MixJsonFuzzTest {
    /** {@code -Dfuzz.seed} and {@code -Dfuzz.json} take another slice. */
    private static final long SEED = Long.getLong("fuzz.seed", 9);
    private static final int TEXTS = Integer.getInteger("fuzz.json", 2_000);

    @Test
    void drawnTextsAreReadOrRefused() {
        System.out.println("MixJsonFuzzTest: " + TEXTS + " texts, fuzz.seed " + SEED);
        int accepted = 0;
        for (int i = 0; i < TEXTS; i++) {
            try {
                accepted += MixJsonFuzz.any(Draw.of(SEED * 1_000_003 + i)) ? 1 : 0;
            } catch (Throwable e) {
                throw new AssertionError("text " + i + " of fuzz.seed " + SEED, e);
            }
        }
        assertTrue(accepted > TEXTS / 20 && accepted < TEXTS * 3 / 4, accepted + " of " + TEXTS + " accepted");
    }
}
