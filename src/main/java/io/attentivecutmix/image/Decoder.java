package io.attentivecutmix.image;

import io.attentivecutmix.natives.NativeLibraryException;
import java.util.Objects;
import java.util.Optional;

/**
 * The gate and what stands behind it: our own PNG, GIF and BMP readers, and for JPEG and WebP either OpenCV or pure
 * Java.
 *
 * @param openCvVersion version of OpenCV when it is to be used
 */
record Decoder(ImageLimits limits, Optional<String> openCvVersion) implements ImageDecoder {
    /** What came of loading OpenCV, once per process and not before it is asked for: its version, or why it failed. */
    record Probe(Optional<String> version, Optional<String> reason) {
        static final Probe OPENCV = run();

        private static Probe run() {
            try {
                return new Probe(Optional.of(OpenCv.probe()), Optional.empty());
            } catch (NativeLibraryException e) {
                return new Probe(Optional.empty(), Optional.of("OpenCV is not used: " + e.getMessage()));
            } catch (LinkageError | RuntimeException e) {
                return new Probe(Optional.empty(), Optional.of("OpenCV is not used: " + e + "; to use it, add"
                        + " org.bytedeco:opencv and org.bytedeco:openblas with the platform's natives"));
            }
        }
    }

    Decoder {
        Objects.requireNonNull(limits, "limits");
    }

    @Override
    public String description() {
        return openCvVersion.map(version -> "OpenCV " + version + " (JPEG, WebP)")
                .orElse("JDK " + Runtime.version() + " (JPEG), TwelveMonkeys (WebP)") + ", built in (PNG, GIF, BMP)";
    }

    @Override
    public RgbImage decode(byte[] file, String name) {
        Input in = new Input(Objects.requireNonNull(file, "file"), Objects.requireNonNull(name, "name"));
        if (file.length > limits.maxFileBytes()) {
            throw in.fault("file", file.length + " bytes or more; allowed: " + limits.maxFileBytes());
        }
        if (Jpeg.accepts(in)) {
            return jpeg(in);
        }
        if (Png.accepts(in)) {
            return Png.decode(in, limits);
        }
        if (Gif.accepts(in)) {
            return Gif.decode(in, limits);
        }
        if (Webp.accepts(in)) {
            return webp(in);
        }
        if (Bmp.accepts(in)) {
            return Bmp.decode(in, limits);
        }
        throw in.fault("format", "unknown first bytes of " + file.length + "; allowed: JPEG, PNG, GIF, BMP, WebP");
    }

    private RgbImage jpeg(Input in) {
        Jpeg jpeg = Jpeg.parse(in, limits);
        // OpenCV's own conversion of CMYK is off by one
        boolean four = jpeg.colour() == Jpeg.Colour.CMYK || jpeg.colour() == Jpeg.Colour.YCCK;
        RgbImage image = openCvVersion.isPresent() && !four
                ? OpenCv.decode(jpeg.clean(), jpeg.height(), jpeg.width(), "JPEG", in)
                : JdkJpeg.decode(jpeg, in);
        return Orientation.apply(image, jpeg.orientation());
    }

    private RgbImage webp(Input in) {
        Webp webp = Webp.parse(in, limits);
        RgbImage image;
        if (openCvVersion.isPresent()) {
            image = webp.onCanvas(
                    OpenCv.decode(webp.clean(), webp.imageHeight(), webp.imageWidth(), "WebP", in), in);
        } else {
            try {
                image = TwelveMonkeysWebp.decode(webp, in);
            } catch (NoClassDefFoundError | ExceptionInInitializerError e) {
                throw new ImageException(in.name(), "WebP", "no decoder; add com.twelvemonkeys.imageio:imageio-webp, or"
                        + " org.bytedeco:opencv, to the class path", e);
            }
        }
        return Orientation.apply(image, webp.orientation());
    }
}
