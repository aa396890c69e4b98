package io.attentivecutmix.cuda;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Host memory in the place of a GPU, and a ledger of all that was made.
 *
 * <p>As lazy as a device may be: work waits in its stream until the host waits for it, so who reads a result too early,
 * or writes a staging buffer too early, gets garbage. Fresh memory is filled with 0xFF (NaN), freed memory with 0xA5.
 * While a stream is recorded its work goes into the graph and runs only when that is launched. Illegal use (freeing
 * twice, freeing under running work, allocating while recording) is an {@link AssertionError} or the status that CUDA
 * would give.
 */
public final class HostRuntime implements CudaRuntime, AutoCloseable {
    private static final long ALIGNMENT = 256;

    /** A handle with a number of its own for an address. */
    private static final class Handle extends Pointer {
        Handle(long id) {
            super((Pointer) null);
            address = id;
        }
    }

    private static final class Stream {
        final ArrayDeque<Work> queue = new ArrayDeque<>();
        long submitted;
        long done;
        /** Whether one of its works is under way: waiting for another stream. */
        boolean running;
        List<Work> recorded;
        /** Whether the recording is broken: until it is ended, its stream takes nothing. */
        boolean invalid;
    }

    /**
     * What waits in a stream.
     *
     * @param host first byte of page-locked memory that it uses, 0 if none
     * @param bytes of it
     * @param executable the graph that it is part of, 0 if none
     */
    private record Work(Runnable run, long host, long bytes, long executable) {}

    private static final class Event {
        Stream stream;
        long at;
    }

    private final Map<Long, Long> memory = new HashMap<>();
    private final Map<Long, Pointer> raw = new HashMap<>();
    private final Map<Long, Boolean> pinned = new HashMap<>();
    private final Map<Long, Stream> streams = new LinkedHashMap<>();
    private final Map<Long, Event> events = new HashMap<>();
    private final Map<Long, List<Work>> graphs = new HashMap<>();
    private final Map<Long, List<Work>> executables = new HashMap<>();
    private final Map<String, Integer> calls = new HashMap<>();
    private final Random chance = new Random(7);
    private long ids = 0x1000;
    private long limit = Long.MAX_VALUE;
    private long largest = Long.MAX_VALUE;
    private long used;
    private boolean gone;
    private long bytesToHost;
    private int current;

    /** With the default stream, whose handle is 0. */
    public HostRuntime() {
        streams.put(0L, new Stream());
    }

    /**
     * What was made and not given back, in words; empty when all is well. Memory of callers' batches is not counted.
     */
    public List<String> leftovers() {
        List<String> left = new ArrayList<>();
        memory.forEach((address, bytes) -> {
            if (!pinned.get(address)) {
                left.add(bytes + " bytes of device memory");
            }
        });
        left.addAll(streams.keySet().stream().filter(s -> s != 0).map(s -> "stream " + s).toList());
        left.addAll(events.keySet().stream().map(s -> "event " + s).toList());
        left.addAll(graphs.keySet().stream().map(s -> "graph " + s).toList());
        left.addAll(executables.keySet().stream().map(s -> "executable graph " + s).toList());
        return left;
    }

    /** Bytes of page-locked memory that were not given back. */
    public long pinnedBytes() {
        return memory.entrySet().stream().filter(e -> pinned.get(e.getKey())).mapToLong(Map.Entry::getValue).sum();
    }

    /** How often a method was called. */
    public int calls(String method) {
        return calls.getOrDefault(method, 0);
    }

    /** Bytes that were copied to the host. */
    public long bytesToHost() {
        return bytesToHost;
    }

    /** How much device memory there is. */
    public void limit(long bytes) {
        limit = bytes;
    }

    /** The largest block that is to be had, however much memory there is: it may be in pieces. */
    public void largest(long bytes) {
        largest = bytes;
    }

    /** Bytes of device memory in use. */
    public long used() {
        return used;
    }

    private synchronized void count(String method) {
        calls.merge(method, 1, Integer::sum);
    }

    /** Enqueues work, or records it. */
    public void submit(Pointer stream, Runnable work) {
        submit(stream, new Work(work, 0, 0, 0));
    }

    private void submit(Pointer stream, Work work) {
        Stream s = stream(stream);
        if (s.invalid) {
            throw CudaStatus.failure("a call", 901, "operation failed due to a previous error during capture");
        }
        if (s.recorded != null) {
            s.recorded.add(work);
        } else {
            s.queue.add(work);
            s.submitted++;
        }
    }

    private Stream stream(Pointer handle) {
        Stream s = streams.get(handle == null ? 0 : handle.address());
        if (s == null) {
            throw new AssertionError("use of a stream that does not exist: " + handle.address());
        }
        return s;
    }

    /**
     * Runs a stream's work up to a point. Other streams run meanwhile, by chance: nothing but events keeps them in
     * order.
     */
    private void drain(Stream s, long upTo) {
        while (s.done < upTo) {
            for (Stream other : List.copyOf(streams.values())) {
                if (other != s && !other.running && !other.queue.isEmpty() && chance.nextInt(3) > 0) {
                    next(other);
                }
            }
            // the other's work may have waited for this stream
            if (s.done < upTo) {
                next(s);
            }
        }
    }

