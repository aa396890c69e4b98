package io.attentivecutmix.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.management.ManagementFactory;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Label files for two images, with everything that goes wrong in such files. */
class LabelFilesTest {
    @TempDir
    Path folder;

    private ImageList images() {
        return ImageList.ofNames(folder.toAbsolutePath().normalize(), List.of("a.png", "b.png"));
    }

    private ClassLabels read(byte[] file) throws IOException {
        return ClassLabels.ofCsv(Files.write(folder.resolve("labels.csv"), file), images());
    }

    private ClassLabels read(String file) throws IOException {
        return read(file.getBytes(StandardCharsets.UTF_8));
    }

    private String refusal(byte[] file) {
        CommandException e = assertThrows(CommandException.class, () -> read(file),
                () -> new String(file, StandardCharsets.ISO_8859_1));
        assertEquals(ExitStatus.USAGE, e.status());
        assertTrue(e.getMessage().startsWith(folder.resolve("labels.csv").toString()), e.getMessage());
        return e.getMessage();
    }

    private void refused(String file, String message) {
        String said = refusal(file.getBytes(StandardCharsets.UTF_8));
        assertTrue(said.contains(message), said + " lacks " + message);
    }

    private void ids(int a, int b, String file) throws IOException {
        ClassLabels labels = read(file);
        assertEquals(List.of(a, b), List.of(labels.id(0), labels.id(1)), file);
    }

    @Test
    void whatIsMeantIsRead() throws IOException {
        ids(7, 0, "path,label\na.png,7\nb.png,0\n");
        ids(7, 0, "label,path\n7,a.png\n0,b.png");
        ids(7, 0, "\uFEFFpath,label\r\na.png,7\r\rb.png,0\r\n\n");
        ids(7, 0, "\"path\",\"label\"\n\"a.png\",\"7\"\n\n\"b.png\",0");
        ids(7, 0, "path,label\n./a.png,007\nsub/../b.png,0");
        ids(7, 0, "path,label\n" + folder.toAbsolutePath().resolve("a.png") + ",7\nb.png,0");
        ids(Integer.MAX_VALUE, 0, "path,label\na.png,2147483647\nb.png,0");
        ids(1, 0, "path,label\na.png,dog\nb.png,cat");
        ids(0, 1, "path,label\na.png,\"a, b\nc\"\nb.png,\"say \"\"x\"\"\"");
        ids(1, 0, "path,label\na.png,7th\nb.png,1.2.3");
        ids(0, 0, "path,label\na.png,𝔘\nb.png,𝔘");
    }

    @Test
    void anImageWhoseNameHasALineBreakIsFound() throws IOException {
        ImageList odd = ImageList.ofNames(folder.toAbsolutePath().normalize(), List.of("a\nb,\"c\".png"));
        Path csv = Files.writeString(folder.resolve("labels.csv"), "path,label\n\"a\nb,\"\"c\"\".png\",3\n");
        assertEquals(3, ClassLabels.ofCsv(csv, odd).id(0));
    }

    @Test
    void rowsOfOtherImagesAreCounted() throws IOException {
        ClassLabels labels = read("path,label\na.png,7\nb.png,0\nc.png,x\n../a.png,-1\n.,\n/a.png,1.5\n,\n");
        assertEquals(5, labels.unusedRows());
    }

    @Test
    void filesWithoutRowsAreRefused() {
        for (String none : List.of("", "\uFEFF", "\n\r\n\r", "\uFEFF\n")) {
            refused(none, " is empty; allowed: a header path,label and one row per image");
        }
        refused("path,label\n", "has no row for 2 of 2 images: 'a.png', 'b.png'");
        refused("path,label\nb.png,1", "has no row for 1 of 2 images: 'a.png'; paths are looked up below");
    }

    @Test
    void otherHeadersAreRefused() {
        for (String header : List.of("a.png,7", "path", "label", "path,label,split", "Path,Label", " path,label",
                "path;label", "path\tlabel", "path,path", "path,label,", "pa\u200Bth,label")) {
            refused(header + "\na.png,1\nb.png,2", "line 1 is '" + header + "'; allowed: the header path,label");
        }
        // Some other file on one line: the message quotes its begin only
        String said = refusal((("x".repeat(30_000) + ",").repeat(60) + "\n").getBytes(StandardCharsets.UTF_8));
        assertTrue(said.contains("… (1800060 characters)") && said.length() < 600, said);
    }

