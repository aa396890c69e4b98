package io.attentivecutmix.cli;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file of lines that a run left unfinished, cut back to its first so many. */
final class LinePrefix {
    /** Looks at one line. */
    interface Line {
        /** @return false to drop this line and all behind it */
        boolean keep(JsonTree line) throws IOException, InterruptedException;
    }

    private LinePrefix() {}

    /**
     * Gives a finished file its unfinished name again, so that this run may add to it.
     *
     * @return the unfinished name, where there may be no file
     */
    static Path reopen(Path target) throws IOException {
        Path partial = JsonLinesFile.partial(target);
        if (!Files.exists(partial) && Files.exists(target)) {
            AtomicFile.move(target, partial);
        }
        return partial;
    }

    /** Cuts a file behind the last line that is whole, is JSON and is to be kept. A file that is absent stays so. */
    static void cut(Path file, String raw, Line lines) throws IOException, InterruptedException {
        if (!Files.exists(file)) {
            return;
        }
        long kept = 0;
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
            long at = 0;
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            for (int c = in.read(); c >= 0; c = in.read()) {
                at++;
                if (c != '\n') {
                    line.write(c);
                    continue;
                }
                if (!keep(file, line.toString(StandardCharsets.UTF_8), raw, lines)) {
                    break;
                }
                kept = at;
                line.reset();
            }
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(kept);
        }
    }

    private static boolean keep(Path file, String text, String raw, Line lines)
            throws IOException, InterruptedException {
        JsonTree tree;
        try {
            tree = JsonTree.parse(file.toString(), text, raw);
            return lines.keep(tree);
        } catch (CommandException e) {
            return false; // no line of ours: what is behind it is done again
        }
    }
}
