package io.attentivecutmix.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.profile.InternalProfiler;
import org.openjdk.jmh.results.AggregationPolicy;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.ScalarResult;

/**
 * Records, for each iteration, how many processors other processes kept busy: a figure measured beside a busy neighbour
 * is then seen to be one. From /proc/stat; says nothing where there is none.
 */
public final class LoadProfiler implements InternalProfiler {
    static final String METRIC = "cpu.others";
    private static final Path STAT = Path.of("/proc/stat");
    private static final Path SELF = Path.of("/proc/self/stat");
    /** Unit of /proc/stat in nanoseconds: USER_HZ is 100 on all of Linux. */
    private static final double TICK = 1e7;

    private final OperatingSystemMXBean system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    private long start;
    private double busy;
    private long own;

    @Override
    public String getDescription() {
        return "processors kept busy by other processes";
    }

    @Override
    public void beforeIteration(BenchmarkParams benchmark, IterationParams iteration) {
        start = System.nanoTime();
        busy = busyNanos();
        own = ownNanos();
    }

    @Override
    @SuppressWarnings("rawtypes") // JMH's own signature
    public Collection<? extends Result> afterIteration(BenchmarkParams benchmark, IterationParams iteration,
            IterationResult result) {
        double all = busyNanos() - busy;
        if (Double.isNaN(all)) {
            return List.of();
        }
        double others = Math.max(0, all - (ownNanos() - own)) / (System.nanoTime() - start);
        return List.of(new ScalarResult(METRIC, others, "cpus", AggregationPolicy.AVG));
    }

    /** Processor time of this process and of those that it started, ended or not (a rival in Python). */
    private long ownNanos() {
        return system.getProcessCpuTime() + ended() + ProcessHandle.current().descendants()
                .mapToLong(p -> p.info().totalCpuDuration().orElse(Duration.ZERO).toNanos()).sum();
    }

    private static long ended() {
        if (!Files.isReadable(SELF)) {
            return 0;
        }
        try {
            String stat = Files.readString(SELF);
            // The name, in brackets, may hold anything; cutime and cstime are fields 16 and 17
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return (long) ((Long.parseLong(fields[13]) + Long.parseLong(fields[14])) * TICK);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Time that all processors together were not idle, since the machine started; steal is a neighbour's too. */
    static double busyNanos() {
        if (!Files.isReadable(STAT)) {
            return Double.NaN;
        }
        try {
            String[] fields = Files.readString(STAT).lines().findFirst().orElseThrow().trim().split("\\s+");
            long ticks = 0;
            for (int i = 1; i <= 8; i++) {
                // 4 is idle, 5 is waiting for a disk
                ticks += i == 4 || i == 5 ? 0 : Long.parseLong(fields[i]);
            }
            return ticks * TICK;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
