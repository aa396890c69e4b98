package io.attentivecutmix.weights;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Brings one file into {@code name.partial}: follows redirects, retries what may pass, and resumes where the last
 * attempt, of this or of an earlier process, was cut. The caller holds the cache's lock.
 */
final class HubDownload {
    private static final int MAX_REDIRECTS = 5;
    private static final long LONGEST_PAUSE_MILLIS = 30_000;
    /** Bytes that must come within one timeout: a server that sends a byte now and then is as bad as a silent one. */
    private static final long SLOWEST = 1024;
    private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);
    private static final Pattern SHA256 = Pattern.compile("(?:W/)?\"?([0-9a-fA-F]{64})\"?");
    private static final Pattern CONTENT_RANGE = Pattern.compile("bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18})");
    private static final Pattern LENGTH = Pattern.compile("[0-9]{1,18}");

    private final Hub hub;
    private final HubReference reference;
    private final URI start;
    private final HttpClient client;
    private final Path partial;
    private final Path etagFile;
    /** What names the version that the partial file is of; empty if the server does not say. */
    private String etag = "";
    private Optional<String> statedHash = Optional.empty();
    private long statedSize = -1;

    /**
     * @param sha256 as the hub says, if it does
     * @param etag the server's name for this version, or empty
     * @param resumed whether a part is from an earlier attempt
     */
    record Result(Optional<String> sha256, String etag, boolean resumed) {}

    /** A fault that another attempt may not have. */
    private static final class Passing extends IOException {
        Passing(String message, Throwable cause) {
            super(message, cause);
        }
    }

    HubDownload(Hub hub, HubReference reference, Path partial) {
        this.hub = hub;
        this.reference = reference;
        this.partial = partial;
        start = reference.file(hub.baseUri);
        etagFile = partial.resolveSibling(partial.getFileName() + ".etag");
        client = HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NEVER).connectTimeout(hub.timeout).build();
    }

    /** Returns when the partial file is whole. An IOException is the cache's own. */
    Result run() throws IOException, InterruptedException {
        etag = Files.exists(etagFile) ? Files.readString(etagFile) : "";
        for (int attempt = 0; ; attempt++) {
            try {
                return attempt();
            } catch (Passing e) {
                if (attempt >= hub.retries) {
                    throw new WeightsException(reference.toString(), "download", e.getMessage() + "; gave up after "
                            + (attempt == 0 ? "1 attempt" : (attempt + 1) + " attempts")
                            + (canResume() ? ", and the next run goes on from here" : ""), e);
                }
                Thread.sleep(Math.min(hub.pause.toMillis() << Math.min(attempt, 10), LONGEST_PAUSE_MILLIS));
            }
        }
    }

    private Result attempt() throws IOException, InterruptedException {
        if (canResume()) {
            Optional<Result> resumed = get(Files.size(partial));
            if (resumed.isPresent()) {
                return resumed.get();
            }
            discard();
        }
        return get(0).orElseThrow(() -> fault("the server sent a part, though the whole was asked for"));
    }

    /** Only a strong ETag says that bytes are the same. */
    private boolean canResume() throws IOException {
        return !etag.isEmpty() && !etag.startsWith("W/")
                && Files.isRegularFile(partial, LinkOption.NOFOLLOW_LINKS) && Files.size(partial) > 0;
    }

    /** Asks for all from byte {@code have} on; empty if what came does not go on from there. */
    private Optional<Result> get(long have) throws IOException, InterruptedException {
        statedHash = Optional.empty();
        statedSize = -1;
        URI uri = start;
        for (int redirects = 0; ; redirects++) {
            HttpResponse<BodyQueue> response = send(uri, have);
            try (BodyQueue body = response.body()) {
                boolean redirect = REDIRECTS.contains(response.statusCode());
                if (sameOrigin(uri, start)) {
                    note(response.headers(), redirect);
                }
                if (redirect) {
                    if (redirects == MAX_REDIRECTS) {
                        throw fault("was redirected more than " + MAX_REDIRECTS + " times");
                    }
                    uri = redirected(uri, response);
                    continue;
                }
                if (!receive(response, body, have)) {
                    return Optional.empty();
                }
                return Optional.of(new Result(statedHash, etag, response.statusCode() != 200));
            }
        }
    }

    private HttpResponse<BodyQueue> send(URI uri, long have) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri).timeout(hub.timeout)
                .header("User-Agent", "attentive-cutmix").header("Accept-Encoding", "identity");
        // a token is for the hub alone: the redirect's target is another host, with its own signed URL
        if (!hub.token.isEmpty() && sameOrigin(uri, start)) {
            request.header("Authorization", "Bearer " + hub.token);
        }
        if (have > 0) {
            request.header("Range", "bytes=" + have + "-").header("If-Range", etag);
        }
        String host = uri.getHost();
        try {
            return client.send(request.build(), info -> new BodyQueue());
        } catch (IllegalArgumentException e) {
            throw new WeightsException(reference.toString(), "download", "the host " + host + " cannot be asked", e);
        } catch (HttpConnectTimeoutException e) {
            throw new Passing("no connection to " + host + " within " + BodyQueue.seconds(hub.timeout), e);
        } catch (HttpTimeoutException e) {
            throw new Passing("no answer from " + host + " within " + BodyQueue.seconds(hub.timeout), e);
        } catch (ConnectException | UnknownHostException e) {
            if (e instanceof UnknownHostException || hasCause(e, UnresolvedAddressException.class)) {
                throw new WeightsException(reference.toString(), "download", "the host " + host
                        + " is unknown; is there a network? A model that was fetched before needs none", e);
            }
            throw new Passing("no connection to " + host, e);
        } catch (IOException e) {
            throw new Passing("no answer from " + host + ": " + e, e);
        }
    }

    private static boolean hasCause(Throwable e, Class<?> type) {
        return e != null && (type.isInstance(e) || hasCause(e.getCause(), type));
    }

    private static boolean sameOrigin(URI a, URI b) {
        return a.getScheme().equalsIgnoreCase(b.getScheme()) && a.getHost().equalsIgnoreCase(b.getHost())
                && port(a) == port(b);
    }

    private static int port(URI uri) {
        return uri.getPort() >= 0 ? uri.getPort() : "https".equalsIgnoreCase(uri.getScheme()) ? 443 : 80;
    }

    /**
     * The hub names a large file's SHA-256 and size where it redirects to the file, or has the SHA-256 as the ETag of a
     * file that it sends itself. The ETag of the storage behind it may have the same form and be another hash.
     */
    private void note(HttpHeaders headers, boolean redirect) {
        Optional<String> linked = headers.firstValue("X-Linked-ETag");
        if (linked.isPresent() || !redirect && statedHash.isEmpty()) {
            statedHash = linked.or(() -> headers.firstValue("ETag")).map(SHA256::matcher).filter(Matcher::matches)
                    .map(m -> m.group(1).toLowerCase(Locale.ROOT));
        }
        long size = length(headers, "X-Linked-Size");
        if (size >= 0) {
            requireWithinLimit(size);
            statedSize = size;
        }
    }

    private static long length(HttpHeaders headers, String name) {
        return headers.firstValue(name).filter(v -> LENGTH.matcher(v).matches()).map(Long::parseLong).orElse(-1L);
    }

    private void requireWithinLimit(long size) {
        if (size > hub.sizeLimit) {
            throw fault("has " + size + " bytes; allowed: " + hub.sizeLimit);
        }
    }

    private URI redirected(URI from, HttpResponse<?> response) {
        String location = response.headers().firstValue("Location")
                .orElseThrow(() -> fault("was redirected without a location (status " + response.statusCode() + ")"));
        URI to;
        try {
            to = from.resolve(location);
        } catch (IllegalArgumentException e) {
            throw fault("was redirected to " + location.replaceAll("\\?.*", "?…") + ", which is no URL");
        }
        Hub.requireSafe(start, to, reference);
        return to;
    }

    /** Writes the body behind the {@code have} bytes that are there; false if it does not belong there. */
    private boolean receive(HttpResponse<BodyQueue> response, BodyQueue body, long have)
            throws IOException, InterruptedException {
        int status = response.statusCode();
        HttpHeaders headers = response.headers();
        String encoding = headers.firstValue("Content-Encoding").orElse("identity");
        long from;
        long total;
        if (status == 206) {
            Matcher range = CONTENT_RANGE.matcher(headers.firstValue("Content-Range").orElse(""));
            // If-Range should have seen to the ETag, but not every server heeds it
            if (have == 0 || !range.matches() || Long.parseLong(range.group(1)) != have
                    || !headers.firstValue("ETag").orElse(etag).equals(etag)) {
                return false;
            }
            from = have;
            total = Long.parseLong(range.group(2));
        } else if (status == 200) {
            from = 0;
            total = length(headers, "Content-Length");
        } else if (status == 416 && have > 0) {
            // the whole was there, and only its check was cut
            return headers.firstValue("Content-Range").orElse("").equals("bytes */" + have)
                    && headers.firstValue("ETag").orElse("").equals(etag);
        } else {
            throw refused(status);
        }
        if (!encoding.equalsIgnoreCase("identity")) {
            throw fault("was sent with content encoding " + encoding + "; allowed: none");
        }
        total = total < 0 ? statedSize : total;
        if (total > hub.sizeLimit) {
            discard();
        }
        requireWithinLimit(total);
        if (from == 0) {
            // the old bytes go before the new name comes: cut in between, they must not be taken for this version's
            discard();
            etag = headers.firstValue("ETag").orElse("");
            Files.writeString(etagFile, etag);
        }
        long end = write(body, from, total);
        if (total >= 0 && end > total) {
            discard();
            throw fault("came with " + end + " bytes; announced: " + total);
        }
        if (total >= 0 && end < total) {
            throw new Passing("the connection ended at byte " + end + " of " + total, null);
        }
        return true;
    }

    private long write(BodyQueue body, long from, long total) throws IOException, InterruptedException {
        long position = from;
        long windowStart = System.nanoTime();
        long windowBegin = from;
        try (FileChannel file = FileChannel.open(partial, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
                LinkOption.NOFOLLOW_LINKS)) {
            while (true) {
                List<ByteBuffer> piece;
                try {
                    piece = body.next(hub.timeout);
                } catch (IOException e) {
                    throw new Passing(e.getMessage(), e);
                }
                if (piece.isEmpty()) {
                    file.force(true);
                    return position;
                }
                for (ByteBuffer buffer : piece) {
                    if (position + buffer.remaining() > hub.sizeLimit) {
                        discard();
                        throw fault("has more than " + hub.sizeLimit + " bytes, which is the limit");
                    }
                    while (buffer.hasRemaining()) {
                        position += file.write(buffer, position);
                    }
                }
                hub.progress.update(position, total);
                if (System.nanoTime() - windowStart > hub.timeout.toNanos()) {
                    if (position - windowBegin < SLOWEST) {
                        throw new Passing("only " + (position - windowBegin) + " bytes came in "
                                + BodyQueue.seconds(hub.timeout), null);
                    }
                    windowStart = System.nanoTime();
                    windowBegin = position;
                }
            }
        }
    }

    private WeightsException refused(int status) throws IOException {
        if (status == 408 || status == 429 || status >= 500) {
            throw new Passing("the server answered with status " + status, null);
        }
        return fault(switch (status) {
            case 401, 403 -> hub.token.isEmpty()
                    ? "does not exist, or is not open to everyone (status " + status
                            + "): check the name, or give a token"
                    : "does not exist, or is not open to this token (status " + status
                            + "): check the name, the token's rights, and whether the model's page asks for consent";
            case 404 -> "does not exist, or revision " + reference.revision() + " has no " + HubCache.FILE
                    + " (status 404): look at the model's page for its name, revisions and files";
            default -> "was answered with status " + status;
        });
    }

    /** Nothing of this attempt is of use to another. */
    void discard() throws IOException {
        Files.deleteIfExists(partial);
        Files.deleteIfExists(etagFile);
        etag = "";
    }

    /** After a failure: keeps only what the next run can go on from. */
    void tidy(Throwable failure) {
        try {
            if (!canResume()) {
                discard();
            }
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
    }

    private WeightsException fault(String what) {
        return new WeightsException(reference.toString(), "download", what);
    }
}
