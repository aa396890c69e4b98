package io.attentivecutmix.cli;

import java.io.PrintWriter;
import java.lang.reflect.Method;
import java.util.Locale;

/**
 * Where a command writes for people. Everything is escaped here, so no caller can forget it.
 *
 * <p>A closed stream (as behind {@code | head}) is remembered by its writer and written to no more; nothing retries.
 *
 * @param out what was asked for
 * @param err warnings and errors
 * @param terminal whether a progress bar can be drawn on {@code out}
 */
record Console(PrintWriter out, PrintWriter err, boolean terminal) {
    /** The process's own streams. */
    static Console system() {
        return new Console(new PrintWriter(System.out, true), new PrintWriter(System.err, true), onTerminal());
    }

    /** One line, formatted the same in every locale. */
    void line(String format, Object... args) {
        out.println(Printable.escapeLines(format(format, args)));
        out.flush();
    }

    void warning(String format, Object... args) {
        err.println("warning: " + Printable.escapeLines(format(format, args)));
        err.flush();
    }

    void error(String message) {
        err.println("error: " + Printable.escapeLines(message));
        err.flush();
    }

    /** The status of a command whose result is what it wrote to {@code out}: failed if that was not all taken. */
    int written() {
        if (out.checkError()) {
            error("the output could not be written to the end");
            return ExitStatus.FAILED;
        }
        return ExitStatus.OK;
    }

    private static String format(String format, Object... args) {
        return args.length == 0 ? format : String.format(Locale.ROOT, format, args);
    }

    /** From Java 22 on, System.console() is there without a terminal too, and has isTerminal() to tell. */
    private static boolean onTerminal() {
        java.io.Console console = System.console();
        if (console == null) {
            return false;
        }
        try {
            Method isTerminal = java.io.Console.class.getMethod("isTerminal");
            return (Boolean) isTerminal.invoke(console);
        } catch (NoSuchMethodException e) {
            return true; // before Java 22
        } catch (ReflectiveOperationException e) {
            return false;
        }
    }
}
