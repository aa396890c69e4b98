package io.attentivecutmix.natives;

import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;

/**
 * Libraries of jars in a folder: compared with the jar, byte by byte through SHA-256, and extracted where they differ.
 *
 * <p>Open as long as JavaCPP loads them. Meanwhile a lock that many may share keeps other processes from replacing a
 * file between its comparison and its loading; to replace one it must be held alone. A file takes its name whole, so
 * where the file system has no locks, nothing worse happens than that some process extracts once more.
 */
final class Extraction implements AutoCloseable {
    private static final String LOCK = ".attentive-cutmix.lock";
    private static final String PART = ".part";
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final Duration LEFT_OVER = Duration.ofHours(1);
    private static final Duration POLL = Duration.ofMillis(10);

    private final Path folder;
    private final Digests digests;
    private FileChannel channel;
    private FileLock lock;

    private Extraction(Path folder) {
        this.folder = folder;
        digests = new Digests(folder);
    }

    /** Compares all, extracts what differs, removes what is not from the jars, and keeps the lock. */
    static Extraction of(Path folder, List<BundledLibrary> libraries) throws IOException {
        Extraction extraction = new Extraction(folder);
        boolean done = false;
        try {
            extraction.lock(true);
            extraction.tighten(libraries);
            if (!extraction.differing(libraries).isEmpty() || !extraction.strangers(libraries).isEmpty()) {
                extraction.lock(false);
                // somebody else may have been faster
                for (BundledLibrary library : extraction.differing(libraries)) {
                    extraction.extract(library);
                }
                for (Path stranger : extraction.strangers(libraries)) {
                    Files.deleteIfExists(stranger);
                }
            }
            extraction.digests.save();
            done = true;
            return extraction;
        } finally {
            if (!done) {
                extraction.close();
            }
        }
    }

    /** Sub-folders that others own or may write to would undo the check of the folder. */
    private void tighten(List<BundledLibrary> libraries) throws IOException {
        if (!PrivateFolder.unix(folder)) {
            return;
        }
        for (BundledLibrary library : libraries) {
            Path at = folder;
            for (Path part : library.place().getParent() == null ? Path.of("") : library.place().getParent()) {
                at = at.resolve(part);
                if (!Files.isDirectory(at, LinkOption.NOFOLLOW_LINKS)) {
                    break; // made, or made anew, for the owner alone
                }
                if (PrivateFolder.othersWrite(at)) {
                    Files.setPosixFilePermissions(at, PosixFilePermissions.fromString("rwx------"));
                }
                if (!PrivateFolder.isOwnersAlone(at, folder)) {
                    throw new IOException("its folder " + folder.relativize(at) + " belongs to somebody else than the"
                            + " folder itself; delete it");
                }
            }
        }
    }

