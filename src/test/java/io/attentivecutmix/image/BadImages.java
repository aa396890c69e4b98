package io.attentivecutmix.image;

import static io.attentivecutmix.image.ImageBytes.END;
import static io.attentivecutmix.image.ImageBytes.ascii;
import static io.attentivecutmix.image.ImageBytes.bytes;
import static io.attentivecutmix.image.ImageBytes.chunk;
import static io.attentivecutmix.image.ImageBytes.concat;
import static io.attentivecutmix.image.ImageBytes.deflate;
import static io.attentivecutmix.image.ImageBytes.gifCodes;
import static io.attentivecutmix.image.ImageBytes.gifData;
import static io.attentivecutmix.image.ImageBytes.gifFrame;
import static io.attentivecutmix.image.ImageBytes.gifScreen;
import static io.attentivecutmix.image.ImageBytes.ihdr;
import static io.attentivecutmix.image.ImageBytes.le24;
import static io.attentivecutmix.image.ImageBytes.le32;
import static io.attentivecutmix.image.ImageBytes.packCodes;
import static io.attentivecutmix.image.ImageBytes.png;
import static io.attentivecutmix.image.ImageBytes.rgbPng;
import static io.attentivecutmix.image.ImageBytes.riff;
import static io.attentivecutmix.image.ImageBytes.segment;
import static io.attentivecutmix.image.ImageBytes.webp;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/** Image files that must be refused, each with what its message must say. */
final class BadImages {
    /**
     * One file.
     *
     * @param name what is wrong with it
     * @param fault part of the message behind the file's name
     */
    record Bad(String name, byte[] file, String fault) {}

    private final List<Bad> all = new ArrayList<>();

    static List<Bad> all() throws IOException {
        BadImages images = new BadImages();
        images.otherFormats();
        images.pngHeaders();
        images.pngChunks();
        images.pngData();
        images.jpegHeaders();
        images.jpegSegments();
        images.jpegScans();
        images.gifs();
        images.bmps();
        images.webps();
        return images.all;
    }

    private void add(String name, byte[] file, String fault) {
        all.add(new Bad(name, file, fault));
    }

    private static byte[] golden(String name) throws IOException {
        return GoldenFiles.all().stream().filter(g -> g.file().equals(name)).findFirst().orElseThrow().bytes();
    }

    private void otherFormats() {
        String unknown = "format: unknown first bytes of ";
        add("nothing", new byte[0], unknown + "0");
        add("one byte", bytes(0xff), unknown + "1");
        add("zeros", new byte[100], unknown);
        add("TIFF, little end first", concat(ascii("II*\0"), le32(8), new byte[20]), unknown);
        add("TIFF, big end first", concat(ascii("MM\0*"), new byte[20]), unknown);
        add("BigTIFF", concat(ascii("II+\0"), new byte[20]), unknown);
        add("wireless bitmap", bytes(0, 0, 8, 8, 0, 0, 0, 0, 0, 0, 0, 0), unknown);
        add("PPM", ascii("P6 1 1 255\nabc"), unknown);
        add("Photoshop", ascii("8BPS\0\1\0\0\0\0\0\0\0\3"), unknown);
        add("icon", bytes(0, 0, 1, 0, 1, 0, 16, 16, 0, 0), unknown);
        add("AVIF", ascii("\0\0\0\u0020ftypavif\0\0\0\0avifmif1"), unknown);
        add("HEIC", ascii("\0\0\0\u0020ftypheic\0\0\0\0heicmif1"), unknown);
        add("JPEG 2000", concat(bytes(0, 0, 0, 12), ascii("jP  \r\n"), bytes(0x87, 10)), unknown);
        add("JPEG 2000 code stream", bytes(0xff, 0x4f, 0xff, 0x51, 0, 47), unknown);
        add("JPEG XL", bytes(0xff, 0x0a, 0, 0, 0), unknown);
        add("SVG", ascii("<svg xmlns='http://www.w3.org/2000/svg'/>"), unknown);
        add("a web server's error page", ascii("<!DOCTYPE html><title>404</title>"), unknown);
        add("PDF", ascii("%PDF-1.7\n"), unknown);
        add("ZIP", ascii("PK\3\4\24\0\0\0"), unknown);
        add("gzip", bytes(0x1f, 0x8b, 8, 0), unknown);
        add("wave sound", concat(ascii("RIFF"), le32(36), ascii("WAVEfmt ")), unknown);
        add("MNG", concat(bytes(0x8a), ascii("MNG\r\n\u001a\n")), unknown);
        add("QOI", ascii("qoif\0\0\0\1\0\0\0\1\3\0"), unknown);
        add("DDS", ascii("DDS \u007c\0\0\0"), unknown);
        add("OS/2 bitmap array", ascii("BA(\0\0\0\0\0\0\0"), unknown);
        add("PNG sent as text", ascii("\u0089PNG\n\u001a\n\0\0\0\rIHDR"), unknown);
        add("PNG behind a byte order mark", concat(bytes(0xef, 0xbb, 0xbf), ImageBytes.PNG_MAGIC), unknown);
    }

