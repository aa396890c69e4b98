package io.attentivecutmix.weights;

import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.Properties;

/**
 * One model's folder of the cache. It holds {@code model.safetensors}, a note beside it with the file's SHA-256, size,
 * URL and ETag, a lock, and between attempts a partial file. A file without a note that fits it is not there.
 */
final class HubCache {
    static final String FILE = "model.safetensors";
    private static final String NOTE = FILE + ".properties";
    private static final long LOCK_POLL_MILLIS = 50;

    private final Path folder;
    private final URI url;

    /** A file that is what its note says. */
    record Verified(Path file, String sha256) {}

    /** @param url where the file comes from; a file that came from elsewhere is not taken for it */
    HubCache(Path folder, URI url) {
        this.folder = folder;
        this.url = url;
    }

    Path folder() {
        return folder;
    }

    Path partial() {
        return folder.resolve(FILE + ".partial");
    }

    /** Creates what is missing of the folder, for its owner alone, and opens the lock file. */
    FileChannel open() throws IOException {
        if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            Files.createDirectories(folder,
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        } else {
            Files.createDirectories(folder);
        }
        return FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    }

    /**
     * Waits for its turn. In steps, since a thread that blocks in lock() closes its channel when it is interrupted, and
     * a process may not wait for a lock that it holds itself.
     */
    static FileLock lock(FileChannel channel) throws IOException, InterruptedException {
        while (true) {
            try {
                FileLock lock = channel.tryLock();
                if (lock != null) {
                    return lock;
                }
            } catch (OverlappingFileLockException e) {
                // another thread of this process has it
            }
            Thread.sleep(LOCK_POLL_MILLIS);
        }
    }

    /** The file, if it is there and is what was stored. */
    Optional<Verified> read() throws IOException {
        Path file = folder.resolve(FILE);
        Path note = folder.resolve(NOTE);
        if (!Files.isRegularFile(file) || !Files.isRegularFile(note)) {
            return Optional.empty();
        }
        Properties properties = new Properties();
        try {
            properties.load(new StringReader(Files.readString(note)));
        } catch (IllegalArgumentException | CharacterCodingException e) {
            return Optional.empty(); // a damaged note is as good as none
        }
        if (!url.toString().equals(properties.getProperty("url"))
                || !Long.toString(Files.size(file)).equals(properties.getProperty("size"))) {
            return Optional.empty();
        }
        String hash = Weights.sha256Of(file);
        return hash.equals(properties.getProperty("sha256")) ? Optional.of(new Verified(file, hash)) : Optional.empty();
    }

    /** Makes a whole partial file the cached one. Cut anywhere in between, the next {@link #read} finds nothing. */
    Path store(String sha256, String etag) throws IOException {
        Properties properties = new Properties();
        properties.setProperty("sha256", sha256);
        properties.setProperty("size", Long.toString(Files.size(partial())));
        properties.setProperty("url", url.toString()); // not where it was redirected to: such URLs hold signatures
        properties.setProperty("etag", etag);
        StringWriter text = new StringWriter();
        properties.store(text, null);
        Path file = folder.resolve(FILE);
        move(partial(), file);
        Path temporary = folder.resolve(NOTE + ".tmp");
        try {
            Files.writeString(temporary, text.toString());
            move(temporary, folder.resolve(NOTE));
        } finally {
            Files.deleteIfExists(temporary);
        }
        return file;
    }

    private static void move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(from, to, StandardCopyOption.REPLACE_EXISTING); // the note is the guard here
        }
    }
}
