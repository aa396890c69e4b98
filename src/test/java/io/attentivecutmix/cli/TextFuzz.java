package io.attentivecutmix.cli;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import io.attentivecutmix.image.Draw;
import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Label files, image lists, records, manifests and masks under Jazzer; run by name only ({@link TextFuzzTest} is the
 * slice of every build):
 *
 * <pre>{@code
 * JAZZER_FUZZ=1 _JAVA_OPTIONS=-Xmx256m nice mvn -q -Dnative=OFF -Dcuda=OFF test -Dtest='TextFuzz#bytes' \
 *     -Djazzer.max_duration=10m
 * }</pre>
 */
class TextFuzz {
    private static final TextCheck CHECK = TextCheck.inTemporaryFolder();

    static Stream<byte[]> seeds() {
        return TextCheck.SEEDS.stream();
    }

    /** Each file is read as every kind of text. */
    @MethodSource("seeds")
    @FuzzTest(maxDuration = "10m")
    void bytes(byte[] file) throws IOException {
        CHECK.labels(file);
        CHECK.list(file);
        CHECK.records(file);
        CHECK.manifest(file);
    }

    /** Files of fields, quotes and line ends, or of JSON values, drawn from the fuzzer's bytes. */
    @FuzzTest(maxDuration = "10m")
    void structured(FuzzedDataProvider data) throws IOException {
        CHECK.any(Draw.of(data));
    }
}