    @Test
    void rowsOfOtherLengthsAreRefusedWithTheirLine() {
        refused("path,label\na.png\nb.png,1", "line 2 has 1 fields; allowed: 2 (path,label)");
        refused("path,label\na.png,1\n\n\"b\n\n.png\",1,", "line 4 has 3 fields");
        refused("path,label\na.png,1,5\nb.png,1", "line 2 has 3 fields");
        refused("path,label\n" + "a,".repeat(64), "line 2 has more than 64 fields");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1", "+1", "1.5", "1.", ".5", "\"1,5\"", "99999999999", " 7 ", "7 ", " 7", "\t7",
        "7\u00A0", "7e0", "7E+2", "７", "７.５", "٧", "۷", "①", "1٢", "-0", "NaN", "nan", "inf", "-Infinity",
        "\"\n7\""})
    void numbersThatAreNoClassIdAreRefused(String label) {
        refused("path,label\na.png," + label + "\nb.png,1",
                "allowed: class ids in digits 0 to 9 without blanks, from 0 to 2147483647, or names");
    }

    @ParameterizedTest
    @CsvSource({"2147483648", "9999999999", "4294967296"})
    void idsBeyondAnIntAreRefused(String label) {
        refused("path,label\na.png," + label + "\nb.png,1",
                "line 2 has class id " + label + "; allowed: 0 to 2147483647");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "\"\"", "dog ", " dog", "\u3000dog", "\" \"", "\"dog\n\""})
    void blankNamesAreRefused(String label) {
        refused("path,label\na.png," + label + "\nb.png,cat", "allowed: names without blanks around them");
    }

    @Test
    void namesAndIdsAreNotMixed() {
        refused("path,label\na.png,7\nb.png,dog",
                "line 3 has the name 'dog', but line 2 the class id 7; allowed: all names or all ids");
    }

    @Test
    void anImageIsLabelledOnce() {
        for (String again : List.of("a.png,1", "a.png,2", "./a.png,1", "x/../a.png,1")) {
            refused("path,label\na.png,1\n" + again + "\nb.png,1", "line 3 labels 'a.png' as '" + again.charAt(
                    again.length() - 1) + "', but line 2 has labelled it as '1'; allowed: one row per image");
        }
    }

    @Test
    void quotesThatDoNotCloseAreRefused() {
        refused("path,label\na.png,\"1\nb.png,1", "line 2 opens a quote that is never closed");
        refused("path,label\na.png,\"1\" \nb.png,1", "line 2 has text behind a closing quote");
        refused("path,label\na.png,1\"\nb.png,1", "line 2 has a quote inside");
    }

    @Test
    void otherEncodingsAreRefused() {
        String text = "path,label\na.png,köln\nb.png,1";
        for (String charset : List.of("ISO-8859-1", "windows-1252")) {
            assertTrue(refusal(text.getBytes(Charset.forName(charset))).contains("is not UTF-8"), charset);
        }
        assertTrue(refusal(text.getBytes(StandardCharsets.UTF_16)).contains("is not UTF-8"));
        assertTrue(refusal(text.replace("ö", "o").getBytes(StandardCharsets.UTF_16LE)).contains("a NUL"));
        byte[] overlong = "path,label\na.png,\u00c0\u00af".getBytes(StandardCharsets.ISO_8859_1);
        assertTrue(refusal(overlong).contains("is not UTF-8"));
        refused("path,label\na.png,1\0\nb.png,1", "line 2 holds a NUL");
    }

    /** A line of 1 GB (sparse: the first 64 KiB are text) is refused after 32,768 characters, in little memory. */
    @Test
    void anEndlessLineIsRefusedInLittleMemory() throws IOException {
        Path csv = folder.resolve("labels.csv");
        Files.writeString(csv, "path,label\n" + "x".repeat(1 << 16));
        try (RandomAccessFile file = new RandomAccessFile(csv.toFile(), "rw")) {
            file.setLength(1L << 30);
        }
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getThreadAllocatedBytes(Thread.currentThread().getId());
        CommandException e = assertThrows(CommandException.class, () -> ClassLabels.ofCsv(csv, images()));
        long bytes = threads.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
        assertTrue(e.getMessage().endsWith("line 2 is longer than 32768 characters"), e.getMessage());
        assertTrue(bytes < 2 << 20, bytes + " bytes");
    }

    /** What a spreadsheet would run, and what a terminal would obey, is only text; in a message it comes escaped. */
    @Test
    void textThatActsElsewhereIsText() throws IOException {
        String formula = "=cmd|' /C calc'!A0";
        ClassLabels labels = read("path,label\na.png," + formula + "\nb.png,@SUM(1)");
        assertEquals(List.of(formula, "@SUM(1)"), labels.classes());
        String escape = "\u001b]0;owned\u0007 \u202Egnp";
        String said = Printable.escapeLines(refusal(("path,label\na.png," + escape + " \nb.png,1")
                .getBytes(StandardCharsets.UTF_8)));
        assertTrue(said.contains("\\u001b]0;owned\\u0007 \\u202egnp"), said);
        assertFalse(said.chars().anyMatch(c -> c < ' ' || c == '\u202E'), said);
        String twice = Printable.escapeLines(refusal(("path,label\na.png," + formula + "\na.png," + formula)
                .getBytes(StandardCharsets.UTF_8)));
        assertFalse(twice.startsWith("="), twice);
        refused("path,label\na.png," + "y".repeat(30_000) + " \nb.png,1", "… (30001 characters)'; allowed: names");
    }
}
