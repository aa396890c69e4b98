package io.attentivecutmix.cli;

import java.io.IOException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * The image files of a run, sorted by name. The order in which batches take them, and so an image's sample index, is
 * drawn from this list by seed and epoch ({@link Batches}); it depends on neither shard nor threads.
 */
final class ImageList {
    private static final Set<String> ENDINGS = Set.of("jpg", "jpeg", "jpe", "jfif", "png", "gif", "bmp", "webp");

    private final Path root;
    private final boolean folder;
    private final String[] names;
    private final int otherFiles;

    private ImageList(Path root, boolean folder, List<String> names, int otherFiles) {
        this.root = root;
        this.folder = folder;
        this.names = names.toArray(String[]::new);
        this.otherFiles = otherFiles;
        Arrays.sort(this.names);
    }

    /** A folder is searched, anything else is read as a list file. */
    static ImageList of(Path images) throws IOException {
        if (!Files.exists(images)) {
            throw CommandException.usage("--images " + images + " does not exist");
        }
        ImageList list = Files.isDirectory(images) ? ofFolder(images) : ofListFile(images);
        if (list.size() == 0) {
            throw CommandException.usage("--images " + images + " names no image; looked for files that end in "
                    + String.join(", ", ENDINGS.stream().sorted().toList()));
        }
        return list;
    }

    /** Images of a folder known to a record: names are not looked for, only resolved. */
    static ImageList ofNames(Path root, List<String> names) {
        return new ImageList(root, true, names, 0);
    }

    /**
     * Every file below, whose ending is an image's; hidden files and folders are passed over, symbolic links followed.
     */
    private static ImageList ofFolder(Path folder) throws IOException {
        Path root = folder.toAbsolutePath().normalize();
        List<String> names = new ArrayList<>();
        int[] others = {0};
        Files.walkFileTree(root, EnumSet.of(FileVisitOption.FOLLOW_LINKS), Integer.MAX_VALUE,
                new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path dir, BasicFileAttributes attributes) {
                return !dir.equals(root) && hidden(dir) ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (!hidden(file)) {
                    if (ENDINGS.contains(ending(file.getFileName().toString()))) {
                        names.add(name(root, file));
                    } else {
                        others[0]++;
                    }
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
                if (e instanceof FileSystemLoopException) {
                    throw CommandException.usage(file + " is a symbolic link to a folder that it lies in", e);
                }
                throw e;
            }
        });
        return new ImageList(root, true, names, others[0]);
    }

    /** One path per line, relative ones from the list file's own folder; blank lines are passed over. */
    private static ImageList ofListFile(Path listFile) throws IOException {
        Path base = listFile.toAbsolutePath().normalize().getParent();
        Map<Path, Integer> lines = new HashMap<>();
        List<Path> files = new ArrayList<>();
        try (TextSource source = new TextSource(listFile)) {
            for (String line = source.readLine(); line != null; line = source.readLine()) {
                if (line.isEmpty()) {
                    continue;
                }
                Path file;
                try {
                    file = base.resolve(line).normalize();
                } catch (InvalidPathException e) {
                    throw source.fault(source.line(), "is no path: " + e.getReason());
                }
                Integer before = lines.putIfAbsent(file, source.line());
                if (before != null) {
                    throw source.fault(source.line(), "repeats line " + before + ": " + Printable.shorten(line));
                }
                files.add(file);
            }
        }
        if (files.isEmpty()) {
            throw CommandException.usage(listFile + " names no image");
        }
        Path root = files.get(0).getParent();
        for (Path file : files) {
            while (root != null && !file.startsWith(root)) {
                root = root.getParent();
            }
        }
        if (root == null) {
            throw CommandException.usage(listFile + " names files of several file system roots; allowed: one");
        }
        List<String> names = new ArrayList<>(files.size());
        for (Path file : files) {
            if (file.equals(root)) {
                throw CommandException.usage(listFile + " names the folder " + root + "; allowed: files");
            }
            names.add(name(root, file));
        }
        return new ImageList(root, false, names, 0);
    }

    /** Path of a file below root, with slashes on every system. */
    static String name(Path root, Path file) {
        StringBuilder name = new StringBuilder();
        for (Path part : root.relativize(file)) {
            name.append(name.isEmpty() ? "" : "/").append(part);
        }
        return name.toString();
    }

    /** What follows the last dot of a file name, in small letters; empty if there is none. */
    static String ending(String fileName) {
        int dot = fileName.lastIndexOf('.');
        return dot < 0 ? "" : fileName.substring(dot + 1).toLowerCase(Locale.ROOT);
    }

    private static boolean hidden(Path file) {
        return file.getFileName().toString().startsWith(".");
    }

    int size() {
        return names.length;
    }

    /** The folder that all names start from: absolute. */
    Path root() {
        return root;
    }

    /** Whether the list was made by searching a folder, not read from a list file. */
    boolean fromFolder() {
        return folder;
    }

    /** Files passed over because their ending is no image's. */
    int otherFiles() {
        return otherFiles;
    }

    /** Name of image i: its path below {@link #root}, with slashes. */
    String name(int i) {
        return names[i];
    }

    /** Index of the image of this name, or negative. */
    int index(String name) {
        return Arrays.binarySearch(names, name);
    }

    List<String> names() {
        return Collections.unmodifiableList(Arrays.asList(names));
    }

    Path path(int i) {
        return root.resolve(names[i]);
    }
}
