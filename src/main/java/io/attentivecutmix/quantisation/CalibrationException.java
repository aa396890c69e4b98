package io.attentivecutmix.quantisation;

/** A calibration file that cannot be used; the message names the file, the place in it and the fault. */
public class CalibrationException extends IllegalArgumentException {
    private static final int LONGEST = 2048;

    private final String file;
    private final String where;
    private final String fault;

    /**
     * @param file the file, or what a text was taken for
     * @param where line and column, or {@code file}
     * @param fault what is wrong, and what is allowed
     * @param cause what the fault came from, or null
     */
    public CalibrationException(String file, String where, String fault, Throwable cause) {
        super(printable(file) + ": " + printable(where) + ": " + printable(fault), cause);
        this.file = file;
        this.where = where;
        this.fault = fault;
    }

    /** The file, or what a text was taken for. */
    public String file() {
        return file;
    }

    /** Line and column, or {@code file}. */
    public String where() {
        return where;
    }

    /** What is wrong. */
    public String fault() {
        return fault;
    }

    /** The file's own text must not be able to steer a terminal, nor to fill a log. */
    private static String printable(String text) {
        StringBuilder out = new StringBuilder();
        int end = Math.min(text.length(), LONGEST);
        for (int i = 0; i < end; i++) {
            char c = text.charAt(i);
            int type = Character.getType(c);
            if (Character.isISOControl(c) || type == Character.FORMAT || type == Character.SURROGATE
                    || type == Character.LINE_SEPARATOR || type == Character.PARAGRAPH_SEPARATOR) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return text.length() > LONGEST ? out + "…" : out.toString();
    }
}
