package io.attentivecutmix.cli;

import io.attentivecutmix.weights.Hub;

/** Shows a download; nothing if there is none, since the file was in the cache. */
final class DownloadProgress implements Hub.Progress, AutoCloseable {
    private static final long MEGABYTE = 1_000_000;

    private final Console console;
    private final boolean quiet;
    private Progress progress = Progress.NONE;
    private boolean begun;
    private long shown;

    DownloadProgress(Console console, boolean quiet) {
        this.console = console;
        this.quiet = quiet;
    }

    @Override
    public void update(long bytes, long total) {
        if (!begun) {
            begun = true;
            progress = Progress.of(console, quiet, "download", "MB", total < 0 ? -1 : total / MEGABYTE);
        }
        long now = bytes / MEGABYTE;
        if (now > shown) {
            progress.advance(now - shown);
            shown = now;
        }
    }

    @Override
    public void close() {
        progress.close();
    }
}
