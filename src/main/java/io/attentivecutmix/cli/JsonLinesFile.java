package io.attentivecutmix.cli;

import java.io.BufferedWriter;
import java.io.Closeable;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A file of one JSON object per line, that grows during a run. It is named {@code .partial} until {@link #finish}; a
 * run that is killed leaves it under that name, whole lines first.
 */
final class JsonLinesFile implements Closeable {
    private final Path target;
    private final Path partial;
    private final FileOutputStream stream;
    private final Writer writer;
    private boolean finished;

    /** @param append whether to go on with what an earlier run left under the unfinished name */
    JsonLinesFile(Path target, boolean append) throws IOException {
        this.target = target;
        partial = partial(target);
        // a stream and no channel: an interrupt of the thread closes a channel it writes to
        stream = new FileOutputStream(partial.toFile(), append);
        writer = new BufferedWriter(new OutputStreamWriter(stream, StandardCharsets.UTF_8), 1 << 16);
    }

    /** The name that a file has until it is finished. */
    static Path partial(Path target) {
        return target.resolveSibling(target.getFileName() + ".partial");
    }

    void add(Json.Members members) throws IOException {
        String line = Json.line(members);
        try {
            writer.write(line);
            writer.write('\n');
        } catch (IOException e) {
            throw AtomicFile.named(target, e);
        }
    }

    /** Hands all lines to the operating system, so that a crash of this process loses none. */
    void flush() throws IOException {
        try {
            writer.flush();
        } catch (IOException e) {
            throw AtomicFile.named(target, e);
        }
    }

    /** Gives the file its name. */
    void finish() throws IOException {
        flush();
        stream.getFD().sync();
        writer.close();
        AtomicFile.move(partial, target);
        finished = true;
    }

    @Override
    public void close() throws IOException {
        if (!finished) {
            writer.close();
        }
    }
}
