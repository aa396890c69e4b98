package io.attentivecutmix.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.image.Draw;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The slice of {@link TextFuzz} that every build runs: drawn from one seed, without Jazzer. */
class TextFuzzTest {
    /** {@code -Dfuzz.seed} and {@code -Dfuzz.texts} take another slice. */
    private static final long SEED = Long.getLong("fuzz.seed", 9);
    private static final int FILES = Integer.getInteger("fuzz.texts", 1_000);

    @Test
    void drawnFilesAreReadOrRefusedByName(@TempDir Path folder) throws IOException {
        System.out.println("TextFuzzTest: " + FILES + " files, fuzz.seed " + SEED);
        TextCheck check = new TextCheck(folder);
        int accepted = 0;
        for (int i = 0; i < FILES; i++) {
            try {
                accepted += check.any(Draw.of(SEED * 1_000_003 + i)) ? 1 : 0;
            } catch (Throwable e) {
                throw new AssertionError("file " + i + " of fuzz.seed " + SEED, e);
            }
        }
        assertTrue(accepted > FILES / 20 && accepted < FILES * 3 / 4, accepted + " of " + FILES + " accepted");
    }
}
