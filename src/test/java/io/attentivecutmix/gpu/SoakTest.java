package io.attentivecutmix.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.Device;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The soak's short form. {@code -Dsoak.steps=1000000 -Dsoak.cycles=10000} make it the long one, on the device of
 * {@code -Dgpu.test.device} (default here: cpu); {@code -Dsoak.seconds} ends each part.
 */
class SoakTest {
    /** So short a run sees the virtual machine warm up: its own memory grows by less than this. */
    private static final long ALLOWED = 128 << 20;

    @Test
    void nothingGrows() {
        int steps = Integer.getInteger("soak.steps", 100);
        int cycles = Integer.getInteger("soak.cycles", 4);
        Device device = Device.parse(System.getProperty("gpu.test.device", "cpu"));
        StringBuilder table = new StringBuilder();
        boolean isLong = steps >= 10_000;
        List<String> faults = Soak.run(device, steps, cycles, Long.getLong("soak.seconds", 100_000_000L),
                isLong ? Soak.ALLOWED_BYTES : ALLOWED, table::append);
        if (isLong) {
            System.out.println(table);
        }
        assertEquals(List.of(), faults, table.toString());
        assertTrue(table.toString().contains(" steps in ") && table.toString().contains("file descriptors"),
                table.toString());
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