    private static final byte[] FEW = deflate(new byte[0], 1);
    /** Image data of an RGB picture of one pixel. */
    private static final byte[] PIXEL = deflate(new byte[4], 1);

    private static byte[] spoilt(byte[] chunk, int at) {
        byte[] out = chunk.clone();
        out[at < 0 ? out.length + at : at] ^= 1;
        return out;
    }

    private void pngHeaders() {
        for (int side : new int[] {16385, 20_000, 46_341, Integer.MAX_VALUE}) {
            add("PNG of side " + side, rgbPng(side, FEW), "PNG header: size is " + side + " by " + side);
        }
        add("PNG of 8192 by 8193", png(ihdr(8193, 8192, 8, 2, 0), chunk("IDAT", FEW), END), "67108864 pixels");
        add("PNG of one row too long", png(ihdr(16385, 1, 1, 0, 0), chunk("IDAT", FEW), END), "sides to 16384");
        add("PNG without width", png(ihdr(0, 1, 8, 2, 0), chunk("IDAT", FEW), END), "size is 1 by 0");
        add("PNG without height", png(ihdr(1, 0, 8, 2, 0), chunk("IDAT", FEW), END), "size is 0 by 1");
        add("PNG of width 2^32 - 1", png(ihdr(-1, 1, 8, 2, 0), chunk("IDAT", FEW), END), "by 4294967295");
        add("PNG of 8192 by 8192 and no data", rgbPng(8192, FEW), "PNG: the image data is cut: ");
        add("PNG of 8192 by 8192, interlaced", png(ihdr(8192, 8192, 16, 6, 1), chunk("IDAT", FEW), END),
                "the image data is cut: ");
        for (int type : new int[] {1, 5, 7, 255}) {
            add("PNG of colour type " + type, png(ihdr(1, 1, 8, type, 0), END), "colour type " + type + " with 8 bits");
        }
        int[][] depths = {{0, 0}, {0, 3}, {0, 32}, {2, 1}, {2, 4}, {3, 16}, {4, 4}, {6, 2}, {6, 255}};
        for (int[] pair : depths) {
            add("PNG of colour type " + pair[0] + " with " + pair[1] + " bits",
                    png(ihdr(1, 1, pair[1], pair[0], 0), END), "no such combination");
        }
        byte[] header = Arrays.copyOfRange(ihdr(1, 1, 8, 2, 0), 8, 21);
        for (int method : new int[] {10, 11}) {
            byte[] other = header.clone();
            other[method] = 1;
            add("PNG with another method at byte " + method, png(chunk("IHDR", other), END), "unknown compression");
        }
        add("PNG of interlace method 2", png(ihdr(1, 1, 8, 2, 2), END), "interlace method");
        add("PNG header of 12 bytes", png(chunk("IHDR", Arrays.copyOf(header, 12)), END), "12 bytes; allowed: 13");
        add("PNG header of no bytes", png(chunk("IHDR"), END), "0 bytes; allowed: 13");
        add("PNG with two headers", png(ihdr(1, 1, 8, 2, 0), ihdr(2, 2, 8, 2, 0), END), "a second header");
        add("PNG without header", png(chunk("IDAT", PIXEL), END), "first chunk is IDAT; allowed: IHDR");
        add("PNG of an iPhone", png(chunk("CgBI", new byte[4]), ihdr(1, 1, 8, 2, 0), END), "first chunk is CgBI");
        add("PNG whose first chunk has no name", png(chunk("\u001b[1m"), END), "first chunk is ??");
    }

