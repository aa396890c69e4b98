package io.attentivecutmix.cuda.cudnn;

import io.attentivecutmix.engine.DeviceUnavailableException;
import io.attentivecutmix.natives.NativeLibraries;
import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Where this machine has CUDA's libraries: the CUDA runtime and cuBLAS of CUDA 13, and cuDNN 9.
 *
 * <p>cuDNN is a dispatcher that opens its parts by bare name at run time, so that the loader may take a part from
 * another installation, of another version. Therefore all parts are loaded here, by path, from one folder, before
 * anything else is: whoever asks for one by name afterwards gets that one. JavaCPP's presets, which know folders of
 * their own, take what has been loaded too.
 *
 * @param files in the order in which they must be loaded, with the names under which JavaCPP's presets ask for them
 */
public record CudnnLibraries(List<Library> files) {
    /** System property with folders that are searched before all others, separated as in a class path. */
    public static final String FOLDERS_PROPERTY = "cudnn.folders";

    private static final String CUDNN = "libcudnn.so.9";

    /**
     * Parts without which cuDNN does not run convolutions, or its preset does not load; each needs the ones before it.
     */
    private static final List<String> CUDNN_PARTS = List.of("cudnn_graph", "cudnn_ops", "cudnn_cnn", "cudnn_adv",
            "cudnn_heuristic", "cudnn_engines_precompiled", "cudnn_engines_runtime_compiled");

    private static final Pattern PART = Pattern.compile("lib(cudnn(?:_[a-z_0-9]+)?)\\.so\\.9");
    private static final Pattern FULL_VERSION = Pattern.compile("\\.so\\.(9\\.[0-9.]+)$");

    private static boolean loaded;

    public CudnnLibraries {
        files = List.copyOf(files);
    }

    /**
     * One file.
     *
     * @param name as JavaCPP says it: {@code cudnn@.9} is {@code libcudnn.so.9}
     */
    public record Library(String name, Path file) {}

    /**
     * Searches this machine.
     *
     * @throws DeviceUnavailableException if a library is missing: says which, and where it was looked for
     */
    public static CudnnLibraries find() {
        return find(folders(System.getProperty(FOLDERS_PROPERTY, ""), System.getenv(),
                System.getProperty("java.library.path", ""), Path.of("/"),
                Path.of(System.getProperty("user.home", "/"))));
    }

    /** Searches these folders, first one first. */
    static CudnnLibraries find(Collection<Path> folders) {
        List<Library> files = new ArrayList<>();
        // CUDA 13's own libraries may come from different folders: each is one file, or opens others beside itself
        files.add(single("cudart", "the CUDA runtime 13", "nvidia-cuda-runtime", folders));
        files.add(single("cublasLt", "cuBLAS 13", "nvidia-cublas", folders));
        files.add(single("cublas", "cuBLAS 13", "nvidia-cublas", folders));
        // for engines that compile at run time; without it cuDNN leaves them out
        optional("nvrtc", folders).ifPresent(files::add);
        files.addAll(cudnn(folders));
        return new CudnnLibraries(files);
    }

    private static Library single(String name, String what, String wheel, Collection<Path> folders) {
        return optional(name, folders).orElseThrow(
                () -> missing(what, "lib" + name + ".so.13", wheel, folders, List.of()));
    }

    private static Optional<Library> optional(String name, Collection<Path> folders) {
        return folders.stream().map(f -> f.resolve("lib" + name + ".so.13")).filter(Files::isRegularFile).findFirst()
                .map(f -> new Library(name + "@.13", f));
    }

    /** The whole of cuDNN from the first folder that has it whole. */
    private static List<Library> cudnn(Collection<Path> folders) {
        List<String> found = new ArrayList<>();
        for (Path folder : folders) {
            if (Files.isRegularFile(folder.resolve("libcudnn.so.8"))) {
                found.add("cuDNN 8 in " + folder);
            }
            if (!Files.isRegularFile(folder.resolve(CUDNN))) {
                continue;
            }
            Set<String> parts = parts(folder);
            List<String> lacking = CUDNN_PARTS.stream().filter(p -> !parts.contains(p)).toList();
            if (!lacking.isEmpty()) {
                found.add("cuDNN in " + folder + " lacks " + lacking.stream().map(p -> "lib" + p + ".so.9")
                        .collect(Collectors.joining(", ")));
                continue;
            }
            requireOneVersion(folder, parts);
            List<String> order = new ArrayList<>(CUDNN_PARTS);
            // parts that this version has and others have not
            parts.stream().filter(p -> !CUDNN_PARTS.contains(p) && !p.equals("cudnn")).forEach(order::add);
            order.add("cudnn");
            return order.stream().map(p -> new Library(p + "@.9", folder.resolve("lib" + p + ".so.9"))).toList();
        }
        throw missing("cuDNN 9", CUDNN, "nvidia-cudnn-cu13", folders, found);
    }

