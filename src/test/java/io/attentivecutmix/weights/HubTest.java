package io.attentivecutmix.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What goes over the wire. */
class HubTest extends HubFixture {
    private static final String ZEROS = "0".repeat(64);
    private static final String ONES = "1".repeat(64);

    @Test
    void asksOnceAndSaysHowItGoes() throws IOException {
        AtomicReference<String> encoding = new AtomicReference<>();
        on(PATH, e -> {
            encoding.set(e.getRequestHeaders().getFirst("Accept-Encoding"));
            serveWhole(e);
        });
        List<Long> bytes = new ArrayList<>();
        assertFetches(hub().progress((now, total) -> {
            assertEquals(content.length, total);
            bytes.add(now);
        }).build());
        assertEquals(List.of(PATH + " range=null if=null token=null"), requests);
        assertEquals("identity", encoding.get());
        assertEquals(content.length, bytes.get(bytes.size() - 1));
        assertEquals(bytes.stream().sorted().toList(), bytes);
    }

    @Test
    void followsRedirectsAndTakesTheHashFromThem() throws IOException {
        on(PATH, e -> {
            e.getResponseHeaders().set("X-Linked-ETag", "\"" + hash + "\"");
            redirect(e, "/files/x");
        });
        on("/files/x", e -> redirect(e, elsewhere("/files/y")));
        // storage names its files by hashes of its own: not the SHA-256, though it looks like one
        on("/files/y", e -> {
            e.getResponseHeaders().set("ETag", "\"" + ONES + "\"");
            send(e, 200, 0, content.length);
        });
        assertFetches(hub().token("secret").build());
        assertTrue(requests.get(0).endsWith("token=Bearer secret"), requests.toString());
        assertTrue(requests.get(1).endsWith("token=Bearer secret"), requests.toString());
        assertTrue(requests.get(2).endsWith("token=null"), "the token went to another host: " + requests);
    }

    @Test
    void storageIsNotAskedForTheHash() throws IOException {
        on(PATH, e -> {
            e.getResponseHeaders().set("ETag", "\"" + ZEROS + "\""); // the redirect's own, not the file's
            redirect(e, elsewhere("/files/y"));
        });
        on("/files/y", e -> {
            e.getResponseHeaders().set("ETag", "\"" + ONES + "\"");
            e.getResponseHeaders().set("X-Linked-ETag", "\"" + ONES + "\"");
            send(e, 200, 0, content.length);
        });
        assertFetches(hub().build());
    }

    @Test
    void aChangedFileMayBeShorter() throws IOException {
        byte[] shorter = {1, 2, 3};
        on(PATH, e -> {
            boolean first = requests.size() == 1;
            e.getResponseHeaders().set("ETag", first ? "\"v1\"" : "\"v2\"");
            if (first) {
                send(e, 200, 0, 100_000);
            } else {
                e.sendResponseHeaders(200, shorter.length);
                e.getResponseBody().write(shorter);
            }
        });
        assertArrayEquals(shorter, Files.readAllBytes(hub().build().fetch(MODEL)));
    }