    private void pngChunks() {
        byte[] head = ihdr(1, 1, 8, 2, 0);
        byte[] data = chunk("IDAT", PIXEL);
        String sum = "wrong checksum of the chunk at byte ";
        add("PNG with a wrong header checksum", png(spoilt(head, -1), data, END), sum + "8");
        add("PNG with a changed header", png(spoilt(head, 19), data, END), sum + "8");
        add("PNG with a wrong data checksum", png(head, spoilt(data, -1), END), sum + "33");
        add("PNG with a wrong end checksum", png(head, data, spoilt(END, -1)), sum);
        add("PNG with a wrong text checksum", png(head, spoilt(chunk("tEXt", ascii("a\0b")), -2), data, END), sum);
        add("PNG with a changed chunk name", png(head, spoilt(data, 4), END), sum);
        add("PNG of its first bytes alone", ImageBytes.PNG_MAGIC, "the file is cut: 8 bytes");
        add("PNG cut in a length", concat(ImageBytes.PNG_MAGIC, bytes(0, 0)), "the file is cut: 10 bytes");
        add("PNG without end", png(head, data), "the file is cut");
        add("PNG cut in its data", Arrays.copyOf(png(head, data, END), 45), "the file is cut: 45 bytes");
        for (int length : new int[] {Integer.MAX_VALUE, -1, 1000}) {
            byte[] lie = data.clone();
            ByteBuffer.wrap(lie).putInt(length);
            add("PNG chunk of length " + length, png(head, lie, END), "the file is cut");
        }
        add("PNG without data", png(head, END), "PNG: no image data");
        add("PNG of frames without a first image", png(head, chunk("acTL", new byte[8]), chunk("fcTL", new byte[26]),
                chunk("fdAT", concat(new byte[4], PIXEL)), END), "no image data");
        byte[] index = png(ihdr(1, 1, 8, 3, 0), chunk("IDAT", deflate(new byte[2], 1)), END);
        add("PNG of indices without palette", index, "PNG: no palette");
        add("PNG with a palette of 2 bytes", png(ihdr(1, 1, 8, 3, 0), chunk("PLTE", new byte[2]),
                chunk("IDAT", deflate(new byte[2], 1)), END), "no palette");
        byte[] colours = chunk("PLTE", new byte[6]);
        byte[] indices = chunk("IDAT", deflate(new byte[2], 1));
        add("PNG with two palettes", png(ihdr(1, 1, 8, 3, 0), colours, colours, indices, END), "a second palette");
        add("PNG with its palette behind its data", png(ihdr(1, 1, 8, 3, 0), indices, colours, END), "no palette");
        byte[] megabyte = new byte[1 << 20];
        byte[] xmp = ascii("XML:com.adobe.xmp\0\0");
        add("PNG with a text of 64 MiB", rgbPng(1, PIXEL, chunk("zTXt", concat(xmp, deflate(megabyte, 64)))),
                "a text of more than 1048576 bytes");
        add("PNG with an international text of 64 MiB", rgbPng(1, PIXEL, chunk("iTXt",
                concat(ascii("XML:com.adobe.xmp\0\1\0\0\0"), deflate(megabyte, 64)))), "a text of more than");
        add("PNG with a plain text of 2 MiB", rgbPng(1, PIXEL, chunk("tEXt",
                concat(ascii("Raw profile type exif\0"), new byte[2 << 20]))), "a text of more than");
        byte[] text = chunk("zTXt", concat(xmp, deflate(megabyte, 1)));
        byte[][] texts = new byte[2000][];
        Arrays.fill(texts, text);
        add("PNG with 2000 texts of 1 MiB", rgbPng(1, PIXEL, texts), "texts of more than 2097152 bytes");
        byte[] damaged = deflate(new byte[1000 << 10], 1);
        damaged[damaged.length - 1] ^= 1;
        Arrays.fill(texts, chunk("zTXt", concat(xmp, damaged)));
        add("PNG with 2000 damaged texts", rgbPng(1, PIXEL, texts), "texts of more than 2097152 bytes");
    }

    private void pngData() {
        add("PNG of data that is not compressed", rgbPng(1, new byte[40]), "the image data is damaged: ");
        add("PNG of compressed data that is cut", rgbPng(9, Arrays.copyOf(deflate(new byte[9 * 28], 1), 6)), "cut");
        add("PNG that lacks its last row", rgbPng(9, deflate(new byte[8 * 28], 1)), "the image data is cut");
        add("PNG that lacks its last byte", rgbPng(9, deflate(new byte[9 * 28 - 1], 1)), "the image data is cut");
        add("PNG of 16 bits with data for 8", png(ihdr(9, 9, 16, 2, 0), chunk("IDAT", deflate(new byte[9 * 28], 1)),
                END), "the image data is cut");
        add("PNG of 1 bit with a byte for 9 pixels", png(ihdr(9, 9, 1, 0, 0),
                chunk("IDAT", deflate(new byte[9 * 2], 1)), END), "the image data is cut");
        add("interlaced PNG with data of a plain one", png(ihdr(9, 9, 8, 2, 1),
                chunk("IDAT", deflate(new byte[9 * 28], 1)), END), "the image data is cut");
        add("PNG of an empty data chunk", png(ihdr(1, 1, 8, 2, 0), chunk("IDAT"), END), "no image data");
        add("PNG whose data goes on behind another chunk", png(ihdr(9, 9, 8, 2, 0),
                chunk("IDAT", Arrays.copyOf(deflate(new byte[9 * 28], 1), 5)), chunk("tIME", new byte[7]),
                chunk("IDAT", deflate(new byte[9 * 28], 1)), END), "the image data is cut");
        for (int filter : new int[] {5, 128, 255}) {
            byte[] raw = new byte[4];
            raw[0] = (byte) filter;
            add("PNG of row filter " + filter, rgbPng(1, deflate(raw, 1)), "unknown filter " + filter);
        }
        add("PNG that needs a dictionary", rgbPng(1, concat(bytes(0x78, 0xbb, 1, 2, 3, 4), PIXEL)),
                "the image data is cut");
    }

