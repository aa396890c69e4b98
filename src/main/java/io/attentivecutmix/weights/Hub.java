package io.attentivecutmix.weights;

import java.io.IOException;
import java.net.URI;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;

/**
 * Fetches a model's {@code model.safetensors} from a hub into a cache folder: only when asked, over HTTPS, checked, and
 * whole or not at all.
 *
 * <p>What the cache holds is verified by size and SHA-256 before it is used; nothing is contacted then. What comes is
 * checked against the SHA-256 that the hub states (its {@code X-Linked-ETag}, or its ETag if that is one) and the
 * caller's. A cut download is resumed, in this process or the next: its part is all that a failure leaves, and only if
 * the server gave it a strong ETag. Threads and processes that want the same file take turns. Thread-safe.
 */
public final class Hub {
    final URI baseUri;
    final Duration timeout;
    final Duration pause;
    final int retries;
    final long sizeLimit;
    /** Empty: none. */
    final String token;
    final Progress progress;
    private final Path cacheFolder;
    private final Optional<String> sha256;

    /** Hears how a download goes on; called on the fetching thread. */
    @FunctionalInterface
    public interface Progress {
        /**
         * @param bytes how many are there; falls back to 0 if a download has to start again
         * @param total how many there will be, or −1 if the server does not say
         */
        void update(long bytes, long total);
    }

    private Hub(Builder builder) {
        baseUri = builder.baseUri;
        timeout = builder.timeout;
        pause = builder.pause;
        retries = builder.retries;
        sizeLimit = builder.sizeLimit;
        token = builder.token;
        progress = builder.progress;
        cacheFolder = builder.cacheFolder.orElseGet(() -> CacheFolder.standard().resolve("hub"));
        sha256 = builder.sha256;
    }

    /** A builder for Hugging Face's hub and the user's cache folder. */
    public static Builder builder() {
        return new Builder();
    }

    /** Whether a text asks for a download: whether it starts with {@code hub:}. */
    public static boolean isReference(String location) {
        return location.startsWith(HubReference.PREFIX);
    }

    /**
     * The file of a model, from the cache or downloaded. Returns when it is there and verified.
     *
     * @param reference {@code hub:owner/model} or {@code hub:owner/model@revision}; without a revision {@code main}
     * @throws WeightsException naming the reference, the place and the fault; also if the thread is interrupted, whose
     *     interrupt flag is set then
     */
    public Path fetch(String reference) {
        HubReference model = HubReference.parse(reference);
        URI url = model.file(baseUri);
        requireSafe(url, url, model);
        HubCache cache = new HubCache(model.folder(cacheFolder, baseUri), url);
        try {
            return fetch(model, cache);
        } catch (InterruptedException | ClosedByInterruptException e) {
            Thread.currentThread().interrupt();
            throw new WeightsException(reference, "download", "was interrupted", e);
        } catch (IOException e) {
            throw new WeightsException(reference, "cache " + cache.folder(), "cannot be used: " + e, e);
        }
    }

    @SuppressWarnings("try") // the lock is held, not used
    private Path fetch(HubReference model, HubCache cache) throws IOException, InterruptedException {
        FileChannel channel;
        try {
            channel = cache.open();
        } catch (IOException e) {
            // a cache that cannot be written, on a read-only disk or another user's, can still be read
            return cache.read().filter(f -> isWanted(f.sha256())).map(HubCache.Verified::file).orElseThrow(() -> e);
        }
        try (channel; FileLock lock = HubCache.lock(channel)) {
            Optional<HubCache.Verified> cached = cache.read();
            if (cached.isEmpty()) {
                return download(model, cache);
            }
            String hash = cached.get().sha256();
            if (isWanted(hash)) {
                return cached.get().file();
            }
            try {
                return download(model, cache); // a branch moves: the hub may have by now what is asked for
            } catch (WeightsException e) {
                throw new WeightsException(model.toString(), "cache", "has SHA-256 " + hash + "; asked for: "
                        + sha256.orElseThrow() + "; fetched again: " + e.fault(), e);
            }
        }
    }

    private boolean isWanted(String hash) {
        return sha256.isEmpty() || sha256.get().equals(hash);
    }

    private Path download(HubReference model, HubCache cache) throws IOException, InterruptedException {
        HubDownload download = new HubDownload(this, model, cache.partial());
        try {
            for (boolean first = true; ; first = false) {
                HubDownload.Result result = download.run();
                String hash = Weights.sha256Of(cache.partial());
                boolean asStated = result.sha256().isEmpty() || result.sha256().get().equals(hash);
                if (asStated && isWanted(hash)) {
                    Path file = cache.store(hash, result.etag());
                    download.discard();
                    return file;
                }
                download.discard();
                if (result.resumed() && first) {
                    continue; // the part that was there may have been damaged
                }
                throw new WeightsException(model.toString(), HubCache.FILE, "has SHA-256 " + hash
                        + (asStated ? "; asked for: " + sha256.orElseThrow()
                                : "; the hub says: " + result.sha256().get()));
            }
        } catch (Throwable e) {
            download.tidy(e);
            throw e;
        }
    }

