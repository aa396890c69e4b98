package io.attentivecutmix.natives;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.net.MalformedURLException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;

/**
 * Loads native libraries, from a folder that only this user can write to and after comparing each with its jar. The
 * steps are listed in the package's description. Thread-safe; no other class of this project calls JavaCPP's loader.
 */
public final class NativeLibraries {
    /** JavaCPP's property that names its folder. */
    public static final String FOLDER_PROPERTY = "org.bytedeco.javacpp.cachedir";

    private static final String FOLDER_PROPERTY_2 = "org.bytedeco.javacpp.cacheDir";
    private static final String ADVICE = "name a folder of this user's own, on a disk with space that is not mounted"
            + " noexec, with -D" + FOLDER_PROPERTY + "=DIR";
    private static final System.Logger LOG = System.getLogger(NativeLibraries.class.getName());

    private static Path folder;

    private NativeLibraries() {}

    /**
     * One place that may hold the libraries.
     *
     * @param unfit why it does not; empty if it can
     * @param doubt who else could put another folder in its place; empty if nobody
     */
    public record Candidate(String name, Optional<String> unfit, Optional<String> doubt) {}

    /**
     * Extracts, compares and loads a preset's libraries, with those that they need. Loading what is loaded does nothing
     * more than compare again.
     *
     * @throws NativeLibraryException if they cannot be extracted or may not be loaded; one line with cause and remedy
     * @throws LinkageError if they are missing, or the system refuses to load them
     */
    public static synchronized void load(Class<?> preset) {
        boolean interrupted = Thread.interrupted(); // would close the lock's channel
        try {
            List<BundledLibrary> bundled = BundledLibrary.of(preset);
            if (!bundled.isEmpty()) {
                requireGlibc(CLibrary.ofProcess());
            }
            Path in = folder(bundled);
            if (in == null) {
                Loader.load(preset);
            } else {
                loadFrom(in, bundled, preset);
            }
        } catch (IOException e) {
            throw new NativeLibraryException("the native libraries' jars cannot be read: " + PrivateFolder.text(e), e);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @SuppressWarnings("try") // the lock is held, not used
    private static void loadFrom(Path in, List<BundledLibrary> bundled, Class<?> preset) {
        Extraction extraction;
        try {
            extraction = Extraction.of(in, bundled);
        } catch (IOException e) {
            throw new NativeLibraryException("native libraries cannot be extracted to " + in + ": "
                    + PrivateFolder.text(e) + " ("
                    + mib(Extraction.missingBytes(in, bundled)) + " are missing there, "
                    + mib(in.toFile().getUsableSpace()) + " are free); " + ADVICE, e);
        }
        try {
            Loader.load(preset);
        } catch (UnsatisfiedLinkError e) {
            CLibrary libc = CLibrary.ofProcess();
            if (libc.tooOld()) {
                throw new NativeLibraryException("native libraries need glibc " + CLibrary.NEEDED_GLIBC
                        + " or later, found " + libc + "; use a newer distribution (" + e.getMessage() + ")", e);
            }
            throw e;
        } finally {
            try {
                extraction.close();
            } catch (IOException e) {
                LOG.log(Level.DEBUG, "the lock in " + in + " was not closed", e);
            }
        }
    }

    /**
     * Loads one library of the system by its path.
     *
     * @param owner whose class loader the library belongs to
     * @param name as JavaCPP says it, under which presets find it loaded: {@code cudnn@.9} is {@code libcudnn.so.9}
     * @throws UnsatisfiedLinkError if it does not load
     */
    public static synchronized void loadFile(Class<?> owner, Path file, String name) {
        try {
            Loader.loadLibrary(owner, new URL[] {file.toUri().toURL()}, name);
        } catch (MalformedURLException e) {
            throw new IllegalStateException("file " + file + " has no URL", e);
        }
    }

    static void requireGlibc(CLibrary libc) {
        if (libc.kind() == CLibrary.Kind.MUSL) {
            throw new NativeLibraryException("native libraries need glibc " + CLibrary.NEEDED_GLIBC
                    + " or later, found musl; use an image of a distribution with glibc (Debian, Ubuntu, Fedora)");
        }
    }

    /**
     * The folder that JavaCPP takes, chosen once.
     *
     * @return null if there is none and none is needed
     */
    private static Path folder(List<BundledLibrary> bundled) throws IOException {
        if (folder == null) {
            List<String> unfit = new ArrayList<>();
            Path chosen = choose(bundled, unfit);
            if (chosen == null && bundled.isEmpty()) {
                return null;
            }
            if (chosen == null) {
                throw new NativeLibraryException("no folder for native libraries: " + String.join(". ", unfit)
                        + (named().isPresent() ? "" : ". Or " + ADVICE));
            }
            System.setProperty(FOLDER_PROPERTY, chosen.toString());
            Path taken = Loader.getCacheDir().toPath();
            // JavaCPP was used before in this process, and keeps the folder it had
            if (!taken.equals(chosen)) {
                try {
                    chosen = PrivateFolder.open(taken.toString(), true);
                } catch (PrivateFolder.UnfitException e) {
                    throw new NativeLibraryException("JavaCPP was used before in this process and extracts to " + taken
                            + ", which " + e.getMessage() + " with -D" + FOLDER_PROPERTY + "=DIR", e);
                }
            }
            folder = chosen;
        }
        return folder;
    }

    private static Path choose(List<BundledLibrary> bundled, List<String> unfit) {
        for (Place place : places()) {
            try {
                Path open = place.open();
                long missing = Extraction.missingBytes(open, bundled);
                long free = open.toFile().getUsableSpace();
                if (missing > free) {
                    if (place.temporary()) {
                        Files.delete(open);
                    }
                    throw new PrivateFolder.UnfitException("has " + mib(free) + " free of " + mib(missing)
                            + " needed; free some space, or name another folder");
                }
                PrivateFolder.doubt(open).ifPresent(doubt -> LOG.log(Level.WARNING, place.name() + " " + doubt));
                if (place.temporary()) {
                    deleteAtExit(open);
                    LOG.log(Level.INFO, "native libraries are extracted to " + open + " for this run only: "
                            + String.join(". ", unfit));
                }
                return open;
            } catch (PrivateFolder.UnfitException e) {
                unfit.add(place.name() + " " + e.getMessage());
            } catch (IOException e) {
                unfit.add(place.name() + ": " + PrivateFolder.text(e));
            }
        }
        return null;
    }

    private static String mib(long bytes) {
        return String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1 << 20));
    }

