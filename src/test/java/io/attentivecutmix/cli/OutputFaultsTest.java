package io.attentivecutmix.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.attentivecutmix.FaultyFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a run writes, when operations on its folder fail or its disk is full. */
class OutputFaultsTest {
    @TempDir
    Path folder;

    @Test
    @SuppressWarnings("try") // the lock is held, not used
    void everyOperationOnAnOutputFolderFails() throws IOException {
        FaultyFiles files = new FaultyFiles();
        int n = 0;
        do {
            n++;
            Path real = folder.resolve(String.valueOf(n));
            Files.createDirectories(real);
            Files.writeString(real.resolve(OutputFolder.LABELS), "old");
            Files.writeString(real.resolve("target"), "old");
            files.failAt(n);
            boolean thrown = false;
            try {
                OutputFolder out = OutputFolder.check(files.path(real), true);
                try (FolderLock lock = out.lock()) {
                    out.create(true, OutputFolder.OF_MIX);
                    AtomicFile.write(out.file("target"), true,
                            stream -> stream.write("new".getBytes(StandardCharsets.UTF_8)));
                }
            } catch (IOException e) {
                thrown = true;
                // a folder that is there and cannot be looked at is no folder
                assertTrue(e.getMessage().contains("injected") || e instanceof FileAlreadyExistsException,
                        e.toString());
            } catch (CommandException e) {
                thrown = true;
                assertTrue(e.getMessage().contains("--out"), e.getMessage());
            }
            String where = "operation " + n + ", " + files.failed();
            assertEquals(0, files.open(), where);
            Set<String> silent = Set.of("", "readAttributes", "checkAccess", "createDirectory");
            assertTrue(thrown || silent.contains(files.failed()), where + " went unnoticed");
            String content = Files.readString(real.resolve("target"));
            assertTrue(thrown ? Set.of("old", "new").contains(content) : content.equals("new"), where + ": " + content);
            try (Stream<Path> all = Files.list(real)) {
                List<String> rubbish =
                        all.map(p -> p.getFileName().toString()).filter(p -> p.endsWith(".tmp")).toList();
                assertEquals(List.of(), rubbish, where);
            }
        } while (!files.failed().isEmpty());
        assertTrue(n > 15, "only " + n + " operations");
    }

    @Test
    @Timeout(60)
    void aDiskThatBecomesFullAtAnyByteLeavesTheOldFile() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/prlimit")), "Skipped: no prlimit here");
        Path java = Path.of(System.getProperty("java.home"), "bin", "java");
        Process child = new ProcessBuilder(java.toString(), "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp",
                System.getProperty("java.class.path"), FullDisk.class.getName(), folder.toString())
                .redirectErrorStream(true).start();
        String said = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(child.waitFor(30, TimeUnit.SECONDS), "hangs");
        assertEquals("all lengths were tried", said.strip());
    }
}
