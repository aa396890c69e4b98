package io.attentivecutmix.image;

import io.attentivecutmix.natives.NativeLibraries;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.opencv.opencv_core.Mat;

/** OpenCV's JPEG and WebP decoders, which give Pillow's pixels. Touched only after {@link #probe()} came back. */
final class OpenCv {
    /** RGB out, and no turning by Exif: that is done by us, as Pillow does. */
    private static final int FLAGS =
            opencv_imgcodecs.IMREAD_COLOR_RGB | opencv_imgcodecs.IMREAD_IGNORE_ORIENTATION;

    private OpenCv() {
    }

    /** Loads the native library and returns OpenCV's version; throws whatever loading throws. */
    static String probe() {
        NativeLibraries.load(opencv_imgcodecs.class);
        try (BytePointer version = opencv_core.getVersionString()) {
            return version.getString().trim(); // ends in a NUL, which strip() leaves
        }
    }

    /** Decodes a file that passed the gate and is of h by w pixels. */
    static RgbImage decode(byte[] clean, int h, int w, String place, Input in) {
        try (BytePointer bytes = new BytePointer(clean);
                Mat file = new Mat(1, clean.length, opencv_core.CV_8UC1, bytes);
                Mat image = opencv_imgcodecs.imdecode(file, FLAGS)) {
            if (image == null || image.empty()) {
                throw in.fault(place, "cannot be decoded by OpenCV: the image data is cut or damaged");
            }
            if (image.rows() != h || image.cols() != w || image.type() != opencv_core.CV_8UC3
                    || !image.isContinuous()) {
                throw in.fault(place, "decoded to " + image.rows() + " by " + image.cols() + " pixels of OpenCV type "
                        + image.type() + "; the header has " + h + " by " + w);
            }
            byte[] rgb = new byte[h * w * 3];
            try (BytePointer data = image.data()) {
                data.get(rgb);
            }
            return new RgbImage(h, w, rgb);
        } catch (ImageException e) {
            throw e;
        } catch (RuntimeException e) {
            // OpenCV's own exceptions come as RuntimeException
            throw new ImageException(in.name(), place, "cannot be decoded by OpenCV: " + e.getMessage(), e);
        }
    }
}
