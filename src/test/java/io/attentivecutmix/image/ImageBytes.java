package io.attentivecutmix.image;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/** Image files byte by byte, right or wrong as a test wants them. */
final class ImageBytes {
    static final byte[] PNG_MAGIC = {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10};
    static final byte[] END = chunk("IEND");

    private ImageBytes() {
    }

    static byte[] concat(byte[]... parts) {
        var out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }

    static byte[] concat(List<byte[]> parts) {
        return concat(parts.toArray(byte[][]::new));
    }

    static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    /** Bytes given as ints. */
    static byte[] bytes(int... values) {
        byte[] out = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            out[i] = (byte) values[i];
        }
        return out;
    }

    /** A zlib stream of a block, so many times over. */
    static byte[] deflate(byte[] block, int times) {
        Deflater deflater = new Deflater(9);
        var out = new ByteArrayOutputStream();
        byte[] buffer = new byte[1 << 14];
        for (int i = 0; i < times; i++) {
            deflater.setInput(block);
            while (!deflater.needsInput()) {
                out.write(buffer, 0, deflater.deflate(buffer));
            }
        }
        deflater.finish();
        while (!deflater.finished()) {
            out.write(buffer, 0, deflater.deflate(buffer));
        }
        deflater.end();
        return out.toByteArray();
    }

    // ---- PNG

    /** A chunk with its right checksum. */
    static byte[] chunk(String type, byte... body) {
        ByteBuffer out = ByteBuffer.allocate(12 + body.length).putInt(body.length).put(ascii(type)).put(body);
        CRC32 crc = new CRC32();
        crc.update(out.array(), 4, 4 + body.length);
        return out.putInt((int) crc.getValue()).array();
    }

    static byte[] ihdr(int width, int height, int depth, int colourType, int interlace) {
        return chunk("IHDR", ByteBuffer.allocate(13).putInt(width).putInt(height).put((byte) depth)
                .put((byte) colourType).put((byte) 0).put((byte) 0).put((byte) interlace).array());
    }

    static byte[] png(byte[]... chunks) {
        return concat(PNG_MAGIC, concat(chunks));
    }

    /** A PNG of 8-bit RGB with a side, its image data, and chunks before it. */
    static byte[] rgbPng(int side, byte[] data, byte[]... before) {
        return png(ihdr(side, side, 8, 2, 0), concat(before), chunk("IDAT", data), END);
    }

    // ---- JPEG

    /** A marker with its length and body. */
    static byte[] segment(int marker, int... body) {
        return segment(marker, bytes(body));
    }

    static byte[] segment(int marker, byte[] body) {
        return ByteBuffer.allocate(4 + body.length).put((byte) 0xff).put((byte) marker)
                .putShort((short) (2 + body.length)).put(body).array();
    }

    /**
     * A JPEG file taken apart: the start marker, one part for every segment (a scan with its data is one), the end
     * marker with what follows it.
     */
    static List<byte[]> segments(byte[] jpeg) {
        List<byte[]> parts = new ArrayList<>();
        parts.add(Arrays.copyOf(jpeg, 2));
        int at = 2;
        while ((jpeg[at + 1] & 0xff) != 0xd9) {
            if (jpeg[at + 1] == (byte) 0xff) {
                // A fill byte
                at++;
                continue;
            }
            int end = at + 2 + (ByteBuffer.wrap(jpeg).getShort(at + 2) & 0xffff);
            if ((jpeg[at + 1] & 0xff) == 0xda) {
                while (jpeg[end] != (byte) 0xff || jpeg[end + 1] == 0 || (jpeg[end + 1] & 0xf8) == 0xd0) {
                    end++;
                }
            }
            parts.add(Arrays.copyOfRange(jpeg, at, end));
            at = end;
        }
        parts.add(Arrays.copyOfRange(jpeg, at, jpeg.length));
        return parts;
    }

    /** The marker that a part of {@link #segments} begins with. */
    static int marker(byte[] segment) {
        return segment[1] & 0xff;
    }

    static boolean isFrame(byte[] segment) {
        int marker = marker(segment);
        return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    }

    // ---- GIF

    /** Screen descriptor of a GIF89a with a palette of 2^bits grey values, or none for 0 bits. */
    static byte[] gifScreen(int width, int height, int bits) {
        byte[] palette = new byte[bits == 0 ? 0 : 3 << bits];
        for (int i = 0; i < palette.length; i++) {
            palette[i] = (byte) (7 + 11 * i);
        }
        return concat(ascii("GIF89a"), le16(width), le16(height), bytes(bits == 0 ? 0 : 0x80 | bits - 1, 0, 0),
                palette);
    }

    static byte[] gifFrame(int left, int top, int width, int height, int flags) {
        return concat(bytes(','), le16(left), le16(top), le16(width), le16(height), bytes(flags));
    }

    /** First code size, data in blocks of up to 255 bytes, the empty block. */
    static byte[] gifData(int bits, byte[] codes) {
        var out = new ByteArrayOutputStream();
        out.write(bits);
        for (int at = 0; at < codes.length; at += 255) {
            int size = Math.min(255, codes.length - at);
            out.write(size);
            out.write(codes, at, size);
        }
        out.write(0);
        return out.toByteArray();
    }

    /** LZW codes without compression: a clear code before the table would need longer codes. */
    static byte[] gifCodes(int bits, byte[] indices) {
        int clear = 1 << bits;
        int[] codes = new int[2 * indices.length + 2];
        int count = 0;
        for (int i = 0; i < indices.length; i++) {
            if (i % Math.max(1, clear - 2) == 0) {
                codes[count++] = clear;
            }
            codes[count++] = indices[i] & clear - 1;
        }
        codes[count++] = clear + 1;
        return packCodes(bits + 1, Arrays.copyOf(codes, count));
    }

    /** Codes of so many bits each, least significant bit first. */
    static byte[] packCodes(int size, int... codes) {
        byte[] out = new byte[(codes.length * size + 7) / 8];
        for (int i = 0; i < codes.length * size; i++) {
            out[i / 8] |= (byte) ((codes[i / size] >> i % size & 1) << i % 8);
        }
        return out;
    }

    // ---- BMP

    /** A bitmap with a header of 40 bytes; offset 0 means just behind header and palette. */
    static byte[] bmp(int width, int height, int bits, int compression, int colours, int offset, byte[] rest) {
        byte[] header = ByteBuffer.allocate(40).order(ByteOrder.LITTLE_ENDIAN).putInt(40).putInt(width).putInt(height)
                .putShort((short) 1).putShort((short) bits).putInt(compression).putInt(0).putInt(0).putInt(0)
                .putInt(colours).putInt(0).array();
        return bmpFile(offset, header, rest);
    }

    static byte[] bmpFile(int offset, byte[] header, byte[] rest) {
        return concat(ascii("BM"), le32(14 + header.length + rest.length), le32(0), le32(offset), header, rest);
    }

    // ---- WebP

    /** A RIFF chunk, padded to even length. */
    static byte[] riff(String type, byte... body) {
        return concat(ascii(type), le32(body.length), body, new byte[body.length & 1]);
    }

    static byte[] webp(byte[]... chunks) {
        byte[] all = concat(chunks);
        return concat(ascii("RIFF"), le32(4 + all.length), ascii("WEBP"), all);
    }

    /** The chunk of that type with its header, out of a WebP file that has it. */
    static byte[] webpChunk(byte[] webp, String type) {
        ByteBuffer file = ByteBuffer.wrap(webp).order(ByteOrder.LITTLE_ENDIAN);
        for (int at = 12; at + 8 <= webp.length;) {
            int size = file.getInt(at + 4);
            if (new String(webp, at, 4, StandardCharsets.ISO_8859_1).equals(type)) {
                return Arrays.copyOfRange(webp, at, at + 8 + size + (size & 1));
            }
            at += 8 + size + (size & 1);
        }
        throw new IllegalArgumentException("no chunk " + type);
    }

    static byte[] le16(int value) {
        return bytes(value, value >> 8);
    }

    static byte[] le24(int value) {
        return bytes(value, value >> 8, value >> 16);
    }

    static byte[] le32(int value) {
        return bytes(value, value >> 8, value >> 16, value >> 24);
    }

    /** A TIFF header and one directory whose only entry is an orientation. */
    static byte[] exif(int orientation) {
        return concat(ascii("MM\0*"), bytes(0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0,
                0));
    }
}
