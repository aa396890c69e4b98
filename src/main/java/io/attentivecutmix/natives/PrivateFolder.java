package io.attentivecutmix.natives;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Optional;

/**
 * A folder that only this user can write to, on a file system that allows executables; checked where the system has
 * owners and modes. Elsewhere (Windows) only that it can be written to.
 */
final class PrivateFolder {
    private static final int OTHERS_WRITE = 0002;
    private static final int GROUP_WRITES = 0020;
    private static final int STICKY = 01000;
    private static final long ROOT = 0;

    private PrivateFolder() {}

    /** A folder is not fit; the message says why and what to do, without naming the folder first. */
    static final class UnfitException extends Exception {
        UnfitException(String message) {
            super(message);
        }
    }

    /** For new folders: the owner alone. */
    static FileAttribute<?>[] ownerOnly(Path folder) {
        return unix(folder)
                ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(
                        PosixFilePermissions.fromString("rwx------"))}
                : new FileAttribute<?>[0];
    }

    static boolean unix(Path path) {
        return path.getFileSystem().supportedFileAttributeViews().contains("unix");
    }

    /**
     * Makes the folder if need be, for the owner alone, and checks it.
     *
     * @param named whether the user named it: then who may write to the folders above is his affair, see {@link #doubt}
     * @return its path without symbolic links
     */
    static Path open(String name, boolean named) throws UnfitException {
        try {
            Path folder = Path.of(name);
            if (!folder.isAbsolute()) {
                throw new UnfitException("is no absolute path; name one");
            }
            folder = folder.normalize();
            if (Files.isSymbolicLink(folder)) {
                throw new UnfitException("is a symbolic link; name the folder that it leads to");
            }
            if (!Files.isDirectory(folder)) {
                Files.createDirectories(folder, ownerOnly(folder));
            }
            Path real = folder.toRealPath();
            check(real);
            Optional<String> doubt = named ? Optional.empty() : doubt(real);
            if (doubt.isPresent()) {
                throw new UnfitException(doubt.get());
            }
            return real;
        } catch (InvalidPathException e) {
            throw new UnfitException("cannot be named in this locale's encoding; use a UTF-8 locale, for example"
                    + " LC_ALL=C.UTF-8");
        } catch (IOException e) {
            throw new UnfitException(text(e) + "; make it writable for this user, or name another folder");
        }
    }

    /** A fresh folder in the one for temporary files. */
    static Path temporary() throws UnfitException {
        String name = System.getProperty("java.io.tmpdir", "");
        try {
            Path parent = Path.of(name).toRealPath();
            Path fresh = Files.createTempDirectory(parent, "attentive-cutmix-native-", ownerOnly(parent));
            try {
                check(fresh);
                Optional<String> doubt = doubt(fresh);
                if (doubt.isPresent()) {
                    throw new UnfitException(doubt.get());
                }
            } catch (UnfitException | IOException e) {
                Files.delete(fresh);
                throw e;
            }
            return fresh;
        } catch (InvalidPathException e) {
            throw new UnfitException("cannot be named in this locale's encoding; use a UTF-8 locale");
        } catch (IOException e) {
            throw new UnfitException(text(e) + "; name another folder with -Djava.io.tmpdir");
        }
    }

    /**
     * Checks a folder that is there.
     *
     * @param real without symbolic links
     */
    static void check(Path real) throws UnfitException, IOException {
        Path probe;
        try {
            probe = Files.createTempFile(real, ".probe-", "", unix(real) ? ownerOnly(real) : new FileAttribute<?>[0]);
        } catch (IOException e) {
            throw new UnfitException("cannot be written to (" + text(e)
                    + "); make it writable for this user, or name another folder");
        }
        try {
            if (unix(real)) {
                // whoever owns what this process makes here is this user, also where the system has no name for him
                long user = uid(Files.readAttributes(probe, "unix:uid", LinkOption.NOFOLLOW_LINKS));
                requireOwned(real, user);
                // access(2) asks the mount too: no file of a noexec file system is executable, for root neither
                if (!Files.isExecutable(probe)) {
                    throw new UnfitException("lies on a file system that allows no executables (mounted noexec);"
                            + " remount it with exec, or name a folder elsewhere");
                }
            }
        } finally {
            Files.deleteIfExists(probe);
        }
    }

    private static void requireOwned(Path real, long user) throws UnfitException, IOException {
        Map<String, Object> own = attributes(real);
        if (uid(own) != user && uid(own) != ROOT) {
            throw new UnfitException("belongs to " + owner(real) + "; name a folder of this user's own");
        }
        if ((mode(own) & (GROUP_WRITES | OTHERS_WRITE)) != 0) {
            throw new UnfitException("may be written to by others (mode " + octal(own)
                    + "); delete it, or name a folder of mode 700");
        }
    }

    /**
     * Whoever can rename a folder above can put another in this one's place: who that is, but for root and the folder's
     * owner; empty if nobody.
     *
     * @param real without symbolic links
     */
    static Optional<String> doubt(Path real) throws IOException {
        if (!unix(real)) {
            return Optional.empty();
        }
        long user = uid(attributes(real));
        // of the root, nobody asks
        for (Path above = real.getParent(); above != null && above.getParent() != null; above = above.getParent()) {
            Map<String, Object> a = attributes(above);
            if (uid(a) != user && uid(a) != ROOT) {
                return Optional.of("lies in " + above + ", which belongs to " + owner(above)
                        + "; name a folder elsewhere");
            }
            boolean othersWrite = (mode(a) & OTHERS_WRITE) != 0 || (mode(a) & GROUP_WRITES) != 0 && !ownGroup(above);
            if (othersWrite && (mode(a) & STICKY) == 0) {
                return Optional.of("lies in " + above + ", which others may write to (mode " + octal(a)
                        + "); take that right away, or name a folder elsewhere");
            }
        }
        return Optional.empty();
    }

    /** Systems that give each user a group of his own, of his name, let it write by default. */
    private static boolean ownGroup(Path folder) throws IOException {
        PosixFileAttributes a = Files.readAttributes(folder, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        return a.group().getName().equals(a.owner().getName());
    }

    /** Whether a file is of the same user as the folder it lies in, or root's, and nobody else may write to it. */
    static boolean isOwnersAlone(Path file, Path folder) throws IOException {
        if (!unix(file)) {
            return true;
        }
        Map<String, Object> a = attributes(file);
        return (uid(a) == uid(attributes(folder)) || uid(a) == ROOT)
                && (mode(a) & (GROUP_WRITES | OTHERS_WRITE)) == 0;
    }

    /** Whether the mode of a folder lets anybody but its owner write. */
    static boolean othersWrite(Path folder) throws IOException {
        return (mode(attributes(folder)) & (GROUP_WRITES | OTHERS_WRITE)) != 0;
    }

    private static Map<String, Object> attributes(Path path) throws IOException {
        return Files.readAttributes(path, "unix:uid,mode", LinkOption.NOFOLLOW_LINKS);
    }

    private static long uid(Map<String, Object> attributes) {
        return Integer.toUnsignedLong((Integer) attributes.get("uid"));
    }

    private static int mode(Map<String, Object> attributes) {
        return (Integer) attributes.get("mode");
    }

    private static String octal(Map<String, Object> attributes) {
        return Integer.toOctalString(mode(attributes) & 07777);
    }

    private static String owner(Path path) throws IOException {
        return "user " + Files.getOwner(path, LinkOption.NOFOLLOW_LINKS).getName();
    }

    /** What the system said, without the path in front that the caller names anyway. */
    static String text(IOException e) {
        if (e instanceof FileSystemException f && f.getReason() != null) {
            return f.getReason();
        }
        if (e instanceof FileSystemException f) {
            return switch (e.getClass().getSimpleName()) {
                case "NoSuchFileException" -> f.getFile() + " does not exist";
                case "AccessDeniedException" -> f.getFile() + " is not accessible";
                case "FileAlreadyExistsException" -> f.getFile() + " is no folder";
                default -> e.toString();
            };
        }
        return e.getMessage() == null ? e.toString() : e.getMessage();
    }
}