    /**
     * HTTPS everywhere; plain HTTP only if hub and target are both this machine, where nobody can listen. A hub
     * elsewhere has no business with this machine's services.
     */
    static void requireSafe(URI hub, URI uri, HubReference reference) {
        boolean https = "https".equalsIgnoreCase(uri.getScheme()) && uri.getHost() != null;
        if (!https && !(isLocal(uri) && isLocal(hub))) {
            throw new WeightsException(reference.toString(), "URL", "is " + uri.getScheme() + "://" + uri.getHost()
                    + "; allowed: https");
        }
    }

    /** By its text: a name would have to be looked up, and could be made to point here. */
    private static boolean isLocal(URI uri) {
        String host = uri.getHost();
        if (host == null || !"http".equalsIgnoreCase(uri.getScheme())) {
            return false;
        }
        return host.equals("localhost") || host.equals("[::1]") || host.matches("127(\\.[0-9]{1,3}){3}");
    }

    /** What is fetched from where, within which limits. */
    public static final class Builder {
        private URI baseUri = URI.create("https://huggingface.co");
        private Optional<Path> cacheFolder = Optional.empty();
        private String token = "";
        private Optional<String> sha256 = Optional.empty();
        private long sizeLimit = 2L << 30;
        private Duration timeout = Duration.ofSeconds(30);
        private Duration pause = Duration.ofSeconds(1);
        private int retries = 4;
        private Progress progress = (bytes, total) -> { };

        private Builder() {}

        /** The hub; default Hugging Face's. HTTPS, or HTTP to a loopback address. */
        public Builder baseUri(URI value) {
            boolean plain = value.getHost() != null && value.getRawUserInfo() == null && value.getRawQuery() == null
                    && value.getRawFragment() == null;
            if (!plain) {
                throw new IllegalArgumentException("baseUri is " + value + "; allowed: https://HOST[:PORT][/PATH]");
            }
            baseUri = value;
            return this;
        }

        /** Where files are kept; default the user's cache folder. */
        public Builder cacheFolder(Path value) {
            cacheFolder = Optional.of(value);
            return this;
        }

        /** Sent to the hub itself and to no other host; default none. */
        public Builder token(String value) {
            if (!value.matches("[\\x21-\\x7e]{1,4096}")) {
                throw new IllegalArgumentException("token has " + value.length()
                        + " characters; allowed: 1 to 4096 of printable ASCII without spaces");
            }
            token = value;
            return this;
        }

        /** Refuses any other file; 64 hex digits. */
        public Builder sha256(String value) {
            if (!value.matches("[0-9a-fA-F]{64}")) {
                throw new IllegalArgumentException("sha256 is " + value + "; allowed: 64 hex digits");
            }
            sha256 = Optional.of(value.toLowerCase(Locale.ROOT));
            return this;
        }

        /** Largest file in bytes; default 2 GiB. */
        public Builder sizeLimit(long value) {
            if (value < 1) {
                throw new IllegalArgumentException("sizeLimit is " + value + "; allowed: 1 or more");
            }
            sizeLimit = value;
            return this;
        }

        /**
         * Longest wait for a connection, an answer, or the next bytes, and the time in which at least 1 KiB must come;
         * default 30 s.
         */
        public Builder timeout(Duration value) {
            if (value.compareTo(Duration.ofMillis(1)) < 0 || value.compareTo(Duration.ofDays(1)) > 0) {
                throw new IllegalArgumentException("timeout is " + value + "; allowed: 1 ms to 1 day");
            }
            timeout = value;
            return this;
        }

        /** How often a fault that may pass is tried again; default 4, after 1, 2, 4 and 8 s (at most 30 s). */
        public Builder retries(int value) {
            if (value < 0) {
                throw new IllegalArgumentException("retries is " + value + "; allowed: 0 or more");
            }
            retries = value;
            return this;
        }

        /** The first wait before another attempt; tests do not want to wait. */
        Builder pause(Duration value) {
            pause = value;
            return this;
        }

        /** Hears how the download goes on. */
        public Builder progress(Progress value) {
            progress = Objects.requireNonNull(value, "progress");
            return this;
        }

        /** The hub; contacts nothing. */
        public Hub build() {
            return new Hub(this);
        }
    }
}
