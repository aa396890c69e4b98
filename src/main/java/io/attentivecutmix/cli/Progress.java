package io.attentivecutmix.cli;

import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** Shows how far a run is. */
interface Progress extends AutoCloseable {
    /** So many more are done. */
    void advance(long n);

    @Override
    void close();

    /** Shows nothing. */
    Progress NONE = new Progress() {
        @Override
        public void advance(long n) {}

        @Override
        public void close() {}
    };

    /**
     * A bar on a terminal, plain lines otherwise.
     *
     * @param task what is done, such as "mix"
     * @param unit what is counted, such as "images"
     * @param total how many there are, or −1 if unknown
     */
    static Progress of(Console console, boolean quiet, String task, String unit, long total) {
        if (quiet) {
            return NONE;
        }
        return console.terminal() ? new Bar(task, unit, total, System.out) : new Lines(console, task, unit, total);
    }

    /** A bar with rate and time left. */
    final class Bar implements Progress {
        private final ProgressBar bar;

        Bar(String task, String unit, long total, PrintStream out) {
            bar = new ProgressBarBuilder().setTaskName(task).setInitialMax(total).setUnit(" " + unit, 1)
                    .setStyle(ProgressBarStyle.ASCII).setUpdateIntervalMillis(200).showSpeed()
                    .setConsumer(new ConsoleProgressBarConsumer(out)).build();
        }

        @Override
        public void advance(long n) {
            bar.stepBy(n);
        }

        @Override
        public void close() {
            bar.close();
        }
    }

    /** A line at the first step, every few seconds, and at the last step. */
    final class Lines implements Progress {
        private static final long INTERVAL_NANOS = Duration.ofSeconds(5).toNanos();

        private final Console console;
        private final String task;
        private final String unit;
        private final long total;
        private final long start = System.nanoTime();
        private long lastLine = start - INTERVAL_NANOS;
        private long done;

        Lines(Console console, String task, String unit, long total) {
            this.console = console;
            this.task = task;
            this.unit = unit;
            this.total = total;
        }

        @Override
        public void advance(long n) {
            done += n;
            long now = System.nanoTime();
            if (now - lastLine >= INTERVAL_NANOS || done == total) {
                lastLine = now;
                console.line("%s", text(task, unit, done, total, (now - start) / 1e9));
            }
        }

        @Override
        public void close() {}

        static String text(String task, String unit, long done, long total, double seconds) {
            double rate = seconds > 0 ? done / seconds : 0;
            StringBuilder text = new StringBuilder(task).append(": ").append(done);
            if (total >= 0) {
                text.append(" of ").append(total);
            }
            text.append(' ').append(unit);
            if (total > 0) {
                text.append(String.format(Locale.ROOT, " (%d %%)", 100 * done / total));
            }
            text.append(String.format(Locale.ROOT, ", %.1f %s/s", rate, unit));
            if (total > done && rate > 0) {
                text.append(", ").append(duration((total - done) / rate)).append(" left");
            }
            return text.toString();
        }

        static String duration(double seconds) {
            long s = Math.round(seconds);
            if (s < 60) {
                return s + " s";
            }
            return s < 3600 ? s / 60 + " min " + s % 60 + " s" : s / 3600 + " h " + s % 3600 / 60 + " min";
        }
    }
}
