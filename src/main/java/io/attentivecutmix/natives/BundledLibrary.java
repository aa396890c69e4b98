package io.attentivecutmix.natives;

import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.jar.JarEntry;
import org.bytedeco.javacpp.ClassProperties;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;

/**
 * A native library in a jar, and where JavaCPP looks for it in its folder.
 *
 * @param place below the folder
 * @param size in bytes, as the jar says
 * @param crc32 of its bytes, as the jar says; −1 if it does not
 * @param time of its last change in milliseconds, as JavaCPP computes it and compares
 */
record BundledLibrary(URL url, Path place, long size, long crc32, long time) {
    private static final int BUFFER = 1 << 16;

    /**
     * All that JavaCPP may extract when it loads a class: its libraries, those of the classes it inherits from, and
     * JavaCPP's own. Nothing is loaded. What lies on disk, or nowhere, is not among them.
     */
    static List<BundledLibrary> of(Class<?> preset) throws IOException {
        // not a set of URLs: their equals asks for hosts
        Map<String, URL> urls = new LinkedHashMap<>();
        Set<Class<?>> seen = new LinkedHashSet<>();
        Set<String> names = new HashSet<>();
        collect(Pointer.class, seen, names, urls);
        collect(preset, seen, names, urls);
        Map<Path, BundledLibrary> all = new LinkedHashMap<>();
        for (URL url : urls.values()) {
            String text = url.toString();
            int fragment = text.indexOf('#');
            URLConnection connection = (fragment < 0 ? url : new URL(text.substring(0, fragment))).openConnection();
            if (connection instanceof JarURLConnection jar) {
                BundledLibrary library = of(jar, fragment < 0 ? "" : text.substring(fragment + 1));
                all.putIfAbsent(library.place(), library);
            }
        }
        return List.copyOf(all.values());
    }

    static BundledLibrary of(JarURLConnection jar, String newName) throws IOException {
        JarEntry entry = jar.getJarEntry();
        File inJar = new File(entry.getName());
        String name = newName.isEmpty() ? inJar.getName() : newName;
        Path place = subfolders() ? Path.of(new File(jar.getJarFile().getName()).getName(),
                inJar.getParent() == null ? "" : inJar.getParent(), name) : Path.of(name);
        return new BundledLibrary(jar.getURL(), place, entry.getSize(), entry.getCrc(), entry.getTime());
    }

    private static boolean subfolders() {
        String s = System.getProperty("org.bytedeco.javacpp.cachedir.nosubdir", "false").toLowerCase(Locale.ROOT);
        return !(s.equals("true") || s.equals("t") || s.isEmpty());
    }

    private static void collect(Class<?> named, Set<Class<?>> seen, Set<String> names, Map<String, URL> urls) {
        Class<?> cls = Loader.getEnclosingClass(named);
        if (!seen.add(cls)) {
            return;
        }
        Properties platform = Loader.loadProperties();
        ClassProperties p = Loader.loadProperties(cls, platform, true);
        List<String> wanted = new ArrayList<>(p.get("platform.preload"));
        wanted.addAll(p.get("platform.link"));
        wanted.add(p.getProperty("platform.library"));
        for (String name : wanted) {
            // searching takes long: a name is looked for once in each package, and no more once it is found
            if (name == null || name.isEmpty() || names.contains(name) || !names.add(name + " in " + packageOf(cls))) {
                continue;
            }
            URL[] found = Loader.findLibrary(cls, p, name);
            if (found.length > 0) {
                names.add(name);
                for (URL url : found) {
                    if (url.getProtocol().equals("file")) {
                        break; // loaded where it lies; what is behind it is not looked at
                    }
                    urls.put(url.toString(), url);
                }
            }
        }
        if (p.getInheritedClasses() != null) {
            for (Class<?> other : p.getInheritedClasses()) {
                collect(other, seen, names, urls);
            }
        }
    }

    /** Where a preset's libraries lie: presets and what is generated from them have packages of their own below it. */
    private static String packageOf(Class<?> cls) {
        return cls.getPackageName().replaceFirst("\\.(presets|global)$", "");
    }

    /** The file of this name beside this one in the jar. */
    Optional<BundledLibrary> sibling(String name) throws IOException {
        String text = url.toString();
        URL other = new URL(text.substring(0, text.lastIndexOf('/') + 1) + name);
        try {
            return Optional.of(of((JarURLConnection) other.openConnection(), ""));
        } catch (FileNotFoundException e) {
            return Optional.empty();
        }
    }

    /** The library's bytes; closing them leaves the jar open, which others share. */
    InputStream open() throws IOException {
        return url.openConnection().getInputStream();
    }

    /** SHA-256 of the entry in the jar. */
    byte[] digest() throws IOException {
        try (InputStream in = open()) {
            return digest(in);
        }
    }

    static byte[] digest(InputStream in) throws IOException {
        MessageDigest digest = sha256();
        byte[] buffer = new byte[BUFFER];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
            digest.update(buffer, 0, n);
        }
        return digest.digest();
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