    private static byte[] withFrame(byte[] jpeg, UnaryOperator<byte[]> change) {
        return concat(ImageBytes.segments(jpeg).stream()
                .map(part -> ImageBytes.isFrame(part) ? change.apply(part.clone()) : part).toList());
    }

    private static byte[] sized(byte[] jpeg, int height, int width) {
        return withFrame(jpeg, f -> ByteBuffer.wrap(f).putShort(5, (short) height).putShort(7, (short) width).array());
    }

    private void jpegHeaders() throws IOException {
        byte[] base = golden("jpeg-8x8.jpg");
        byte[] progressive = golden("jpeg-progressive.jpg");
        add("JPEG of 65500 by 65500", sized(base, 65500, 65500), "JPEG header: size is 65500 by 65500");
        add("JPEG of 15000 by 15000", sized(base, 15000, 15000), "JPEG header: size is 15000 by 15000");
        add("JPEG of 8000 by 8000", sized(base, 8000, 8000), "JPEG: the image data is cut: ");
        add("progressive JPEG of 8000 by 8000", sized(progressive, 8000, 8000), "the image data is cut: ");
        add("JPEG without width", sized(base, 8, 0), "size is 8 by 0");
        add("JPEG without height", sized(base, 0, 8), "size is 0 by 8");
        List<byte[]> late = new ArrayList<>(ImageBytes.segments(sized(base, 0, 8)));
        late.add(late.size() - 1, segment(0xdc, 0, 8));
        add("JPEG whose height comes behind its data", concat(late), "size is 0 by 8");
        for (int bits : new int[] {0, 1, 12, 16, 255}) {
            add("JPEG of " + bits + " bits", withFrame(base, f -> {
                f[4] = (byte) bits;
                return f;
            }), bits + " bits per value; allowed: 8");
        }
        for (int process : new int[] {3, 5, 6, 7, 11, 13, 14, 15}) {
            add("JPEG of process SOF" + process, withFrame(base, f -> {
                f[1] = (byte) (0xc0 + process);
                return f;
            }), "coding process SOF" + process + "; allowed: ");
        }
        add("arithmetic JPEG of 8000 by 8000", withFrame(sized(base, 8000, 8000), f -> {
            f[1] = (byte) 0xc9;
            return f;
        }), "size is 8000 by 8000 pixels in a file of ");
        for (int components : new int[] {0, 2, 5, 255}) {
            add("JPEG of " + components + " components", withFrame(base, f -> {
                f[9] = (byte) components;
                return f;
            }), components + " components in a segment of ");
        }
        for (int sampling : new int[] {0x00, 0x10, 0x01, 0x51, 0xff}) {
            add("JPEG of sampling " + Integer.toHexString(sampling), withFrame(base, f -> {
                f[11] = (byte) sampling;
                return f;
            }), "sampling of component 0 is ");
        }
        add("JPEG with two frames", withFrame(base, f -> concat(f, f)), "a second frame at byte ");
        add("JPEG without frame", withFrame(base, f -> new byte[0]), "before the header of the frame");
        add("JPEG whose frame ends early", withFrame(base, f -> segment(0xc0, 8, 0, 8)), "JPEG");
        add("hierarchical JPEG", withFrame(base, f -> {
            byte[] outer = f.clone();
            outer[1] = (byte) 0xde;
            return concat(outer, f);
        }), "hierarchical");
        add("JPEG of the reserved process", withFrame(base, f -> concat(segment(0xc8, 0), f)), "hierarchical or reser");
    }

    private void jpegSegments() throws IOException {
        byte[] base = golden("jpeg-8x8.jpg");
        List<byte[]> parts = ImageBytes.segments(base);
        byte[] start = parts.get(0);
        byte[] rest = Arrays.copyOfRange(base, 2, base.length);
        add("JPEG of its start alone", bytes(0xff, 0xd8, 0xff), "the file is cut: no end marker in 3 bytes");
        add("JPEG of start and end", bytes(0xff, 0xd8, 0xff, 0xd9), "no image data before the end marker");
        add("JPEG with two starts", concat(start, start, rest), "a second start of image at byte 2");
        for (int length : new int[] {0, 1}) {
            add("JPEG segment of length " + length, concat(start, bytes(0xff, 0xe2, 0, length), rest),
                    "has length " + length + "; allowed: 2 or more");
        }
        add("JPEG segment longer than the file", concat(start, bytes(0xff, 0xe2, 0xff, 0xff), rest), "the file is cut");
        for (int marker : new int[] {0x02, 0x4f, 0xbf}) {
            add("JPEG marker " + Integer.toHexString(marker), concat(start, segment(marker, 1, 2), rest),
                    "unknown marker 0x" + Integer.toHexString(marker) + " at byte 2");
        }
        add("JPEG without end", Arrays.copyOf(base, base.length - 2), "the file is cut in its image data");
        add("JPEG cut in half", Arrays.copyOf(base, base.length / 2), "JPEG: the file is cut");
        add("JPEG without quantisation tables", without(parts, 0xdb), "JPEG: ");
        add("JPEG of zeros behind its start", concat(bytes(0xff, 0xd8, 0xff), new byte[1000]), "no end marker");
        add("JPEG with a table of no known number", concat(start, segment(0xdb, concat(bytes(9), new byte[64])), rest),
                "JPEG: ");
        add("JPEG with a Huffman table of 4080 codes", concat(start, segment(0xc4, full(17, 0xff)), rest), "JPEG: ");
    }

