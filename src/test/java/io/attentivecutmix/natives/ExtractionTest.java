package io.attentivecutmix.natives;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A jar of two libraries and a third that is not asked for, extracted to a folder that somebody has been at. */
@DisabledOnOs(OS.WINDOWS)
class ExtractionTest {
    private static final long SEED = 11;
    private static final int NOBODY = 65_534;
    private static final String INSIDE = "org/x/linux-x86_64/";

    @TempDir
    Path home;
    private Path folder;
    private Path beside;
    private Path library;
    private byte[] bytes;
    private List<BundledLibrary> libraries;

    @BeforeEach
    void makeJar() throws IOException {
        Path jar = home.resolve("x-1.0.jar");
        Random random = new Random(SEED);
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
            for (String name : List.of("libjnix.so", "libx.so.3", "libother.so")) {
                JarEntry entry = new JarEntry(INSIDE + name);
                entry.setTime(1_700_000_000_000L);
                out.putNextEntry(entry);
                byte[] content = new byte[100_000];
                random.nextBytes(content);
                out.write(content);
                if (name.equals("libx.so.3")) {
                    bytes = content;
                }
            }
        }
        libraries = List.of(entry(jar, "libjnix.so"), entry(jar, "libx.so.3"));
        folder = Files.createDirectory(home.toRealPath().resolve("native"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        beside = folder.resolve("x-1.0.jar").resolve(INSIDE);
        library = beside.resolve("libx.so.3");
    }

    private static BundledLibrary entry(Path jar, String name) throws IOException {
        return BundledLibrary.of((JarURLConnection) new URL("jar:" + jar.toUri() + "!/" + INSIDE + name)
                .openConnection(), "");
    }

    private void extract() throws IOException {
        Extraction.of(folder, libraries).close();
    }

    private void assertGood(String why) throws IOException {
        assertTrue(Files.isRegularFile(library, LinkOption.NOFOLLOW_LINKS), why);
        assertArrayEquals(bytes, Files.readAllBytes(library), why);
        assertEquals(1_700_000_000_000L, Files.getLastModifiedTime(library).toMillis(), why);
        try (Stream<Path> all = Files.walk(folder)) {
            assertEquals(List.of(), all.filter(p -> p.toString().endsWith(".part")).toList(), why);
        }
    }

    private Object inode() throws IOException {
        return Files.getAttribute(library, "unix:ino");
    }

    @Test
    void whatIsGoodStaysAsItIs() throws IOException {
        assertEquals(200_000, Extraction.missingBytes(folder, libraries));
        extract();
        assertGood("first");
        assertFalse(Files.exists(beside.resolve("libother.so")), "not asked for");
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(beside)));
        Object inode = inode();
        extract();
        assertEquals(inode, inode(), "written again without need");
        assertEquals(0, Extraction.missingBytes(folder, libraries));
    }

    /** Length and time are right, which is all that JavaCPP looks at. */
    @Test
    void plantedBytesAreReplacedByAnotherFile() throws IOException {
        extract();
        for (int at : new int[] {0, 50_000, 99_999}) {
            byte[] planted = bytes.clone();
            planted[at] ^= 1;
            Files.write(library, planted);
            Files.setLastModifiedTime(library, FileTime.fromMillis(1_700_000_000_000L));
            try (InputStream mapped = Files.newInputStream(library)) {
                extract();
                assertGood("byte " + at);
                assertArrayEquals(planted, mapped.readAllBytes(),
                        "written in place: whoever has it mapped would run half of each");
            }
        }
    }

    @Test
    void cutLinkedAndMisplacedFilesAreReplaced() throws IOException {
        extract();
        Files.write(library, java.util.Arrays.copyOf(bytes, 4096));
        extract();
        assertGood("cut");

        Path elsewhere = Files.write(home.resolve("evil.so"), bytes);
        Files.setLastModifiedTime(elsewhere, FileTime.fromMillis(1_700_000_000_000L));
        Files.delete(library);
        Files.createSymbolicLink(library, elsewhere);
        extract();
        assertGood("a link");
        assertTrue(Files.exists(elsewhere), "what the link led to is somebody else's");

        Path evil = Files.createDirectories(home.resolve("evil"));
        Files.move(library, evil.resolve("libx.so.3"));
        Files.delete(beside.resolve("libjnix.so"));
        Files.delete(beside);
        Files.createSymbolicLink(beside, evil);
        extract();
        assertGood("a folder that is a link");
        assertFalse(Files.isSymbolicLink(beside));
    }

    /** Libraries find what they need beside themselves, whoever put it there. */
    @Test
    void strangersAreRemoved() throws IOException {
        extract();
        Files.write(beside.resolve("libstdc++.so.6"), bytes);
        Files.createSymbolicLink(beside.resolve("libm.so.6"), Files.write(home.resolve("evil.so"), bytes));
        Files.createSymbolicLink(beside.resolve("libx.so"), library);
        Files.write(beside.resolve("libother.so"), bytes);
        Files.write(beside.resolve("libjnix0.so"), bytes);
        extract();
        try (Stream<Path> all = Files.list(beside)) {
            assertEquals(List.of("libjnix.so", "libx.so", "libx.so.3"),
                    all.map(p -> p.getFileName().toString()).sorted().toList());
        }
        Files.copy(beside.resolve("libjnix.so"), beside.resolve("libjnix0.so"));
        extract();
        assertTrue(Files.exists(beside.resolve("libjnix0.so")), "the copy for another class loader is as the jar's");
        assertGood("the rest");
    }

    /** Without locks two processes extract at once; neither may take the other's file from under it. */
    @Test
    void whatAnotherProcessIsWritingStays() throws IOException {
        extract();
        Path part = Files.write(beside.resolve(".123.part"), bytes);
        Files.setLastModifiedTime(part, FileTime.fromMillis(1_700_000_000_000L)); // as just before it is renamed
        Files.write(library, new byte[10]);
        extract();
        assertArrayEquals(bytes, Files.readAllBytes(part));
        Instant now = Instant.now();
        assertFalse(Extraction.isLeftOver(part, now.plus(Duration.ofMinutes(59))), "a minute less than an hour");
        assertTrue(Extraction.isLeftOver(part, now.plus(Duration.ofMinutes(61))), "its process was killed");
        Files.delete(part);
        assertGood("the rest");
    }

    @Test
    void aSubFolderForAllIsTightened() throws IOException {
        extract();
        Files.setPosixFilePermissions(beside, PosixFilePermissions.fromString("rwxrwxrwx"));
        extract();
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(beside)));
    }

    /** Whoever may write to a file could do so between its comparison and its loading. */
    @Test
    void filesThatOthersMayWriteToAreReplaced() throws IOException {
        extract();
        Path copy = beside.resolve("libjnix0.so");
        Path sibling = beside.resolve("libother.so");
        Path link = beside.resolve("libx.so");
        Path target = Files.write(Files.createDirectory(folder.resolve("y-1.0.jar")).resolve("liby.so"), bytes);
        for (String lax : List.of("rw-rw-rw-", "rw--w----", "rw-----w-")) {
            Object inode = inode();
            mode(library, lax);
            extract();
            assertGood(lax);
            assertFalse(inode.equals(inode()), "whoever has it open still writes to it: " + lax);
            assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(library)));

            mode(Files.copy(beside.resolve("libjnix.so"), copy), lax);
            try (InputStream in = new URL(libraries.get(0).url(), "libother.so").openStream()) {
                Files.copy(in, sibling);
            }
            mode(sibling, lax);
            mode(target, lax);
            Files.createSymbolicLink(link, target);
            extract();
            assertFalse(Files.exists(copy), lax);
            assertFalse(Files.exists(sibling), lax);
            assertFalse(Files.exists(link, LinkOption.NOFOLLOW_LINKS), "a link to a file of mode " + lax);
        }
        mode(target, "rw-r--r--");
        mode(target.getParent(), "rwxr-xr-x");
        Files.createSymbolicLink(link, target);
        extract();
        assertTrue(Files.exists(link), "nobody else may write to what it leads to");
    }

    @Test
    void whatSomebodyElseOwnsIsNotTrusted() throws IOException {
        extract();
        Assumptions.assumeTrue(own(library, NOBODY), "only root can give files away");
        extract();
        assertGood("a library of another user");
        assertEquals(Files.getAttribute(folder, "unix:uid"), Files.getAttribute(library, "unix:uid"));
        own(beside, NOBODY);
        String said = assertThrows(IOException.class, this::extract).getMessage();
        assertTrue(said.contains("x-1.0.jar/org/x/linux-x86_64 belongs to somebody else"), said);
        own(beside, 0);
        extract();
        assertGood("given back");
    }

    private static boolean own(Path path, int uid) {
        try {
            Files.setAttribute(path, "unix:uid", uid, LinkOption.NOFOLLOW_LINKS);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private static void mode(Path path, String mode) throws IOException {
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
    }

    /** A digest is believed from this user's own file only, and only for the entry that it was computed for. */
    @Test
    void rememberedDigestsAreNoWayIn() throws Exception {
        extract();
        Path sums = folder.resolve(".sha256");
        String good = Files.readString(sums);
        assertEquals(2, good.lines().count(), good);
        assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(sums)));
        byte[] planted = bytes.clone();
        planted[7] ^= 1;
        byte[] digest = BundledLibrary.digest(new java.io.ByteArrayInputStream(planted));
        String forged = good.replaceAll("(?m)^[0-9a-f]{64}( .*libx.so.3)$",
                java.util.HexFormat.of().formatHex(digest) + "$1");
        assertFalse(forged.equals(good));
        Files.writeString(sums, forged);
        Files.setPosixFilePermissions(sums, PosixFilePermissions.fromString("rw-rw-rw-"));
        Files.write(library, planted);
        Files.setLastModifiedTime(library, FileTime.fromMillis(1_700_000_000_000L));
        extract();
        assertGood("a file of digests that others may write to");
        assertEquals(good, Files.readString(sums), "written anew");
        for (String text : List.of("", "no digests\n\0", good.replaceAll(" \\d+ (x-1.0)", " 5 $1"),
                good.replaceAll("^[0-9a-f]{60}", "f".repeat(60)))) {
            Files.writeString(sums, text);
            Files.write(library, planted);
            Files.setLastModifiedTime(library, FileTime.fromMillis(1_700_000_000_000L));
            extract();
            assertGood(text);
        }
    }

    /** Digests save time; libraries that are good load without. */
    @Test
    void digestsThatCannotBeReadOrWrittenAreComputedAgain() throws IOException {
        extract();
        Path sums = folder.resolve(".sha256");
        String good = Files.readString(sums);
        byte[] noText = new byte[100];
        new Random(SEED).nextBytes(noText);
        noText[0] = (byte) 0xff; // in no UTF-8
        Files.write(sums, noText);
        Object inode = inode();
        extract();
        assertEquals(good, Files.readString(sums).lines().filter(l -> l.matches("[0-9a-f]{64} .*"))
                .map(l -> l + "\n").collect(Collectors.joining()), "written anew");

        Files.delete(sums);
        Files.write(Files.createDirectory(sums).resolve("x"), bytes); // cannot be replaced by a file
        extract();
        assertGood("digests could not be written");
        assertEquals(inode, inode(), "written again without need");
        try (Stream<Path> all = Files.list(folder)) {
            assertEquals(List.of(".attentive-cutmix.lock", ".sha256", "x-1.0.jar"),
                    all.map(p -> p.getFileName().toString()).sorted().toList());
        }
    }

    /** All class loaders of a process, and all processes, find whole files at any moment. */
    @Test
    void manyAtOnceFindWholeFiles() throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(8);
        try {
            for (int round = 0; round < 3; round++) {
                List<Callable<Void>> tasks = new ArrayList<>();
                for (int i = 0; i < 8; i++) {
                    tasks.add(() -> {
                        try (Extraction held = Extraction.of(folder, libraries)) {
                            assertGood(held + " is open");
                        }
                        return null;
                    });
                }
                for (Future<Void> task : pool.invokeAll(tasks)) {
                    task.get();
                }
                Files.write(library, new byte[10]);
            }
        } finally {
            pool.shutdownNow();
        }
    }

    @Test
    void aJarThatIsGoneIsAnErrorAndLeavesNothing() throws IOException {
        Files.createDirectories(library); // cannot be replaced by a file: it is not empty
        Files.write(library.resolve("x"), bytes);
        assertThrows(IOException.class, this::extract);
        try (Stream<Path> all = Files.walk(folder)) {
            assertEquals(List.of(), all.filter(p -> p.toString().endsWith(".part")).toList());
        }
    }
}
