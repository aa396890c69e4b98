package io.attentivecutmix.cli;

import io.attentivecutmix.method.MixRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/**
 * The batches of records.jsonl, read as they are needed. The file may come from elsewhere: every fault is a
 * {@link CommandException} that names the file and the line.
 */
final class RecordLines implements Iterator<BatchTask>, AutoCloseable {
    /** Longest line in characters: a batch of 4096 images with all 1024 cells needs two thirds of it. */
    static final int MAX_LENGTH = 1 << 25;

    private final Path file;
    private final Path root;
    private final OutputFolder out;
    private final String ending;
    private final TextSource source;
    private String line;
    private int number;

    /**
     * @param root where the images lie
     * @param ending of every output's name
     */
    RecordLines(Path file, Path root, OutputFolder out, String ending) throws IOException {
        this(file, root, out, ending, -1);
    }

    /** @param after number of the last batch that is passed over, or −1 */
    RecordLines(Path file, Path root, OutputFolder out, String ending, int after) throws IOException {
        this.file = file;
        this.root = root;
        this.out = out;
        this.ending = ending;
        source = new TextSource(file, MAX_LENGTH);
        line = source.readLine();
        while (line != null && after >= 0 && number(file + ": line " + (number + 1), line) <= after) {
            number++;
            line = source.readLine();
        }
    }

    private static long number(String where, String text) {
        return JsonTree.parse(where, text, "record").integer("batch");
    }

    @Override
    public boolean hasNext() {
        return line != null;
    }

    @Override
    public BatchTask next() {
        if (line == null) {
            throw new NoSuchElementException();
        }
        BatchTask task = task(line);
        try {
            line = source.readLine();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return task;
    }

    private BatchTask task(String text) {
        String where = file + ": line " + ++number;
        JsonTree tree = JsonTree.parse(where, text, "record");
        MixRecord record;
        try {
            record = MixRecord.fromJson(tree.string("record"));
        } catch (IllegalArgumentException e) {
            throw CommandException.usage(where + ": " + e.getMessage(), e);
        }
        List<String> names = tree.strings("images");
        List<String> outputs = tree.strings("outputs");
        List<Long> labels = tree.has("labels") ? tree.integers("labels") : List.of();
        List<Long> checksums = tree.integers("crc32c");
        int n = record.count();
        if (names.size() != n || outputs.size() != n || checksums.size() != n
                || !labels.isEmpty() && labels.size() != n) {
            throw CommandException.usage(where + ": has lists of different lengths");
        }
        List<Item> items = new ArrayList<>();
        for (int i = 0; i < n; i++) {
            Path path = root.resolve(plain(where, names.get(i)));
            out.keepFrom(path);
            items.add(new Item(names.get(i), path, output(where, outputs.get(i)),
                    labels.isEmpty() ? -1 : ranged(where, "class", labels.get(i))));
        }
        return new BatchTask(ranged(where, "batch", tree.integer("batch")), items,
                (mixer, batch, given, into) -> mixer.replay(batch, given, record, into), checksums);
    }

    private static int ranged(String where, String what, long value) {
        if (value < 0 || value > Integer.MAX_VALUE) {
            throw CommandException.usage(where + ": has " + what + " " + value + "; allowed: 0 to "
                    + Integer.MAX_VALUE);
        }
        return (int) value;
    }

    /** A record from elsewhere must not read or write outside the folders that were named. */
    private static Path plain(String where, String name) {
        Path path;
        try {
            path = Path.of(name);
        } catch (InvalidPathException e) {
            throw CommandException.usage(where + ": names a path that is none: " + e.getReason(), e);
        }
        Path normal = path.normalize();
        if (path.isAbsolute() || normal.startsWith("..") || normal.toString().isEmpty()) {
            throw CommandException.usage(where + ": names '" + Printable.shorten(name)
                    + "'; allowed: a path below its folder");
        }
        return path;
    }

    private String output(String where, String name) {
        Path path = plain(where, name);
        Path file = path.getFileName();
        if (!name.endsWith(ending) || file == null || file.toString().length() <= ending.length()) {
            throw CommandException.usage(where + ": names the output '" + Printable.shorten(name)
                    + "'; allowed: names that end in " + ending);
        }
        return name;
    }

    @Override
    public void close() throws IOException {
        source.close();
    }
}
