package io.attentivecutmix.image;

import static io.attentivecutmix.image.ImageBytes.ascii;
import static io.attentivecutmix.image.ImageBytes.bytes;
import static io.attentivecutmix.image.ImageBytes.chunk;
import static io.attentivecutmix.image.ImageBytes.concat;
import static io.attentivecutmix.image.ImageBytes.riff;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * Image files whose frame is right (checksums, lengths, markers) and whose content may be anything, so that what is
 * drawn reaches the code behind the first checks. One in four is damaged once more, byte by byte.
 */
final class ImageGenerator {
    /** Golden files small enough to be mutated quickly. */
    private static final int MOST_BYTES = 4000;
    private static final List<byte[]> SEEDS = seeds("").toList();
    private static final List<byte[]> JPEGS = seeds("jpeg").toList();
    private static final List<byte[]> WEBPS = seeds("webp").toList();

    private final Draw draw;

    private ImageGenerator(Draw draw) {
        this.draw = draw;
    }

    /** Golden files whose name begins so: what fuzzing starts from. */
    static Stream<byte[]> seeds(String start) {
        try {
            return GoldenFiles.all().stream().filter(g -> g.file().startsWith(start)).map(GoldenFiles::bytes)
                    .filter(b -> b.length < MOST_BYTES);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static byte[] next(Draw draw) {
        ImageGenerator generator = new ImageGenerator(draw);
        byte[] file = switch (draw.below(6)) {
            case 0 -> generator.png();
            case 1 -> generator.jpeg();
            case 2 -> generator.gif();
            case 3 -> generator.bmp();
            case 4 -> generator.webp();
            default -> draw.mutate(SEEDS.get(draw.below(SEEDS.size())));
        };
        return draw.oneIn(4) ? draw.mutate(file) : file;
    }

    /** A side: mostly small, at times the sort of number that overflows. */
    private int side() {
        return draw.oneIn(12)
                ? draw.anyInt(0, 1, 255, 4096, 8192, 16383, 16384, 16385, 65535, 1 << 24, Integer.MAX_VALUE, -1, -2)
                : 1 + draw.below(24);
    }

    // ---- PNG

    private byte[] png() {
        int width = side();
        int height = side();
        int colourType = draw.oneIn(16) ? draw.below(256) : draw.anyInt(0, 2, 3, 4, 6);
        int depth = draw.oneIn(16) ? draw.below(33)
                : colourType == 0 || colourType == 3 ? draw.anyInt(1, 2, 4, 8) : draw.anyInt(8, 16);
        int interlace = draw.oneIn(16) ? draw.below(256) : draw.below(2);
        List<byte[]> chunks = new ArrayList<>();
        chunks.add(ImageBytes.ihdr(width, height, depth, colourType, interlace));
        if (colourType == 3 && !draw.oneIn(8)) {
            chunks.add(chunk("PLTE", draw.bytes(3 * draw.below(257))));
        }
        others(chunks);
        int channels = colourType == 2 ? 3 : colourType == 4 ? 2 : colourType == 6 ? 4 : 1;
        // Room for the filters of all passes as well
        long size = Math.min(1 << 14, (8L + (long) width * channels * depth / 8) * (height + 8L));
        byte[] raw = new byte[(int) Math.max(0, draw.oneIn(8) ? size / 2 : size)];
        byte[] drawn = draw.bytes(Math.min(raw.length, 64));
        for (int i = 0; i < raw.length && drawn.length > 0; i++) {
            raw[i] = draw.oneIn(2) ? (byte) (drawn[i % drawn.length] & 3) : drawn[i % drawn.length];
            if (i > 2 * drawn.length) {
                raw[i] = raw[i - drawn.length];
            }
        }
        byte[] data = ImageBytes.deflate(raw, 1);
        int split = 1 + draw.below(data.length);
        chunks.add(chunk("IDAT", Arrays.copyOf(data, split)));
        if (split < data.length) {
            if (draw.oneIn(6)) {
                others(chunks);
            }
            chunks.add(chunk("IDAT", Arrays.copyOfRange(data, split, data.length)));
        }
        others(chunks);
        chunks.add(ImageBytes.END);
        if (draw.oneIn(8)) {
            byte[] moved = chunks.remove(draw.below(chunks.size()));
            chunks.add(draw.below(chunks.size() + 1), moved);
        }
        if (draw.oneIn(16)) {
            int at = draw.below(chunks.size());
            byte[] any = chunks.get(at).clone();
            chunks.set(at, any);
            any[draw.below(any.length)] ^= (byte) (1 << draw.below(8));
        }
        return concat(ImageBytes.PNG_MAGIC, concat(chunks));
    }

    private void others(List<byte[]> chunks) {
        for (int count = draw.below(3); count > 0; count--) {
            chunks.add(switch (draw.below(9)) {
                case 0 -> chunk("tRNS", draw.bytes(draw.below(8)));
                case 1 -> chunk("eXIf", exif());
                case 2 -> chunk("zTXt", concat(ascii(draw.any("XML:com.adobe.xmp\0\0", "Raw profile type exif\0\0",
                        "x\0\0")), text()));
                case 3 -> chunk("iTXt", concat(ascii("XML:com.adobe.xmp\0"), bytes(draw.below(2), 0),
                        ascii(draw.any("en\0k\0", "\0\0", "\0", "")), text()));
                case 4 -> chunk("tEXt", concat(ascii("Raw profile type exif\0"), text()));
                case 5 -> concat(chunk("acTL", new byte[8]), chunk("fcTL", draw.bytes(26)));
                case 6 -> chunk("iCCP", concat(ascii("p\0\0"), draw.bytes(20)));
                case 7 -> chunk("PLTE", draw.bytes(draw.below(800)));
                default -> chunk(draw.any("IDAT", "IEND", "IHDR", "fdAT", "gAMA", "aaaa", "\0\1\2\3"),
                        draw.bytes(draw.below(20)));
            });
        }
    }

    private byte[] text() {
        byte[] plain = switch (draw.below(4)) {
            case 0 -> ascii("tiff:Orientation=\"" + draw.below(10) + "\"");
            case 1 -> ascii("\nexif\n  30\n4578696600004d4d002a" + draw.any("00000008", "ffffffff", "0", "zz"));
            case 2 -> new byte[draw.anyInt(0, 10, 100_000, 1_100_000)];
            default -> draw.bytes(40);
        };
        return draw.oneIn(2) ? ImageBytes.deflate(plain, draw.oneIn(20) ? 20 : 1) : plain;
    }

    private byte[] exif() {
        byte[] exif = ImageBytes.exif(draw.below(10));
        return concat(ascii(draw.any("", "", "Exif\0\0", "Exif\0\0Exif\0\0")),
                draw.oneIn(2) ? draw.mutate(exif) : exif);
    }

    // ---- JPEG

    private byte[] jpeg() {
        List<byte[]> parts = new ArrayList<>(ImageBytes.segments(JPEGS.get(draw.below(JPEGS.size()))));
        for (int change = draw.below(5); change > 0 && parts.size() > 2; change--) {
            int at = 1 + draw.below(parts.size() - 1);
            switch (draw.below(10)) {
                case 0 -> parts.remove(at);
                case 1 -> parts.add(at, parts.get(1 + draw.below(parts.size() - 1)));
                case 2 -> parts.add(at, ImageBytes.segment(draw.below(256), draw.bytes(draw.below(20))));
                case 3 -> parts.add(at, ImageBytes.segment(0xe1, concat(ascii("Exif\0\0"), exif())));
                case 4 -> parts.add(at, bytes(0xff, 0xd0 + draw.below(8)));
                case 5 -> parts.add(at, ImageBytes.segment(0xdd, 0, draw.below(20)));
                case 6 -> parts.add(at, ImageBytes.segment(0xee, concat(ascii("Adobe"), bytes(0, 100, 0, 0, 0, 0),
                        bytes(draw.below(4)))));
                case 7 -> {
                    for (int i = 0; i < parts.size(); i++) {
                        if (ImageBytes.isFrame(parts.get(i)) && parts.get(i).length > 12) {
                            parts.set(i, frame(parts.get(i).clone()));
                        }
                    }
                }
                default -> {
                    // Behind marker and length, so that the walk goes on.
                    byte[] part = parts.get(at).clone();
                    for (int i = draw.below(6); i > 0 && part.length > 4; i--) {
                        part[4 + draw.below(Math.min(part.length - 4, 40))] = (byte) draw.below(256);
                    }
                    parts.set(at, part);
                }
            }
        }
        return concat(parts);
    }

    private byte[] frame(byte[] frame) {
        switch (draw.below(5)) {
            case 0 -> frame[1] = (byte) (0xc0 + draw.below(16));
            case 1 -> ByteBuffer.wrap(frame).putShort(5, (short) side());
            case 2 -> ByteBuffer.wrap(frame).putShort(7, (short) side());
            case 3 -> frame[9] = (byte) draw.below(6);
            default -> frame[11 + 3 * draw.below((frame.length - 10) / 3)] =
                    (byte) (draw.below(6) << 4 | draw.below(6));
        }
        return frame;
    }

    // ---- GIF

    private byte[] gif() {
        int width = side();
        int height = side();
        int bits = 1 + draw.below(8);
        List<byte[]> parts = new ArrayList<>();
        parts.add(ImageBytes.gifScreen(width, height, draw.below(9)));
        for (int count = draw.below(3); count > 0; count--) {
            parts.add(draw.oneIn(2) ? bytes('!', 0xf9, 4, draw.below(16), 0, 0, draw.below(256), 0)
                    : concat(bytes('!', draw.below(256)), blocks()));
        }
        int frames = draw.oneIn(8) ? draw.below(3) : 1;
        for (int frame = 0; frame < frames; frame++) {
            int w = draw.oneIn(6) ? side() : Math.max(1, width & 31);
            int h = draw.oneIn(6) ? side() : Math.max(1, height & 31);
            int flags = draw.oneIn(4) ? draw.below(256) : draw.below(2) << 6;
            parts.add(ImageBytes.gifFrame(draw.oneIn(6) ? side() : 0, draw.oneIn(6) ? side() : 0, w, h, flags));
            if ((flags & 0x80) != 0) {
                parts.add(Arrays.copyOf(draw.bytes(8), 3 << (flags & 7) + 1));
            }
            byte[] indices = Arrays.copyOf(draw.bytes(64), Math.max(0, Math.min(2000, w * h)));
            byte[] codes = draw.oneIn(3) ? draw.bytes(200) : ImageBytes.gifCodes(bits, indices);
            parts.add(ImageBytes.gifData(draw.oneIn(16) ? draw.below(256) : bits, codes));
        }
        parts.add(bytes(';'));
        return concat(parts);
    }

    private byte[] blocks() {
        byte[] body = draw.bytes(draw.below(30));
        return concat(bytes(body.length), body, bytes(0));
    }

    // ---- BMP

    private byte[] bmp() {
        int size = draw.oneIn(16) ? draw.below(200) : draw.anyInt(12, 40, 52, 56, 64, 108, 124);
        int bits = draw.oneIn(16) ? draw.below(65) : draw.anyInt(1, 4, 8, 16, 24, 32);
        int compression = draw.oneIn(16) ? draw.below(256) : bits == 8 ? draw.below(2) : bits == 4 ? 2 * draw.below(2)
                : bits >= 16 ? 3 * draw.below(2) : 0;
        int width = side();
        int height = draw.oneIn(4) ? -side() : side();
        ByteBuffer header = ByteBuffer.allocate(Math.max(size, 64)).order(ByteOrder.LITTLE_ENDIAN).putInt(size);
        if (size == 12) {
            header.putShort((short) width).putShort((short) height).putShort((short) 1).putShort((short) bits);
        } else {
            header.putInt(width).putInt(height).putShort((short) 1).putShort((short) bits).putInt(compression)
                    .putInt(0).putInt(0).putInt(0)
                    .putInt(draw.oneIn(3) ? draw.anyInt(1, 2, 200, 256, 257, 65536, 65537, -1, 1 << 30) : 0).putInt(0);
            int[] masks = draw.any(new int[] {0xf800, 0x7e0, 0x1f}, new int[] {0x7c00, 0x3e0, 0x1f},
                    new int[] {0xff0000, 0xff00, 0xff}, new int[] {0xff, 0xff00, 0xff0000}, new int[3],
                    new int[] {0xff000000, 0xff0000, 0xff00}, new int[] {draw.below(1 << 30), 1, 2});
            for (int mask : masks) {
                header.putInt(mask);
            }
        }
        byte[] rest = draw.bytes(draw.below(600));
        int run = draw.below(200);
        byte[] ops = compression == 1 || compression == 2 ? new byte[2 * run] : new byte[0];
        for (int i = 0; i < ops.length; i++) {
            ops[i] = (byte) (draw.oneIn(2) ? draw.below(256) : draw.below(4));
        }
        byte[] data = concat(Arrays.copyOf(header.array(), Math.max(size, 4)), rest, ops);
        int offset = draw.oneIn(4) ? draw.anyInt(0, 14, 54, 1078, data.length, data.length + 14, -1) : 14 + size;
        return ImageBytes.bmpFile(offset, data, new byte[draw.oneIn(2) ? 4 * 24 * 24 : 0]);
    }

    // ---- WebP

    private byte[] webp() {
        byte[] donor = WEBPS.get(draw.below(WEBPS.size()));
        byte[] image = Stream.of("VP8L", "VP8 ").map(type -> part(donor, type)).filter(Objects::nonNull).findFirst()
                .orElseGet(() -> riff("VP8L", bytes(0x2f, 0, 0, 0, 0)));
        if (draw.oneIn(2)) {
            image = image.clone();
            for (int i = draw.below(6); i > 0 && image.length > 8; i--) {
                image[8 + draw.below(Math.min(image.length - 8, 60))] = (byte) draw.below(256);
            }
        }
        List<byte[]> chunks = new ArrayList<>();
        if (draw.oneIn(2)) {
            chunks.add(riff("VP8X", concat(bytes(draw.below(64), 0, 0, 0), ImageBytes.le24(side() - 1),
                    ImageBytes.le24(side() - 1))));
        }
        for (int count = draw.below(3); count > 0; count--) {
            chunks.add(switch (draw.below(5)) {
                case 0 -> riff("EXIF", exif());
                case 1 -> riff("XMP ", text());
                case 2 -> riff("ALPH", draw.bytes(draw.below(20)));
                case 3 -> riff("ANIM", draw.bytes(6));
                default -> riff("ANMF", concat(ImageBytes.le24(draw.below(3)), ImageBytes.le24(draw.below(3)),
                        ImageBytes.le24(side() - 1), ImageBytes.le24(side() - 1), new byte[4], image));
            });
        }
        chunks.add(draw.below(chunks.size() + 1), image);
        return ImageBytes.webp(chunks.toArray(byte[][]::new));
    }

    private static byte[] part(byte[] webp, String type) {
        try {
            return ImageBytes.webpChunk(webp, type);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }
}