    @Test
    void theHashOfARedirectHolds() throws IOException {
        on(PATH, e -> {
            e.getResponseHeaders().set("X-Linked-ETag", "\"" + ZEROS + "\"");
            redirect(e, elsewhere("/files/y"));
        });
        on("/files/y", this::serveWhole);
        assertRefuses(hub().build(), "has SHA-256 " + hash, "the hub says: " + ZEROS);
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://example.com/x", "ftp://localhost/x", "file:///etc/passwd", "//user@/x",
        "https:///x"})
    void refusesRedirectsToElsewhere(String target) throws IOException {
        on(PATH, e -> redirect(e, target));
        assertRefuses(hub().build(), MODEL + ": URL: ", "allowed: https");
        assertEquals(1, requests.size());
    }

    @Test
    void refusesRedirectsThatSayNothing() throws IOException {
        on(PATH, e -> redirect(e, "http://[nowhere?signature=private"));
        String message = fault(hub().build());
        assertTrue(message.contains("which is no URL") && !message.contains("private"), message);
        server.removeContext(PATH);
        on(PATH, e -> e.sendResponseHeaders(307, -1));
        assertRefuses(hub().build(), "without a location (status 307)");
    }

    @Test
    void refusesRedirectLoops() throws IOException {
        on(PATH, e -> redirect(e, PATH));
        assertRefuses(hub().build(), "more than 5 times");
        assertEquals(6, requests.size());
    }

    @Test
    void onlyALocalHubMayUsePlainHttp() {
        HubReference model = HubReference.parse(MODEL);
        URI local = URI.create("http://127.0.0.1:80/");
        URI far = URI.create("https://hub.example/");
        assertDoesNotThrow(() -> Hub.requireSafe(local, URI.create("http://localhost/"), model));
        assertDoesNotThrow(() -> Hub.requireSafe(local, URI.create("http://[::1]:8080/"), model));
        assertDoesNotThrow(() -> Hub.requireSafe(far, URI.create("https://storage.example/"), model));
        for (String target : List.of("http://127.0.0.1:80/", "http://localhost/", "http://storage.example/")) {
            assertThrows(WeightsException.class, () -> Hub.requireSafe(far, URI.create(target), model), target);
        }
        for (String target : List.of("http://127.0.0.1.example/", "http://127.1/", "http://localhost.example/")) {
            assertThrows(WeightsException.class, () -> Hub.requireSafe(local, URI.create(target), model), target);
        }
    }

    @Test
    void resumesAfterACutConnection() throws IOException {
        on(PATH, e -> {
            e.getResponseHeaders().set("ETag", "\"v1\"");
            sendFrom(e, 120_000);
        });
        assertFetches(hub().build());
        assertEquals(3, requests.size());
        assertEquals(PATH + " range=null if=null token=null", requests.get(0));
        assertEquals(PATH + " range=bytes=120000- if=\"v1\" token=null", requests.get(1));
        assertEquals(PATH + " range=bytes=240000- if=\"v1\" token=null", requests.get(2));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "W/\"v1\""})
    void doesNotResumeWhatHasNoStrongName(String etag) throws IOException {
        on(PATH, e -> {
            if (!etag.isEmpty()) {
                e.getResponseHeaders().set("ETag", etag);
            }
            sendFrom(e, requests.size() < 2 ? 100_000 : content.length);
        });
        assertRefuses(hub().retries(0).build(), "gave up after 1 attempt");
        assertFetches(hub().build());
        assertEquals(2, requests.stream().filter(r -> r.contains("range=null")).count(), requests.toString());
    }

    @Test
    void aChangedFileStartsAgain() throws IOException {
        on(PATH, e -> {
            boolean first = requests.size() == 1;
            e.getResponseHeaders().set("ETag", first ? "\"v1\"" : "\"v2\"");
            send(e, 200, 0, first ? 100_000 : content.length);
        });
        assertFetches(hub().build());
        assertEquals(2, requests.size());
    }

    /** What a server may send instead of the part asked for; the whole is asked for then, at once. */
    @ParameterizedTest
    @CsvSource({"other version, \"v2\", 100000", "other place, \"v1\", 99999", "no place, \"v1\", -1",
        "too far, \"v1\", 416"})
    void aPartThatDoesNotFitStartsAgain(String what, String etag, int start) throws IOException {
        on(PATH, e -> {
            boolean first = requests.size() == 1;
            e.getResponseHeaders().set("ETag", first ? "\"v1\"" : etag);
            if (e.getRequestHeaders().getFirst("Range") == null) {
                send(e, 200, 0, first ? 100_000 : content.length);
            } else if (start == 416) {
                e.sendResponseHeaders(416, -1);
            } else {
                if (start >= 0) {
                    e.getResponseHeaders().set("Content-Range", "bytes " + start + "-299999/300000");
                }
                send(e, 206, Math.max(start, 0), content.length);
            }
        });
        assertFetches(hub().retries(1).build());
        assertEquals(3, requests.size(), what);
    }

    @Test
    void aPartThatNobodyAskedForIsRefused() throws IOException {
        on(PATH, e -> {
            e.getResponseHeaders().set("Content-Range", "bytes 0-299999/300000");
            send(e, 206, 0, content.length);
        });
        assertRefuses(hub().build(), "the server sent a part");
    }

    @Test
    void wrongHashesAreRefusedAndLeaveNothing() throws IOException {
        on(PATH, e -> {
            e.getResponseHeaders().set("ETag", "\"" + ZEROS + "\"");
            send(e, 200, 0, content.length);
        });
        assertRefuses(hub().build(), "has SHA-256 " + hash, "the hub says: " + ZEROS);
        server.removeContext(PATH);
        on(PATH, this::serveWhole);
        assertRefuses(hub().sha256(ONES).build(), "has SHA-256 " + hash, "asked for: " + ONES);
        assertFetches(hub().sha256(hash.toUpperCase(Locale.ROOT)).build());
    }

    @Test
    void tooLargeIsRefusedFromTheHeaderAndFromTheStream() throws IOException {
        on(PATH, this::serveWhole);
        assertRefuses(hub().sizeLimit(299_999).build(), "has 300000 bytes; allowed: 299999");
        server.removeContext(PATH);
        on(PATH, e -> {
            e.sendResponseHeaders(200, 0); // chunked: no length
            e.getResponseBody().write(content);
        });
        assertRefuses(hub().sizeLimit(299_999).build(), "has more than 299999 bytes");
        assertFetches(hub().sizeLimit(300_000).build());
    }

    @Test
    void tooLargeIsRefusedFromTheRedirect() throws IOException {
        on(PATH, e -> {
            e.getResponseHeaders().set("X-Linked-Size", "300000");
            redirect(e, "/files/x");
        });
        assertRefuses(hub().sizeLimit(299_999).build(), "has 300000 bytes; allowed: 299999");
        assertEquals(1, requests.size());
    }

    @ParameterizedTest
    @CsvSource({"300001, ended at byte 300000 of 300001", "299999, came with 300000 bytes; announced: 299999"})
    void theStatedSizeHoldsWhereTheStreamHasNone(String stated, String expected) throws IOException {
        on(PATH, e -> {
            e.getResponseHeaders().set("X-Linked-Size", stated);
            redirect(e, "/files/x");
        });
        on("/files/x", e -> {
            e.sendResponseHeaders(200, 0);
            e.getResponseBody().write(content);
        });
        assertRefuses(hub().retries(0).build(), expected);
    }

    @Test
    void compressedContentIsRefused() throws IOException {
        on(PATH, e -> {
            e.getResponseHeaders().set("Content-Encoding", "gzip");
            serveWhole(e);
        });
        assertRefuses(hub().build(), "content encoding gzip");
    }

    @ParameterizedTest
    @CsvSource({"400, was answered with status 400, 1", "401, give a token, 1", "403, give a token, 1",
        "404, has no model, 1",
        "416, was answered with status 416, 1", "408, gave up after 3 attempts, 3", "429, gave up after 3 attempts, 3",
        "500, status 500; gave up after 3 attempts, 3", "503, gave up after 3 attempts, 3"})
    void statusesAreToldApart(int status, String expected, int asked) throws IOException {
        on(PATH, e -> e.sendResponseHeaders(status, -1));
        assertRefuses(hub().build(), MODEL + ": download: ", expected, "status " + status);
        assertEquals(asked, requests.size(), "only what may pass is tried again");
    }

    @Test
    void aTokenThatIsNotEnoughIsSaidSo() throws IOException {
        on(PATH, e -> e.sendResponseHeaders(403, -1));
        String message = fault(hub().token("hf_private").build());
        assertTrue(message.contains("this token") && !message.contains("hf_private"), message);
    }

    private static void hold(CountDownLatch release) {
        try {
            release.await(20, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void sendSome(HttpExchange e, int bytes) throws IOException {
        e.sendResponseHeaders(200, content.length);
        e.getResponseBody().write(content, 0, bytes);
        e.getResponseBody().flush();
    }

    @ParameterizedTest
    @CsvSource({"0, no answer from 127.0.0.1 within 0.3 s", "1000, nothing came for 0.3 s"})
    void aSilentServerTimesOut(int bytes, String expected) throws IOException {
        CountDownLatch release = new CountDownLatch(1);
        on(PATH, e -> {
            if (bytes > 0) {
                sendSome(e, bytes);
            }
            hold(release);
        });
        long start = System.nanoTime();
        try {
            assertRefuses(hub().timeout(Duration.ofMillis(300)).retries(1).build(), expected, "after 2 attempts");
        } finally {
            release.countDown();
        }
        assertEquals(2, requests.size());
        assertTrue(System.nanoTime() - start < 10_000_000_000L, "two timeouts of 0.3 s should not take 10 s");
    }

    @Test
    void aTricklingServerTimesOut() throws IOException {
        on(PATH, e -> {
            sendSome(e, 10);
            for (int i = 10; i < 500; i++) {
                e.getResponseBody().write(content, i, 1);
                e.getResponseBody().flush();
                try {
                    Thread.sleep(20);
                } catch (InterruptedException stop) {
                    return;
                }
            }
        });
        assertRefuses(hub().timeout(Duration.ofMillis(400)).retries(0).build(), "bytes came in 0.4 s");
    }

    @Test
    void noServerIsSaidSo() throws IOException {
        server.stop(0);
        assertRefuses(hub().retries(1).build(), "no connection to 127.0.0.1; gave up after 2 attempts");
    }

    @Test
    void anUnknownHostIsSaidSo() throws IOException {
        // RFC 6761 keeps .invalid unknown
        Hub hub = hub().baseUri(URI.create("https://hub.invalid")).build();
        assertRefuses(hub, "the host hub.invalid is unknown");
    }

    private String faultWhileInterrupted(Hub hub, CountDownLatch begun) throws Exception {
        CompletableFuture<String> result = new CompletableFuture<>();
        Thread fetcher = new Thread(() -> {
            try {
                result.complete(fault(hub) + "; flag " + Thread.currentThread().isInterrupted());
            } catch (Throwable e) {
                result.completeExceptionally(e);
            }
        });
        fetcher.start();
        assertTrue(begun.await(10, TimeUnit.SECONDS));
        fetcher.interrupt();
        return result.get(10, TimeUnit.SECONDS);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 10})
    void interruptEndsTheDownloadAndIsKept(int bytes) throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        on(PATH, e -> {
            if (bytes > 0) {
                sendSome(e, bytes);
            }
            begun.countDown();
            hold(release);
        });
        String message = faultWhileInterrupted(hub().timeout(Duration.ofSeconds(20)).build(), begun);
        release.countDown();
        assertEquals(MODEL + ": download: was interrupted; flag true", message);
        assertEquals(List.of("lock"), files());
    }

    /** Whatever the thread is at: about to lock, sending, waiting, or writing to a channel that an interrupt closes. */
    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 1, 2, 3, 5, 8, 13, 20, 40})
    void interruptAtAnyTimeIsAnInterrupt(int delay) throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        on(PATH, e -> {
            begun.countDown();
            e.sendResponseHeaders(200, content.length);
            for (int i = 0; i < content.length - 1 && release.getCount() > 0; i++) {
                e.getResponseBody().write(content, i, 1);
                e.getResponseBody().flush();
            }
        });
        CompletableFuture<String> result = new CompletableFuture<>();
        Thread fetcher = new Thread(() -> {
            if (delay < 0) {
                Thread.currentThread().interrupt();
            }
            String message = fault(hub().timeout(Duration.ofSeconds(20)).build());
            result.complete(message + "; flag " + Thread.currentThread().isInterrupted());
        });
        fetcher.start();
        if (delay >= 0) {
            assertTrue(begun.await(10, TimeUnit.SECONDS));
            Thread.sleep(delay);
            fetcher.interrupt();
        }
        String message = result.get(10, TimeUnit.SECONDS);
        release.countDown();
        assertEquals(MODEL + ": download: was interrupted; flag true", message);
        assertEquals(List.of("lock"), files());
    }

    @Test
    void interruptEndsThePauseBetweenAttempts() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        on(PATH, e -> {
            e.sendResponseHeaders(500, -1);
            begun.countDown();
        });
        String message = faultWhileInterrupted(hub().pause(Duration.ofSeconds(20)).build(), begun);
        assertEquals(MODEL + ": download: was interrupted; flag true", message);
    }

    @Test
    void interruptByTheListenerEndsTheDownload() {
        on(PATH, this::serveWhole);
        Hub hub = hub().progress((bytes, total) -> Thread.currentThread().interrupt()).build();
        String message = fault(hub);
        assertTrue(Thread.interrupted(), "the flag was lost");
        assertEquals(MODEL + ": download: was interrupted", message);
    }

    @Test
    void aFailingListenerEndsTheDownload() throws IOException {
        on(PATH, e -> send(e, 200, 0, content.length));
        Hub hub = hub().progress((bytes, total) -> {
            throw new IllegalStateException("the listener's own");
        }).build();
        IllegalStateException e = assertThrows(IllegalStateException.class, () -> hub.fetch(MODEL));
        assertEquals("the listener's own", e.getMessage());
        assertEquals(List.of("lock"), files());
        assertFetches(hub().build());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "hub:", "hub:timm", "hub:timm/", "hub:/resnet", "hub:timm/resnet/x", "hub:../resnet",
        "hub:timm/..", "hub:timm/a..b", "hub:.a/b", "hub:a/b.", "hub:timm/res net", "hub:timm/resnet@",
        "hub:timm/resnet@a/b", "hub:timm/resnet@..", "hub:timm/resnet?x=1", "hub:timm/resnet#x", "hub:timm/a%2e",
        "hub:timm\\resnet", "hub:timm/rés",
        "hub:timm/resnet\n", "timm/resnet", "HUB:timm/resnet",
        "hub:a/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"})
    void badReferencesAreRefusedUnasked(String reference) throws IOException {
        on("/", this::serveWhole);
        WeightsException e = assertThrows(WeightsException.class, () -> hub().build().fetch(reference));
        assertTrue(e.getMessage().contains("hub:OWNER/MODEL"), e.getMessage());
        assertEquals(reference, e.file());
        assertEquals(0, requests.size());
        assertEquals(List.of(), files());
    }

    @ParameterizedTest
    @CsvSource({"hub:timm/resnet50.a1_in1k, /timm/resnet50.a1_in1k/resolve/main", "hub:a/b@v1.0, /a/b/resolve/v1.0",
        "hub:A-b_c/0@0123456789abcdef0123, /A-b_c/0/resolve/0123456789abcdef0123"})
    void goodReferencesAskForTheirFile(String reference, String folder) throws IOException {
        on("/", this::serveWhole);
        Path file = hub().build().fetch(reference);
        assertArrayEquals(content, Files.readAllBytes(file));
        assertTrue(requests.get(0).startsWith(folder + "/model.safetensors "), requests.toString());
    }

    @Test
    void referencesAreKnownByTheirPrefix() {
        assertFalse(Hub.isReference("resnet.safetensors"));
        assertTrue(Hub.isReference("hub:x/y"));
    }

    @Test
    void badSettingsAreRefused() {
        Hub.Builder builder = Hub.builder();
        for (String base : List.of("/x", "mailto:a@b", "https://user@hub.example", "https://hub.example?x",
                "https://h/#x")) {
            assertThrows(IllegalArgumentException.class, () -> builder.baseUri(URI.create(base)), base);
        }
        for (String token : List.of("", "a b", "a\r\nX: y", "é")) {
            assertThrows(IllegalArgumentException.class, () -> builder.token(token), token);
        }
        assertThrows(IllegalArgumentException.class, () -> builder.sha256("12"));
        assertThrows(IllegalArgumentException.class, () -> builder.sizeLimit(0));
        assertThrows(IllegalArgumentException.class, () -> builder.retries(-1));
        assertThrows(IllegalArgumentException.class, () -> builder.timeout(Duration.ZERO));
        Hub plain = builder.cacheFolder(cache).baseUri(URI.create("http://hub.example")).build();
        assertTrue(fault(plain).contains("allowed: https"));
    }
}
