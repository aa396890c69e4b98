package io.attentivecutmix.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.Device;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The soak's short form. {@code -Dsoak.steps=1000000 -Dsoak.cycles=10000} make it the long one, in a process of its own
 * and on the device of {@code -Dgpu.test.device} (by default cpu); {@code -Dsoak.seconds} ends each part.
 */
class SoakTest {
    /** So short a run sees the virtual machine warm up: its own memory grows by less than this. */
    private static final long ALLOWED = 128 << 20;

    @Test
    void nothingGrows() throws Exception {
        String steps = System.getProperty("soak.steps", "");
        String cycles = System.getProperty("soak.cycles", "10000");
        String seconds = System.getProperty("soak.seconds", "1000000");
        String device = System.getProperty("gpu.test.device", "cpu");
        if (steps.isEmpty()) {
            StringBuilder table = new StringBuilder();
            List<String> faults = Soak.run(Device.parse(device), 100, 4, 1_000_000, ALLOWED, table::append);
            assertEquals(List.of(), faults, table.toString());
            assertTrue(table.toString().contains("100 of 100 steps in "), table.toString());
            return;
        }
        Process child = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xms512m", "-Xmx512m", "-XX:+AlwaysPreTouch", "-Dgpu.test.device=" + device, "-cp",
                System.getProperty("java.class.path"), Soak.class.getName(), steps, cycles, seconds)
                .redirectErrorStream(true).start();
        child.inputReader().lines().forEach(System.out::println);
        assertEquals(0, child.waitFor());
    }

    @Test
    void aSlopeIsFound() {
        List<Soak.Sample> samples = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            samples.add(Soak.sample(1000L * i, 5e6 + 40.0 * 1000 * i + (i % 2 == 0 ? 100 : -100)));
        }
        double[] line = Soak.line(samples, 0);
        assertEquals(40, line[0], 0.01, "bytes a step");
        assertTrue(line[1] < 0.01, "error " + line[1]);
    }
}
