package io.attentivecutmix.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.attentivecutmix.weights.TorchFile.Pickle;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What a small file can make the reader spend, and what a large honest one costs. */
class TorchLimitsTest {
    private static final Duration SOON = Duration.ofSeconds(20);
    private static final long MB = 1 << 20;

    private record Outcome(long allocated, WeightsException refused, Map<String, RawTensor> tensors) {}

    private static Outcome read(byte[] file) {
        return assertTimeoutPreemptively(SOON, () -> {
            ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            long before = threads.getCurrentThreadAllocatedBytes();
            WeightsException refused = null;
            Map<String, RawTensor> tensors = Map.of();
            try {
                tensors = TorchReader.read(new MemoryChannel(file), "t.pth");
            } catch (WeightsException e) {
                refused = e;
            }
            return new Outcome(threads.getCurrentThreadAllocatedBytes() - before, refused, tensors);
        });
    }

    private static Outcome stream(Pickle pickle) {
        return read(TorchFile.of(pickle.stop()).bytes());
    }

    private static void refused(Outcome outcome, String fault, long mostMegabytes) {
        assertTrue(outcome.refused != null && outcome.refused.getMessage().startsWith("t.pth: ")
                && outcome.refused.getMessage().contains(fault), outcome.refused + " lacks " + fault);
        assertTrue(outcome.allocated <= mostMegabytes * MB, outcome.allocated / MB + " MB; allowed: " + mostMegabytes);
    }

    /** Every level holds the next one 1000 times under long keys: 10^9 dicts in a file of 1 MB. */
    @Test
    void billionLaughsOfDicts() {
        Pickle p = new Pickle().op('}').text("w").tensor().op('s').text("0").op('}', 'q', 0, 's');
        for (int level = 1; level <= 3; level++) {
            p.text("" + level).op('}', 'q', level);
            for (int i = 0; i < 1000; i++) {
                p.text(i + "k".repeat(300)).op('h', level - 1, 's');
            }
            p.op('s');
        }
        refused(stream(p), "more than", 64);
    }

    @Test
    void oneTensorUnderVeryManyNames() {
        Pickle p = new Pickle().op('}').text("0").op('}', 'q', 0).text("w").tensor().op('s', 's');
        for (int level = 1; level <= 3; level++) {
            p.text("" + level).op('}', 'q', level);
            for (int i = 0; i < 100; i++) {
                p.text(i + "k".repeat(300)).op('h', level - 1, 's');
            }
            p.op('s');
        }
        refused(stream(p), "tensors", 64);
    }

    /** A size of a million sides costs its bytes once; used by many tensors it must not cost them again each time. */
    @Test
    void largeSizeTupleUsedAgainAndAgain() {
        Pickle p = new Pickle().op('(');
        for (int i = 0; i < 200_000; i++) {
            p.op('K', 1);
        }
        p.op('t', 'q', 0).storage("FloatStorage", "0", 2).op('q', 1).global("torch._utils", "_rebuild_tensor_v2")
                .op('q', 2, ']');
        for (int i = 0; i < 10_000; i++) {
            p.op('h', 2, '(', 'h', 1, 'K', 0, 'h', 0, 'h', 0, 0x89, 'N', 't', 'R', 'a');
        }
        refused(stream(p), "rank 200000", 64);
    }

    @Test
    @Tag("slow")
    void memoOfMillions() {
        Pickle p = new Pickle().op('}');
        for (int i = 0; i < 3_000_000; i++) {
            p.op('r', i, i >> 8, i >> 16, 255);
        }
        refused(stream(p), "memo", 64);
    }

    @Test
    void valuesOfMillions() {
        Pickle p = new Pickle().op('(');
        for (int i = 0; i < 3_000_000; i++) {
            p.op('}');
        }
        refused(stream(p.op('t')), "values", 64);
    }

