package io.attentivecutmix.cli;

import io.attentivecutmix.method.Pairing;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * How a list of images is split into batches: a function of the list's length, seed, epoch, order and batch size, and
 * of nothing that happens while it runs.
 *
 * <p>A single image that would be left for the last batch joins the batch before, since alone it has no partner: that
 * batch has one image more than the others.
 */
final class Batches {
    /** In which order images are taken. */
    enum Order {
        /** A permutation drawn from seed and epoch, so that a batch holds images of many classes. */
        SHUFFLED,
        /** By name. */
        SORTED
    }

    /** No batch has this number, so the permutation of the whole list shares no draw with any batch. */
    private static final long WHOLE_LIST = -1;

    private final int[] order;
    private final int batchSize;
    private final int count;

    /**
     * @param size number of images in the list, 1 or more
     * @param limit how many of them to take: the first so many in the run's order
     * @param batchSize 1 or more
     */
    Batches(int size, long limit, int batchSize, Order order, long seed, long epoch) {
        int[] all = IntStream.range(0, size).toArray();
        if (order == Order.SHUFFLED) {
            Pairing.permuted(seed, epoch, WHOLE_LIST).partners(size, all);
        }
        this.order = limit < size ? Arrays.copyOf(all, (int) limit) : all;
        this.batchSize = batchSize;
        int n = this.order.length;
        boolean single = n % batchSize == 1 && n > 1 && batchSize > 1;
        count = single ? n / batchSize : (int) (((long) n + batchSize - 1) / batchSize);
    }

    /** Number of batches. */
    int count() {
        return count;
    }

    /** Number of images in all batches. */
    int images() {
        return order.length;
    }

    /** Number of images in the batches of a shard. */
    int images(Shard shard) {
        int sum = 0;
        for (int b = shard.index() - 1; b < count; b += shard.count()) {
            sum += size(b);
        }
        return sum;
    }

    int size(int batch) {
        return (batch == count - 1 ? order.length : (batch + 1) * batchSize) - batch * batchSize;
    }

    /** Place in the run's order of a batch's first image. */
    int first(int batch) {
        return batch * batchSize;
    }

    /** Indices in the list of a batch's images. */
    int[] indices(int batch) {
        return Arrays.copyOfRange(order, first(batch), first(batch) + size(batch));
    }
}
