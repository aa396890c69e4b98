package io.attentivecutmix.natives;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Which folders are fit to hold code, and what is said of the others. */
@DisabledOnOs(OS.WINDOWS)
class PrivateFolderTest {
    @TempDir
    Path home;

    private void refuse(Path folder, String message) {
        String said = assertThrows(PrivateFolder.UnfitException.class,
                () -> PrivateFolder.open(folder.toString(), false)).getMessage();
        assertTrue(said.contains(message), said + " lacks " + message);
        assertEquals(1, said.lines().count(), said);
    }

    private static void mode(Path path, String mode) throws IOException {
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
    }

    @Test
    void aNewFolderIsTheUsersAlone() throws Exception {
        Path folder = PrivateFolder.open(home.resolve("a/b").toString(), false);
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)));
        assertEquals(folder, PrivateFolder.open(folder.toString(), false));
        mode(folder, "rwxr-xr-x");
        assertEquals(folder, PrivateFolder.open(folder.toString(), false), "others may read it");
        try (Stream<Path> inside = Files.list(folder)) {
            assertEquals(0, inside.count(), "the probe is removed");
        }
    }

    @Test
    void whatOthersMayWriteToIsRefused() throws Exception {
        Path folder = PrivateFolder.open(home.resolve("a/b").toString(), false);
        for (String lax : List.of("rwxrwx---", "rwx----w-", "rwxrwxrwx")) {
            mode(folder, lax);
            refuse(folder, "may be written to by others (mode 7");
        }
        mode(folder, "rwx------");
        mode(folder.getParent(), "rwxrwxrwx");
        refuse(folder, "lies in " + folder.getParent() + ", which others may write to (mode 777)");
        assertEquals(folder, PrivateFolder.open(folder.toString(), true), "named by the user");
        assertTrue(PrivateFolder.doubt(folder).orElse("").startsWith("lies in " + folder.getParent()), "but said");
        // as /tmp: what is in it can be renamed by its owner only. The mode's ninth bit is not among Java's permissions
        Assumptions.assumeTrue(new ProcessBuilder("chmod", "1777", folder.getParent().toString()).start().waitFor()
                == 0, "needs chmod");
        assertEquals(folder, PrivateFolder.open(folder.toString(), false));
        assertEquals(Optional.empty(), PrivateFolder.doubt(folder));
    }

    @Test
    void linksFilesAndNamesThatDependOnThePlaceAreRefused() throws Exception {
        Path folder = PrivateFolder.open(home.resolve("a").toString(), false);
        refuse(Files.createSymbolicLink(home.resolve("link"), folder), "is a symbolic link");
        assertEquals(folder.resolve("in"), PrivateFolder.open(home.resolve("link/in").toString(), false),
                "the way may go through links; where it leads is what counts");
        refuse(Files.writeString(home.resolve("file"), "x"), "is no folder");
        refuse(home.resolve("file/below"), "make it writable for this user, or name another folder");
        refuse(Path.of("?"), "no absolute path");
        refuse(Path.of("/proc/nothing"), "make it writable for this user, or name another folder");
    }

    @Test
    void aFolderOfAnotherUserIsRefused() throws Exception {
        Path folder = PrivateFolder.open(home.resolve("a/b").toString(), false);
        Assumptions.assumeTrue(new ProcessBuilder("chown", "12345", folder.toString()).start().waitFor() == 0,
                "needs the right to give files away");
        refuse(folder, "belongs to user 12345");
        new ProcessBuilder("chown", "0", folder.toString()).start().waitFor();
        new ProcessBuilder("chown", "12345", folder.getParent().toString()).start().waitFor();
        refuse(folder, "lies in " + folder.getParent() + ", which belongs to user 12345");
    }

    @Test
    void aTemporaryFolderIsFreshAndPrivate() throws Exception {
        Path one = PrivateFolder.temporary();
        Path two = PrivateFolder.temporary();
        assertFalse(one.equals(two));
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(one)));
        Files.delete(one);
        Files.delete(two);
    }

    @Test
    void aUserWithoutHomeHasNoCacheFolder() {
        assertEquals(Optional.empty(), UserFolders.cache("Linux", Map.of(), "?"));
        assertEquals(Optional.empty(), UserFolders.cache("Linux", Map.of("XDG_CACHE_HOME", "x"), ""));
        assertEquals(Optional.of(Path.of("/c/attentive-cutmix")),
                UserFolders.cache("Linux", Map.of("XDG_CACHE_HOME", "/c"), "?"));
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void theCLibraryIsKnownBeforeAnythingIsLoaded() throws Exception {
        CLibrary here = CLibrary.ofProcess();
        assertEquals(CLibrary.Kind.GLIBC, here.kind());
        String said = new String(new ProcessBuilder("ldd", "--version").start().getInputStream().readAllBytes());
        assertTrue(said.lines().findFirst().orElse("").endsWith(" " + here.version()), here + " is not " + said);
        assertFalse(here.tooOld());

        assertTrue(new CLibrary(CLibrary.Kind.GLIBC, "2.17").tooOld());
        assertFalse(new CLibrary(CLibrary.Kind.GLIBC, "2.34").tooOld());
        assertFalse(new CLibrary(CLibrary.Kind.GLIBC, "").tooOld());
        CLibrary alpine = CLibrary.of(CLibrary.mappedFiles("""
                55d0c0a6d000-55d0c0a6e000 r--p 00000000 fe:00 1 /opt/java/bin/java
                7f0000000000-7f0000001000 rw-p 00000000 00:00 0
                7f1000000000-7f1000001000 r--p 00000000 fe:00 2 /lib/ld-musl-x86_64.so.1
                """.getBytes(StandardCharsets.UTF_8)));
        assertEquals(CLibrary.Kind.MUSL, alpine.kind());
        assertEquals("native libraries need glibc 2.34 or later, found musl; use an image of a distribution with glibc"
                + " (Debian, Ubuntu, Fedora)",
                assertThrows(NativeLibraryException.class, () -> NativeLibraries.requireGlibc(alpine)).getMessage());
    }

    /** A NUL is in no path of any locale, as é is in none of LC_ALL=C; such a file concerns nobody here. */
    @Test
    void mappedFilesNeedNotBePathsOfThisLocale() {
        String line = "7f1000000000-7f1000001000 r--p 00000000 fe:00 2 ";
        List<String> mapped = CLibrary.mappedFiles((line + "/data/\0/x.bin\n" + line + "/data/caf\u00e9 1/y.so\n" + line
                + "/lib\0/libc.so.6\n").getBytes(StandardCharsets.UTF_8));
        assertEquals(List.of("/data/\0/x.bin", "/data/caf\u00e9 1/y.so", "/lib\0/libc.so.6"), mapped);
        assertEquals("y.so", CLibrary.name(mapped.get(1)));
        assertEquals(new CLibrary(CLibrary.Kind.GLIBC, ""), CLibrary.of(mapped));
        assertEquals(1, CLibrary.mappedFiles((line + "/data/\u00ff\n").getBytes(StandardCharsets.ISO_8859_1)).size(),
                "a name that is not UTF-8");
    }

    /** The version that messages name is the latest that the libraries ask for. */
    @Test
    @EnabledOnOs(OS.LINUX)
    void theNeededGlibcIsTheLibraries() throws Exception {
        Pattern version = Pattern.compile("GLIBC_2\\.(\\d+)");
        int latest = 0;
        for (String file : List.of("javacpp/%s/libjnijavacpp.so", "dnnl/%s/libgomp.so.1", "dnnl/%s/libjnidnnl.so",
                "opencl/%s/libjniOpenCL.so")) {
            try (InputStream in = getClass().getResourceAsStream(
                    "/org/bytedeco/" + String.format(file, Loader.getPlatform()))) {
                Matcher m = version.matcher(new String(in.readAllBytes(), StandardCharsets.ISO_8859_1));
                while (m.find()) {
                    latest = Math.max(latest, Integer.parseInt(m.group(1)));
                }
            }
        }
        assertEquals(CLibrary.NEEDED_GLIBC, "2." + latest);
    }
}
