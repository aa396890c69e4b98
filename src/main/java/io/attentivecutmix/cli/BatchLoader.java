package io.attentivecutmix.cli;

import io.attentivecutmix.image.ImageDecoder;
import io.attentivecutmix.image.ImageException;
import io.attentivecutmix.image.RgbImage;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

/**
 * Reads and decodes the images of one batch on a pool, while the batch before is mixed. What comes out is in the order
 * that went in, whatever the threads did.
 */
final class BatchLoader {
    private static final int WARNINGS = 10;

    private final ExecutorService pool;
    private final ImageDecoder decoder;
    private final MaskFolder masks;
    private final BadImage policy;
    private final int leastSide;
    private final int leastImages;

    /**
     * @param masks where segmentation masks are, or null
     * @param leastSide images with a shorter side are rejected
     * @param leastImages a batch that is left with fewer is rejected as a whole
     */
    BatchLoader(ExecutorService pool, ImageDecoder decoder, MaskFolder masks, BadImage policy, int leastSide,
            int leastImages) {
        this.pool = pool;
        this.decoder = decoder;
        this.masks = masks;
        this.policy = policy;
        this.leastSide = leastSide;
        this.leastImages = leastImages;
    }

    /**
     * An image of a batch.
     *
     * @param place whose output it is
     * @param item whose pixels they are: not the same where an image was substituted
     * @param image its pixels
     * @param mask its segmentation mask, or null
     */
    record Slot(Item place, Item item, RgbImage image, ByteBuffer mask) {
        boolean substituted() {
            return place != item;
        }
    }

    /** An image of a batch that is not used, and why. */
    record Rejection(int batch, Item item, String reason) {}

    /** A batch that is ready. */
    record Loaded(List<Slot> slots, List<Rejection> rejections) {}

    /** Names the first few rejected images on the terminal; all are in rejected.jsonl. */
    static void warn(Console console, Rejection rejection, int number) {
        if (number <= WARNINGS) {
            console.warning("rejected %s: %s", rejection.item.path(), rejection.reason());
        } else if (number == WARNINGS + 1) {
            console.warning("more images were rejected; %s names all", OutputFolder.REJECTED);
        }
    }

    /** Either pixels or a reason. */
    private record Decoded(RgbImage image, ByteBuffer mask, String reason) {}

    /** A batch under way. */
    final class Loading {
        private final int batch;
        private final List<Item> items;
        private final List<Future<Decoded>> futures = new ArrayList<>();

        private Loading(int batch, List<Item> items) {
            this.batch = batch;
            this.items = items;
            for (Item item : items) {
                futures.add(pool.submit(() -> decode(item)));
            }
        }

        /**
         * Waits for the batch.
         *
         * @throws CommandException if an image is bad and the policy is to fail
         */
        Loaded await() throws InterruptedException {
            List<Decoded> decoded = new ArrayList<>(futures.size());
            for (Future<Decoded> future : futures) {
                decoded.add(get(future));
            }
            futures.clear();
            return BatchLoader.this.settle(batch, items, decoded);
        }

        void cancel() {
            futures.forEach(f -> f.cancel(false));
        }
    }

    /** @param batch its number in the whole run */
    Loading start(int batch, List<Item> items) {
        return new Loading(batch, items);
    }

    private Decoded decode(Item item) {
        try {
            RgbImage image = decoder.read(item.path());
            if (Math.min(image.height(), image.width()) < leastSide) {
                return new Decoded(null, null, "is " + image.height() + "x" + image.width()
                        + " pixels (height by width); allowed: "
                        + leastSide + " or more, one for each cell of the grid");
            }
            return new Decoded(image, masks == null ? null : masks.read(item, image), null);
        } catch (ImageException e) {
            return new Decoded(null, null, e.place() + ": " + e.fault() + localeHint(item));
        }
    }

    /** Java makes U+FFFD of bytes that the locale's encoding cannot name, and then finds no such file. */
    private static String localeHint(Item item) {
        return item.name().indexOf('\uFFFD') < 0 ? "" : "; its name cannot be said in this locale's encoding, "
                + System.getProperty("sun.jnu.encoding") + ": try a UTF-8 locale";
    }

    private static <T> T get(Future<T> future) throws InterruptedException {
        try {
            return future.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException runtime) {
                throw runtime;
            }
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw new IllegalStateException(e.getCause());
        }
    }

    private Loaded settle(int batch, List<Item> items, List<Decoded> decoded) {
        List<Slot> slots = new ArrayList<>(items.size());
        List<Rejection> rejections = new ArrayList<>();
        int good = 0;
        for (int i = 0; i < items.size(); i++) {
            if (decoded.get(i).reason == null) {
                good++;
            } else if (policy == BadImage.FAIL) {
                throw new BadImageException(new Rejection(batch, items.get(i), decoded.get(i).reason));
            } else {
                rejections.add(new Rejection(batch, items.get(i), decoded.get(i).reason));
            }
        }
        for (int i = 0; i < items.size() && good > 0; i++) {
            int from = i;
            while (decoded.get(from).reason != null && policy == BadImage.SUBSTITUTE) {
                from = (from + 1) % items.size();
            }
            Decoded d = decoded.get(from);
            if (d.reason == null) {
                slots.add(new Slot(items.get(i), items.get(from), d.image, d.mask));
            }
        }
        if (slots.size() < leastImages) {
            for (Slot slot : slots) {
                rejections.add(new Rejection(batch, slot.item,
                        "no other image of its batch can be used, so it has no partner"));
            }
            slots.clear();
        }
        return new Loaded(slots, rejections);
    }

    /** Stops a run whose policy is to fail. */
    static final class BadImageException extends RuntimeException {
        private final Rejection rejection;

        BadImageException(Rejection rejection) {
            super(rejection.item.path() + ": " + rejection.reason);
            this.rejection = rejection;
        }

        Rejection rejection() {
            return rejection;
        }
    }
}
