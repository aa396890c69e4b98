package io.attentivecutmix.image;

/**
 * What an image file may ask for; checked against its header before anything is decoded.
 *
 * @param maxPixels most pixels of one image, 1 or more
 * @param maxSide most pixels of one side, 1 or more
 * @param maxFileBytes most bytes of one file, 1 or more
 */
public record ImageLimits(long maxPixels, int maxSide, long maxFileBytes) {
    /** 64 Mi pixels (8192 by 8192), a side of 16,384, a file of 256 MiB. */
    public static final ImageLimits DEFAULT = new ImageLimits(64L << 20, 16384, 256L << 20);

    /** So many pixels cost little whatever the file's length is. */
    private static final long FREE_PIXELS = 1 << 20;
    /** The most that LZW in codes of 12 bits can give is 3,838 for each code; run lengths give 127. */
    private static final long MOST_PIXELS_PER_BYTE = 4096;

    /** An RGB image is one byte array. */
    private static final long MOST_PIXELS = (Integer.MAX_VALUE - 8) / 3;

    public ImageLimits {
        if (maxPixels < 1 || maxPixels > MOST_PIXELS) {
            throw new IllegalArgumentException("maxPixels is " + maxPixels + "; allowed: 1 to " + MOST_PIXELS);
        }
        if (maxSide < 1) {
            throw new IllegalArgumentException("maxSide is " + maxSide + "; allowed: 1 or more");
        }
        if (maxFileBytes < 1 || maxFileBytes > Integer.MAX_VALUE - 1024) {
            throw new IllegalArgumentException("maxFileBytes is " + maxFileBytes + "; allowed: 1 to "
                    + (Integer.MAX_VALUE - 1024));
        }
    }

    /**
     * Refuses many pixels out of few bytes, where the format itself sets no bound: a file of 40 bytes may be a sound
     * picture of one colour and 64 Mi pixels. Pictures of something stay far below.
     */
    void checkRatio(Input in, String place, long height, long width) {
        long pixels = height * width;
        if (pixels > FREE_PIXELS && pixels > MOST_PIXELS_PER_BYTE * in.length()) {
            throw in.fault(place, "size is " + height + " by " + width + " pixels in a file of " + in.length()
                    + " bytes; allowed above " + FREE_PIXELS + " pixels: " + MOST_PIXELS_PER_BYTE + " a byte");
        }
    }

    /** Refuses a size that a header declares. */
    void check(Input in, String place, long height, long width) {
        if (height < 1 || width < 1) {
            throw in.fault(place, "size is " + height + " by " + width
                    + " pixels (height by width); allowed: 1 or more");
        }
        if (height > maxSide || width > maxSide || height * width > maxPixels) {
            throw in.fault(place, "size is " + height + " by " + width + " pixels (height by width); allowed: sides to "
                    + maxSide + ", " + maxPixels + " pixels");
        }
    }
}
