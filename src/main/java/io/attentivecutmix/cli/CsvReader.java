package io.attentivecutmix.cli;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Comma-separated values as RFC 4180 has them: fields may be quoted, a quote in a quoted field is doubled, and a quoted
 * field may hold commas and line breaks. Blank lines are passed over. What the RFC leaves open is refused rather than
 * guessed.
 */
final class CsvReader implements Closeable {
    private static final int MAX_FIELDS = 64;

    private final TextSource source;
    private int line;

    CsvReader(Path file) throws IOException {
        source = new TextSource(file);
    }

    /** Number of the line on which the last record began. */
    int line() {
        return line;
    }

    CommandException fault(String what) {
        return source.fault(line, what);
    }

    /** The next record's fields, at least one; null at the end. */
    List<String> next() throws IOException {
        int c = source.read();
        while (c == '\n') {
            c = source.read();
        }
        if (c < 0) {
            return null;
        }
        line = source.line();
        List<String> fields = new ArrayList<>(2);
        while (true) {
            StringBuilder field = new StringBuilder();
            c = c == '"' ? quoted(field) : plain(field, c);
            fields.add(field.toString());
            if (c != ',') {
                return fields;
            }
            if (fields.size() == MAX_FIELDS) {
                throw fault("has more than " + MAX_FIELDS + " fields");
            }
            c = source.read();
        }
    }

    /** Reads a field that begins with c; returns what ended it. */
    private int plain(StringBuilder field, int c) throws IOException {
        for (; c >= 0 && c != '\n' && c != ','; c = source.read()) {
            if (c == '"') {
                throw source.fault(source.line(), "has a quote inside a field that does not begin with one");
            }
            source.append(field, c);
        }
        return c;
    }

    /** Reads a field behind its opening quote; returns what followed the closing one. */
    private int quoted(StringBuilder field) throws IOException {
        while (true) {
            int c = source.read();
            if (c < 0) {
                throw fault("opens a quote that is never closed");
            }
            if (c == '"') {
                c = source.read();
                if (c == ',' || c == '\n' || c < 0) {
                    return c;
                }
                if (c != '"') {
                    throw source.fault(source.line(), "has text behind a closing quote");
                }
            }
            source.append(field, c);
        }
    }

    @Override
    public void close() throws IOException {
        source.close();
    }
}
