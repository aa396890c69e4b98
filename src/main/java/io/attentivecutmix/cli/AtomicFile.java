package io.attentivecutmix.cli;

import java.io.BufferedOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.atomic.AtomicLong;

/** Writes a file under a temporary name in its own folder, then moves it: whoever sees the name sees the whole file. */
final class AtomicFile {
    private static final AtomicLong COUNTER = new AtomicLong();

    /** What writes the content. */
    interface Content {
        void write(OutputStream out) throws IOException;
    }

    private AtomicFile() {}

    /**
     * Writes a file, replacing what has its name; makes its folder.
     *
     * @param durable whether to wait until the content is on the disk, for files that others rely on after a crash
     */
    static void write(Path target, boolean durable, Content content) throws IOException {
        Path folder = target.toAbsolutePath().getParent();
        if (folder == null) {
            throw new IOException(target + " is a root folder; allowed: a file's name");
        }
        Files.createDirectories(folder);
        // short, since a file name may be at its limit of 255 bytes already
        Path temporary = folder.resolve("." + ProcessHandle.current().pid() + "-" + COUNTER.incrementAndGet() + ".tmp");
        boolean moved = false;
        try {
            // a stream and no channel: an interrupt of the thread closes a channel it writes to
            try (FileOutputStream file = new FileOutputStream(temporary.toFile());
                    OutputStream out = new BufferedOutputStream(file, 1 << 16)) {
                content.write(out);
                out.flush();
                if (durable) {
                    file.getFD().sync();
                }
            }
            move(temporary, target);
            moved = true;
        } finally {
            if (!moved) {
                Files.deleteIfExists(temporary);
            }
        }
    }

    static void move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
