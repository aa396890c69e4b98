package io.attentivecutmix.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/** What reaches a terminal. */
class PrintingTest {
    @Test
    void namesCannotSteerATerminal() {
        assertEquals("a\\u001b[31mb\\n\\r\\tc\\u0007\\u009b\\u202e\\u2028",
                Printable.escape("a\u001b[31mb\n\r\tc\u0007\u009b\u202e\u2028"));
        assertEquals("Köln 中文 \uD83D\uDE00", Printable.escape("Köln 中文 \uD83D\uDE00"));
        assertEquals("\\ud83d", Printable.escape("\uD83D"));
        assertEquals("one" + System.lineSeparator() + "    two\\u001b", Printable.escapeLines("one\ntwo\u001b"));
    }

    @Test
    void percentSignsOfNamesAreNoFormats() {
        StringWriter err = new StringWriter();
        Console console = new Console(new PrintWriter(new StringWriter()), new PrintWriter(err), false);
        console.error("100%s.png");
        console.warning("%s", "%d");
        assertEquals("error: 100%s.png" + System.lineSeparator() + "warning: %d" + System.lineSeparator(),
                err.toString());
    }

    @Test
    void numbersAreTheSameInEveryLocale() {
        Locale before = Locale.getDefault();
        try {
            Locale.setDefault(new Locale.Builder().setLanguage("tr").setRegion("TR").build());
            assertEquals("mix: 50 of 200 images (25 %), 12.5 images/s, 12 s left",
                    Progress.Lines.text("mix", "images", 50, 200, 4));
            assertEquals(ImageFormat.PNG, Choices.parse("--format", "PNG", ImageFormat.class));
            assertEquals(".jpg", ImageFormat.JPG.ending());
            assertEquals(BadImage.SKIP, Choices.parse("x", "skip", BadImage.class));
            assertEquals("skip", Choices.name(BadImage.SKIP));
        } finally {
            Locale.setDefault(before);
        }
    }

    @Test
    void timesAreShort() {
        assertEquals("0 s", Progress.Lines.duration(0.2));
        assertEquals("59 s", Progress.Lines.duration(59.4));
        assertEquals("1 min 0 s", Progress.Lines.duration(59.6));
        assertEquals("2 h 3 min", Progress.Lines.duration(2 * 3600 + 3 * 60 + 20));
        assertEquals("download: 7 MB, 3.5 MB/s", Progress.Lines.text("download", "MB", 7, -1, 2));
    }

    @Test
    void aClosedStreamEndsNothing() {
        Writer closed = new Writer() {
            @Override
            public void write(char[] buffer, int offset, int length) throws java.io.IOException {
                throw new java.io.IOException("Broken pipe");
            }

            @Override
            public void flush() throws java.io.IOException {
                throw new java.io.IOException("Broken pipe");
            }

            @Override
            public void close() {}
        };
        PrintWriter out = new PrintWriter(closed);
        assertEquals(ExitStatus.FAILED, Main.run(new Console(out, out, false), "info", "--json"),
                "what was asked for did not come out; a mix has its files and does not mind (StressTest)");
        assertFalse(!out.checkError());
    }
}