    private static byte[] full(int length, int value) {
        byte[] out = new byte[length];
        Arrays.fill(out, (byte) value);
        out[0] = 0;
        return out;
    }

    private static byte[] without(List<byte[]> parts, int marker) {
        return concat(parts.stream().filter(p -> p.length < 4 || ImageBytes.marker(p) != marker).toList());
    }

    /** The file with its scans (parts that begin with SOS) replaced. */
    private static byte[] withScans(byte[] jpeg, UnaryOperator<byte[]> change) {
        return concat(ImageBytes.segments(jpeg).stream()
                .map(p -> p.length > 4 && ImageBytes.marker(p) == 0xda ? change.apply(p.clone()) : p).toList());
    }

    private void jpegScans() throws IOException {
        byte[] base = golden("jpeg-444.jpg");
        byte[] progressive = golden("jpeg-progressive.jpg");
        byte[] restarts = golden("jpeg-restarts.jpg");
        add("progressive JPEG of hundreds of scans", withScans(progressive, scan -> repeat(scan, 50)),
                "more than 100 scans");
        add("progressive JPEG of 8000 by 8000 with 30 scans", withScans(sized(progressive, 8000, 8000),
                scan -> repeat(scan, 3)), "17 scans or more of 8000 by 8000 pixels; allowed: 16");
        add("JPEG of 101 empty scans", withScans(base, scan -> repeat(Arrays.copyOf(scan, 14), 101)),
                "more than 100 scans");
        add("JPEG of an empty scan", withScans(base, scan -> Arrays.copyOf(scan, 14)),
                "the image data is cut: 0 bytes");
        add("JPEG of half a scan", withScans(base, scan -> Arrays.copyOf(scan, scan.length / 2)), "JPEG: ");
        add("JPEG of a scan of 5 components", withScans(base, scan -> {
            scan[4] = 5;
            return scan;
        }), "JPEG: ");
        add("JPEG of a scan of no components", withScans(base, scan -> {
            scan[4] = 0;
            return scan;
        }), "JPEG: ");
        add("JPEG of a scan of an unknown component", withScans(base, scan -> {
            scan[5] = 77;
            return scan;
        }), "JPEG: ");
        add("JPEG of a scan with a table that is not there", withScans(base, scan -> {
            scan[6] = 0x33;
            return scan;
        }), "JPEG: ");
        add("progressive JPEG that starts with its last band", withScans(progressive, scan -> {
            scan[scan[3] - 1] = 63;
            return scan;
        }), "JPEG: ");
        add("JPEG whose restart markers are all the first", withScans(restarts, scan -> {
            for (int i = 14; i + 1 < scan.length; i++) {
                if (scan[i] == (byte) 0xff && (scan[i + 1] & 0xf8) == 0xd0) {
                    scan[i + 1] = (byte) 0xd0;
                }
            }
            return scan;
        }), "JPEG: ");
        add("JPEG that lacks its restart markers", withScans(restarts, scan -> {
            byte[] out = new byte[scan.length];
            int to = 0;
            for (int i = 0; i < scan.length; i++) {
                if (i > 14 && scan[i] == (byte) 0xff && (scan[i + 1] & 0xf8) == 0xd0) {
                    i++;
                } else {
                    out[to++] = scan[i];
                }
            }
            return Arrays.copyOf(out, to);
        }), "JPEG: ");
        add("JPEG with restart markers that were not announced", without(ImageBytes.segments(restarts), 0xdd),
                "JPEG: ");
    }

    private static byte[] repeat(byte[] part, int times) {
        byte[][] parts = new byte[times][];
        Arrays.fill(parts, part);
        return concat(parts);
    }