    private static void next(Stream s) {
        s.done++;
        s.running = true;
        s.queue.remove().run().run();
        s.running = false;
    }

    /** Runs all work of all streams, as a device does sooner or later. */
    public void drain() {
        for (Stream s : List.copyOf(streams.values())) {
            drain(s, s.submitted);
        }
    }

    /**
     * The device is lost and took with it all that was made on it: nothing that waits runs any more, and what is given
     * back late is not missed. Its memory can be looked at until {@link #close}.
     */
    public synchronized void abandon() {
        gone = true;
        streams.keySet().removeIf(s -> s != 0);
        stream(null).queue.clear();
        stream(null).done = stream(null).submitted;
        events.clear();
        graphs.clear();
        executables.clear();
        memory.clear();
        pinned.clear();
        used = 0;
    }

    /** Whether a stream is being recorded. */
    public boolean recording() {
        return streams.values().stream().anyMatch(s -> s.recorded != null);
    }

    /** Breaks what is being recorded, as a call that is not allowed meanwhile does. */
    public void invalidate() {
        streams.values().stream().filter(s -> s.recorded != null).forEach(s -> s.invalid = true);
    }

    /** Frees all memory, also what a lost device took with it. */
    @Override
    public synchronized void close() {
        raw.values().forEach(Pointer::free);
        raw.clear();
    }

    private synchronized void refuseWhileRecording(String call) {
        for (Stream s : streams.values()) {
            if (s.recorded != null) {
                s.invalid = true;
                throw CudaStatus.failure(call, 900, "operation not permitted when stream is capturing");
            }
        }
    }

    private void refuseUnderWork(String call) {
        for (Stream s : streams.values()) {
            if (!s.queue.isEmpty()) {
                throw new AssertionError(call + " while work is under way");
            }
        }
    }

    private void refuseUnderCopy(long address, long bytes) {
        for (Stream s : streams.values()) {
            if (s.queue.stream().anyMatch(w -> w.host() < address + bytes && address < w.host() + w.bytes())) {
                throw new AssertionError("page-locked memory was freed while a copy uses it");
            }
        }
    }

    @Override
    public void useDevice(int ordinal) {
        count("useDevice");
        current = ordinal;
    }

    @Override
    public int currentDevice() {
        return current;
    }

    /** Sets what the host program has made current, behind the engine's back. */
    public void setCurrent(int ordinal) {
        current = ordinal;
    }

    @Override
    public DeviceProperties properties(int ordinal) {
        count("properties");
        return new DeviceProperties(ordinal, "host memory", "GPU-0", "0000:00:00.0", 9, 0, 1, 1L << 34, 13000, 13000);
    }

    @Override
    public long freeBytes() {
        return limit - used;
    }

