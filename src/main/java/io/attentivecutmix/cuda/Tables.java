package io.attentivecutmix.cuda;

import io.attentivecutmix.method.MixPlan;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * The small tables of one step, a page-locked block and its twin on the device: what the host says about each image
 * goes up in one copy, what the device found comes down in one.
 *
 * <p>Blocks, in this order: what goes up in every step; {@code spoiled}, which goes up as zeros and comes down; what
 * comes down; then addresses and sizes of ragged batches, which go up only where there is one. Grows, never shrinks.
 * Not thread-safe.
 */
final class Tables implements AutoCloseable {
    /** A ragged batch with addresses and sizes of its own. */
    enum Role { IN, CANONICAL, FIT_FROM, FIT_TO, SOURCE, BACKGROUND, CANVAS, OUT }

    private static final int ALIGNMENT = 16;

    private final Arena host;
    private final Arena device;
    private final int words;
    private int capacity;
    private ByteBuffer bytes;

    private int partnerAt;
    private int mixedAt;
    private int patchesAt;
    private int labelsAt;
    private int boxesAt;
    private int givenCellsAt;
    private int spoiledAt;
    private int cellsAt;
    private int nonFiniteAt;
    private int weightsAt;
    private int rolesAt;
    private int end;
    private BytePointer upFrom;
    private BytePointer upTo;
    private BytePointer rolesFrom;
    private BytePointer rolesTo;
    private BytePointer downFrom;
    private BytePointer downTo;

    // on the device
    private final LongPointer[] offsets = new LongPointer[2 * Role.values().length];
    private final IntPointer[] sizes = new IntPointer[2 * Role.values().length];
    private IntPointer partner;
    private BytePointer mixed;
    private IntPointer patches;
    private IntPointer labels;
    private IntPointer boxes;
    private LongPointer givenCells;
    private BytePointer spoiled;
    private LongPointer cells;
    private BytePointer nonFinite;
    private FloatPointer weights;

    /** @param words longs of one image's cell mask */
    Tables(Memory memory, int words) {
        this.words = words;
        host = memory.pinned("tables of a step");
        device = memory.device("tables of a step");
    }

