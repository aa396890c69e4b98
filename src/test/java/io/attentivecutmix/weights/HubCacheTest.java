package io.attentivecutmix.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.StringReader;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What stays on the disk. */
class HubCacheTest extends HubFixture {
    private static final String ONES = "1".repeat(64);

    private Path fetch() {
        return hub().build().fetch(MODEL);
    }

    @Test
    void servesFromTheCacheWithoutAServer() throws IOException {
        on(PATH, this::serveWhole);
        Path file = fetch();
        server.stop(0);
        assertEquals(file, hub().sha256(hash).build().fetch(MODEL));
        assertEquals(1, requests.size());
        assertTrue(file.startsWith(cache), file.toString());
    }

    @Test
    void theNoteSaysWhatTheFileIs() throws IOException {
        on(PATH, e -> redirect(e, elsewhere("/files/x?signature=private")));
        on("/files/x", e -> {
            e.getResponseHeaders().set("ETag", "\"v\\1\"");
            send(e, 200, 0, content.length);
        });
        Path file = fetch();
        String text = Files.readString(file.resolveSibling("model.safetensors.properties"));
        Properties note = new Properties();
        note.load(new StringReader(text));
        String url = "http://127.0.0.1:" + server.getAddress().getPort() + PATH;
        assertEquals(Map.of("sha256", hash, "size", "300000", "url", url, "etag", "\"v\\1\""), note);
    }

    @Test
    void aDamagedCacheIsFetchedAgain() throws IOException {
        on(PATH, this::serveWhole);
        Path file = fetch();
        Path note = file.resolveSibling("model.safetensors.properties");
        byte[] flipped = content.clone();
        flipped[1000]++;
        Files.write(file, flipped);
        assertFetches(hub().build());
        Files.write(file, Arrays.copyOf(content, 1000));
        assertFetches(hub().build());
        Files.writeString(note, "\\u00zz");
        assertFetches(hub().build());
        Files.write(note, new byte[] {(byte) 0xff, 0});
        assertFetches(hub().build());
        Files.delete(note);
        assertFetches(hub().build());
        Files.delete(file);
        assertFetches(hub().build());
        assertEquals(7, requests.size());
    }

    @Test
    void anotherHashThanTheCachedOnesIsFetched() throws IOException {
        byte[] old = new byte[1000];
        boolean[] moved = {false};
        on(PATH, e -> {
            if (moved[0]) {
                serveWhole(e);
            } else {
                e.sendResponseHeaders(200, old.length);
                e.getResponseBody().write(old);
            }
        });
        assertArrayEquals(old, Files.readAllBytes(fetch()));
        String message = fault(hub().sha256(ONES).build());
        assertTrue(message.contains("cache: has SHA-256") && message.contains("asked for: " + ONES), message);
        assertArrayEquals(old, Files.readAllBytes(fetch()), "what is refused must not replace what is good");
        moved[0] = true;
        assertFetches(hub().sha256(hash).build());
        assertEquals(3, requests.size());
    }

    @Test
    void theNextRunGoesOnWhereThisOneGaveUp() throws IOException {
        boolean[] cut = {true};
        on(PATH, e -> {
            e.getResponseHeaders().set("ETag", "\"v1\"");
            sendFrom(e, cut[0] ? 50_000 : content.length);
        });
        assertTrue(fault(hub().retries(0).build()).contains("the next run goes on from here"));
        assertEquals(List.of("lock", "model.safetensors.partial", "model.safetensors.partial.etag"), files());
        cut[0] = false;
        List<Long> progress = new ArrayList<>();
        assertFetches(hub().progress((bytes, total) -> progress.add(bytes)).build());
        assertTrue(requests.get(1).contains("range=bytes=50000- if=\"v1\""), requests.toString());
        assertTrue(progress.get(0) > 50_000, progress.toString());
    }

    private Path leavePartial(byte[] bytes, String etag) throws IOException {
        on(PATH, e -> {
            e.getResponseHeaders().set("ETag", "\"" + hash + "\"");
            String range = e.getRequestHeaders().getFirst("Range");
            if (("bytes=" + content.length + "-").equals(range)) {
                e.getResponseHeaders().set("Content-Range", "bytes */" + content.length);
                e.sendResponseHeaders(416, -1);
            } else {
                sendFrom(e, content.length);
            }
        });
        Path file = fetch();
        requests.clear();
        Path partial = file.resolveSibling("model.safetensors.partial");
        Files.write(partial, bytes);
        Files.writeString(file.resolveSibling("model.safetensors.partial.etag"), etag);
        Files.delete(file);
        return partial;
    }