    /** Deeper than any stack of threads: nothing recurses. */
    @Test
    void nestedTuplesAndLists() {
        Pickle tuples = new Pickle().op('}').text("w").tensor().op('s').text("deep").op('N');
        for (int i = 0; i < 200_000; i++) {
            tuples.op(0x85);
        }
        assertEquals(1, stream(tuples.op('s')).tensors.size());
        Pickle marks = new Pickle();
        for (int i = 0; i < 200_000; i++) {
            marks.op('(');
        }
        refused(stream(marks), "empty stack", 64);
    }

    @Test
    void cyclicListIsPassedOver() {
        Pickle p = new Pickle().op('}').text("w").tensor().op('s').text("l").op(']', 'q', 0, 'h', 0, 'a', 's');
        assertEquals(1, stream(p).tensors.size());
    }

    private static Pickle view(Pickle p, String key, long floats, long[] size, long[] stride) {
        p.global("torch._utils", "_rebuild_tensor_v2").op('(').storage("FloatStorage", key, floats).integer(0);
        return p.tuple(size).tuple(stride).op(0x89, 'N', 't', 'R');
    }

    @Test
    void sharedStorageIsReadOnce() throws IOException {
        int floats = 4 << 20;
        Pickle p = new Pickle().op('}');
        for (int i = 0; i < 100; i++) {
            view(p.text("w" + i), "0", floats, new long[] {floats}, new long[] {1}).op('s');
        }
        byte[] file = TorchFile.of(p.stop()).remove("a/data/0").add("a/data/0", new byte[4 * floats]).bytes();
        Outcome outcome = read(file);
        assertEquals(100, outcome.tensors.size());
        assertTrue(outcome.allocated < 1.1 * file.length, outcome.allocated + " bytes for a file of " + file.length);
    }

    /** Rearranged copies of one storage add up to no more than half the file. */
    @Test
    void copiesOfASharedStorageAreBounded() throws IOException {
        int floats = 1 << 20;
        Pickle p = new Pickle().op('}');
        for (int i = 0; i < 100; i++) {
            view(p.text("w" + i), "0", floats, new long[] {1024, 1024}, new long[] {1, 1024}).op('s');
        }
        byte[] file = TorchFile.of(p.stop()).remove("a/data/0").add("a/data/0", new byte[4 * floats]).bytes();
        Outcome outcome = read(file);
        refused(outcome, "rearrange", 9);
    }

    /**
     * The storages of a channels_last network are let go one by one: never the whole file twice. Of the factor 1.5 a
     * quarter is the collector's, which rounds arrays of 4 MB up to whole regions.
     */
    @Test
    @Tag("slow")
    void channelsLastFileIsNeverHeldTwice() throws IOException {
        int floats = 1 << 20;
        int tensors = 16;
        Pickle p = new Pickle().op('}');
        TorchFile file = TorchFile.of(new byte[0]).remove("a/data.pkl").remove("a/data/0");
        for (int i = 0; i < tensors; i++) {
            view(p.text("w" + i), "" + i, floats, new long[] {1024, 1024}, new long[] {1, 1024}).op('s');
            file.add("a/data/" + i, new byte[4 * floats]);
        }
        byte[] bytes = file.add("a/data.pkl", p.stop()).bytes();
        file.clear();
        long before = liveHeap();
        long[] peak = new long[1];
        Map<String, RawTensor> read = TorchReader.read(new MemoryChannel(bytes) {
            @Override
            public int read(ByteBuffer to, long position) throws IOException {
                if (to.capacity() == 4 * floats) {
                    peak[0] = Math.max(peak[0], liveHeap() - before);
                }
                return super.read(to, position);
            }
        }, "t.pth");
        assertEquals(tensors, read.size());
        assertTrue(peak[0] > 0 && peak[0] < 1.5 * bytes.length, peak[0] + " bytes held for a file of " + bytes.length);
    }

    private static long liveHeap() {
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }
}