    private int place(int at, long bytes) {
        return Math.toIntExact((at + bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    }

    /** Makes room for n images; addresses change where there was none. */
    void grow(int n) {
        if (n <= capacity) {
            return;
        }
        capacity = 0;
        mixedAt = place(partnerAt, 4L * n);
        patchesAt = place(mixedAt, n);
        labelsAt = place(patchesAt, 4L * n);
        boxesAt = place(labelsAt, 4L * n);
        givenCellsAt = place(boxesAt, 16L * n);
        spoiledAt = place(givenCellsAt, 8L * words * n);
        cellsAt = place(spoiledAt, n);
        nonFiniteAt = place(cellsAt, 8L * words * n);
        weightsAt = place(nonFiniteAt, n);
        rolesAt = place(weightsAt, 4L * n);
        end = rolesAt;
        int roles = 2 * Role.values().length;
        for (int r = 0; r < roles; r++) {
            end = place(end, 16L * n);
        }
        host.grow(end);
        device.grow(end);
        bytes = host.at(0).capacity(end).asByteBuffer().order(ByteOrder.nativeOrder());
        for (int i = 0; i < end; i++) {
            bytes.put(i, (byte) 0);
        }
        upFrom = host.at(0);
        upTo = device.at(0);
        rolesFrom = host.at(rolesAt);
        rolesTo = device.at(rolesAt);
        downFrom = device.at(spoiledAt);
        downTo = host.at(spoiledAt);
        capacity = n;
        point();
    }

    int capacity() {
        return capacity;
    }

    /** Writes what the host knows of a step. Spoiled is cleared, since a step before may have brought it down. */
    void write(MixPlan plan, int[] labels) {
        for (int i = 0; i < plan.count; i++) {
            bytes.putInt(partnerAt + 4 * i, plan.partner[i]);
            bytes.put(mixedAt + i, (byte) (plan.mixed[i] ? 1 : 0));
            bytes.putInt(patchesAt + 4 * i, plan.patches[i]);
            bytes.putInt(labelsAt + 4 * i, labels == null ? 0 : labels[i]);
            bytes.put(spoiledAt + i, (byte) 0);
            for (int b = 4 * i; b < 4 * i + 4; b++) {
                bytes.putInt(boxesAt + 4 * b, plan.box[b]);
            }
        }
        for (int w = 0; w < plan.count * words; w++) {
            bytes.putLong(givenCellsAt + 8 * w, plan.cells[w]);
        }
    }

    /** Enqueues the copy of what {@link #write} wrote. */
    void copyUp(CudaRuntime runtime, Pointer stream) {
        runtime.copyToDevice(upTo, upFrom, cellsAt, stream);
    }

    /** Enqueues the copy of the addresses and sizes. */
    void copyRoles(CudaRuntime runtime, Pointer stream) {
        runtime.copyToDevice(rolesTo, rolesFrom, end - rolesAt, stream);
    }

    /** Enqueues the copy of what the device found. */
    void copyDown(CudaRuntime runtime, Pointer stream) {
        runtime.copyToHost(downTo, downFrom, rolesAt - spoiledAt, stream);
    }

    /** Takes over the cells of the images that asked for some, once the copy down is done. */
    void read(MixPlan plan) {
        for (int i = 0; i < plan.count; i++) {
            if (plan.patches[i] > 0) {
                plan.nonFinite[i] = bytes.get(nonFiniteAt + i) != 0;
                for (int w = i * words; w < (i + 1) * words; w++) {
                    plan.cells[w] = bytes.getLong(cellsAt + 8 * w);
                }
            }
        }
    }

    /** Takes over the source weights, once the copy down is done. */
    void readWeights(MixPlan plan) {
        for (int i = 0; i < plan.count; i++) {
            plan.sourceWeight[i] = bytes.getFloat(weightsAt + 4 * i);
        }
    }

    /** Whether image i held a value that is not finite, once the copy down is done. */
    boolean spoiled(int i) {
        return bytes.get(spoiledAt + i) != 0;
    }

    private int roleAt(Role role, boolean masks) {
        return rolesAt + index(role, masks) * place(0, 16L * capacity);
    }

    /** Writes where image i of a ragged batch lies, relative to the batch's base, and its size. */
    void put(Role role, boolean masks, int i, long offset, int height, int width) {
        int at = roleAt(role, masks);
        bytes.putLong(at + 8 * i, offset);
        int sizes = at + 8 * capacity + 8 * i;
        bytes.putInt(sizes, height);
        bytes.putInt(sizes + 4, width);
    }

    /** Makes the pointers of the device's tables: once, so that a step makes none. */
    private void point() {
        for (Role role : Role.values()) {
            for (boolean masks : new boolean[] {false, true}) {
                int at = roleAt(role, masks);
                offsets[index(role, masks)] = new LongPointer(device.at(at));
                sizes[index(role, masks)] = new IntPointer(device.at(at + 8L * capacity));
            }
        }
        partner = new IntPointer(device.at(partnerAt));
        mixed = device.at(mixedAt);
        patches = new IntPointer(device.at(patchesAt));
        labels = new IntPointer(device.at(labelsAt));
        boxes = new IntPointer(device.at(boxesAt));
        givenCells = new LongPointer(device.at(givenCellsAt));
        spoiled = device.at(spoiledAt);
        cells = new LongPointer(device.at(cellsAt));
        nonFinite = device.at(nonFiniteAt);
        weights = new FloatPointer(device.at(weightsAt));
    }

    private static int index(Role role, boolean masks) {
        return 2 * role.ordinal() + (masks ? 1 : 0);
    }

    LongPointer offsets(Role role, boolean masks) {
        return offsets[index(role, masks)];
    }

    IntPointer sizes(Role role, boolean masks) {
        return sizes[index(role, masks)];
    }

    IntPointer partner() {
        return partner;
    }

    BytePointer mixed() {
        return mixed;
    }

    IntPointer patches() {
        return patches;
    }

    IntPointer labels() {
        return labels;
    }

    IntPointer boxes() {
        return boxes;
    }

    LongPointer givenCells() {
        return givenCells;
    }

    BytePointer spoiled() {
        return spoiled;
    }

    LongPointer cells() {
        return cells;
    }

    BytePointer nonFinite() {
        return nonFinite;
    }

    FloatPointer weights() {
        return weights;
    }

    @Override
    public void close() {
        try {
            host.close();
        } finally {
            device.close();
        }
    }
}
