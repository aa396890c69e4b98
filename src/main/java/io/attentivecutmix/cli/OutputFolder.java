package io.attentivecutmix.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Where a run writes; checked before anything is written. */
final class OutputFolder {
    static final String IMAGES = "images";
    static final String MASKS = "masks";
    static final String LABELS = "labels.jsonl";
    static final String RECORDS = "records.jsonl";
    static final String REJECTED = "rejected.jsonl";
    static final String RUN = "run.json";
    static final String CLASSES = "classes.json";
    static final String SHEET = "contact-sheet.png";
    static final String ATTENTION = "attention.jsonl";
    static final String CALIBRATION = "calibration.json";
    /** What a mix writes beside its pictures. */
    static final List<String> OF_MIX = List.of(RUN, LABELS, RECORDS, REJECTED, CLASSES, SHEET, CALIBRATION,
            Plan.FILE);
    /** What attend writes beside its pictures. */
    static final List<String> OF_ATTEND = List.of(RUN, ATTENTION, REJECTED, CALIBRATION, Plan.FILE);

    private final Path root;
    private final Path realImages;
    private final boolean force;
    private final boolean resume;

    private OutputFolder(Path root, boolean force, boolean resume) throws IOException {
        this.root = root;
        this.force = force;
        this.resume = resume;
        realImages = real(root.resolve(IMAGES));
    }

    /**
     * Checks a folder, without making it.
     *
     * @param force whether it may hold something already
     */
    static OutputFolder check(Path out, boolean force) throws IOException {
        return check(out, force, false);
    }

    /**
     * Checks a folder, without making it.
     *
     * @param force whether it may hold something already
     * @param resume whether it may hold an earlier run, to go on with
     */
    static OutputFolder check(Path out, boolean force, boolean resume) throws IOException {
        if (force && resume) {
            throw CommandException.usage("--force and --resume exclude each other: the one writes over what the other"
                    + " goes on with");
        }
        requireRoom(out, force, resume);
        return new OutputFolder(out.toAbsolutePath().normalize(), force, resume);
    }

    private static void requireRoom(Path out, boolean force, boolean resume) throws IOException {
        if (Files.exists(out) && !Files.isDirectory(out)) {
            throw CommandException.usage("--out " + out + " is a file; allowed: a folder, or a name that is free");
        }
        if (resume && !isFree(out) && !Files.isRegularFile(out.resolve(Plan.FILE))) {
            throw CommandException.usage("--resume: --out " + out + " holds something, but no " + Plan.FILE
                    + "; allowed: the output folder of a run that was stopped, or an empty or new folder");
        }
        if (!force && !resume && !isFree(out)) {
            throw CommandException.usage("--out " + out
                    + " is not empty; allowed: an empty or new folder, or --force to write"
                    + " over what has the same name (nothing else is removed)");
        }
    }

    /**
     * Whether there is nothing of this name, or a folder that is empty but for what a run leaves that is killed before
     * it writes anything.
     */
    static boolean isFree(Path out) throws IOException {
        if (!Files.isDirectory(out)) {
            return !Files.exists(out);
        }
        try (Stream<Path> entries = Files.list(out)) {
            return entries.allMatch(p -> p.endsWith(FolderLock.NAME) || AtomicFile.isTemporary(p));
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** Refuses to write where the images are read from. */
    void keepApart(ImageList images) throws IOException {
        Path out = real(root);
        if (images.fromFolder() && out.startsWith(real(images.root()))) {
            throw CommandException.usage("--out " + root + " lies in --images " + images.root()
                    + ", so that the next run would mix its pictures again; allowed: another place");
        }
        if (images.fromFolder()) {
            keepFrom(real(images.root()));
        }
        for (int i = 0; i < images.size(); i++) {
            keepFrom(images.path(i));
        }
    }

    /** Refuses to write where a run that is read lies. */
    void keepApart(Path run) throws IOException {
        if (real(run).equals(real(root))) {
            throw CommandException.usage("--out is --from, " + run + "; allowed: another folder");
        }
    }

    /** Refuses an image that may be written over before it is read. */
    void keepFrom(Path image) {
        if (image.startsWith(realImages) || image.startsWith(root.resolve(IMAGES))) {
            throw CommandException.usage("the image " + image + " lies in " + root.resolve(IMAGES)
                    + ", where mixed images are written; allowed: another --out");
        }
    }

    /** The path with all symbolic links followed, as far as it exists. */
    private static Path real(Path path) throws IOException {
        Path absolute = path.toAbsolutePath().normalize();
        for (Path existing = absolute; existing != null; existing = existing.getParent()) {
            if (Files.exists(existing)) {
                return existing.toRealPath().resolve(existing.relativize(absolute)).normalize();
            }
        }
        return absolute;
    }

    /**
     * Makes the folder. With force, what an earlier run said about its pictures is removed first, so that it can never
     * be taken for this run's; the pictures stay until they are written over.
     *
     * @param files what this command writes beside its pictures
     */
    void create(boolean force, List<String> files) throws IOException {
        make(root);
        if (force) {
            for (String name : files) {
                Files.deleteIfExists(root.resolve(name));
                Files.deleteIfExists(JsonLinesFile.partial(root.resolve(name)));
            }
            removeTemporaries();
        }
    }

    /** Whether an earlier run wrote here. */
    boolean hasPlan() {
        return Files.isRegularFile(root.resolve(Plan.FILE));
    }

    /** Removes what a run that was killed was writing; the folder must be locked. Links are not followed. */
    void removeTemporaries() throws IOException {
        List<Path> found;
        try (Stream<Path> all = Files.walk(root)) {
            found = all.filter(p -> AtomicFile.isTemporary(p) && Files.isRegularFile(p, LinkOption.NOFOLLOW_LINKS))
                    .toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        for (Path temporary : found) {
            Files.deleteIfExists(temporary);
        }
    }

    /** Makes a folder and those above it; a symbolic link to a folder is one, to Files of newer Javas only. */
    static void make(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            Files.createDirectories(folder);
        }
    }

    /** Keeps other processes out of the folder, which is made if need be and checked again: one may have been there. */
    FolderLock lock() throws IOException {
        try {
            make(root);
        } catch (IOException e) {
            throw CommandException.usage("--out " + root + " cannot be made: " + e, e);
        }
        FolderLock lock = FolderLock.of(root);
        boolean free = false;
        try {
            requireRoom(root, force, resume);
            free = true;
            return lock;
        } finally {
            if (!free) {
                lock.close();
            }
        }
    }

    Path root() {
        return root;
    }

    Path file(String name) {
        return root.resolve(name);
    }
}
