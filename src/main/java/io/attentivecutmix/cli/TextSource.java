package io.attentivecutmix.cli;

import java.io.BufferedReader;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A text file of the user's, one character at a time, in memory that does not depend on its size.
 *
 * <p>Strictly UTF-8, with or without a byte order mark; CR, LF and CR LF all come out as {@code '\n'}; a NUL is
 * refused. Only regular files are opened, since a FIFO would block and a device would never end.
 */
final class TextSource implements Closeable {
    /** Longest field or line in characters: eight times the longest path of Linux. */
    static final int MAX_LENGTH = 32_768;

    private final Path file;
    private final Reader reader;
    private final int maxLength;
    private int line = 1;
    private boolean afterNewline;
    private int pushedBack = -2;

    TextSource(Path file) throws IOException {
        this(file, MAX_LENGTH);
    }

    /** As the other, with another longest line. */
    TextSource(Path file, int maxLength) throws IOException {
        if (!Files.exists(file)) {
            throw CommandException.usage(file + " does not exist");
        }
        if (!Files.isRegularFile(file)) {
            throw CommandException.usage(file + " is not a regular file");
        }
        this.file = file;
        this.maxLength = maxLength;
        reader = new BufferedReader(new InputStreamReader(Files.newInputStream(file),
                StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT)
                        .onUnmappableCharacter(CodingErrorAction.REPORT)));
        int first = raw();
        if (first != '\uFEFF') {
            pushedBack = first;
        }
    }

    /** Number, from 1, of the line that the last character read is on; a newline is the last character of its line. */
    int line() {
        return line;
    }

    /** The next character, or −1 at the end. */
    int read() throws IOException {
        int c = raw();
        if (c == '\r') {
            int next = raw();
            if (next != '\n') {
                pushedBack = next;
            }
            c = '\n';
        }
        if (afterNewline) {
            line++;
        }
        afterNewline = c == '\n';
        if (c == 0) {
            throw fault(line, "holds a NUL character");
        }
        return c;
    }

    /** The next line without its end, or null at the end of the file. */
    String readLine() throws IOException {
        StringBuilder text = new StringBuilder();
        int c = read();
        if (c < 0) {
            return null;
        }
        for (; c >= 0 && c != '\n'; c = read()) {
            append(text, c);
        }
        return text.toString();
    }

    void append(StringBuilder text, int c) {
        if (text.length() >= maxLength) {
            throw fault(line, "is longer than " + maxLength + " characters");
        }
        text.append((char) c);
    }

    private int raw() throws IOException {
        if (pushedBack != -2) {
            int c = pushedBack;
            pushedBack = -2;
            return c;
        }
        try {
            return reader.read();
        } catch (CharacterCodingException e) {
            throw CommandException.usage(file + ": is not UTF-8 (some byte after line " + line + " is no such text)",
                    e);
        }
    }

    CommandException fault(int atLine, String what) {
        return CommandException.usage(file + ": line " + atLine + " " + what);
    }

    @Override
    public void close() throws IOException {
        reader.close();
    }
}
