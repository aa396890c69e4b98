package io.attentivecutmix.natives;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/**
 * Machines that are not as they should be, each for a JVM of its own. File systems are mounted in a mount namespace
 * that ends with the child; where that is not permitted, the test says so and is skipped. {@code -Dnatives.jvms=20}
 * sets how many start at once (default 4).
 */
@EnabledOnOs(OS.LINUX)
class NativeEnvironmentTest {
    private static final String ALL = "[libOpenCL.so.1, libjniOpenCL.so, libjnijavacpp.so]";

    private Path root;
    private Path home;
    private Path temporary;

    /** Not among the test's own temporary files, which may lie where another user cannot come by. */
    @BeforeEach
    void makeFolders() throws IOException {
        root = Files.createTempDirectory(Path.of("/tmp"), "attentive-cutmix-test-");
        Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxr-xr-x"));
        home = Files.createDirectory(root.resolve("home"));
        temporary = Files.createDirectory(root.resolve("tmp"));
    }

    @AfterEach
    void delete() throws IOException {
        try (Stream<Path> all = Files.walk(root)) {
            for (Path p : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(p);
            }
        }
    }

    private record Child(int exit, String output) {
        String value(String key) {
            return output.lines().filter(l -> l.startsWith(key + "=")).findFirst()
                    .map(l -> l.substring(key.length() + 1))
                    .orElseThrow(() -> new AssertionError("no " + key + " in:\n" + output));
        }

        Child loaded(Path folder) {
            assertEquals(0, exit, output);
            assertEquals(folder.toString(), value("folder"), output);
            assertEquals(ALL, value("mapped"), output);
            return this;
        }

        void refused(String... parts) {
            assertEquals(0, exit, output);
            for (String part : parts) {
                assertTrue(value("refused").contains(part), value("refused") + " lacks " + part);
            }
            assertTrue(output.startsWith("refused=") && output.lines().count() == 1,
                    "one line, nothing else: " + output);
        }
    }

