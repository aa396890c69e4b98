package io.attentivecutmix.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Lines of records.jsonl that were written by hand, by another program, or not to their end. */
class RecordLinesTest {
    /** Two images; the first is mixed with one cell of 2 by 2 over the second. */
    static final String LINE = ("{'batch':3,'images':['a.png','b.png'],'outputs':['a.png','x/b.png'],'labels':[7,0],"
            + "'crc32c':[1,4294967295],'record':{'version':1,'options':{'patches':{'k':1},'inputSide':64},'seed':1,"
            + "'epoch':0,'step':3,'firstSample':6,'images':[{'partner':1,'mixed':true,'lambda':0.25,'cells':[3],"
            + "'height':8,'width':8,'sourceWeight':0.25},{'partner':0,'mixed':false,'lambda':0.25,'cells':[],"
            + "'height':8,'width':8,'sourceWeight':1}]}}").replace('\'', '"');

    @TempDir
    Path folder;
    private OutputFolder out;
    private Path records;

    @BeforeEach
    void prepare() throws IOException {
        out = OutputFolder.check(folder.resolve("out"), false);
        records = folder.resolve("records.jsonl");
    }

    private RecordLines open(byte[] file) throws IOException {
        return new RecordLines(Files.write(records, file), folder.resolve("in"), out, ".png");
    }

    private RecordLines open(String file) throws IOException {
        return open(file.getBytes(StandardCharsets.UTF_8));
    }

    private String refusal(byte[] file) {
        CommandException e = assertThrows(CommandException.class, () -> {
            try (RecordLines lines = open(file)) {
                while (lines.hasNext()) {
                    lines.next();
                }
            }
        }, () -> new String(file, StandardCharsets.UTF_8));
        assertEquals(ExitStatus.USAGE, e.status());
        assertTrue(e.getMessage().startsWith(records.toString()), e.getMessage());
        return e.getMessage();
    }

    private void refused(String file, String message) {
        String said = refusal(file.getBytes(StandardCharsets.UTF_8));
        assertTrue(said.contains(message), said + " lacks " + message);
    }

    @Test
    void whatWasWrittenIsRead() throws IOException {
        try (RecordLines lines = open(LINE + "\r\n" + LINE.replace("\"labels\":[7,0],", ""))) {
            BatchTask task = lines.next();
            assertEquals(3, task.number());
            assertEquals(List.of(1L, 4294967295L), task.checksums());
            assertEquals(new Item("b.png", folder.resolve("in/b.png"), "x/b.png", 0), task.items().get(1));
            assertEquals(-1, lines.next().items().get(0).classId());
            assertFalse(lines.hasNext());
        }
        try (RecordLines lines = open("")) {
            assertFalse(lines.hasNext());
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "\"cells\":[3] | \"cells\":[4] | cells of image 0 has 4; allowed: 0 to 3",
        "\"cells\":[3] | \"cells\":[-1] | cells of image 0 has -1",
        "\"cells\":[3] | \"cells\":[3,3] | cells has 3 twice",
        "\"cells\":[3] | \"cells\":[] | cells of image 0 has 0 cells; allowed: 1 to 4",
        "\"cells\":[3] | \"cells\":[0,1,2,3,4] | cells of image 0 has 4",
        "\"cells\":[3] | \"cells\":[3.0] | is not an integer",
        "\"cells\":[3] | \"cells\":[4294967299] | out of range",
        "\"cells\":[3] | \"cells\":[2,3] | sourceWeight of image 0 is 0.25; allowed: 0.5",
        "\"cells\":[] | \"cells\":[1] | cells of image 1 has 1 cells; allowed: none, it is not mixed",
        "\"partner\":1 | \"partner\":2 | partner of image 0 is 2; allowed: 0 to 1",
        "\"partner\":1 | \"partner\":-1 | partner of image 0 is -1",
        "\"partner\":1, | `` | image 0 has no \"partner\"",
        "\"lambda\":0.25,\"cells\":[3] | \"lambda\":1.5,\"cells\":[3] | lambda is 1.5; allowed: 0 to 1",
        "\"lambda\":0.25,\"cells\":[3] | \"lambda\":-0.1,\"cells\":[3] | lambda is -0.1",
        "\"lambda\":0.25,\"cells\":[3] | \"lambda\":NaN,\"cells\":[3] | record",
        "\"lambda\":0.25,\"cells\":[3] | \"lambda\":1e999,\"cells\":[3] | is not a number",
        "\"lambda\":0.25,\"cells\":[3] | \"lambda\":\"0.25\",\"cells\":[3] | is not a number",
        "\"sourceWeight\":0.25 | \"sourceWeight\":0.250001 | allowed: 0.25, what its cells or box of 8 by 8",
        "\"sourceWeight\":0.25 | \"sourceWeight\":null | is not a number",
        "\"height\":8 | \"height\":0 | image 0 is 0 by 8 pixels",
        "\"height\":8 | \"height\":-2147483648 | image 0 is -2147483648 by 8",
        "\"height\":8 | \"hight\":8 | unknown key \"hight\"",
        "\"inputSide\":64 | \"inputSide\":96 | sourceWeight of image 0",
        "\"inputSide\":64 | \"inputSide\":65 | inputSide is 65",
        "\"k\":1 | \"k\":5 | k is 5; allowed: 1 to 4",
        "\"version\":1 | \"version\":2 | has version 2; allowed: 1",
        "\"firstSample\":6 | \"firstSample\":-6 | firstSample is -6",
        "\"seed\":1 | \"seed\":9223372036854775808 | out of range",
        "\"seed\":1 | \"seed\":1,\"seed\":2 | uplicate",
        "\"batch\":3 | \"batch\":-3 | has batch -3; allowed: 0 to 2147483647",
        "\"batch\":3 | \"batch\":4294967299 | has batch 4294967299",
        "\"batch\":3 | \"batch\":3.5 | batch is 3.5; allowed: a whole number",
        "\"batch\":3, | `` | batch is missing",
        "\"labels\":[7,0] | \"labels\":[7,-1] | has class -1; allowed: 0 to 2147483647",
        "\"labels\":[7,0] | \"labels\":[7,2147483648] | has class 2147483648",
        "\"labels\":[7,0] | \"labels\":[7] | has lists of different lengths",
        "\"labels\":[7,0] | \"labels\":[7,\"0\"] | labels holds 0; allowed: whole numbers",
        "\"crc32c\":[1,4294967295] | \"crc32c\":[1] | has lists of different lengths",
        "\"crc32c\":[1,4294967295] | \"crc32c\":[1,99999999999999999999] | is no JSON",
        "\"crc32c\":[1,4294967295] | \"crc32c\":\"1\" | crc32c is 1; allowed: an array",
        "\"images\":[\"a.png\",\"b.png\"] | \"images\":[\"a.png\"] | has lists of different lengths",
        "\"images\":[\"a.png\" | \"images\":[\"../a.png\" | names '../a.png'; allowed: a path below its folder",
        "\"images\":[\"a.png\" | \"images\":[\"x/../../a.png\" | names 'x/../../a.png'",
        "\"images\":[\"a.png\" | \"images\":[\"/etc/passwd\" | names '/etc/passwd'",
        "\"images\":[\"a.png\" | \"images\":[\"\" | names ''",
        "\"images\":[\"a.png\" | \"images\":[\".\" | names '.'",
        "\"images\":[\"a.png\" | \"images\":[\"a\\u0000.png\" | names a path that is none: Nul character",
        "\"images\":[\"a.png\" | \"images\":[null | images holds",
        "\"outputs\":[\"a.png\" | \"outputs\":[\"../records.png\" | names '../records.png'",
        "\"outputs\":[\"a.png\" | \"outputs\":[\"a.txt\" | names the output 'a.txt'; allowed: names that end in .png",
        "\"outputs\":[\"a.png\" | \"outputs\":[\"\" | names ''",
        "\"outputs\":[\"a.png\" | \"outputs\":[\".png\" | names the output '.png'",
        "\"outputs\":[\"a.png\" | \"outputs\":[\"x/\" | names the output 'x/'",
        "\"record\":{ | \"record\":[{ | no JSON",
        "\"record\": | \"recard\": | record is missing"})
    void whatIsWrongIsNamed(String from, String to, String message) {
        assertTrue(LINE.contains(from), from);
        refused(LINE + "\n" + LINE.replace(from, to == null ? "" : to), "line 2");
        refused(LINE.replace(from, to == null ? "" : to), message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"[]", "null", "1", "\"x\"", "{}", "{\"batch\":", "{\"batch\":1}1", "\u001b[2J", "{'a':1}",
        "// {}", "{\"a\":1,}", " "})
    void whatIsNoRecordIsRefused(String line) {
        refused(line, "line 1");
    }

