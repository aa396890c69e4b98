package io.attentivecutmix.environment;

import io.attentivecutmix.natives.CLibrary;
import io.attentivecutmix.natives.NativeLibraries;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/** Looks at the machine and the Java runtime; loads nothing native. */
public final class SystemChecks {
    private static final System.Logger LOG = System.getLogger(SystemChecks.class.getName());
    /** Java's ImageIO before this update reads some files without end (CVE-2022-21277). */
    private static final Runtime.Version LEAST_JAVA = Runtime.Version.parse("17.0.2");
    private static final long LEAST_HEAP = 256L << 20;
    private static final List<String> PLATFORMS = List.of("linux-x86_64", "linux-arm64", "macosx-x86_64",
            "macosx-arm64", "windows-x86_64");
    /** By the kernel's names: what oneDNN chooses its implementations by. */
    private static final List<String> FEATURES = List.of("sse4_1", "avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f",
            "avx512bw", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "asimd",
            "asimddp", "i8mm", "bf16", "sve");
    private static final String JAVACPP = "org.bytedeco.javacpp.";

    private SystemChecks() {}

    /** All of them, in a fixed order. */
    public static List<Check> run() {
        List<Check> all = new ArrayList<>();
        all.add(java(Runtime.version(), System.getProperty("java.vm.name") + " "
                + System.getProperty("java.runtime.version")));
        all.add(system());
        all.add(libc(CLibrary.ofProcess()));
        all.add(processor());
        all.add(heap(Runtime.getRuntime().maxMemory()));
        all.add(nativeFolder());
        all.add(temporaryFolder(System.getProperty("java.io.tmpdir", "")));
        all.add(javaCpp());
        all.add(encoding(System.getProperty("sun.jnu.encoding", ""), Locale.getDefault()));
        return all;
    }

    static Check java(Runtime.Version version, String text) {
        return version.compareTo(LEAST_JAVA) < 0
                ? Check.note("java", text, "update Java to " + LEAST_JAVA + " or later: its image readers had a fault")
                : Check.ok("java", text);
    }

    private static Check system() {
        String platform = NativeLibraries.platform();
        String text = System.getProperty("os.name") + " " + System.getProperty("os.version") + " "
                + System.getProperty("os.arch") + " (" + platform + ")";
        return PLATFORMS.contains(platform) ? Check.ok("system", text)
                : Check.note("system", text, "native libraries exist for " + String.join(", ", PLATFORMS)
                        + "; elsewhere only mixing without an extractor works");
    }

    static Check libc(CLibrary libc) {
        String need = "glibc " + CLibrary.NEEDED_GLIBC + " or later is needed";
        return switch (libc.kind()) {
            case MUSL -> Check.missing("C library", "musl", need + ": use an image of a distribution with glibc"
                    + " (Debian, Ubuntu, Fedora)");
            case GLIBC -> libc.tooOld() ? Check.missing("C library", libc.toString(), need
                    + ": use a newer distribution") : Check.ok("C library", libc.toString());
            case OTHER -> Check.ok("C library", "the system's");
        };
    }

    private static Check processor() {
        Set<String> features = new TreeSet<>();
        Path info = Path.of("/proc/cpuinfo");
        if (Files.isReadable(info)) {
            try (Stream<String> lines = Files.lines(info, StandardCharsets.ISO_8859_1)) {
                features.addAll(features(lines));
            } catch (IOException | java.io.UncheckedIOException e) {
                features.clear(); // not told then
            }
        }
        String text = Runtime.getRuntime().availableProcessors() + " processors for Java"
                + (features.isEmpty() ? "" : "; " + String.join(" ", FEATURES.stream().filter(features::contains)
                        .toList()));
        boolean x86 = NativeLibraries.platform().endsWith("x86_64");
        return x86 && !features.isEmpty() && !features.contains("avx2")
                ? Check.note("processor", text, "without avx2 the extractor is slow; if this is a virtual machine, let"
                        + " it see the host's processor")
                : Check.ok("processor", text);
    }

    /** From the first processor of a {@code /proc/cpuinfo}. */
    static Set<String> features(Stream<String> lines) {
        return lines.filter(l -> l.startsWith("flags") || l.startsWith("Features")).findFirst()
                .map(l -> Set.copyOf(Arrays.asList(l.substring(l.indexOf(':') + 1).trim().split("\\s+"))))
                .orElse(Set.of());
    }

    static Check heap(long bytes) {
        String text = bytes / (1 << 20) + " MiB at most";
        return bytes < LEAST_HEAP ? Check.note("heap", text, "give Java more with -Xmx: images are decoded in the heap")
                : Check.ok("heap", text);
    }