    /**
     * What lies beside the libraries and could be loaded with them, since they look for what they need in their own
     * folder, but is neither a file of their jar with the jar's bytes, nor a link to a file of this folder.
     */
    private List<Path> strangers(List<BundledLibrary> libraries) throws IOException {
        List<Path> strangers = new ArrayList<>();
        Set<Path> seen = new HashSet<>();
        for (BundledLibrary library : libraries) {
            Path beside = folder.resolve(library.place()).getParent();
            if (beside.equals(folder) || !seen.add(beside) || !Files.isDirectory(beside)) {
                continue;
            }
            try (DirectoryStream<Path> all = Files.newDirectoryStream(beside)) {
                for (Path file : all) {
                    try {
                        if (isStranger(file, library, libraries)) {
                            strangers.add(file);
                        }
                    } catch (FileNotFoundException | NoSuchFileException e) {
                        // gone meanwhile, which without locks may be; or there, and not to be read
                        if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                            strangers.add(file);
                        }
                    }
                }
            }
        }
        return strangers;
    }

    /** Whether nobody but this user can change a file's bytes, once they are compared. */
    private boolean isOurs(Path real) throws IOException {
        for (Path at = real; !at.equals(folder); at = at.getParent()) {
            if (!PrivateFolder.isOwnersAlone(at, folder)) {
                return false;
            }
        }
        return true;
    }

    private boolean isStranger(Path file, BundledLibrary neighbour, List<BundledLibrary> libraries)
            throws IOException {
        if (Files.isSymbolicLink(file)) {
            return !Files.exists(file) || !file.toRealPath().startsWith(folder) || !isOurs(file.toRealPath());
        }
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        String name = file.getFileName().toString();
        if (name.startsWith(".") && name.endsWith(PART)) {
            return isLeftOver(file, Instant.now());
        }
        for (BundledLibrary library : libraries) {
            Path known = folder.resolve(library.place());
            if (known.equals(file) || known.getParent().equals(file.getParent())
                    && numbered(known).matcher(name).matches()) {
                return false; // compared with the rest
            }
        }
        Optional<BundledLibrary> inJar = neighbour.sibling(name);
        return inJar.isEmpty() || !sameSize(file, inJar.get()) || !isOurs(file) || !sameBytes(file, inJar.get());
    }

    /**
     * Whether a file that was to take a library's name later never will: nobody writes that long. Until then it is
     * another process's, which holds no lock where there are none; no library looks for such a name.
     */
    static boolean isLeftOver(Path part, Instant now) throws IOException {
        // not the time of the last change, which is the library's before the name is
        Object touched = Files.getAttribute(part, PrivateFolder.unix(part) ? "unix:ctime" : "creationTime",
                LinkOption.NOFOLLOW_LINKS);
        return ((FileTime) touched).toInstant().plus(LEFT_OVER).isBefore(now);
    }

    /** Bytes that would be written to this folder, before anything is. */
    static long missingBytes(Path folder, List<BundledLibrary> libraries) {
        return libraries.stream().filter(l -> !sameSize(folder.resolve(l.place()), l))
                .mapToLong(BundledLibrary::size).sum();
    }

    /** On this thread alone, some 70 ms for oneDNN's 90 MB: an application's common pool is not ours to start. */
    private List<BundledLibrary> differing(List<BundledLibrary> libraries) throws IOException {
        List<BundledLibrary> differing = new ArrayList<>();
        for (BundledLibrary library : libraries) {
            if (!isGood(library)) {
                differing.add(library);
            }
        }
        return differing;
    }

    private boolean isGood(BundledLibrary library) throws IOException {
        try {
            return isAsInJar(library);
        } catch (FileNotFoundException | NoSuchFileException e) {
            return false; // not to be read, or a copy that another process removed meanwhile
        }
    }

    private boolean isAsInJar(BundledLibrary library) throws IOException {
        Path file = folder.resolve(library.place());
        // only a real path: JavaCPP extracts again, in place, what a link leads elsewhere
        return sameSize(file, library) && file.toRealPath().equals(file)
                && Files.getLastModifiedTime(file).toMillis() == library.time() && isOurs(file)
                && sameBytes(file, library)
                && copiesAreGood(file, library);
    }

    private static boolean sameSize(Path file, BundledLibrary library) {
        try {
            return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) && Files.size(file) == library.size();
        } catch (IOException e) {
            return false;
        }
    }

    private boolean sameBytes(Path file, BundledLibrary library) throws IOException {
        try (InputStream in = new FileInputStream(file.toFile())) {
            return MessageDigest.isEqual(BundledLibrary.digest(in), digests.of(library));
        }
    }

    /** For a second class loader JavaCPP extracts a JNI library again, as lib…0.so, and trusts that too. */
    private boolean copiesAreGood(Path file, BundledLibrary library) throws IOException {
        for (Path copy : copies(file)) {
            if (!sameSize(copy, library) || !isOurs(copy) || !sameBytes(copy, library)) {
                return false;
            }
        }
        return true;
    }

    private static Pattern numbered(Path file) {
        String name = file.getFileName().toString();
        int dot = Math.max(0, name.indexOf(".so") >= 0 ? name.indexOf(".so") : name.lastIndexOf('.'));
        return Pattern.compile(Pattern.quote(name.substring(0, dot)) + "\\d+" + Pattern.quote(name.substring(dot)));
    }

    private static List<Path> copies(Path file) throws IOException {
        Pattern numbered = numbered(file);
        List<Path> copies = new ArrayList<>();
        if (Files.isDirectory(file.getParent())) {
            try (DirectoryStream<Path> all = Files.newDirectoryStream(file.getParent(),
                    p -> numbered.matcher(p.getFileName().toString()).matches())) {
                all.forEach(copies::add);
            }
        }
        return copies;
    }

    private void extract(BundledLibrary library) throws IOException {
        Path file = folder.resolve(library.place());
        makeFolders(file.getParent());
        Path part = Files.createTempFile(file.getParent(), ".", PART, PrivateFolder.ownerOnly(folder));
        try {
            byte[] written = write(library, part);
            digests.learn(library, written);
            byte[] read;
            try (InputStream in = new FileInputStream(part.toFile())) {
                read = BundledLibrary.digest(in);
            }
            if (!MessageDigest.isEqual(written, read)) {
                throw new IOException("what was written to " + file + " does not read back the same");
            }
            Files.setLastModifiedTime(part, FileTime.fromMillis(library.time()));
            for (Path copy : copies(file)) {
                Files.deleteIfExists(copy);
            }
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    /** @return SHA-256 of what the jar holds */
    private static byte[] write(BundledLibrary library, Path part) throws IOException {
        var digest = BundledLibrary.sha256();
        // a stream and no channel: an interrupt of the thread closes a channel it writes to
        try (InputStream in = new DigestInputStream(library.open(), digest);
                OutputStream out = new FileOutputStream(part.toFile())) {
            in.transferTo(out);
        }
        return digest.digest();
    }

    /** Folders between the private one and a library's; a link among them is replaced by a folder. */
    private void makeFolders(Path target) throws IOException {
        Path at = folder;
        for (Path part : folder.relativize(target)) {
            at = at.resolve(part);
            if (Files.isSymbolicLink(at)) {
                Files.delete(at);
            }
            if (!Files.isDirectory(at, LinkOption.NOFOLLOW_LINKS)) {
                Files.createDirectory(at, PrivateFolder.ownerOnly(folder));
            }
        }
    }

    /** Takes the lock in another mode; goes on without after a minute, or where there are no locks. */
    private void lock(boolean shared) throws IOException {
        release();
        if (channel == null) {
            channel = FileChannel.open(folder.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.READ,
                    StandardOpenOption.WRITE);
        }
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (lock == null && System.nanoTime() - deadline < 0) {
            try {
                lock = channel.tryLock(0, Long.MAX_VALUE, shared);
            } catch (OverlappingFileLockException e) {
                lock = null; // this library of another class loader: it lets go soon
            } catch (IOException e) {
                return;
            }
            if (lock == null) {
                LockSupport.parkNanos(POLL.toNanos());
            }
        }
    }

    private void release() throws IOException {
        if (lock != null && lock.isValid()) {
            lock.release();
        }
        lock = null;
    }

    @Override
    public void close() throws IOException {
        if (channel != null) {
            channel.close();
        }
    }
}