    @Test
    void everyTruncationIsRefused() {
        for (int length = 1; length < LINE.length(); length++) {
            String cut = LINE.substring(0, length);
            refused(cut, ": line 1");
        }
    }

    @Test
    void otherEncodingsAndLongLinesAreRefusedInBoundedMemory() throws IOException {
        byte[] latin = LINE.replace("b.png", "ö.png").getBytes(StandardCharsets.ISO_8859_1);
        assertTrue(refusal(latin).contains("is not UTF-8"));
        refused(LINE + "\0", "line 1 holds a NUL");
        refused("[".repeat(100_000), "line 1 is no JSON");
        refused("{\"record\":" + "[".repeat(100_000), "line 1 is no JSON");
        byte[] endless = new byte[1 << 20];
        java.util.Arrays.fill(endless, (byte) 'x');
        Files.write(records, endless);
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
        CommandException e = assertThrows(CommandException.class, () -> {
            try (TextSource source = new TextSource(records, 1 << 16)) {
                source.readLine();
            }
        });
        long bytes = threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
        assertTrue(e.getMessage().endsWith("line 1 is longer than 65536 characters"), e.getMessage());
        assertTrue(bytes < 1 << 20, bytes + " bytes");
    }

    @Test
    void aManifestIsReadWithinBounds() throws IOException {
        Path file = folder.resolve("run.json");
        assertTrue(assertThrows(CommandException.class, () -> JsonTree.read(file, "")).getMessage()
                .endsWith("is not a regular file"));
        Files.write(file, new byte[] {'{', (byte) 0xff, '}'});
        assertTrue(assertThrows(CommandException.class, () -> JsonTree.read(file, "")).getMessage()
                .endsWith("is not UTF-8"));
        Files.writeString(file, "{\"images\":\"a\\u0000b\",\"options\":\"" + "x".repeat(1000) + "\"}");
        JsonTree tree = JsonTree.read(file, "");
        assertTrue(assertThrows(CommandException.class, () -> tree.path("images")).getMessage()
                .contains("images is no path: Nul character"));
        String said = assertThrows(CommandException.class, () -> tree.integer("options")).getMessage();
        assertTrue(said.endsWith("… (1000 characters); allowed: a whole number"), said);
        try (var sparse = new java.io.RandomAccessFile(file.toFile(), "rw")) {
            sparse.setLength(1L << 32);
        }
        assertTrue(assertThrows(CommandException.class, () -> JsonTree.read(file, "")).getMessage()
                .endsWith("is longer than 67108864 bytes"));
    }
}