    @Test
    void aDamagedPartIsFetchedAgain() throws IOException {
        leavePartial(new byte[1000], "\"" + hash + "\"");
        assertFetches(hub().retries(0).build());
        assertEquals(2, requests.size());
        assertTrue(requests.get(0).contains("bytes=1000-"), requests.toString());
        assertTrue(requests.get(1).contains("range=null"), requests.toString());
    }

    /** A process that ends between noting the new tag and writing must not leave old bytes under the new tag. */
    @Test
    void oldBytesAreGoneBeforeTheNewTagIsNoted() throws IOException {
        Path partial = leavePartial(new byte[1000], "\"v1\"");
        Path tag = partial.resolveSibling("model.safetensors.partial.etag");
        server.removeContext(PATH);
        List<String> seen = new CopyOnWriteArrayList<>();
        on(PATH, e -> {
            e.getResponseHeaders().set("ETag", "\"v2\"");
            e.sendResponseHeaders(200, content.length);
            e.getResponseBody().flush();
            for (int i = 0; i < 200 && !(Files.exists(tag) && Files.readString(tag).contains("v2")); i++) {
                try {
                    Thread.sleep(10);
                } catch (InterruptedException stop) {
                    return;
                }
            }
            seen.add(Files.readString(tag) + (Files.exists(partial) ? Files.size(partial) : 0));
            e.getResponseBody().write(content);
        });
        assertFetches(hub().build());
        assertEquals(List.of("\"v2\"0"), seen);
    }

    @Test
    void aWholePartIsOnlyChecked() throws IOException {
        leavePartial(content, "\"" + hash + "\"");
        assertFetches(hub().build());
        assertEquals(1, requests.size());
    }

    @Test
    void aPartWithoutANameIsFetchedAgain() throws IOException {
        leavePartial(new byte[1000], "");
        assertFetches(hub().build());
        assertTrue(requests.get(0).contains("range=null"), requests.toString());
    }

    @Test
    void aPartThatIsALinkIsNotFollowed() throws IOException {
        Path partial = leavePartial(new byte[1000], "\"" + hash + "\"");
        Path other = Files.write(cache.resolve("other"), new byte[1000]);
        Files.delete(partial);
        Files.createSymbolicLink(partial, other);
        assertArrayEquals(content, Files.readAllBytes(fetch()));
        assertArrayEquals(new byte[1000], Files.readAllBytes(other));
    }

    @Test
    void hubsAndModelsAndRevisionsAreKeptApart() throws IOException {
        on("/", this::serveWhole);
        List<String> references = List.of("hub:a/b--c", "hub:a--b/c", "hub:a/b--c@v2", "hub:a/b@c");
        List<Path> files = references.stream().map(r -> hub().build().fetch(r)).toList();
        assertEquals(references.size(), files.stream().distinct().count(), files.toString());
        Path mirror = hub().baseUri(URI.create(elsewhere("/mirror/"))).build().fetch(references.get(0));
        assertNotEquals(files.get(0), mirror);
        assertEquals("/mirror/a/b--c/resolve/main/model.safetensors range=null if=null token=null",
                requests.get(requests.size() - 1));
        assertEquals(references.size() + 1, requests.size());
    }

    /** Names that differ in case share a folder on some file systems. */
    @Test
    void aFileFromElsewhereIsNotTaken() throws IOException {
        on("/", this::serveWhole);
        Path note = fetch().resolveSibling("model.safetensors.properties");
        Files.writeString(note, Files.readString(note).replace("resnet18", "ResNet18"));
        assertFetches(hub().build());
        assertEquals(2, requests.size());
    }

