package io.attentivecutmix.cli;

import java.nio.file.FileSystemException;
import java.util.Locale;
import tools.jackson.core.JsonGenerator;

/** What a run did, for run.json and for the terminal. */
final class Summary {
    private Summary() {}

    static void write(JsonGenerator g, Outcome outcome) {
        Outcome.Counts counts = outcome.counts();
        g.writeStringProperty("end", outcome.end().name().toLowerCase(Locale.ROOT));
        Json.string(g, "failure", outcome.failure() == null ? null : text(outcome.failure()));
        g.writeNumberProperty("batches", counts.batches);
        g.writeNumberProperty("written", counts.written);
        g.writeNumberProperty("mixed", counts.mixed);
        g.writeNumberProperty("rejected", counts.rejected);
        g.writeNumberProperty("substituted", counts.substituted);
        g.writeNumberProperty("non_finite_maps", counts.nonFiniteMaps);
    }

    /** What to tell of a failure. */
    static String text(Throwable failure) {
        if (failure instanceof OutOfMemoryError) {
            return "out of memory (" + failure.getMessage()
                    + "); take a smaller --batch-size, or give Java more with -Xmx";
        }
        if (failure instanceof FileSystemException) {
            return failure.getClass().getSimpleName() + ": " + failure.getMessage();
        }
        return failure.getMessage() == null || failure.getMessage().isBlank() ? failure.toString()
                : failure.getMessage();
    }

    private static void add(StringBuilder text, int count, String what) {
        if (count > 0) {
            text.append(", ").append(count).append(' ').append(what);
        }
    }

    static void show(Console console, boolean quiet, Outcome outcome, OutputFolder folder, double seconds) {
        Outcome.Counts counts = outcome.counts();
        if (!quiet) {
            StringBuilder text = new StringBuilder(String.format(Locale.ROOT, "%d images done in %s", counts.written,
                    Progress.Lines.duration(seconds)));
            add(text, counts.mixed, "mixed");
            add(text, counts.substituted, "substituted");
            add(text, counts.rejected, "rejected");
            console.line("%s; see %s", text, folder.root());
        }
        if (counts.nonFiniteMaps > 0) {
            console.warning("%d heat maps held values that are not finite", counts.nonFiniteMaps);
        }
        if (outcome.end() == Outcome.End.INTERRUPTED) {
            console.error("interrupted; what was finished is named in " + OutputFolder.LABELS);
        }
        if (outcome.failure() != null) {
            console.error(text(outcome.failure()));
        }
    }
}
