package io.attentivecutmix.benchmarks;

import java.util.Locale;

/** Markdown being written, and the words that all its tables share. */
final class Page {
    /** Other processes that take more than this share of a processor may have shifted a figure. */
    static final double QUIET = 0.1;

    private final StringBuilder text = new StringBuilder();

    void line(String format, Object... values) {
        text.append(format(format, values)).append('\n');
    }

    /** A paragraph, and the blank line behind it. */
    void paragraph(String format, Object... values) {
        line(format, values);
        text.append('\n');
    }

    /** A table's head. */
    void head(String... columns) {
        line("| %s |", String.join(" | ", columns));
        line("|%s", "---|".repeat(columns.length));
    }

    void row(Object... cells) {
        StringBuilder row = new StringBuilder("|");
        for (Object cell : cells) {
            row.append(' ').append(cell.toString().replace("|", "\\|")).append(" |");
        }
        text.append(row).append('\n');
    }

    void end() {
        text.append('\n');
    }

    void chart(String file, String description) {
        paragraph("![%s](%s.png)", description, file);
    }

    static String format(String format, Object... values) {
        return String.format(Locale.ROOT, format, values);
    }

    /** How many processors others kept busy, as a cell; bold where that was too much. */
    static String others(double processors) {
        return Double.isNaN(processors) ? "?" : format(processors > QUIET ? "**%.2f**" : "%.2f", processors);
    }

    @Override
    public String toString() {
        return text.toString();
    }
}
