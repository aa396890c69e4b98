package io.attentivecutmix.image;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import org.junit.jupiter.api.Test;

/** Small files that declare large images or hold large texts: refused in few milliseconds and little memory. */
class ImageBombTest {
    private static final long MOST_BYTES = 8 << 20;
    private static final double MOST_MILLISECONDS = 20;

    private static byte[] concat(byte[]... parts) {
        var out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }

    private static byte[] chunk(String type, byte[] body) {
        ByteBuffer out = ByteBuffer.allocate(12 + body.length).putInt(body.length).put(type.getBytes()).put(body);
        CRC32 crc = new CRC32();
        crc.update(out.array(), 4, 4 + body.length);
        return out.putInt((int) crc.getValue()).array();
    }

    private static byte[] deflate(byte[] block, int times) {
        Deflater deflater = new Deflater(9);
        var out = new ByteArrayOutputStream();
        byte[] buffer = new byte[1 << 16];
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

    private static byte[] png(int side, byte[] data, byte[]... before) {
        byte[] header = ByteBuffer.allocate(13).putInt(side).putInt(side).put(new byte[] {8, 2, 0, 0, 0}).array();
        return concat(new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10}, chunk("IHDR", header), concat(before),
                chunk("IDAT", data), chunk("IEND", new byte[0]));
    }

    private static byte[] jpeg(byte[] base, int height, int width) {
        byte[] file = base.clone();
        int at = 2;
        while (file[at + 1] != (byte) 0xc0 && file[at + 1] != (byte) 0xc2) {
            at += 2 + (ByteBuffer.wrap(file).getShort(at + 2) & 0xffff);
        }
        ByteBuffer.wrap(file).putShort(at + 5, (short) height).putShort(at + 7, (short) width);
        return file;
    }

    private static byte[] manyScans(byte[] base, int times) {
        int scan = 2;
        while (base[scan + 1] != (byte) 0xda) {
            scan += 2 + (ByteBuffer.wrap(base).getShort(scan + 2) & 0xffff);
        }
        byte[] one = java.util.Arrays.copyOfRange(base, scan, base.length - 2);
        byte[] head = java.util.Arrays.copyOf(base, scan);
        var out = new ByteArrayOutputStream();
        out.writeBytes(head);
        for (int i = 0; i < times; i++) {
            out.writeBytes(one);
        }
        out.writeBytes(new byte[] {(byte) 0xff, (byte) 0xd9});
        return out.toByteArray();
    }

    private static byte[] bmpRle(int side) {
        ByteBuffer file = ByteBuffer.allocate(14 + 40 + 1024 + 2).order(ByteOrder.LITTLE_ENDIAN);
        file.put((byte) 'B').put((byte) 'M').putInt(1080).putInt(0).putInt(1078).putInt(40).putInt(side).putInt(side)
                .putShort((short) 1).putShort((short) 8).putInt(1).putInt(2).putInt(0).putInt(0).putInt(256).putInt(0);
        file.put(1078, (byte) 0).put(1079, (byte) 1);
        return file.array();
    }

    private static byte[] gif(int width, int height, int frameW, int frameH) {
        return concat("GIF89a".getBytes(), ByteBuffer.allocate(29).order(ByteOrder.LITTLE_ENDIAN)
                .putShort((short) width).putShort((short) height).put((byte) 0x80).put((byte) 0).put((byte) 0)
                .put(new byte[] {0, 0, 0, 9, 9, 9}).put((byte) ',').putInt(0)
                .putShort((short) frameW).putShort((short) frameH).put((byte) 0)
                .put(new byte[] {2, 2, 0x4c, 1, 0, ';'}).array());
    }

    private static byte[] resource(String name) throws IOException {
        try (var in = ImageBombTest.class.getResourceAsStream("/golden/image/" + name)) {
            return in.readAllBytes();
        }
    }

    private static Map<String, byte[]> bombs() throws IOException {
        byte[] baseline = resource("jpeg-8x8.jpg");
        byte[] progressive = resource("jpeg-progressive.jpg");
        byte[] few = {0x78, (byte) 0x9c, 3, 0};
        Map<String, byte[]> all = new LinkedHashMap<>();
        all.put("PNG of 20000 by 20000", png(20000, few));
        all.put("PNG of 8192 by 8192, allowed by size", png(8192, few));
        all.put("PNG of 46341 by 46341", png(46341, few));
        all.put("PNG of 2^31-1 by 2^31-1", png(Integer.MAX_VALUE, few));
        all.put("JPEG of 15000 by 15000", jpeg(baseline, 15000, 15000));
        all.put("JPEG of 8000 by 8000, allowed by size", jpeg(baseline, 8000, 8000));
        all.put("progressive JPEG of 8000 by 8000", jpeg(progressive, 8000, 8000));
        all.put("JPEG of 65500 by 65500", jpeg(baseline, 65500, 65500));
        all.put("JPEG without height", jpeg(baseline, 0, 8));
        all.put("progressive JPEG of 500 scans", manyScans(progressive, 100));
        all.put("BMP RLE8 of 30000 by 30000", bmpRle(30000));
        all.put("BMP RLE8 of 8000 by 8000, allowed by size", bmpRle(8000));
        all.put("GIF of 65535 by 32767", gif(65535, 32767, 65535, 32767));
        all.put("GIF frame of 8000 by 8000, allowed by size", gif(8000, 8000, 8000, 8000));
        all.put("GIF screen of 8000 by 8000 with a small frame", gif(8000, 8000, 1, 1));
        all.put("PNG with a text of 64 MiB", png(1, few,
                chunk("zTXt", concat("XML:com.adobe.xmp\0\0".getBytes(), deflate(new byte[1 << 20], 64)))));
        all.put("TIFF", new byte[] {'I', 'I', '*', 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0});
        return all;
    }

    @Test
    void bombsCostNothing() throws IOException {
        var bean = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        Map<String, byte[]> bombs = bombs();
        for (ImageDecoder decoder : new ImageDecoder[] {ImageDecoder.jdk(), ImageDecoder.best()}) {
            for (var bomb : bombs.entrySet()) {
                byte[] file = bomb.getValue();
                double best = Double.MAX_VALUE;
                long bytes = 0;
                // The processor time, best of five: a pause of the machine is not the gate's.
                for (int run = 0; run < 5; run++) {
                    long before = bean.getThreadAllocatedBytes(Thread.currentThread().getId());
                    long start = bean.getCurrentThreadCpuTime();
                    assertThrows(ImageException.class, () -> decoder.decode(file, "bomb"), bomb.getKey());
                    best = Math.min(best, (bean.getCurrentThreadCpuTime() - start) / 1e6);
                    bytes = bean.getThreadAllocatedBytes(Thread.currentThread().getId()) - before;
                }
                assertTrue(best < MOST_MILLISECONDS, bomb.getKey() + ": " + best + " ms");
                assertTrue(bytes < MOST_BYTES, bomb.getKey() + ": " + bytes + " bytes");
            }
        }
    }
}
