package io.attentivecutmix.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every file of {@link BadImages}: refused with file, place and fault named, before memory or time is spent on it. */
class BadImagesTest {
    private static final long MOST_BYTES = 8 << 20;
    /** A hang is what this catches; what a refusal takes is printed by {@link #costOfRefusals}. */
    private static final long MOST_NANOS = 2_000_000_000L;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static List<ImageDecoder> decoders() {
        List<ImageDecoder> decoders = new ArrayList<>(List.of(ImageDecoder.jdk()));
        ImageDecoder.openCv().ifPresent(decoders::add);
        return decoders;
    }

    private static String format(BadImages.Bad bad) {
        return Stream.of("BMP", "GIF", "JPEG", "PNG", "WebP").filter(bad.name()::contains).findFirst().orElse("");
    }

    private static String refusal(ImageDecoder decoder, BadImages.Bad bad) {
        try {
            RgbImage image = decoder.decode(bad.file(), "bad.img");
            return "decoded to " + image.height() + " by " + image.width();
        } catch (ImageException e) {
            return e.getMessage();
        }
    }

    /**
     * Damage within the data of a whole file is another matter with OpenCV, which shows what it can (as Pillow does):
     * there the gate's own verdicts only are asked for, those with a fault of their own.
     */
    @ParameterizedTest
    @CsvSource({"BMP, 35", "GIF, 25", "JPEG, 55", "PNG, 70", "WebP, 30", "'', 20"})
    void everyFileIsRefusedByName(String format, int atLeast) throws IOException {
        List<String> wrong = new ArrayList<>();
        List<BadImages.Bad> all = BadImages.all().stream().filter(b -> format(b).equals(format)).toList();
        for (ImageDecoder decoder : decoders()) {
            boolean gateOnly = decoder != decoders().get(0) && decoder.description().startsWith("OpenCV");
            for (BadImages.Bad bad : all) {
                if (gateOnly && (bad.fault().equals("JPEG: ") || bad.fault().startsWith("WebP: "))) {
                    continue;
                }
                String message = refusal(decoder, bad);
                if (!message.startsWith("bad.img: ") || !message.contains(bad.fault())) {
                    wrong.add(bad.name() + " by " + decoder.description() + ": " + message + "; wanted: "
                            + bad.fault());
                }
            }
        }
        assertEquals(List.of(), wrong);
        assertTrue(all.size() >= atLeast, all.size() + " files");
        assertEquals(all.size(), all.stream().map(BadImages.Bad::name).distinct().count(), "names");
    }

    /** Allocated bytes are the thread's own, so this is exact; the time is the processor's, best of three. */
    @Test
    @Tag("slow")
    void costOfRefusals() throws IOException {
        List<BadImages.Bad> all = BadImages.all();
        ImageDecoder decoder = ImageDecoder.jdk();
        all.forEach(bad -> refusal(decoder, bad));
        long mostBytes = 0;
        long mostNanos = 0;
        String slowest = "";
        String largest = "";
        for (BadImages.Bad bad : all) {
            long nanos = Long.MAX_VALUE;
            long bytes = Long.MAX_VALUE;
            for (int run = 0; run < 3; run++) {
                long before = THREADS.getThreadAllocatedBytes(Thread.currentThread().getId());
                long start = THREADS.getCurrentThreadCpuTime();
                refusal(decoder, bad);
                nanos = Math.min(nanos, THREADS.getCurrentThreadCpuTime() - start);
                bytes = Math.min(bytes, THREADS.getThreadAllocatedBytes(Thread.currentThread().getId()) - before);
            }
            assertTrue(nanos < MOST_NANOS, bad.name() + ": " + nanos + " ns");
            assertTrue(bytes < MOST_BYTES, bad.name() + ": " + bytes + " bytes");
            slowest = nanos > mostNanos ? bad.name() : slowest;
            largest = bytes > mostBytes ? bad.name() : largest;
            mostNanos = Math.max(nanos, mostNanos);
            mostBytes = Math.max(bytes, mostBytes);
        }
        System.out.printf("BadImagesTest: %d files refused; slowest %.2f ms (%s), largest %.1f KiB (%s)%n", all.size(),
                mostNanos / 1e6, slowest, mostBytes / 1024.0, largest);
    }

    @Test
    void contentDecidesNotTheEnding() throws IOException {
        for (GoldenFiles golden : GoldenFiles.all().stream().filter(g -> g.bytes().length < 4000).toList()) {
            RgbImage image = ImageDecoder.jdk().decode(golden.bytes(), "name.tiff");
            assertEquals(golden.height() + "x" + golden.width(), image.height() + "x" + image.width(), golden.file());
        }
    }
}
