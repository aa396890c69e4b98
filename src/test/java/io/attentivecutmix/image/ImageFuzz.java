package io.attentivecutmix.image;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The decode gate under Jazzer, guided by coverage; run by name only ({@link ImageFuzzTest} is the slice of every
 * build). For ten minutes within 256 MB, one target at a time:
 *
 * <pre>{@code
 * JAZZER_FUZZ=1 _JAVA_OPTIONS=-Xmx256m nice mvn -q -Dnative=OFF -Dcuda=OFF test -Dtest='ImageFuzz#bytes' \
 *     -Djazzer.max_duration=10m
 * }</pre>
 */
class ImageFuzz {
    private static final ImageDecoder JDK = ImageDecoder.jdk();
    private static final ImageDecoder BEST = ImageDecoder.best();

    static Stream<byte[]> seeds() {
        return ImageGenerator.seeds("");
    }

    /** Mutations of the golden files and of what covers more than they do. */
    @MethodSource("seeds")
    @FuzzTest(maxDuration = "10m")
    void bytes(byte[] file) {
        GateCheck.accepts(JDK, file);
    }

    /** Files that the generator builds from the fuzzer's bytes. */
    @FuzzTest(maxDuration = "10m")
    void structured(FuzzedDataProvider data) {
        GateCheck.accepts(JDK, ImageGenerator.next(Draw.of(data)));
    }

    /** The same with OpenCV, where it is there: JPEG and WebP in native code. */
    @FuzzTest(maxDuration = "10m")
    void natively(FuzzedDataProvider data) {
        GateCheck.accepts(BEST, ImageGenerator.next(Draw.of(data)));
    }
}
