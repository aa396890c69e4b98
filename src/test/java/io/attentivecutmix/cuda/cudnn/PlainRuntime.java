package io.attentivecutmix.cuda.cudnn;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.attentivecutmix.cuda.Address;
import io.attentivecutmix.cuda.CudaRuntime;
import io.attentivecutmix.cuda.DeviceProperties;
import io.attentivecutmix.engine.DeviceLostException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.bytedeco.javacpp.Pointer;

/**
 * A runtime for tests of the extractor: device memory is host memory, work is done when it is enqueued, a recording
 * does nothing but add up what its launches cost by a clock of its own. Keeps a ledger of everything, and can fail the
 * n-th call.
 */
final class PlainRuntime implements CudaRuntime {
    static final DeviceProperties DEVICE = new DeviceProperties(0, "Test Card", "GPU-0", "0000:00:00.0", 9, 0, 132,
            1L << 33,
            13000, 13000);

    private final TreeMap<Long, Long> memory = new TreeMap<>();
    private final Map<Long, Pointer> blocks = new HashMap<>();
    private final Set<Long> handles = new HashSet<>();
    private final Map<Long, Double> costs = new HashMap<>();
    private final Map<Long, Double> times = new HashMap<>();
    private long next = 1;
    private boolean capturing;
    private double captured;
    private double clock;
    private long calls;
    private long failing = -1;
    private Supplier<RuntimeException> failure = () -> new IllegalStateException("never");
    private boolean lost;

    /** Calls that can fail, so far. */
    long calls() {
        return calls;
    }

    /** Fails one call, counted from now; -1 none. */
    void fail(long call, Supplier<RuntimeException> with) {
        calls = 0;
        failing = call;
        failure = with;
    }

    /**
     * From now on every call that can fail says that the device is lost; memory and handles can still be given back.
     */
    void lose() {
        lost = true;
    }

    boolean capturing() {
        return capturing;
    }

    /** Milliseconds that a launch takes by this runtime's clock. */
    void spend(double millis) {
        if (capturing) {
            captured += millis;
        } else {
            clock += millis;
        }
    }

    /** Blocks of memory, streams, events, graphs that nobody has given back. */
    int live() {
        return memory.size() + handles.size();
    }

    int events() {
        return times.size();
    }

    /** Whether these bytes lie in one block that is allocated. */
    boolean holds(long address, long bytes) {
        Map.Entry<Long, Long> block = memory.floorEntry(address);
        return block != null && address + bytes <= block.getKey() + block.getValue();
    }

    private void call() {
        if (lost) {
            throw new DeviceLostException("700: lost for the test");
        }
        if (calls++ == failing) {
            throw failure.get();
        }
    }

    /** Gives back although the call fails: what a failed free leaves behind nobody can give back. */
    private void giveBack(Runnable back) {
        back.run();
        call();
    }

    private Pointer handle() {
        call();
        long h = next++;
        handles.add(h);
        return new Address(h);
    }

    private void drop(Pointer handle) {
        giveBack(() -> assertEquals(true, handles.remove(handle.address()), "given back twice"));
    }

    @Override
    public void useDevice(int ordinal) {
        call();
    }

    @Override
    public int currentDevice() {
        call();
        return 0;
    }

    @Override
    public DeviceProperties properties(int ordinal) {
        call();
        return DEVICE;
    }

    @Override
    public long freeBytes() {
        call();
        return 1L << 30;
    }

    @Override
    public Pointer allocate(long bytes) {
        if (capturing) {
            throw new IllegalStateException("900: memory allocated during a recording");
        }
        call();
        Pointer block = Pointer.malloc(bytes + 256);
        Pointer.memset(block, 0xff, bytes + 256);
        long address = block.address() + 255 & -256;
        memory.put(address, bytes);
        blocks.put(address, block);
        return new Address(address);
    }

    @Override
    public void free(Pointer p) {
        if (capturing) {
            throw new IllegalStateException("900: memory freed during a recording");
        }
        giveBack(() -> {
            assertEquals(true, memory.remove(p.address()) != null, "freed twice");
            Pointer.free(blocks.remove(p.address()));
        });
    }

    @Override
    public Pointer allocatePinned(long bytes) {
        return allocate(bytes);
    }

    @Override
    public void freePinned(Pointer p) {
        free(p);
    }

    @Override
    public Pointer createStream() {
        return handle();
    }

    @Override
    public void destroyStream(Pointer stream) {
        drop(stream);
    }

    @Override
    public Pointer foreignStream(long handle) {
        return new Address(handle);
    }

    @Override
    public Pointer createEvent(boolean timed) {
        Pointer event = handle();
        times.put(event.address(), 0.0);
        return event;
    }

    @Override
    public void destroyEvent(Pointer event) {
        drop(event);
    }

    @Override
    public void recordEvent(Pointer event, Pointer stream) {
        call();
        times.put(event.address(), clock);
    }

    @Override
    public void awaitEvent(Pointer stream, Pointer event) {
        call();
    }

    @Override
    public void synchronizeEvent(Pointer event) {
        call();
    }

    @Override
    public float elapsedMillis(Pointer from, Pointer to) {
        call();
        return (float) (times.get(to.address()) - times.get(from.address()));
    }

    @Override
    public void copyToDevice(Pointer device, Pointer host, long bytes, Pointer stream) {
        call();
        assertEquals(true, holds(device.address(), bytes), "a copy beyond the block's end");
        Pointer.memcpy(device, host, bytes);
    }

    @Override
    public void copyToHost(Pointer host, Pointer device, long bytes, Pointer stream) {
        call();
        Pointer.memcpy(host, device, bytes);
    }

    @Override
    public void fill(Pointer device, int value, long bytes, Pointer stream) {
        call();
        assertEquals(true, holds(device.address(), bytes), "a fill beyond the block's end");
        Pointer.memset(device, value, bytes);
    }

    @Override
    public void synchronizeStream(Pointer stream) {
        call();
    }

    @Override
    public void beginCapture(Pointer stream) {
        call();
        capturing = true;
        captured = 0;
    }

    @Override
    public Pointer endCapture(Pointer stream) {
        capturing = false;
        Pointer graph = handle();
        costs.put(graph.address(), captured);
        return graph;
    }

    @Override
    public void destroyGraph(Pointer graph) {
        drop(graph);
    }

    @Override
    public Pointer instantiate(Pointer graph) {
        Pointer executable = handle();
        costs.put(executable.address(), costs.get(graph.address()));
        return executable;
    }

    @Override
    public void launch(Pointer executable, Pointer stream) {
        call();
        clock += costs.get(executable.address());
    }

    @Override
    public void destroyExecutable(Pointer executable) {
        drop(executable);
    }
}
