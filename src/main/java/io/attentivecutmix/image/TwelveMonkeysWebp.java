package io.attentivecutmix.image;

import com.twelvemonkeys.imageio.plugins.webp.WebPImageReaderSpi;
import java.io.IOException;
import javax.imageio.ImageReader;

/**
 * Decodes WebP with the TwelveMonkeys reader, made by its class. Lossless files are exact; lossy ones differ from
 * libwebp by the upsampling and conversion of colours.
 */
final class TwelveMonkeysWebp {
    private static final WebPImageReaderSpi SPI = new WebPImageReaderSpi();

    private TwelveMonkeysWebp() {
    }

    static RgbImage decode(Webp webp, Input in) {
        ImageReader reader = SPI.createReaderInstance(null);
        try (var stream = new FileStream(webp.clean(), "WebP", in)) {
            reader.setInput(stream, true, true);
            return webp.onCanvas(Rasters.rgb(reader.read(0)), in);
        } catch (ImageException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            throw new ImageException(in.name(), "WebP", "cannot be decoded: " + e, e);
        } finally {
            reader.dispose();
        }
    }
}