    private void gifs() {
        byte[] pixel = gifData(2, gifCodes(2, new byte[1]));
        byte[] frame = gifFrame(0, 0, 1, 1, 0);
        byte[] end = bytes(';');
        byte[] screen = gifScreen(1, 1, 2);
        add("GIF of its first bytes alone", ascii("GIF89a"), "GIF: the file is cut: 6 bytes");
        add("GIF of another version", concat(ascii("GIF88a"), new byte[20]), "unknown first bytes");
        add("GIF cut in its palette", Arrays.copyOf(screen, 20), "the file is cut: 20 bytes");
        add("GIF without frame", concat(screen, end), "GIF: no frame before the end");
        add("GIF that ends before its frame", screen, "the file is cut");
        add("GIF cut in a frame's header", concat(screen, Arrays.copyOf(frame, 6)), "the file is cut");
        add("GIF cut in an extension", concat(screen, bytes('!', 0xfe, 200, 1, 2)), "the file is cut");
        add("GIF of extensions alone", concat(screen, bytes('!', 0xfe, 1, 1, 0), end), "no frame before the end");
        add("GIF frame without width", concat(screen, gifFrame(0, 0, 0, 1, 0), pixel, end),
                "GIF frame: size is 1 by 0");
        add("GIF frame without height", concat(screen, gifFrame(0, 0, 1, 0, 0), pixel, end), "size is 0 by 1");
        add("GIF of 65535 by 32767", concat(gifScreen(65535, 32767, 2), frame, pixel, end), "GIF screen: size is ");
        add("GIF frame of 65535 by 32767", concat(screen, gifFrame(0, 0, 65535, 32767, 0), pixel, end), "GIF frame: ");
        add("GIF of 8000 by 8000 with a small frame", concat(gifScreen(8000, 8000, 2), frame, pixel, end),
                "GIF screen: size is 8000 by 8000");
        add("GIF frame of 8000 by 8000", concat(gifScreen(8000, 8000, 2), gifFrame(0, 0, 8000, 8000, 0), pixel, end),
                "8000 by 8000");
        add("GIF frame far outside", concat(screen, gifFrame(65535, 65535, 1, 1, 0), pixel, end), "GIF screen: ");
        for (int bits : new int[] {0, 9, 12, 255}) {
            add("GIF of first code size " + bits, concat(screen, frame, bytes(bits), new byte[9], end),
                    "first code size is " + bits + "; allowed: 1 to 8");
        }
        add("GIF of an unknown code", concat(screen, frame, gifData(2, packCodes(3, 4, 7, 5)), end),
                "code 7 of 6");
        add("GIF of a code that needs one before it", concat(screen, frame, gifData(2, packCodes(3, 4, 6, 5)), end),
                "code 6 of 6");
        add("GIF whose data ends at once", concat(screen, frame, gifData(2, packCodes(3, 4, 5)), end), "cut");
        add("GIF whose data is no block", concat(screen, frame, bytes(2, 0), end), "the image data is cut: 0 bytes");
        add("GIF cut in a block", concat(screen, frame, bytes(2, 200, 1, 2)), "the file is cut");
        add("GIF of half its pixels", concat(gifScreen(9, 9, 2), gifFrame(0, 0, 9, 9, 0),
                gifData(2, gifCodes(2, new byte[40])), end), "the image data is cut");
        add("GIF of clear codes alone", concat(gifScreen(9, 9, 2), gifFrame(0, 0, 9, 9, 0),
                gifData(2, packCodes(3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4)), end), "cut");
        add("GIF cut in its frame's palette", concat(screen, gifFrame(0, 0, 1, 1, 0x87), new byte[20]), "cut");
    }