    private List<String> java(String classPath, String... options) {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin",
                "java").toString(), "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Djava.io.tmpdir=" + temporary));
        command.addAll(List.of(options));
        command.addAll(List.of("-cp", classPath, NativeProbe.class.getName()));
        return command;
    }

    private Process start(List<String> command) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true).directory(root.toFile());
        builder.environment().remove("XDG_CACHE_HOME");
        builder.environment().put("LC_ALL", "C");
        return builder.start();
    }

    private static Child end(Process process) throws Exception {
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        return new Child(process.exitValue(), output);
    }

    private Child run(String... options) throws Exception {
        return end(start(java(System.getProperty("java.class.path"), options)));
    }

    /** In a mount namespace with a file system of its own on a folder. */
    private Child mounted(Path on, String mount, String... options) throws Exception {
        Assumptions.assumeTrue(end(start(List.of("unshare", "-m", "sh", "-c", mount))).exit() == 0,
                "skipped: this user may not mount file systems");
        List<String> command = new ArrayList<>(List.of("unshare", "-m", "sh", "-c", mount + " && exec \"$@\"", "sh"));
        command.addAll(java(System.getProperty("java.class.path"), options));
        return end(start(command));
    }

    private static String tmpfs(Path on, String options) {
        return "mount -t tmpfs -o mode=700," + options + " tmpfs " + on;
    }

    private Path standard() {
        return home.resolve(".cache/attentive-cutmix/native");
    }

    private String homeIs(String name) {
        return "-Duser.home=" + name;
    }

    @Test
    void aFolderOfTheUsersOwnIsMadeAndAPlantedFileInItNoticed() throws Exception {
        run(homeIs(home.toString()), "-Duser.language=tr", "-Duser.country=TR").loaded(standard());
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(standard())));
        Path library;
        try (Stream<Path> all = Files.walk(standard())) {
            library = all.filter(p -> p.endsWith("libjniOpenCL.so")).findFirst().orElseThrow();
        }
        byte[] good = Files.readAllBytes(library);
        FileTime time = Files.getLastModifiedTime(library);
        Files.write(library, new byte[good.length]);
        Files.setLastModifiedTime(library, time);
        run(homeIs(home.toString()), "-Duser.timezone=Asia/Tokyo").loaded(standard());
        assertTrue(Arrays.equals(good, Files.readAllBytes(library)), "JavaCPP would have loaded zeros");
    }

    @Test
    void withoutAHomeAFreshTemporaryFolderServesAndGoes() throws Exception {
        Child child = run(homeIs("?"), "-Duser.name=?");
        Path folder = Path.of(child.value("folder"));
        child.loaded(folder);
        assertTrue(folder.startsWith(temporary) && folder.getFileName().toString()
                .matches("attentive-cutmix-native-\\d+"), folder.toString());
        assertFalse(Files.exists(folder), "deleted at exit");
        assertFalse(Files.exists(root.resolve("?")), "a folder of the name ? where the process stands");
        assertTrue(child.output().contains("the home folder"), "says why: " + child.output());
    }

    @Test
    void whatTheUserNamesIsRespectedAndChecked() throws Exception {
        Path named = Files.createDirectory(root.resolve("named"));
        String property = "-D" + NativeLibraries.FOLDER_PROPERTY + "=";
        run(property + named).loaded(named);
        run("-Dorg.bytedeco.javacpp.cacheDir=" + named, "-Dorg.bytedeco.javacpp.cachedir.nosubdir=true").loaded(named);
        Files.setPosixFilePermissions(named, PosixFilePermissions.fromString("rwxrwxrwx"));
        run(property + named).refused(named + " may be written to by others (mode 777); delete it, or name a folder of"
                + " mode 700");
        assertFalse(Files.exists(standard()));
    }

    @Test
    void noexecIsSaidBeforeAnythingIsLoaded() throws Exception {
        mounted(home, tmpfs(home, "noexec"), "-D" + NativeLibraries.FOLDER_PROPERTY + "=" + home)
                .refused(home + " lies on a file system that allows no executables (mounted noexec); remount it with"
                        + " exec, or name a folder elsewhere");
        Child child = mounted(home, tmpfs(home, "noexec"), homeIs(home.toString()));
        assertTrue(child.value("folder").startsWith(temporary.toString()), child.output());
    }

    @Test
    void aFullDiskIsSaidWithWhatIsMissing() throws Exception {
        mounted(home, tmpfs(home, "size=256k"), "-D" + NativeLibraries.FOLDER_PROPERTY + "=" + home)
                .refused(home + " has 0.3 MiB free of 0.7 MiB needed; free some space, or name another folder");
        Child child = mounted(home, tmpfs(home, "size=256k"), homeIs(home.toString()));
        assertTrue(child.value("folder").startsWith(temporary.toString()), child.output());
    }

    @Test
    void aReadOnlyHomeAndTemporaryFolderAreSaidBoth() throws Exception {
        mounted(root, "mount --bind " + root + " " + root + " && mount -o remount,ro,bind " + root,
                homeIs(home.toString())).refused("no folder for native libraries: " + standard()
                        + " Read-only file system; make it writable", "the folder for temporary files, " + temporary
                        + ", Read-only file system", "Or name a folder of this user's own",
                        "-Dorg.bytedeco.javacpp.cachedir=DIR");
    }

    /** As in containers that run under a number that no file knows a name for. */
    @Test
    void aUserOfNoNameWithAHomeOfSomebodyElseStillLoads() throws Exception {
        String needed = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(e -> e.contains("javacpp-") || e.contains("opencl-") || e.contains("dnnl-3.11-1.5.13.jar"))
                .map(e -> copy(Path.of(e)).toString()).collect(Collectors.joining(File.pathSeparator));
        for (Class<?> c : List.of(NativeProbe.class, NativeLibraries.class)) {
            Path classes = Path.of(c.getProtectionDomain().getCodeSource().getLocation().toURI());
            Path inside = Path.of(c.getPackageName().replace('.', '/'));
            try (Stream<Path> all = Files.list(classes.resolve(inside))) {
                Files.createDirectories(root.resolve("classes").resolve(inside));
                for (Path file : all.toList()) {
                    Path to = root.resolve("classes").resolve(inside).resolve(file.getFileName().toString());
                    if (!Files.exists(to)) {
                        Files.copy(file, to);
                    }
                }
            }
        }
        Path someones = Files.createDirectory(root.resolve("someones"));
        Assumptions.assumeTrue(end(start(List.of("setpriv", "--reuid", "12345", "--clear-groups", "true"))).exit() == 0,
                "skipped: this user may not become another");
        assertEquals(0, end(start(List.of("chmod", "1777", temporary.toString()))).exit());
        List<String> command = new ArrayList<>(List.of("setpriv", "--reuid", "12345", "--clear-groups"));
        command.addAll(java(root.resolve("classes") + File.pathSeparator + needed, homeIs(someones.toString())));
        Child child = end(start(command));
        assertEquals(ALL, child.value("mapped"), child.output());
        assertTrue(child.value("folder").startsWith(temporary.toString()), child.output());

        // what this test's user made is not the other one's to trust, unless this one is root, whom all trust
        Path planted = Files.createDirectory(root.resolve("planted"));
        assertEquals(0, end(start(List.of("chown", "23456", planted.toString()))).exit());
        command.add(command.size() - 3, "-D" + NativeLibraries.FOLDER_PROPERTY + "=" + planted);
        end(start(command)).refused(planted + " cannot be written to");
    }

    private Path copy(Path file) {
        try {
            Path to = Files.createDirectories(root.resolve("jars")).resolve(file.getFileName().toString());
            return Files.copy(file, to);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void manyStartAtOnceWithAnEmptyFolder() throws Exception {
        List<Process> children = new ArrayList<>();
        for (int i = 0; i < Integer.getInteger("natives.jvms", 4); i++) {
            children.add(start(java(System.getProperty("java.class.path"), homeIs(home.toString()),
                    "-Duser.timezone=" + (i % 2 == 0 ? "UTC" : "Asia/Tokyo"))));
        }
        for (Process child : children) {
            end(child).loaded(standard());
        }
        try (Stream<Path> all = Files.walk(standard())) {
            assertEquals(List.of(), all.filter(p -> p.toString().endsWith(".part")).toList());
        }
    }
}