    private static Check nativeFolder() {
        Optional<Path> inUse = NativeLibraries.folder();
        if (inUse.isPresent()) {
            return NativeLibraries.doubt().map(d -> Check.note("native folder", folder(inUse.get()), inUse.get() + " "
                    + d)).orElseGet(() -> Check.ok("native folder", folder(inUse.get())));
        }
        StringBuilder unfit = new StringBuilder();
        for (NativeLibraries.Candidate candidate : NativeLibraries.candidates()) {
            if (candidate.unfit().isEmpty()) {
                boolean second = !unfit.isEmpty();
                String found = unfit + (second ? "; instead a fresh one in each run in " + candidate.name()
                        : folder(Path.of(candidate.name())));
                return second ? Check.note("native folder", found, "libraries are extracted anew in each run; name a"
                        + " lasting folder with -D" + NativeLibraries.FOLDER_PROPERTY + "=DIR")
                        : candidate.doubt().map(d -> Check.note("native folder", found, candidate.name() + " " + d))
                                .orElseGet(() -> Check.ok("native folder", found));
            }
            unfit.append(unfit.isEmpty() ? "" : ". ").append(candidate.name()).append(' ')
                    .append(candidate.unfit().get());
        }
        return Check.missing("native folder", unfit.toString(), "name a folder of this user's own, not mounted noexec,"
                + " with -D" + NativeLibraries.FOLDER_PROPERTY + "=DIR");
    }

    /** A folder with owner, mode and space. */
    static String folder(Path folder) {
        StringBuilder text = new StringBuilder(folder.toString());
        try {
            text.append(", of ").append(Files.getOwner(folder).getName());
            if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
                text.append(", ").append(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)));
            }
            FileStore store = Files.getFileStore(folder);
            text.append(", ").append(store.getUsableSpace() / (1 << 20)).append(" MiB free on ").append(store.type());
        } catch (IOException | UnsupportedOperationException e) {
            text.append(", ").append(e);
        }
        return text.toString();
    }

    static Check temporaryFolder(String name) {
        String topic = "temporary files";
        Path probe = null;
        try {
            Path folder = Path.of(name).toAbsolutePath();
            probe = Files.createTempFile(folder, "attentive-cutmix-", "");
            return Check.ok(topic, folder(folder));
        } catch (IOException | InvalidPathException e) {
            return Check.note(topic, name + " cannot be written to: " + e, "nothing needs it as long as the native"
                    + " folder is good; name another with -Djava.io.tmpdir=DIR");
        } finally {
            delete(probe);
        }
    }

    private static void delete(Path probe) {
        try {
            if (probe != null) {
                Files.deleteIfExists(probe);
            }
        } catch (IOException e) {
            LOG.log(Level.DEBUG, probe + " is left behind", e);
        }
    }

    private static Check javaCpp() {
        try {
            Class.forName("org.bytedeco.javacpp.Loader", false, SystemChecks.class.getClassLoader());
        } catch (ClassNotFoundException e) {
            return Check.missing("JavaCPP", "its classes are not on the class path",
                    "add org.bytedeco:javacpp, which the project depends on");
        }
        TreeMap<String, String> set = new TreeMap<>();
        System.getProperties().stringPropertyNames().stream().filter(k -> k.startsWith(JAVACPP))
                .filter(k -> !k.equals(NativeLibraries.FOLDER_PROPERTY))
                .forEach(k -> set.put(k.substring(JAVACPP.length()), System.getProperty(k)));
        String text = set.isEmpty() ? "no property set" : "set: " + set;
        for (String name : List.of("loadlibraries", "loadLibraries")) {
            if (isFalse(set.get(name))) {
                return Check.missing("JavaCPP", text, "remove -D" + JAVACPP + name
                        + ": with it nothing native is loaded");
            }
        }
        for (String name : List.of("cachelibraries", "cacheLibraries", "findlibraries", "findLibraries")) {
            if (isFalse(set.get(name))) {
                return Check.note("JavaCPP", text, "remove -D" + JAVACPP + name + " unless the native libraries are"
                        + " installed in the system: with it none is taken from a jar");
            }
        }
        return Check.ok("JavaCPP", text);
    }

    private static boolean isFalse(String value) {
        return value != null && !Set.of("true", "t", "").contains(value.toLowerCase(Locale.ROOT));
    }

    static Check encoding(String fileNames, Locale locale) {
        String text = "file names in " + fileNames + ", locale " + locale.toLanguageTag();
        return fileNames.equalsIgnoreCase("UTF-8") ? Check.ok("encoding", text)
                : Check.note("encoding", text, "files with other letters than " + fileNames + "'s cannot be opened; set"
                        + " LC_ALL=C.UTF-8 or another UTF-8 locale");
    }
}