    /** Where libraries may go, in the order in which places are tried. */
    private sealed interface Place {
        String name();

        Path open() throws PrivateFolder.UnfitException;

        default boolean temporary() {
            return this instanceof Temporary;
        }
    }

    private record Named(String name) implements Place {
        @Override
        public Path open() throws PrivateFolder.UnfitException {
            try {
                return PrivateFolder.open(Path.of(name).toAbsolutePath().toString(), true);
            } catch (InvalidPathException e) {
                throw new PrivateFolder.UnfitException("is no path: " + e.getReason());
            }
        }
    }

    private record Home(Optional<Path> cache) implements Place {
        @Override
        public String name() {
            return cache.map(c -> c.resolve("native").toString()).orElse("the home folder");
        }

        @Override
        public Path open() throws PrivateFolder.UnfitException {
            if (cache.isEmpty()) {
                throw new PrivateFolder.UnfitException("is not known; set HOME");
            }
            return PrivateFolder.open(name(), false);
        }
    }

    private record Temporary(String name) implements Place {
        @Override
        public Path open() throws PrivateFolder.UnfitException {
            return PrivateFolder.temporary();
        }
    }

    private static List<Place> places() {
        Optional<String> named = named();
        if (named.isPresent()) {
            return List.of(new Named(named.get()));
        }
        List<Place> places = new ArrayList<>();
        places.add(new Home(UserFolders.cache()));
        places.add(new Temporary("the folder for temporary files, " + System.getProperty("java.io.tmpdir") + ","));
        return places;
    }

    /** What the user, or a class loader before this one, named. */
    private static Optional<String> named() {
        return Stream.<Supplier<String>>of(() -> System.getProperty(FOLDER_PROPERTY),
                () -> System.getProperty(FOLDER_PROPERTY_2)).map(Supplier::get).filter(s -> s != null).findFirst();
    }

    /** Whether {@link #FOLDER_PROPERTY}, or JavaCPP's other spelling of it, was set before anything was loaded. */
    public static boolean folderIsNamed() {
        return named().isPresent();
    }

    /** The folder in use; empty before the first load. */
    public static synchronized Optional<Path> folder() {
        return Optional.ofNullable(folder);
    }

    /** Who else could put another folder in place of the one in use; empty if nobody, or before the first load. */
    public static synchronized Optional<String> doubt() {
        try {
            return folder == null ? Optional.empty() : PrivateFolder.doubt(folder);
        } catch (IOException e) {
            return Optional.of("cannot be looked at: " + PrivateFolder.text(e));
        }
    }

    /** Where libraries may be extracted, in order, each tried now and left as it is, but for folders that are made. */
    public static synchronized List<Candidate> candidates() {
        List<Candidate> all = new ArrayList<>();
        for (Place place : places()) {
            try {
                Path open = place.open();
                Optional<String> doubt = PrivateFolder.doubt(open);
                if (place.temporary()) {
                    Files.delete(open);
                }
                all.add(new Candidate(place.temporary() ? place.name() : open.toString(), Optional.empty(), doubt));
            } catch (PrivateFolder.UnfitException e) {
                all.add(new Candidate(place.name(), Optional.of(e.getMessage()), Optional.empty()));
            } catch (IOException e) {
                all.add(new Candidate(place.name(), Optional.of(PrivateFolder.text(e)), Optional.empty()));
            }
        }
        return all;
    }

    /** What JavaCPP has loaded: file by library. */
    public static Map<String, String> loaded() {
        return Loader.getLoadedLibraries();
    }

    /** JavaCPP's name of this platform, such as linux-x86_64. */
    public static String platform() {
        try {
            return Loader.getPlatform();
        } catch (LinkageError e) {
            // without JavaCPP's classes, for messages that say so
            return (System.getProperty("os.name") + "-" + System.getProperty("os.arch")).toLowerCase(Locale.ROOT);
        }
    }

    private static void deleteAtExit(Path temporary) {
        try {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(temporary), "delete-native-libraries"));
        } catch (IllegalStateException e) {
            LOG.log(Level.DEBUG, "the JVM is ending; " + temporary + " is left behind", e);
        }
    }

    private static void delete(Path temporary) {
        try (Stream<Path> all = Files.walk(temporary)) {
            all.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
        } catch (IOException | UncheckedIOException e) {
            LOG.log(Level.DEBUG, temporary + " is left behind", e);
        }
    }
}