    private Pointer make(long bytes, boolean isPinned, String call) {
        count(call);
        refuseWhileRecording(call);
        if (bytes < 1) {
            throw new AssertionError(call + " of " + bytes + " bytes");
        }
        if (!isPinned && (used + bytes > limit || bytes > largest)) {
            throw CudaStatus.failure(call, CudaStatus.MEMORY_ALLOCATION, "out of memory");
        }
        Pointer block = Pointer.malloc(bytes + ALIGNMENT);
        long address = (block.address() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        BytePointer aligned = new Address(address);
        Pointer.memset(aligned, 0xFF, bytes);
        synchronized (this) {
            memory.put(address, bytes);
            raw.put(address, block);
            pinned.put(address, isPinned);
            used += isPinned ? 0 : bytes;
        }
        return aligned.capacity(bytes);
    }

    private void release(Pointer block, boolean isPinned, String call) {
        count(call);
        refuseWhileRecording(call);
        long address = block.address();
        synchronized (this) {
            if (gone && !memory.containsKey(address)) {
                return;
            }
            if (!memory.containsKey(address) || pinned.get(address) != isPinned) {
                throw new AssertionError(call + " of memory that is not there");
            }
            if (!isPinned) {
                refuseUnderWork(call);
            }
            long bytes = memory.remove(address);
            refuseUnderCopy(address, bytes);
            used -= isPinned ? 0 : bytes;
            Pointer.memset(new Address(address), 0xA5, bytes);
            pinned.remove(address);
            Pointer.free(raw.remove(address));
        }
    }

    @Override
    public Pointer allocate(long bytes) {
        return make(bytes, false, "allocate");
    }

    @Override
    public void free(Pointer block) {
        release(block, false, "free");
    }

    @Override
    public Pointer allocatePinned(long bytes) {
        return make(bytes, true, "allocatePinned");
    }

    @Override
    public void freePinned(Pointer block) {
        release(block, true, "freePinned");
    }

    @Override
    public Pointer createStream() {
        count("createStream");
        streams.put(++ids, new Stream());
        return new Handle(ids);
    }

    @Override
    public void destroyStream(Pointer stream) {
        count("destroyStream");
        if (gone) {
            return;
        }
        Stream s = stream(stream);
        if (!s.queue.isEmpty() || s.recorded != null) {
            throw new AssertionError("a stream was destroyed with work under way");
        }
        streams.remove(stream.address());
    }

    @Override
    public Pointer foreignStream(long handle) {
        return new Handle(handle);
    }

    @Override
    public Pointer createEvent(boolean timed) {
        count("createEvent");
        events.put(++ids, new Event());
        return new Handle(ids);
    }

    private Event event(Pointer handle) {
        Event e = events.get(handle.address());
        if (e == null) {
            throw new AssertionError("use of an event that does not exist");
        }
        return e;
    }

    @Override
    public void destroyEvent(Pointer event) {
        count("destroyEvent");
        if (gone) {
            return;
        }
        event(event);
        events.remove(event.address());
    }

    @Override
    public void recordEvent(Pointer event, Pointer stream) {
        count("recordEvent");
        Event e = event(event);
        e.stream = stream(stream);
        e.at = e.stream.submitted;
    }

    @Override
    public void awaitEvent(Pointer stream, Pointer event) {
        count("awaitEvent");
        Event e = event(event);
        if (e.stream != null) {
            Stream other = e.stream;
            long at = e.at;
            submit(stream, () -> drain(other, at));
        }
    }

    @Override
    public void synchronizeEvent(Pointer event) {
        count("synchronizeEvent");
        refuseWhileRecording("synchronizeEvent");
        Event e = event(event);
        if (e.stream != null) {
            drain(e.stream, e.at);
        }
    }

    @Override
    public float elapsedMillis(Pointer from, Pointer to) {
        event(from);
        event(to);
        return 1;
    }

    @Override
    public void copyToDevice(Pointer device, Pointer host, long bytes, Pointer stream) {
        count("copyToDevice");
        long to = device.address();
        long from = host.address();
        submit(stream, new Work(() -> copy(to, from, bytes), from, bytes, 0));
    }

    @Override
    public void copyToHost(Pointer host, Pointer device, long bytes, Pointer stream) {
        count("copyToHost");
        long to = host.address();
        long from = device.address();
        submit(stream, new Work(() -> {
            bytesToHost += bytes;
            copy(to, from, bytes);
        }, to, bytes, 0));
    }

    private void copy(long to, long from, long bytes) {
        inside(to, bytes);
        inside(from, bytes);
        Pointer.memcpy(new Address(to), new Address(from), bytes);
    }

    /** All that is copied lies within one block. */
    private synchronized void inside(long address, long bytes) {
        for (Map.Entry<Long, Long> block : memory.entrySet()) {
            if (address >= block.getKey() && address + bytes <= block.getKey() + block.getValue()) {
                return;
            }
        }
        throw new AssertionError("a copy of " + bytes + " bytes leaves its block");
    }

    @Override
    public void fill(Pointer device, int value, long bytes, Pointer stream) {
        count("fill");
        long to = device.address();
        submit(stream, () -> Pointer.memset(new Address(to), value, bytes));
    }

    @Override
    public void synchronizeStream(Pointer stream) {
        count("synchronizeStream");
        refuseWhileRecording("synchronizeStream");
        Stream s = stream(stream);
        drain(s, s.submitted);
    }

    @Override
    public void beginCapture(Pointer stream) {
        count("beginCapture");
        Stream s = stream(stream);
        if (s.recorded != null) {
            throw CudaStatus.failure("cudaStreamBeginCapture", 1, "already capturing");
        }
        s.recorded = new ArrayList<>();
    }

    @Override
    public Pointer endCapture(Pointer stream) {
        count("endCapture");
        Stream s = stream(stream);
        if (s.recorded == null) {
            throw CudaStatus.failure("cudaStreamEndCapture", 1, "not capturing");
        }
        List<Work> whole = s.recorded;
        s.recorded = null;
        if (s.invalid) {
            s.invalid = false;
            throw CudaStatus.failure("cudaStreamEndCapture", 901,
                    "operation failed due to a previous error during capture");
        }
        graphs.put(++ids, whole);
        return new Handle(ids);
    }

    @Override
    public void destroyGraph(Pointer graph) {
        count("destroyGraph");
        if (graphs.remove(graph.address()) == null && !gone) {
            throw new AssertionError("a graph was destroyed twice");
        }
    }

    @Override
    public Pointer instantiate(Pointer graph) {
        count("instantiate");
        executables.put(++ids, List.copyOf(graphs.get(graph.address())));
        return new Handle(ids);
    }

    @Override
    public void launch(Pointer executable, Pointer stream) {
        count("launch");
        for (Work work : executables.get(executable.address())) {
            submit(stream, new Work(work.run(), work.host(), work.bytes(), executable.address()));
        }
    }

    @Override
    public void destroyExecutable(Pointer executable) {
        count("destroyExecutable");
        for (Stream s : streams.values()) {
            if (s.queue.stream().anyMatch(w -> w.executable() == executable.address())) {
                throw new AssertionError("a graph was destroyed while it runs");
            }
        }
        if (executables.remove(executable.address()) == null && !gone) {
            throw new AssertionError("an executable graph was destroyed twice");
        }
    }
}
