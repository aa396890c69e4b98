package io.attentivecutmix.weights;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The targets of {@link WeightsFuzz} on files of fixed seeds, in every build. The property {@code fuzz.weights.files}
 * sets how many per target, {@code fuzz.weights.seed} the first seed:
 *
 * <pre>{@code
 * mvn test -Dcuda=OFF -Dnative=OFF -Dtest=WeightsFuzzSliceTest -Dfuzz.weights.files=10000000 -Dfuzz.weights.seed=7
 * }</pre>
 */
@Timeout(value = 6, unit = TimeUnit.HOURS)
class WeightsFuzzSliceTest {
    private static final int FILES = Integer.getInteger("fuzz.weights.files", 3_000);
    private static final long SEED = Long.getLong("fuzz.weights.seed", 1_000_000);
    /** A file may take this long on a machine that does much else: a guard against loops, no measure of speed. */
    private static final long HANG = TimeUnit.SECONDS.toNanos(20);

    /**
     * @param least percent of the files that must be accepted, so that the generators go on making sound ones
     * @param most percent that may be, so that they go on making unsound ones
     */
    private static void run(Function<Random, byte[]> generator, Predicate<byte[]> target, int least, int most) {
        int accepted = 0;
        long slowest = 0;
        long start = System.nanoTime();
        for (int i = 0; i < FILES; i++) {
            byte[] file = generator.apply(new Random(SEED + i));
            long before = System.nanoTime();
            try {
                accepted += target.test(file) ? 1 : 0;
            } catch (Throwable e) {
                throw new AssertionError("seed " + (SEED + i) + ", file " + HexFormat.of().formatHex(file), e);
            }
            slowest = Math.max(slowest, System.nanoTime() - before);
            long seed = SEED + i;
            assertTrue(System.nanoTime() - before < HANG, () -> "seed " + seed + " takes too long");
        }
        String outcome = String.format("%d files from seed %d, %d accepted, %.0f/s, slowest %.1f ms", FILES, SEED,
                accepted, FILES / ((System.nanoTime() - start) / 1e9), slowest / 1e6);
        if (System.getProperty("fuzz.weights.files") != null) {
            System.out.println(outcome);
        }
        double percent = 100.0 * accepted / FILES;
        assertTrue(percent >= least && percent <= most, outcome);
    }

    private static Function<Random, byte[]> changed(List<byte[]> whole) {
        return random -> TorchFuzzTest.changed(whole.get(random.nextInt(whole.size())), random);
    }

    @Test
    void safetensorsBytes() throws IOException {
        run(changed(List.of(TorchFuzzTest.golden("dtypes.safetensors"))), WeightsFuzzTarget::safetensors, 5, 95);
    }

    @Test
    void safetensorsFile() {
        run(random -> SafetensorsGenerator.file(Draw.from(random)), WeightsFuzzTarget::safetensors, 20, 90);
    }

    @Test
    void streamBytes() {
        run(changed(List.of(TorchFile.good())), WeightsFuzzTarget::stream, 0, 50);
    }

    @Test
    void streamFile() {
        run(random -> PickleGenerator.archive(Draw.from(random)).bytes(), WeightsFuzzTarget::archive, 20, 90);
    }

    @Test
    void archiveBytes() throws IOException {
        List<byte[]> whole = Arrays.asList(TorchFuzzTest.golden("plain.pth"), TorchFuzzTest.golden("views.pth"));
        run(changed(whole), WeightsFuzzTarget::archive, 0, 50);
    }

    @Test
    void archiveFile() {
        run(random -> ArchiveGenerator.file(Draw.from(random)), WeightsFuzzTarget::archive, 20, 90);
    }
}
