package io.attentivecutmix.weights;

import java.util.HexFormat;

/** A weights file that cannot be used; the message names the file, the place in it and the fault. */
public class WeightsException extends RuntimeException {
    private static final int LONGEST_NAME = 1024;
    /** Three lists of the first 20 names, with shapes, fit. */
    private static final int LONGEST_FAULT = 8192;

    private final String file;
    private final String where;
    private final String fault;

    /**
     * @param file the file, or the reference it was asked for by
     * @param where a tensor's name, or the part of the file
     * @param fault what is wrong, and what is allowed
     */
    public WeightsException(String file, String where, String fault) {
        this(file, where, fault, null);
    }

    /** @param cause what the fault came from */
    public WeightsException(String file, String where, String fault, Throwable cause) {
        super(printable(file, LONGEST_NAME) + ": " + printable(where, LONGEST_NAME) + ": "
                + printable(fault, LONGEST_FAULT), cause);
        this.file = file;
        this.where = where;
        this.fault = fault;
    }

    /** The file, or the reference it was asked for by. */
    public String file() {
        return file;
    }

    /** A tensor's name, or the part of the file. */
    public String where() {
        return where;
    }

    /** What is wrong. */
    public String fault() {
        return fault;
    }

    /** Names come from files: they must not be able to steer a terminal, nor to fill a log. */
    private static String printable(String text, int longest) {
        StringBuilder out = new StringBuilder();
        int end = Math.min(text.length(), longest);
        for (int i = 0; i < end; i++) {
            char c = text.charAt(i);
            int type = Character.getType(c);
            if (Character.isISOControl(c) || type == Character.FORMAT || type == Character.SURROGATE
                    || type == Character.LINE_SEPARATOR || type == Character.PARAGRAPH_SEPARATOR) {
                // a formatter would take some kilobytes for each
                out.append("\\u").append(HexFormat.of().toHexDigits(c));
            } else {
                out.append(c);
            }
        }
        return text.length() > longest ? out + "…" : out.toString();
    }
}
