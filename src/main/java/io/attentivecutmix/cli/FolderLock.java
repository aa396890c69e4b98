package io.attentivecutmix.cli;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** One writer at a time in an output folder: two would mix up the files that name the pictures. */
final class FolderLock implements Closeable {
    static final String NAME = ".lock";

    /** The byte that is locked, behind any content: Windows lets nobody read what is locked. */
    private static final long PLACE = Long.MAX_VALUE - 1;

    /**
     * Folders that this process has locked. Where a process closes any channel of a file, POSIX drops all its locks on
     * that file, so a second run must not open it at all.
     */
    private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

    private final Path folder;
    private final FileChannel locked;
    private final FileChannel named;

    private FolderLock(Path folder, FileChannel locked, FileChannel named) {
        this.folder = folder;
        this.locked = locked;
        this.named = named;
    }

    /** @throws CommandException if another process, or another run of this one, writes there */
    static FolderLock of(Path folder) throws IOException {
        Path real = folder.toRealPath();
        if (!HELD.add(real)) {
            throw taken(folder);
        }
        Optional<FolderLock> lock = Optional.empty();
        try {
            while (lock.isEmpty()) {
                lock = attempt(real);
            }
            return lock.get();
        } catch (OverlappingFileLockException e) {
            throw taken(folder);
        } finally {
            if (lock.isEmpty()) {
                HELD.remove(real);
            }
        }
    }

    private static CommandException taken(Path folder) {
        return CommandException.usage("another process writes to --out " + folder
                + "; allowed: an --out for each process");
    }

    /** Empty if the file was removed by its holder between being opened and being locked here. */
    private static Optional<FolderLock> attempt(Path folder) throws IOException {
        Path file = folder.resolve(NAME);
        FileChannel locked = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileChannel named = null;
        boolean holds = false;
        try {
            if (locked.tryLock(PLACE, 1, false) == null) {
                throw taken(folder);
            }
            UUID mark = UUID.randomUUID();
            ByteBuffer bytes = ByteBuffer.allocate(16);
            bytes.putLong(mark.getMostSignificantBits()).putLong(mark.getLeastSignificantBits()).flip();
            locked.write(bytes, 0);
            named = FileChannel.open(file, StandardOpenOption.READ);
            ByteBuffer found = ByteBuffer.allocate(16);
            named.read(found, 0);
            holds = found.flip().equals(bytes.flip());
            return holds ? Optional.of(new FolderLock(folder, locked, named)) : Optional.empty();
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } finally {
            if (!holds) {
                close(locked, named);
            }
        }
    }

    @SuppressWarnings("try") // they are closed, not used
    private static void close(FileChannel locked, FileChannel named) throws IOException {
        try (locked; named) {
            return;
        }
    }

    @Override
    public void close() throws IOException {
        // removed while it is locked, so that nobody's fresh file is removed
        try {
            Files.deleteIfExists(folder.resolve(NAME));
        } finally {
            try {
                close(locked, named);
            } finally {
                HELD.remove(folder);
            }
        }
    }
}
