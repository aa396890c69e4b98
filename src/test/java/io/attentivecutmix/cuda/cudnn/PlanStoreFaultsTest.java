package io.attentivecutmix.cuda.cudnn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.FaultyFiles;
import io.attentivecutmix.cuda.cudnn.Choices.StemKind;
import io.attentivecutmix.cuda.cudnn.Choices.StemShape;
import io.attentivecutmix.method.Precision;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every operation on a plan file fails in turn: never an exception, the file is the old one or the new one. */
class PlanStoreFaultsTest {
    private static final PlanKey KEY = new PlanKey(91900, "GPU", "sm_90", Precision.FP16);
    private static final StemShape OLD = new StemShape(1, 224);
    private static final StemShape NEW = new StemShape(2, 224);

    @TempDir
    Path folder;

    private static PlanStore store(Path folder, StemShape shape) {
        PlanStore store = new PlanStore(Optional.of(folder), KEY);
        store.choices().stems().put(shape, StemKind.KERNEL);
        return store;
    }

    @Test
    void everyOperationFails() throws Exception {
        FaultyFiles files = new FaultyFiles();
        int n = 0;
        do {
            n++;
            Path real = folder.resolve(String.valueOf(n));
            store(real, OLD).save();
            files.failAt(n);
            store(files.path(real), NEW).save();
            String where = "operation " + n + ", " + files.failed();
            assertEquals(0, files.open(), where);
            Map<StemShape, StemKind> stems = new PlanStore(Optional.of(real), KEY).choices().stems();
            // a file that could not be read is replaced by what is known, at worst without the old choices
            assertTrue(Set.of(Set.of(OLD), Set.of(NEW), Set.of(OLD, NEW)).contains(stems.keySet()),
                    where + ": " + stems);
            try (Stream<Path> all = Files.list(real)) {
                assertEquals(List.of(KEY.fileName()), all.map(p -> p.getFileName().toString()).toList(), where);
            }
            store(real, NEW).save();
            assertTrue(new PlanStore(Optional.of(real), KEY).choices().stems().containsKey(NEW), where);
        } while (!files.failed().isEmpty());
        assertTrue(n > 10, "only " + n + " operations");
    }
}
