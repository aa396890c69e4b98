package io.attentivecutmix.benchmarks;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** Turns calls/s into images/s, and into bytes/s of the least traffic that a stage can do with. */
@AuxCounters(AuxCounters.Type.OPERATIONS)
@State(Scope.Thread)
public class Counters {
    public long images;
    /** Bytes read plus bytes written; 0 where memory is not the limit. */
    public long bytes;

    public void add(long n, long traffic) {
        images += n;
        bytes += traffic;
    }
}
