package io.attentivecutmix.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A hub on this machine whose answers a test writes. */
@Timeout(60)
abstract class HubFixture {
    static final String MODEL = "hub:timm/resnet18";
    static final String PATH = "/timm/resnet18/resolve/main/model.safetensors";

    @TempDir
    Path cache;
    HttpServer server;
    ExecutorService threads;
    final List<String> requests = Collections.synchronizedList(new ArrayList<>());
    final byte[] content = new byte[300_000];
    String hash;

    @BeforeEach
    void start() throws Exception {
        new Random(3).nextBytes(content);
        hash = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        threads = Executors.newCachedThreadPool();
        server.setExecutor(threads);
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
        threads.shutdownNow();
    }

    interface Answer {
        void to(HttpExchange exchange) throws IOException;
    }

    void on(String path, Answer answer) {
        server.createContext(path, exchange -> {
            Headers h = exchange.getRequestHeaders();
            requests.add(exchange.getRequestURI().getPath() + " range=" + h.getFirst("Range")
                    + " if=" + h.getFirst("If-Range") + " token=" + h.getFirst("Authorization"));
            try (exchange) {
                answer.to(exchange);
            }
        });
    }

    /** Sends the content from {@code from}, but stops after so many bytes of it. */
    void send(HttpExchange e, int status, int from, int stopAfter) throws IOException {
        e.sendResponseHeaders(status, content.length - from);
        OutputStream out = e.getResponseBody();
        out.write(content, from, Math.min(stopAfter, content.length - from));
        out.flush();
    }

    void serveWhole(HttpExchange e) throws IOException {
        e.getResponseHeaders().set("ETag", "\"" + hash + "\"");
        send(e, 200, 0, content.length);
    }

    Hub.Builder hub() {
        return Hub.builder().baseUri(URI.create("http://127.0.0.1:" + server.getAddress().getPort())).cacheFolder(cache)
                .timeout(Duration.ofSeconds(2)).pause(Duration.ofMillis(5)).retries(2);
    }

    String fault(Hub hub) {
        return assertThrows(WeightsException.class, () -> hub.fetch(MODEL)).getMessage();
    }

    List<String> files() throws IOException {
        try (Stream<Path> all = Files.walk(cache)) {
            return all.filter(Files::isRegularFile).map(p -> p.getFileName().toString()).sorted().toList();
        }
    }

    /** Answers a range as it should be answered, and stops after so many bytes. */
    void sendFrom(HttpExchange e, int stopAfter) throws IOException {
        String range = e.getRequestHeaders().getFirst("Range");
        if (range == null) {
            send(e, 200, 0, stopAfter);
        } else {
            int from = Integer.parseInt(range.replaceAll("[^0-9]", ""));
            e.getResponseHeaders().set("Content-Range",
                    "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
            send(e, 206, from, stopAfter);
        }
    }

    static void redirect(HttpExchange e, String location) throws IOException {
        e.getResponseHeaders().set("Location", location);
        e.sendResponseHeaders(302, -1);
    }

    /** The same server by another name: another host to the client. */
    String elsewhere(String path) {
        return "http://localhost:" + server.getAddress().getPort() + path;
    }

    void assertFetches(Hub hub) throws IOException {
        assertArrayEquals(content, Files.readAllBytes(hub.fetch(MODEL)));
        assertEquals(List.of("lock", "model.safetensors", "model.safetensors.properties"), files());
    }

    void assertRefuses(Hub hub, String... parts) throws IOException {
        String message = fault(hub);
        for (String part : parts) {
            assertTrue(message.contains(part), message);
        }
        assertEquals(List.of("lock"), files(), "left by: " + message);
    }
}
