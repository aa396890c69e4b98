package io.attentivecutmix.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.Device;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The soak's short form; see {@link Soak} for the long one. */
class SoakTest {
    /** So short a run sees the virtual machine warm up: its own memory grows by less than this. */
    private static final long ALLOWED = 128 << 20;

    @Test
    void aShortOneIsFlat() {
        StringBuilder table = new StringBuilder();
        List<String> faults = Soak.run(Device.cpu(), 100, 4, 60, ALLOWED, table::append);
        assertEquals(List.of(), faults, table.toString());
        assertTrue(table.toString().contains("100 of 100 steps") && table.toString().contains("file descriptors"),
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
