package io.attentivecutmix.image;

import javax.imageio.stream.ImageInputStreamImpl;

/**
 * A file in memory, as a stream that ends in earnest. The WebP reader takes the end of the stream for zeros and goes on
 * until it has all the pixels that the header promised, minutes later and one exception a byte; it may ask at the end
 * only as often as its look-ahead does.
 */
final class FileStream extends ImageInputStreamImpl {
    /** The bit reader holds 8 bytes, the arithmetic decoder 2. */
    private static final int MOST_READS_AT_END = 64;

    private final byte[] file;
    private final String place;
    private final Input in;
    private int readsAtEnd;

    /**
     * @param file what is read
     * @param place what a message says is cut
     * @param in the file that a message names
     */
    FileStream(byte[] file, String place, Input in) {
        this.file = file;
        this.place = place;
        this.in = in;
    }

    @Override
    public int read() {
        bitOffset = 0;
        if (streamPos >= file.length) {
            return end();
        }
        return file[(int) streamPos++] & 0xff;
    }

    @Override
    public int read(byte[] to, int at, int length) {
        bitOffset = 0;
        if (length > 0 && streamPos >= file.length) {
            return end();
        }
        int count = (int) Math.min(length, file.length - streamPos);
        System.arraycopy(file, (int) streamPos, to, at, count);
        streamPos += count;
        return count;
    }

    private int end() {
        if (++readsAtEnd > MOST_READS_AT_END) {
            throw in.fault(place, "the image data is cut");
        }
        return -1;
    }

    @Override
    public long length() {
        return file.length;
    }
}
