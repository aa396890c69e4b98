package io.attentivecutmix.cli;

import java.nio.file.Path;
import java.util.Locale;

/** Text from outside made fit for a terminal. */
final class Printable {
    private static final String INDENT = "    ";
    private static final int MOST_QUOTED = 200;

    private Printable() {}

    /**
     * Replaces what could steer a terminal or fake a line: control characters (ANSI escapes begin with one), line and
     * paragraph separators, characters that change the writing direction or are invisible, and lone surrogates.
     */
    static String escape(String text) {
        StringBuilder out = new StringBuilder(text.length());
        text.codePoints().forEach(c -> {
            switch (Character.getType(c)) {
                case Character.CONTROL, Character.FORMAT, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR,
                        Character.SURROGATE, Character.UNASSIGNED -> out.append(code(c));
                default -> out.appendCodePoint(c);
            }
        });
        return out.toString();
    }

    /** Text from outside as part of a message: not more than a line or two of it. */
    static String shorten(String text) {
        if (text.length() <= MOST_QUOTED) {
            return text;
        }
        // Not through the middle of a pair of surrogates
        int end = Character.isHighSurrogate(text.charAt(MOST_QUOTED - 1)) ? MOST_QUOTED - 1 : MOST_QUOTED;
        return text.substring(0, end) + "… (" + text.length() + " characters)";
    }

    static String escape(Path path) {
        return escape(path.toString());
    }

    /**
     * As {@link #escape}, but keeps the line breaks of a message of our own that quotes text from outside. Lines but
     * the first are indented, so that a break in a file's name cannot begin a line that looks like ours.
     */
    static String escapeLines(String text) {
        StringBuilder out = new StringBuilder();
        boolean first = true;
        for (String line : text.split("\\R", -1)) {
            out.append(first ? "" : System.lineSeparator() + INDENT).append(escape(line));
            first = false;
        }
        return out.toString();
    }

    private static String code(int c) {
        return switch (c) {
            case '\n' -> "\\n";
            case '\r' -> "\\r";
            case '\t' -> "\\t";
            default -> String.format(Locale.ROOT, c < 0x10000 ? "\\u%04x" : "\\u{%x}", c);
        };
    }
}
