package io.attentivecutmix.image;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** The slice of {@link ImageFuzz} that every build runs: drawn from one seed, without Jazzer. */
class ImageFuzzTest {
    /** {@code -Dfuzz.seed} and {@code -Dfuzz.images} take another slice. */
    private static final long SEED = Long.getLong("fuzz.seed", 9);
    private static final int FILES = Integer.getInteger("fuzz.images", 5_000);

    @Test
    void drawnFilesGiveImagesOfTheDeclaredSizeOrImageExceptions() {
        System.out.println("ImageFuzzTest: " + FILES + " files, fuzz.seed " + SEED);
        ImageDecoder decoder = ImageDecoder.jdk();
        int accepted = 0;
        for (int i = 0; i < FILES; i++) {
            try {
                byte[] file = ImageGenerator.next(Draw.of(SEED * 1_000_003 + i));
                accepted += GateCheck.accepts(decoder, file) ? 1 : 0;
            } catch (Throwable e) {
                throw new AssertionError("file " + i + " of fuzz.seed " + SEED, e);
            }
        }
        // A generator that is refused at the door tests nothing; one that is never refused does not either.
        assertTrue(accepted > FILES / 10 && accepted < FILES * 9 / 10, accepted + " of " + FILES + " accepted");
    }
}
