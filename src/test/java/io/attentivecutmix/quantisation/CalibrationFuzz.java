package io.attentivecutmix.quantisation;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.attentivecutmix.network.ResNet;
import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Calibration files under Jazzer; run by name only ({@link CalibrationFileTest} has the mutations of every build):
 *
 * <pre>{@code
 * JAZZER_FUZZ=1 _JAVA_OPTIONS=-Xmx256m nice mvn -q -Dnative=OFF -Dcuda=OFF test -Dtest='CalibrationFuzz#bytes' \
 *     -Djazzer.max_duration=10m
 * }</pre>
 */
class CalibrationFuzz {
    static Stream<byte[]> seeds() {
        return Stream.of(Calibrations.small(), Calibrations.full(ResNet.RESNET18, 1))
                .map(c -> c.toJson().getBytes(StandardCharsets.UTF_8));
    }

    /** What is read is written and read again the same; what is refused says where. */
    @MethodSource("seeds")
    @FuzzTest(maxDuration = "10m")
    void bytes(byte[] file) {
        Calibration calibration;
        try {
            calibration = Calibration.fromJson(new String(file, StandardCharsets.UTF_8));
        } catch (CalibrationException e) {
            if (e.where().isBlank() || e.fault().isBlank()) {
                throw new AssertionError("no place or no fault", e);
            }
            return;
        }
        if (!Calibration.fromJson(calibration.toJson()).equals(calibration)) {
            throw new AssertionError("reads back otherwise");
        }
    }
}
