package io.attentivecutmix.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.FaultyFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Who may write in an output folder. */
class OutputFolderTest {
    @TempDir
    Path folder;

    @Test
    @DisabledOnOs(OS.WINDOWS)
    @SuppressWarnings("try") // the lock is held, not used
    void aLinkToAFolderIsAFolder() throws IOException {
        Path real = Files.createDirectories(folder.resolve("real"));
        Path link = Files.createSymbolicLink(folder.resolve("link"), real);
        OutputFolder out = OutputFolder.check(link, false);
        try (FolderLock lock = out.lock()) {
            out.create(false, OutputFolder.OF_MIX);
            AtomicFile.write(out.file("a"), false, stream -> stream.write(1));
            // by another name it is the same folder
            assertThrows(CommandException.class, () -> OutputFolder.check(real, true).lock());
        }
        assertTrue(Files.exists(real.resolve("a")));
        assertFalse(Files.exists(real.resolve(FolderLock.NAME)));
    }

    /** Another run may have come and gone between the look at the folder and its lock. */
    @Test
    @SuppressWarnings("try") // the lock is held, not used
    void isLookedAtAgainUnderItsLock() throws IOException {
        OutputFolder plain = OutputFolder.check(folder, false);
        OutputFolder resumes = OutputFolder.check(folder, false, true);
        Path other = Files.createFile(folder.resolve("labels.jsonl"));
        CommandException e = assertThrows(CommandException.class, plain::lock);
        assertTrue(e.getMessage().contains("is not empty"), e.getMessage());
        e = assertThrows(CommandException.class, resumes::lock);
        assertTrue(e.getMessage().contains("no plan.json"), e.getMessage());
        assertFalse(Files.exists(folder.resolve(FolderLock.NAME)));
        Files.createFile(folder.resolve(Plan.FILE));
        try (FolderLock lock = resumes.lock()) {
            assertTrue(Files.exists(other));
        }
        OutputFolder.check(folder, true).lock().close();
    }

    /** Its holder removes the file when it ends; whoever has opened it before then has locked nothing. */
    @Test
    @DisabledOnOs(OS.WINDOWS)
    @SuppressWarnings("try") // the lock is held, not used
    void aRemovedFileIsNoLock() throws IOException {
        FaultyFiles files = new FaultyFiles();
        Path file = folder.resolve(FolderLock.NAME);
        for (boolean again : new boolean[] {false, true}) {
            files.before("lock", () -> {
                Files.delete(file);
                if (again) {
                    Files.createFile(file);
                }
            });
            try (FolderLock lock = FolderLock.of(files.path(folder))) {
                assertEquals(16, Files.size(file), "the file that others open is not the one that is locked");
            }
            assertFalse(Files.exists(file));
            assertEquals(0, files.open());
        }
    }

    /** POSIX drops a process's locks on a file when it closes any channel of it: the one refused must not. */
    @Test
    @DisabledOnOs(OS.WINDOWS)
    @SuppressWarnings("try") // the lock is held, not used
    void aSecondRunOfThisProcessDropsNoLock() throws Exception {
        try (FolderLock lock = FolderLock.of(folder)) {
            assertThrows(CommandException.class, () -> FolderLock.of(folder));
            Process other = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"),
                    Other.class.getName(), folder.toString()).redirectErrorStream(true).start();
            String said = new String(other.getInputStream().readAllBytes());
            assertTrue(other.waitFor(30, TimeUnit.SECONDS));
            assertTrue(said.contains("another process writes to --out"), said);
        }
    }

    /** Takes a lock. */
    static final class Other {
        private Other() {}

        public static void main(String[] arguments) throws IOException {
            FolderLock.of(Path.of(arguments[0])).close();
            System.out.println("locked");
        }
    }
}
