package io.attentivecutmix.image;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Turns an image file into RGB pixels. JPEG, PNG, GIF (first frame), BMP and WebP, told apart by their first bytes.
 *
 * <p>The pixels are those of {@code ImageOps.exif_transpose(Image.open(file)).convert("RGB")} in Pillow 13: Exif
 * orientation applied, alpha dropped, grey and palette widened, 16-bit grey cut at 255, 16-bit colour by its high byte,
 * CMYK and YCCK taken for inverted as Adobe writes them, colour profiles ignored. PNG, GIF and BMP are exact. JPEG is
 * exact with OpenCV; with the JDK's reader it is as exact as the libjpeg that the runtime was built with. Lossy WebP is
 * exact with OpenCV only.
 *
 * <p>One gate stands before every decoder: the size is checked against the limits from the header, before any memory
 * is taken for pixels; so is whether the file can hold that many. A cut file is refused. Damage within the image data
 * of a whole file is refused by the JDK's JPEG reader and, where it shows, for PNG, GIF and BMP; OpenCV, as Pillow,
 * shows what it can. What a file's colour profile, thumbnail or text says is not read, save the orientation (a damaged
 * Exif block names none; Pillow refuses some). No reader that the application registered is used, and no file is
 * written.
 *
 * <p>Thread-safe. A file that is refused gives an {@link ImageException}, and nothing else.
 */
public interface ImageDecoder {
    /**
     * Decodes one file.
     *
     * @param file the file's bytes
     * @param name what to call it in a message
     * @throws ImageException if the file is refused
     */
    RgbImage decode(byte[] file, String name);

    /** Which code decodes what, for reports. */
    String description();

    /** What a file may ask for. */
    ImageLimits limits();

    /**
     * Reads and decodes a file; its size is checked first.
     *
     * @throws ImageException if it is no regular file, cannot be read, or is refused
     */
    default RgbImage read(Path path) {
        String name = path.toString();
        try {
            if (!Files.isRegularFile(path)) {
                throw new ImageException(name, "file", Files.exists(path) ? "not a regular file" : "not found");
            }
            long size = Files.size(path);
            if (size > limits().maxFileBytes()) {
                throw new ImageException(name, "file", size + " bytes; allowed: " + limits().maxFileBytes());
            }
            try (InputStream in = Files.newInputStream(path)) {
                return decode(in.readNBytes((int) limits().maxFileBytes() + 1), name);
            }
        } catch (IOException e) {
            throw new ImageException(name, "file", "cannot be read: " + e, e);
        }
    }

    /** {@link #openCv()} when it can be used, else {@link #jdk()}. */
    static ImageDecoder best() {
        return best(ImageLimits.DEFAULT);
    }

    /** {@link #openCv(ImageLimits)} when it can be used, else {@link #jdk(ImageLimits)}. */
    static ImageDecoder best(ImageLimits limits) {
        return openCv(limits).orElseGet(() -> jdk(limits));
    }

    /** No native code but the JDK's own; WebP needs {@code com.twelvemonkeys.imageio:imageio-webp}. */
    static ImageDecoder jdk() {
        return jdk(ImageLimits.DEFAULT);
    }

    /** As {@link #jdk()}, with limits. */
    static ImageDecoder jdk(ImageLimits limits) {
        return new Decoder(limits, Optional.empty());
    }

    /** JPEG (but CMYK) and WebP by OpenCV's preset, if {@code org.bytedeco:opencv} and its natives are there. */
    static Optional<ImageDecoder> openCv() {
        return openCv(ImageLimits.DEFAULT);
    }

    /** As {@link #openCv()}, with limits. */
    static Optional<ImageDecoder> openCv(ImageLimits limits) {
        return Decoder.Probe.OPENCV.version().map(version -> new Decoder(limits, Optional.of(version)));
    }

    /** Why {@link #openCv()} is empty; empty when it is not. */
    static Optional<String> openCvUnavailableReason() {
        return Decoder.Probe.OPENCV.reason();
    }
}
