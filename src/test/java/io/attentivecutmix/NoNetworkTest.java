package io.attentivecutmix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Tests run with this machine alone: the build gives their JVM a file of host names and proxies that are not there.
 * 192.0.2.1 is of TEST-NET-1 (RFC 5737), an address without a host.
 */
class NoNetworkTest {
    private static final int WAIT_MILLIS = 2000;

    @Test
    void otherNamesAreNotFound() {
        assertThrows(UnknownHostException.class, () -> InetAddress.getByName("huggingface.co"));
        assertThrows(UnknownHostException.class, () -> InetAddress.getByName("repo.maven.apache.org"));
    }

    @Test
    void socketsReachNoOtherAddress() throws IOException {
        try (Socket socket = new Socket()) {
            SocketException refusal = assertThrows(SocketException.class,
                    () -> socket.connect(new InetSocketAddress("192.0.2.1", 443), WAIT_MILLIS));
            assertTrue(refusal.getMessage().contains("SOCKS"), refusal.toString());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://192.0.2.1/", "https://192.0.2.1/", "https://huggingface.co/"})
    void clientsReachNoOtherAddress(String address) {
        // The proxy is what refuses: a network might refuse the address too.
        List<Proxy> proxies = ProxySelector.getDefault().select(URI.create(address));
        assertEquals(1, proxies.size());
        InetSocketAddress proxy = (InetSocketAddress) proxies.get(0).address();
        assertEquals("127.0.0.1:9", proxy.getHostString() + ":" + proxy.getPort());
        assertThrows(ConnectException.class, () -> get(address));
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost", "127.0.0.1"})
    void thisMachineIsReached(String host) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
        });
        server.start();
        try {
            assertEquals(204, get("http://" + host + ":" + server.getAddress().getPort() + "/"));
        } finally {
            server.stop(0);
        }
    }

    private static int get(String address) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(address)).build();
        return HttpClient.newHttpClient().send(request, BodyHandlers.discarding()).statusCode();
    }
}
