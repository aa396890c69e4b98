package io.attentivecutmix.weights;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import io.attentivecutmix.weights.TorchFile.Pickle;
import java.io.IOException;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Coverage-guided fuzzing of the readers of weights, run by name only, one target at a time:
 *
 * <pre>{@code
 * JAZZER_FUZZ=1 mvn test -Dcuda=OFF -Dnative=OFF -Dtest=WeightsFuzz#archiveFile \
 *     -Djazzer.max_duration=10m -Djazzer.instrumentation_includes=io.attentivecutmix.weights.**
 * }</pre>
 *
 * <p>Targets: {@code safetensorsBytes}, {@code safetensorsFile}, {@code streamBytes}, {@code streamFile}, {@code
 * archiveBytes}, {@code archiveFile}. Those called Bytes take the fuzzer's bytes as the file and start from the seeds
 * below; those called File build a mostly valid file of them. The corpus grows in {@code .cifuzz-corpus}; a find is
 * written to {@code crash-…} beside it, and runs again from {@code
 * src/test/resources/io/attentivecutmix/weights/WeightsFuzzInputs/TARGET}. Without JAZZER_FUZZ the seeds run once each.
 * Every build runs a slice of the same targets from fixed seeds without Jazzer: {@link WeightsFuzzSliceTest}, which a
 * property makes as long as is wanted. Results: benchmarks/results/fuzz-weights.txt.
 */
class WeightsFuzz {
    static Stream<Arguments> safetensorsSeeds() throws IOException {
        byte[] golden = TorchFuzzTest.golden("dtypes.safetensors");
        Random random = new Random(1);
        return Stream.concat(Stream.of(golden), Stream.generate(() -> SafetensorsGenerator.file(Draw.from(random)))
                .limit(200)).map(WeightsFuzz::seed);
    }

    static Stream<Arguments> streamSeeds() {
        byte[] lists = new Pickle().op('}').text("w").tensor().op('s').text("l").op(']', 'q', 0, '(').integer(-1)
                .op('K', 3, 'M', 1, 2, 'J', 1, 2, 3, 4, 'h', 0, 0x85, 'e', 's').stop();
        return Stream.of(TorchFile.good(), lists).map(WeightsFuzz::seed);
    }

    static Stream<Arguments> archiveSeeds() throws IOException {
        Stream.Builder<byte[]> seeds = Stream.builder();
        for (String name : new String[] {"plain", "views", "types", "parameters", "leaves", "nested"}) {
            seeds.add(TorchFuzzTest.golden(name + ".pth"));
        }
        Random random = new Random(2);
        return Stream.concat(seeds.build(), Stream.generate(() -> ArchiveGenerator.file(Draw.from(random))).limit(200))
                .map(WeightsFuzz::seed);
    }

    private static Arguments seed(byte[] file) {
        return Arguments.of((Object) file);
    }

    @MethodSource("safetensorsSeeds")
    @FuzzTest
    void safetensorsBytes(byte[] file) {
        WeightsFuzzTarget.safetensors(file);
    }

    @FuzzTest
    void safetensorsFile(FuzzedDataProvider data) {
        WeightsFuzzTarget.safetensors(SafetensorsGenerator.file(Draw.from(data)));
    }

    @MethodSource("streamSeeds")
    @FuzzTest
    void streamBytes(byte[] pickle) {
        WeightsFuzzTarget.stream(pickle);
    }

    @FuzzTest
    void streamFile(FuzzedDataProvider data) {
        WeightsFuzzTarget.archive(PickleGenerator.archive(Draw.from(data)).bytes());
    }

    @MethodSource("archiveSeeds")
    @FuzzTest
    void archiveBytes(byte[] file) {
        WeightsFuzzTarget.archive(file);
    }

    @FuzzTest
    void archiveFile(FuzzedDataProvider data) {
        WeightsFuzzTarget.archive(ArchiveGenerator.file(Draw.from(data)));
    }
}