    private void bmps() {
        byte[] palette = new byte[1024];
        for (long size : new long[] {0, 13, 16, 39, 41, 125, 0xffffffffL}) {
            add("BMP header of " + size + " bytes", ImageBytes.bmpFile(54, concat(le32((int) size), new byte[60]),
                    new byte[9]), "BMP header: header of " + size + " bytes; allowed: ");
        }
        add("BMP of its first bytes alone", ascii("BM"), "BMP header: the file is cut: 2 bytes");
        add("BMP cut in its header", Arrays.copyOf(ImageBytes.bmp(1, 1, 24, 0, 0, 54, new byte[4]), 30), "cut");
        for (int bits : new int[] {0, 2, 3, 12, 64}) {
            add("BMP of " + bits + " bits", ImageBytes.bmp(1, 1, bits, 0, 0, 54, new byte[9]),
                    bits + " bits with comp");
        }
        int[][] compressions = {{24, 4}, {24, 5}, {32, 6}, {4, 1}, {8, 2}, {24, 1}, {8, 3}, {24, -1}};
        for (int[] pair : compressions) {
            add("BMP of " + pair[0] + " bits with compression " + pair[1], ImageBytes.bmp(1, 1, pair[0], pair[1], 0, 54,
                    palette), pair[0] + " bits with compression " + (pair[1] & 0xffffffffL));
        }
        add("BMP without width", ImageBytes.bmp(0, 1, 24, 0, 0, 54, new byte[4]), "size is 1 by 0");
        add("BMP without height", ImageBytes.bmp(1, 0, 24, 0, 0, 54, new byte[4]), "size is 0 by 1");
        add("BMP of negative width", ImageBytes.bmp(-1, 1, 24, 0, 0, 54, new byte[4]), "by 4294967295");
        add("BMP of height -2^31", ImageBytes.bmp(1, Integer.MIN_VALUE, 24, 0, 0, 54, new byte[4]), "size is 21474836");
        add("BMP of 30000 by 30000", ImageBytes.bmp(30000, 30000, 8, 1, 256, 1078, palette), "size is 30000 by 30000");
        add("BMP of 8000 by 8000", ImageBytes.bmp(8000, 8000, 24, 0, 0, 54, new byte[4]), "BMP: the file is cut");
        add("BMP of runs, 8000 by 8000", ImageBytes.bmp(8000, 8000, 8, 1, 256, 1078, concat(palette, bytes(0, 1))),
                "pixels in a file of ");
        byte[] jumps = repeat(bytes(0, 2, 255, 255), 40);
        add("BMP of jumps, 8192 by 8192", ImageBytes.bmp(8192, 8192, 8, 1, 256, 1078, concat(palette, jumps)),
                "pixels in a file of ");
        add("BMP of runs that end early", ImageBytes.bmp(9, 9, 8, 1, 256, 1078, concat(palette, bytes(9, 1, 0, 1))),
                "the image data is cut: 9 pixels of 9 by 9");
        add("BMP of runs cut in plain pixels", ImageBytes.bmp(9, 9, 8, 1, 256, 1078, concat(palette,
                bytes(0, 9, 1, 2))), "the image data is cut: 0 pixels");
        add("BMP of runs cut in a pair", ImageBytes.bmp(9, 9, 8, 1, 256, 1078, concat(palette, bytes(9, 1, 9))),
                "the image data is cut: 9 pixels of 9 by 9");
        add("BMP of runs cut in a jump", ImageBytes.bmp(9, 9, 8, 1, 256, 1078, concat(palette, bytes(9, 1, 0, 2, 1))),
                "the image data is cut: 9 pixels of 9 by 9");
        add("BMP of runs that starts at its end", ImageBytes.bmp(9, 9, 8, 1, 256, 1078, palette),
                "the image data is cut: 0 pixels of 9 by 9");
        add("BMP whose longer header is cut", ImageBytes.bmpFile(54, concat(le32(124), le32(1), le32(1),
                bytes(1, 0, 24, 0), new byte[24]), new byte[9]), "BMP header: the file is cut");
        add("BMP of unknown masks", ImageBytes.bmp(1, 1, 32, 3, 0, 66, concat(le32(1), le32(2), le32(4), new byte[4])),
                "colour masks 1, 2, 4; no known layout");
        add("BMP whose masks are cut", ImageBytes.bmp(1, 1, 16, 3, 0, 54, le32(0x1f)), "the file is cut");
        for (int colours : new int[] {65537, -1}) {
            add("BMP of " + colours + " colours", ImageBytes.bmp(1, 1, 8, 0, colours, 54, palette),
                    "palette of " + (colours & 0xffffffffL) + " colours; allowed: 1 to 65536");
        }
        add("BMP whose pixels start behind it", ImageBytes.bmp(1, 1, 24, 0, 0, 9999, new byte[4]),
                "pixels start at byte 9999 of 58");
        add("BMP whose pixels start at 2^32 - 1", ImageBytes.bmp(1, 1, 24, 0, 0, -1, new byte[4]),
                "pixels start at byte 4294967295");
        add("BMP that lacks its last pixel", ImageBytes.bmp(3, 3, 24, 0, 0, 54, new byte[32]), "BMP: the file is cut");
        byte[] os2 = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN).putInt(12).putShort((short) 65535)
                .putShort((short) 65535).putShort((short) 1).putShort((short) 24).array();
        add("OS/2 BMP of 65535 by 65535", ImageBytes.bmpFile(26, os2, new byte[4]), "size is 65535 by 65535");
    }

    private void webps() throws IOException {
        byte[] lossless = ImageBytes.webpChunk(golden("webp-lossless.webp"), "VP8L");
        byte[] lossy = ImageBytes.webpChunk(golden("webp-q30.webp"), "VP8 ");
        int h = 1 + (ByteBuffer.wrap(lossless).order(ByteOrder.LITTLE_ENDIAN).getInt(9) >> 14 & 0x3fff);
        int w = 1 + (ByteBuffer.wrap(lossless).order(ByteOrder.LITTLE_ENDIAN).getInt(9) & 0x3fff);
        byte[] plain = vp8x(0, h, w);
        byte[] animated = concat(vp8x(2, h, w), riff("ANIM", new byte[6]));
        add("WebP of its first bytes alone", concat(ascii("RIFF"), le32(4), ascii("WEBP")),
                "WebP: first chunk is neither ");
        add("WebP longer than its file", concat(ascii("RIFF"), le32(5000), ascii("WEBP"), lossless), "file is cut");
        add("WebP of length 2^32 - 1", concat(ascii("RIFF"), le32(-1), ascii("WEBP"), lossless), "the file is cut");
        add("WebP that starts with another chunk", webp(riff("EXIF", ImageBytes.exif(6)), lossless), "first chunk is ");
        add("WebP whose chunk is longer than it", webp(concat(Arrays.copyOf(lossless, 4), le32(1 << 20), new byte[9])),
                "the chunk at byte 12 has 1048576 bytes; left: ");
        add("WebP of a short header", webp(riff("VP8X", new byte[9]), lossless), "VP8X of 9 bytes");
        add("WebP of a header alone", webp(plain), "WebP: no image");
        add("WebP of two images", webp(plain, lossless, lossless), "a second image at byte ");
        add("WebP of a frame but no animation", webp(plain, frame(0, 0, h, w, lossless)), "a frame but no animation");
        add("WebP of a frame before its ANIM", webp(vp8x(2, h, w), frame(0, 0, h, w, lossless)), "no animation");
        add("WebP of an image outside a frame", webp(animated, lossless), "an image outside a frame");
        add("WebP of an empty frame", webp(animated, frame(0, 0, h, w, new byte[0])), "the first frame has no image");
        add("WebP of a frame of 15 bytes", webp(animated, riff("ANMF", new byte[15])), "a frame of 15 bytes");
        add("WebP of a frame beside its canvas", webp(animated, frame(1, 0, h, w, lossless)),
                "does not fit the canvas");
        add("WebP of a frame of another size", webp(animated, frame(0, 0, h - 1, w, lossless)), "its image " + h);
        add("WebP on a larger canvas", webp(vp8x(0, h + 1, w), lossless), "the frame is " + (h + 1) + " by " + w);
        add("WebP on a smaller canvas", webp(vp8x(0, h - 1, w), lossless), "the frame is " + (h - 1) + " by " + w);
        add("WebP canvas of 2^24 by 2^24", webp(vp8x(0, 1 << 24, 1 << 24), lossless), "size is 16777216 by 16777216");
        add("WebP canvas of 8192 by 8192", webp(concat(vp8x(2, 8192, 8192), riff("ANIM", new byte[6])),
                frame(0, 0, h, w, lossless)), "WebP header: size is 8192 by 8192 pixels in a file of ");
        add("lossless WebP of 16384 by 16384", webp(vp8l(16384, 16384)), "size is 16384 by 16384");
        add("lossless WebP of 8192 by 8192 in 30 bytes", webp(vp8l(8192, 8192)), "pixels in a file of 34 bytes");
        add("lossless WebP of 1024 by 1024 and no data", webp(vp8l(1024, 1024)), "WebP: ");
        add("lossless WebP of another signature", webp(riff("VP8L", bytes(0x2e, 0, 0, 0, 0))), "no lossless signature");
        add("lossless WebP of 4 bytes", webp(riff("VP8L", bytes(0x2f, 0, 0, 0))), "no lossless signature");
        byte[] half = Arrays.copyOfRange(lossless, 8, lossless.length / 2);
        add("lossless WebP of half its data", webp(riff("VP8L", half)), "WebP: the image data is cut");
        add("lossy WebP that needs one before it", webp(changed(lossy, 8, lossy[8] | 1)), "no key frame");
        add("lossy WebP of another start code", webp(changed(lossy, 11, 0)), "no key frame");
        add("lossy WebP without width", webp(changed(changed(lossy, 14, 0), 15, 0)), "by 0 pixels");
        add("lossy WebP of 9 bytes", webp(riff("VP8 ", new byte[9])), "no key frame");
        add("lossy WebP of 16383 by 16383", webp(changed(changed(changed(changed(lossy, 14, 255), 15, 63), 16, 255), 17,
                63)), "size is 16383 by 16383");
        add("lossy WebP of a header alone", webp(riff("VP8 ", Arrays.copyOfRange(lossy, 8, 20))), "WebP: ");
    }

    private static byte[] changed(byte[] chunk, int at, int value) {
        byte[] out = chunk.clone();
        out[at] = (byte) value;
        return out;
    }

    private static byte[] vp8l(int height, int width) {
        return riff("VP8L", concat(bytes(0x2f), le32(width - 1 | height - 1 << 14), new byte[9]));
    }

    private static byte[] vp8x(int flags, int height, int width) {
        return riff("VP8X", concat(bytes(flags, 0, 0, 0), le24(width - 1), le24(height - 1)));
    }

    /** An animation's frame at twice that row and column. */
    private static byte[] frame(int top, int left, int height, int width, byte[] image) {
        return riff("ANMF", concat(le24(left), le24(top), le24(width - 1), le24(height - 1), new byte[4], image));
    }
}