    @Test
    void foldersAreTheirOwnersAlone() throws IOException {
        assumeTrue(cache.getFileSystem().supportedFileAttributeViews().contains("posix"), "no POSIX permissions here");
        on(PATH, this::serveWhole);
        Path inner = cache.resolve("made").resolve("here");
        for (Path p = hub().cacheFolder(inner).build().fetch(MODEL).getParent(); !p.equals(cache); p = p.getParent()) {
            assertEquals("rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(p)), p.toString());
        }
    }

    @Test
    void aCacheThatCannotBeWrittenIsRead() throws IOException {
        on(PATH, this::serveWhole);
        Path file = fetch();
        Path lock = file.resolveSibling("lock");
        Files.delete(lock);
        Files.createDirectory(lock); // cannot be opened, whoever runs the test
        assertEquals(file, fetch());
        Files.delete(file);
        String message = fault(hub().build());
        assertTrue(message.contains(": cache " + file.getParent() + ": cannot be used: "), message);
    }

    @Test
    void aCacheFolderThatIsAFileIsSaidSo() throws IOException {
        Path file = Files.writeString(cache.resolve("file"), "");
        assertTrue(fault(hub().cacheFolder(file).build()).contains("cannot be used"));
        assertEquals(0, requests.size());
    }

    @Test
    void threadsTakeTurns() throws Exception {
        on(PATH, this::serveWhole);
        List<CompletableFuture<Path>> all = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            all.add(CompletableFuture.supplyAsync(this::fetch, threads));
        }
        for (CompletableFuture<Path> one : all) {
            assertArrayEquals(content, Files.readAllBytes(one.get(20, TimeUnit.SECONDS)));
        }
        assertEquals(1, requests.size());
    }

    /** One of the processes of the next test. */
    static final class Process {
        public static void main(String[] args) {
            Hub.builder().baseUri(URI.create(args[0])).cacheFolder(Path.of(args[1])).build().fetch(MODEL);
        }
    }

    @Test
    void processesTakeTurns() throws Exception {
        on(PATH, this::serveWhole);
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        List<java.lang.Process> all = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            all.add(new ProcessBuilder(java, "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"),
                    Process.class.getName(), "http://127.0.0.1:" + server.getAddress().getPort(), cache.toString())
                    .redirectErrorStream(true).start());
        }
        for (java.lang.Process one : all) {
            assertEquals("", new String(one.getInputStream().readAllBytes()));
            assertTrue(one.waitFor(20, TimeUnit.SECONDS));
            assertEquals(0, one.exitValue());
        }
        assertEquals(1, requests.size());
        assertFetches(hub().build());
        assertEquals(1, requests.size());
    }

    @Test
    @SuppressWarnings("try") // the lock is held, not used
    void waitingForAnotherCanBeInterrupted() throws Exception {
        on(PATH, this::serveWhole);
        Path lockFile = fetch().resolveSibling("lock");
        CompletableFuture<String> result = new CompletableFuture<>();
        try (FileChannel channel = FileChannel.open(lockFile, StandardOpenOption.WRITE);
                FileLock lock = channel.lock()) {
            Thread waiter = new Thread(
                    () -> result.complete(fault(hub().build()) + Thread.currentThread().isInterrupted()));
            waiter.start();
            Thread.sleep(100);
            waiter.interrupt();
            assertEquals(MODEL + ": download: was interruptedtrue", result.get(10, TimeUnit.SECONDS));
        }
        fetch();
        assertEquals(1, requests.size());
    }

    /** The cache's files are read through channels, which an interrupt closes: that is no fault of the cache. */
    @Test
    void readingTheCacheCanBeInterrupted() throws IOException {
        on(PATH, this::serveWhole);
        fetch();
        Thread.currentThread().interrupt();
        String message = fault(hub().build());
        assertTrue(Thread.interrupted(), "the flag was lost");
        assertEquals(MODEL + ": download: was interrupted", message);
        assertFetches(hub().build());
        assertEquals(1, requests.size());
    }

    @Test
    void theDefaultFolderIsTheSystemsCacheFolder() {
        Path home = Path.of("home").toAbsolutePath();
        Path xdg = Path.of("xdg").toAbsolutePath();
        Path tail = Path.of("attentive-cutmix");
        assertEquals(home.resolve(".cache").resolve(tail), CacheFolder.of("Linux", Map.of(), home));
        assertEquals(xdg.resolve(tail),
                CacheFolder.of("Linux", Map.of("XDG_CACHE_HOME", xdg.toString()), home));
        assertEquals(home.resolve(".cache").resolve(tail),
                CacheFolder.of("Linux", Map.of("XDG_CACHE_HOME", "relative"), home));
        assertEquals(home.resolve("Library").resolve("Caches").resolve(tail),
                CacheFolder.of("Mac OS X", Map.of("XDG_CACHE_HOME", xdg.toString()), home));
        assertEquals(xdg.resolve(tail),
                CacheFolder.of("Windows 11", Map.of("LOCALAPPDATA", xdg.toString()), home));
        assertEquals(home.resolve("AppData").resolve("Local").resolve(tail),
                CacheFolder.of("Windows 11", Map.of(), home));
    }
}
