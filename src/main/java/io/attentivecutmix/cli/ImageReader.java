package io.attentivecutmix.cli;

import io.attentivecutmix.ImageBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Reads images for what only looks at them: batch by batch, the next one while the last is looked at. */
final class ImageReader {
    private static final int BATCH_SIZE = 32;

    private final BatchLoader loader;
    private final ImageBatch images = new ImageBatch();

    ImageReader(BatchLoader loader) {
        this.loader = loader;
    }

    /** Some images of a list, without outputs and classes. */
    static List<Item> items(ImageList list, int[] indices) {
        List<Item> items = new ArrayList<>(indices.length);
        for (int i : indices) {
            items.add(new Item(list.name(i), list.path(i), "", -1));
        }
        return items;
    }

    /**
     * Reads all of them.
     *
     * @param each is given every batch, in order; it is used again when this returns
     * @param bad is told what cannot be read
     * @return how many could be read
     */
    int read(List<Item> items, Consumer<ImageBatch> each, Consumer<BatchLoader.Rejection> bad, Progress progress)
            throws InterruptedException {
        int read = 0;
        BatchLoader.Loading loading = start(items, 0);
        try {
            for (int first = 0; first < items.size(); first += BATCH_SIZE) {
                BatchLoader.Loaded loaded = loading.await();
                loading = start(items, first + BATCH_SIZE);
                loaded.rejections().forEach(bad);
                if (!loaded.slots().isEmpty()) {
                    images.clear();
                    loaded.slots().forEach(slot -> images.add(slot.image()));
                    each.accept(images);
                    read += images.count();
                }
                progress.advance(Math.min(BATCH_SIZE, items.size() - first));
            }
            return read;
        } finally {
            if (loading != null) {
                loading.cancel();
            }
        }
    }

    /** Starts the batch at a place; null after the last. */
    private BatchLoader.Loading start(List<Item> items, int first) {
        return first >= items.size() ? null
                : loader.start(first / BATCH_SIZE,
                        items.subList(first, Math.min(items.size(), first + BATCH_SIZE)));
    }
}
