package io.attentivecutmix.cli;

import java.io.BufferedOutputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import java.util.zip.CheckedOutputStream;

/** Writes a file under a temporary name in its own folder, then moves it: whoever sees the name sees the whole file. */
final class AtomicFile {
    private static final Pattern TEMPORARY = Pattern.compile("\\.\\d+-\\d+\\.tmp");
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
     * @return CRC-32C of the content
     */
    static long write(Path target, boolean durable, Content content) throws IOException {
        Path folder = target.toAbsolutePath().getParent();
        if (folder == null) {
            throw new IOException(target + " is a root folder; allowed: a file's name");
        }
        OutputFolder.make(folder);
        // short, since a file name may be at its limit of 255 bytes already
        Path temporary = folder.resolve("." + ProcessHandle.current().pid() + "-" + COUNTER.incrementAndGet() + ".tmp");
        boolean moved = false;
        CRC32C checksum = new CRC32C();
        try {
            // a stream and no channel: an interrupt of the thread closes a channel it writes to
            try (FileOutputStream file = new FileOutputStream(temporary.toFile());
                    OutputStream out = new BufferedOutputStream(new CheckedOutputStream(file, checksum), 1 << 16)) {
                content.write(out);
                out.flush();
                if (durable) {
                    file.getFD().sync();
                }
            }
            move(temporary, target);
            moved = true;
            return checksum.getValue();
        } catch (IOException e) {
            throw named(target, e);
        } finally {
            if (!moved) {
                Files.deleteIfExists(temporary);
            }
        }
    }

    /** With the file's name in front, which a stream's failure to write does not tell. */
    static IOException named(Path file, IOException e) {
        boolean tells = e instanceof FileSystemException || e.getMessage() != null
                && e.getMessage().contains(file.toString());
        return tells ? e : new IOException(file + ": " + e.getMessage(), e);
    }

    /** Whether a file name is one that {@link #write} gives for a while. */
    static boolean isTemporary(Path file) {
        Path name = file.getFileName();
        return name != null && TEMPORARY.matcher(name.toString()).matches();
    }

    /** CRC-32C of a regular file's content. */
    static long crc32c(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new NoSuchFileException(file.toString());
        }
        CRC32C checksum = new CRC32C();
        byte[] buffer = new byte[1 << 16];
        try (InputStream in = Files.newInputStream(file)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                checksum.update(buffer, 0, n);
            }
        }
        return checksum.getValue();
    }

    static void move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
