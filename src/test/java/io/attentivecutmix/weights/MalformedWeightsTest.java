package io.attentivecutmix.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every file of {@link BadSafetensors}, {@link BadArchives}, {@link SafetensorsReaderTest} and {@link TorchReaderTest}
 * through {@link Weights#load}: refused by a message of file, place and fault, and for less than 64 MB of memory, taken
 * in turn. The property {@code weights.malformed.times} prints the slowest, in this thread's time on a processor, and
 * the largest; times are no test.
 */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class MalformedWeightsTest {
    private static final long MOST = 64_000_000;
    private static final int SHOWN = 12;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final List<Measured> MEASURED = new ArrayList<>();

    @TempDir
    static Path folder;

    private record Measured(String what, long bytes, long nanos) {}

    static List<BadFile> files() throws IOException {
        List<BadFile> all = new ArrayList<>(BadSafetensors.all());
        all.addAll(BadArchives.all());
        // their messages are the business of those tests
        Stream.concat(SafetensorsReaderTest.malformed().map(a -> older("safetensors", a)),
                TorchReaderTest.malformed().map(a -> older("archive", a))).forEach(all::add);
        return all;
    }

    private static BadFile older(String kind, Arguments a) {
        return BadFile.of(kind + ": " + a.get()[0] + " (reader)", (byte[]) a.get()[1], "");
    }

    @ParameterizedTest(name = "{0}")
    @Tag("slow")
    @MethodSource("files")
    void refusedInBounds(BadFile bad) throws IOException {
        Path file = Files.write(folder.resolve("weights.bin"), bad.bytes().get());
        Refusal refusal = refuse(file);
        if (refusal.bytes > MOST) {
            // the first to need a class pays for it
            refusal = refuse(file);
        }
        MEASURED.add(new Measured(bad.what(), refusal.bytes, refusal.nanos));
        WeightsException e = refusal.exception;
        assertEquals(file.toString(), e.file());
        assertTrue(e.getMessage().startsWith(file + ": "), e.getMessage());
        assertFalse(e.fault().isEmpty(), e.getMessage());
        assertTrue(e.getMessage().contains(bad.fault()), e.getMessage() + " lacks " + bad.fault());
        assertTrue(e.getMessage().chars().noneMatch(Character::isISOControl), e.getMessage());
        assertTrue(refusal.bytes <= MOST, refusal.bytes + " bytes taken");
    }

    private static void faultsAreNamed(List<BadFile> files) throws IOException {
        Path file = folder.resolve("weights.bin");
        for (BadFile bad : files) {
            Files.write(file, bad.bytes().get());
            WeightsException e = assertThrows(WeightsException.class, () -> Weights.load(file), bad.what());
            assertTrue(e.getMessage().contains(bad.fault()), bad.what() + ": " + e.getMessage());
        }
    }

    /** Once more and all at once: a mutation run begins anew for each invocation of the test above. */
    @Test
    void faultsOfArchivesAreNamed() throws IOException {
        faultsAreNamed(BadArchives.all());
    }

    @Test
    void faultsOfSafetensorsAreNamed() throws IOException {
        faultsAreNamed(BadSafetensors.all());
    }

    private record Refusal(WeightsException exception, long bytes, long nanos) {}

    private static Refusal refuse(Path file) {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        long start = THREADS.getCurrentThreadCpuTime();
        WeightsException e = assertThrows(WeightsException.class, () -> Weights.load(file));
        return new Refusal(e, THREADS.getCurrentThreadAllocatedBytes() - before,
                THREADS.getCurrentThreadCpuTime() - start);
    }

    @Test
    void atLeastFourHundredDifferentFiles() throws IOException {
        Set<String> different = new HashSet<>();
        for (BadFile bad : files()) {
            assertTrue(different.add(bad.what()) || bad.what().endsWith("(reader)"), bad.what() + " is there twice");
        }
        assertTrue(different.size() >= 400, different.size() + " files");
    }

    @AfterAll
    static void report() {
        if (System.getProperty("weights.malformed.times") != null) {
            System.out.println(MEASURED.size() + " files, " + MEASURED.stream().filter(m -> m.nanos > 100_000_000)
                    .count() + " above 100 ms");
            MEASURED.stream().sorted((a, b) -> Long.compare(b.nanos, a.nanos)).limit(SHOWN).forEach(m ->
                    System.out.printf("%8.1f ms  %s%n", m.nanos / 1e6, m.what));
            MEASURED.stream().sorted((a, b) -> Long.compare(b.bytes, a.bytes)).limit(SHOWN).forEach(m ->
                    System.out.printf("%8.1f MB  %s%n", m.bytes / 1e6, m.what));
        }
    }
}
