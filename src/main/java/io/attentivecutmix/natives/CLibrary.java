package io.attentivecutmix.natives;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The C library of this process, found without loading anything: the JVM has mapped it already.
 *
 * @param version such as 2.36; empty if it cannot be told
 */
public record CLibrary(Kind kind, String version) {
    /** The oldest glibc that the presets' libraries for Linux load on: the latest symbol version that they ask for. */
    public static final String NEEDED_GLIBC = "2.34";

    private static final Path MAPS = Path.of("/proc/self/maps");
    private static final Pattern GLIBC = Pattern.compile("GNU C Library [^\\n]*?version (\\d+\\.\\d+)");

    /** Whose it is. */
    public enum Kind {
        GLIBC, MUSL,
        /** Not Linux, or not to be told. */
        OTHER
    }

    /** This process's. */
    public static CLibrary ofProcess() {
        if (!Files.isReadable(MAPS)) {
            return new CLibrary(Kind.OTHER, "");
        }
        try {
            return of(mappedFiles(Files.readAllBytes(MAPS)));
        } catch (IOException e) {
            return new CLibrary(Kind.OTHER, "");
        }
    }

    static CLibrary of(List<String> mapped) {
        for (String file : mapped) {
            String name = name(file);
            if (name.startsWith("ld-musl-") || name.startsWith("libc.musl-")) {
                return new CLibrary(Kind.MUSL, "");
            }
        }
        for (String file : mapped) {
            String name = name(file);
            if (name.equals("libc.so.6") || name.matches("libc-2\\.\\d+\\.so")) {
                return new CLibrary(Kind.GLIBC, glibcVersion(file));
            }
        }
        return new CLibrary(Kind.OTHER, "");
    }

    /** What follows the last slash of a file's path. */
    public static String name(String file) {
        return file.substring(file.lastIndexOf('/') + 1);
    }

    /** glibc carries the text that it prints when it is run. */
    private static String glibcVersion(String file) {
        try {
            Matcher m = GLIBC.matcher(Files.readString(Path.of(file), StandardCharsets.ISO_8859_1));
            return m.find() ? m.group(1) : "";
        } catch (IOException | InvalidPathException e) {
            return "";
        }
    }

    /** Files that a process has mapped, in order, each once; from its {@code maps}. */
    static List<String> mappedFiles(byte[] maps) {
        return new String(maps, StandardCharsets.UTF_8).lines().map(line -> line.split(" +", 6))
                .filter(f -> f.length == 6 && f[5].startsWith("/")).map(f -> f[5]).distinct().toList();
    }

    /**
     * Files that this process has mapped now; empty where that cannot be told. They are text and no paths: this
     * locale's encoding need not have what is in the names of files that somebody else mapped.
     */
    public static List<String> mappedFiles() {
        try {
            return Files.isReadable(MAPS) ? mappedFiles(Files.readAllBytes(MAPS)) : List.of();
        } catch (IOException e) {
            return List.of();
        }
    }

    /** Whether it is a glibc that is known to be too old for the presets' libraries. */
    public boolean tooOld() {
        return kind == Kind.GLIBC && !version.isEmpty() && number(version) < number(NEEDED_GLIBC);
    }

    private static int number(String version) {
        String[] parts = version.split("\\.");
        return 1000 * Integer.parseInt(parts[0]) + Integer.parseInt(parts[1]);
    }

    @Override
    public String toString() {
        return switch (kind) {
            case GLIBC -> "glibc " + (version.isEmpty() ? "of unknown version" : version);
            case MUSL -> "musl";
            case OTHER -> "not told";
        };
    }
}