    private static Set<String> parts(Path folder) {
        Set<String> parts = new TreeSet<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "libcudnn*.so.9")) {
            for (Path file : files) {
                Matcher m = PART.matcher(file.getFileName().toString());
                if (m.matches() && Files.isRegularFile(file)) {
                    parts.add(m.group(1));
                }
            }
        } catch (IOException e) {
            throw new DeviceUnavailableException("the folder " + folder + " with cuDNN cannot be read: " + e, e);
        }
        return parts;
    }

    /** Links that lead to files of different versions are a broken installation; wheels have no version in the name. */
    private static void requireOneVersion(Path folder, Set<String> parts) {
        Set<String> versions = new TreeSet<>();
        for (String part : parts) {
            Path file = folder.resolve("lib" + part + ".so.9");
            try {
                Matcher m = FULL_VERSION.matcher(file.toRealPath().getFileName().toString());
                if (m.find()) {
                    versions.add(m.group(1));
                }
            } catch (IOException e) {
                throw new DeviceUnavailableException(file + " cannot be read: " + e, e);
            }
        }
        if (versions.size() > 1) {
            throw new DeviceUnavailableException("cuDNN in " + folder + " is mixed of the versions "
                    + String.join(", ", versions) + "; install it anew");
        }
    }

    private static DeviceUnavailableException missing(
            String what, String file, String wheel, Collection<Path> folders, List<String> found) {
        return new DeviceUnavailableException(what + " (" + file + ") was not found"
                + (found.isEmpty() ? "" : "; there is " + String.join("; ", found))
                + "; install it, for example with pip install " + wheel
                + ", and name its folder in LD_LIBRARY_PATH or the system property " + FOLDERS_PROPERTY
                + "; searched: " + (folders.isEmpty() ? "no folder exists" : folders.stream().map(Path::toString)
                        .collect(Collectors.joining(", "))));
    }

    /**
     * Folders that exist, in the order in which they are searched: the property's, LD_LIBRARY_PATH, java.library.path,
     * the system's, CUDA's own, Python's.
     *
     * @param root of the file system
     */
    static Set<Path> folders(String property, Map<String, String> environment, String libraryPath, Path root,
            Path home) {
        Set<Path> all = new LinkedHashSet<>();
        addPath(all, property);
        addPath(all, environment.getOrDefault("LD_LIBRARY_PATH", ""));
        addPath(all, libraryPath);
        for (String system : List.of("usr/lib/x86_64-linux-gnu", "usr/lib64", "usr/lib", "usr/local/lib", "lib64")) {
            addFolder(all, root.resolve(system));
        }
        addFolder(all, root.resolve("usr/local/cuda/lib64"));
        children(root.resolve("usr/local"), "cuda-*").forEach(c -> addFolder(all, c.resolve("lib64")));
        for (Path python : pythonPrefixes(environment, root, home)) {
            addFolder(all, python.resolve("lib"));
            for (Path version : children(python.resolve("lib"), "python3*")) {
                for (String packages : List.of("site-packages", "dist-packages")) {
                    children(version.resolve(packages).resolve("nvidia"), "*")
                            .forEach(c -> addFolder(all, c.resolve("lib")));
                }
            }
        }
        return all;
    }

    /** Folders with {@code lib/python3…}: active environments, what PATH names, the user's, the system's. */
    private static Set<Path> pythonPrefixes(Map<String, String> environment, Path root, Path home) {
        Set<Path> prefixes = new LinkedHashSet<>();
        for (String variable : List.of("VIRTUAL_ENV", "CONDA_PREFIX")) {
            toPath(environment.getOrDefault(variable, "")).ifPresent(prefixes::add);
        }
        for (String bin : environment.getOrDefault("PATH", "").split(Pattern.quote(File.pathSeparator))) {
            toPath(bin).filter(b -> Files.isExecutable(b.resolve("python3"))).map(Path::getParent)
                    .ifPresent(prefixes::add);
        }
        prefixes.add(home.resolve(".local"));
        prefixes.add(root.resolve("usr/local"));
        prefixes.add(root.resolve("usr"));
        return prefixes;
    }

    private static void addPath(Set<Path> all, String path) {
        for (String folder : path.split(Pattern.quote(File.pathSeparator))) {
            toPath(folder).ifPresent(f -> addFolder(all, f));
        }
    }

    private static Optional<Path> toPath(String text) {
        try {
            return text.isBlank() ? Optional.empty() : Optional.of(Path.of(text).toAbsolutePath().normalize());
        } catch (InvalidPathException e) {
            // a variable of the environment may hold anything; such an entry names no folder
            return Optional.empty();
        }
    }

    private static void addFolder(Set<Path> all, Path folder) {
        if (Files.isDirectory(folder)) {
            all.add(folder);
        }
    }

    private static List<Path> children(Path folder, String glob) {
        List<Path> all = new ArrayList<>();
        if (Files.isDirectory(folder)) {
            try (DirectoryStream<Path> children = Files.newDirectoryStream(folder, glob)) {
                children.forEach(all::add);
            } catch (IOException e) {
                // not ours to read: then the libraries in it are of no use either
                return List.of();
            }
        }
        // newest version first
        all.sort((a, b) -> b.compareTo(a));
        return all;
    }

    /**
     * Loads all files into this process, once; later calls do nothing. Must come before the first use of a CUDA preset.
     *
     * @throws DeviceUnavailableException if one does not load
     */
    public void load() {
        synchronized (CudnnLibraries.class) {
            if (loaded) {
                return;
            }
            for (Library library : files) {
                try {
                    NativeLibraries.loadFile(CudnnLibraries.class, library.file(), library.name());
                } catch (UnsatisfiedLinkError e) {
                    throw new DeviceUnavailableException(library.file() + " does not load: " + e.getMessage(), e);
                }
            }
            loaded = true;
        }
    }

    /** The folder that cuDNN is taken from. */
    public Path cudnnFolder() {
        return files.get(files.size() - 1).file().getParent();
    }
}
