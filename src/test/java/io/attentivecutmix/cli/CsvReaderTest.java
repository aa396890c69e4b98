package io.attentivecutmix.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Text files of users, with everything that goes wrong in them. */
class CsvReaderTest {
    @TempDir
    Path folder;

    private Path file(String text) throws IOException {
        return Files.writeString(folder.resolve("f.csv"), text);
    }

    private static List<List<String>> read(Path file) throws IOException {
        List<List<String>> rows = new ArrayList<>();
        try (CsvReader reader = new CsvReader(file)) {
            for (List<String> row = reader.next(); row != null; row = reader.next()) {
                rows.add(row);
            }
        }
        return rows;
    }

    private void refused(String text, String message) throws IOException {
        Path file = file(text);
        CommandException e = assertThrows(CommandException.class, () -> read(file), text);
        assertTrue(e.getMessage().contains(message), e.getMessage() + " lacks " + message);
        assertEquals(ExitStatus.USAGE, e.status());
    }

    @Test
    void lineEndsMarksQuotesAndBlankLines() throws IOException {
        assertEquals(List.of(List.of("a", "b"), List.of("c", "d"), List.of("e", "f"), List.of("g", "")),
                read(file("\uFEFFa,b\rc,d\r\n\n\r\ne,f\ng,")));
        assertEquals(List.of(List.of("a,b", "say \"x\""), List.of("two\nlines", "")),
                read(file("\"a,b\",\"say \"\"x\"\"\"\n\"two\r\nlines\",\"\"\n")));
        assertEquals(List.of(), read(file("")));
        assertEquals(List.of(), read(file("\uFEFF\n\n")));
        assertEquals(List.of(List.of(" a ", "b ")), read(file(" a ,b ")), "blanks belong to the field");
    }

    @Test
    void whatCannotBeMeantIsRefusedWithItsLine() throws IOException {
        refused("a,b\nc,\"d\n", "line 2 opens a quote that is never closed");
        refused("a,b\n\"c\"d,e\n", "line 2 has text behind a closing quote");
        refused("a,b\nc,d\"e\n", "line 2 has a quote inside");
        refused("a,b\nc,\0\n", "line 2 holds a NUL");
        refused("a\n" + "x".repeat(TextSource.MAX_LENGTH + 1), "line 2 is longer than");
        refused("a\n" + ",".repeat(100), "line 2 has more than 64 fields");
    }

    @Test
    void otherEncodingsAreRefused() throws IOException {
        Path file = Files.write(folder.resolve("latin.csv"),
                "path,label\nköln.png,1\n".getBytes(StandardCharsets.ISO_8859_1));
        CommandException e = assertThrows(CommandException.class, () -> read(file));
        assertTrue(e.getMessage().contains("not UTF-8"), e.getMessage());
    }

    @Test
    void onlyRegularFilesAreOpened() {
        Path zero = Path.of("/dev/zero");
        Assumptions.assumeTrue(Files.exists(zero), "needs /dev/zero");
        for (Path path : List.of(zero, folder, folder.resolve("none"))) {
            CommandException e = assertThrows(CommandException.class, () -> read(path));
            assertTrue(e.getMessage().contains("not a regular file") || e.getMessage().contains("does not exist"),
                    e.getMessage());
        }
    }
}
