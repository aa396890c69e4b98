package io.attentivecutmix.cuda;

import io.attentivecutmix.image.Images;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * The pixels, or the masks, of a batch between host and device, in one direction.
 *
 * <p>A batch in memory that the device made ({@link Images#address}) moves in one copy as it lies. Any other is copied
 * through a page-locked block, since a copy from ordinary memory would make the host wait for it. Not thread-safe.
 */
final class Transfer implements AutoCloseable {
    /** A device copy starts at an address that is the host's modulo this, so that both have the same vectors. */
    private static final int ALIGNMENT = 16;

    private final boolean masks;
    private final CudaRuntime runtime;
    private final Arena device;
    private final Arena staging;
    private final Address hostBlock = new Address(0);
    private final Address deviceBlock = new Address(0);
    private final Address from = new Address(0);
    private final Address to = new Address(0);
    private long total;
    private boolean direct;

    Transfer(String what, boolean masks, Memory memory) {
        this.masks = masks;
        runtime = memory.runtime();
        device = memory.device(what);
        staging = memory.pinned(what);
    }

    /**
     * Decides where the images lie on the device. The batch has its form and the images' sizes are set; addresses are
     * written.
     */
    void place(Images images, Batch batch) {
        int n = batch.count;
        boolean oneSize = true;
        for (int i = 1; i < n; i++) {
            oneSize &= batch.height[i] == batch.height[0] && batch.width[i] == batch.width[0];
        }
        long lowest = Long.MAX_VALUE;
        long highest = 0;
        long sum = 0;
        direct = true;
        for (int i = 0; i < n && direct; i++) {
            long address = address(images, i);
            direct = address != 0;
            lowest = Math.min(lowest, address);
            highest = Math.max(highest, address + batch.bytes(i));
            sum += batch.bytes(i);
        }
        // several chunks, or pieces far apart: one copy would move what is not ours
        direct = direct && highest - lowest == sum;
        boolean packed = direct;
        for (int i = 0; i < n && packed && oneSize; i++) {
            packed = address(images, i) == lowest + i * batch.bytes(0);
        }
        if (direct) {
            total = sum;
            device.grow(total + ALIGNMENT);
            long first = device.address() + lowest % ALIGNMENT;
            if (oneSize && packed) {
                batch.uniform(first, n, batch.height[0], batch.width[0]);
            } else {
                for (int i = 0; i < n; i++) {
                    batch.address[i] = first + address(images, i) - lowest;
                }
            }
            hostBlock.at(lowest);
            deviceBlock.at(first);
        } else {
            total = batch.layOut(0, oneSize ? 1 : ALIGNMENT);
            device.grow(total);
            staging.grow(total);
            if (oneSize) {
                batch.uniform(device.address(), n, batch.height[0], batch.width[0]);
            } else {
                batch.move(device.address());
            }
            hostBlock.at(staging.address());
            deviceBlock.at(device.address());
        }
    }

    private long address(Images images, int i) {
        return masks ? images.maskAddress(i) : images.address(i);
    }

    /** Enqueues the copy to the device. */
    void up(Images images, Batch batch, Pointer stream) {
        if (!direct) {
            for (int i = 0; i < batch.count; i++) {
                Pointer.memcpy(to.at(staged(batch, i)), from.at(hostAddress(images, i)), batch.bytes(i));
            }
            Reference.reachabilityFence(images);
        }
        runtime.copyToDevice(deviceBlock, hostBlock, total, stream);
    }

    /** Enqueues the copy to the host; {@link #deliver} ends it. */
    void down(Pointer stream) {
        runtime.copyToHost(hostBlock, deviceBlock, total, stream);
    }

    /** Hands out what has come down, where it could not come down to the caller's own memory. */
    void deliver(Images images, Batch batch) {
        if (!direct) {
            for (int i = 0; i < batch.count; i++) {
                Pointer.memcpy(to.at(hostAddress(images, i)), from.at(staged(batch, i)), batch.bytes(i));
            }
            Reference.reachabilityFence(images);
        }
    }

    private long staged(Batch batch, int i) {
        return staging.address() + batch.address[i] - device.address();
    }

    private long hostAddress(Images images, int i) {
        ByteBuffer buffer = masks ? images.mask(i) : images.pixels(i);
        return new BytePointer(buffer).address();
    }

    @Override
    public void close() {
        try {
            staging.close();
        } finally {
            device.close();
        }
    }
}
