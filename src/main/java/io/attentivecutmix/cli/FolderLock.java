package io.attentivecutmix.cli;

import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** One writer at a time in an output folder: two would mix up the files that name the pictures. */
final class FolderLock implements Closeable {
    static final String NAME = ".lock";

    private final Path file;
    private final FileChannel channel;

    /** @throws CommandException if another process, or another run of this one, writes there */
    FolderLock(Path folder) throws IOException {
        file = folder.resolve(NAME);
        channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = null;
        try {
            lock = channel.tryLock();
        } catch (OverlappingFileLockException e) {
            // another run of this process: told below
        } finally {
            if (lock == null) {
                channel.close();
            }
        }
        if (lock == null) {
            throw CommandException.usage("another process writes to --out " + folder
                    + "; allowed: an --out for each process");
        }
    }

    @Override
    public void close() throws IOException {
        // removed while it is locked, so that nobody's fresh file is removed
        try (channel) {
            Files.deleteIfExists(file);
        }
    }
}
