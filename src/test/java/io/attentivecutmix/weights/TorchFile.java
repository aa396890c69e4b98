package io.attentivecutmix.weights;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32;

/** Writes zip archives and pickle streams as torch.save does, or with one thing wrong. */
final class TorchFile {
    private final List<Entry> entries = new ArrayList<>();
    int flags = 0x0808;
    int centralFlags = -1;
    int method;
    int localMethod;
    int localSizeDelta;
    int centralCompressedDelta;
    int descriptorDelta;
    int crcDelta;
    int comment;
    int endCountDelta;
    int endDisk;
    int directoryStartDelta;
    int directoryGap;
    String localName;
    /** Zip64 end records, whose fields of 8 bytes count; those of the end record say "see there". */
    boolean zip64;
    long entries64Delta;
    long size64Delta;
    long start64Delta;
    int locator64Delta;
    int disk64;
    int length64 = 44;
    /** Fields of 8 bytes in the central directory and the local headers. */
    boolean wideEntries;
    long wideSizeDelta;
    boolean wideDescriptor;
    /** Every entry after the first is said to start where the first does. */
    boolean overlap;
    byte[] localExtra = {'F', 'B', 2, 0, 'Z', 'Z'};
    byte[] centralExtra = {};

    private record Entry(String name, byte[] data) {}

    /** An archive of one state dict whose stream and storage 0 (two floats) are given. */
    static TorchFile of(byte[] pickle) {
        return new TorchFile().add("a/data.pkl", pickle).add("a/byteorder", "little").add("a/data/0", new byte[8])
                .add("a/version", "3\n");
    }

    TorchFile add(String name, byte[] data) {
        entries.add(new Entry(name, data));
        return this;
    }

    TorchFile add(String name, String data) {
        return add(name, data.getBytes(StandardCharsets.ISO_8859_1));
    }

    TorchFile remove(String name) {
        entries.removeIf(e -> e.name.equals(name));
        return this;
    }

    void clear() {
        entries.clear();
    }

    byte[] bytes() {
        Out out = new Out();
        Out directory = new Out();
        for (Entry e : entries) {
            int start = out.size();
            byte[] name = e.name.getBytes(StandardCharsets.UTF_8);
            byte[] inner = localName == null ? name : localName.getBytes(StandardCharsets.UTF_8);
            CRC32 crc = new CRC32();
            crc.update(e.data);
            int sum = (int) crc.getValue() + crcDelta;
            boolean later = (flags & 8) != 0;
            int size = e.data.length;
            int localSize = (later ? 0 : size) + localSizeDelta;
            out.i32(0x04034b50).i16(0).i16(flags).i16(method + localMethod).i32(0).i32(later ? 0 : sum).i32(localSize)
                    .i32(localSize)
                    .i16(inner.length).i16(localExtra.length).raw(inner).raw(localExtra).raw(e.data);
            if (later && wideDescriptor) {
                out.i32(0x08074b50).i32(sum).i64(size + descriptorDelta).i64(size + descriptorDelta);
            } else if (later) {
                out.i32(0x08074b50).i32(sum).i32(size + descriptorDelta).i32(size + descriptorDelta);
            }
            if (wideEntries) {
                centralExtra = new Out().i16(1).i16(24).i64(size + wideSizeDelta).i64(size + wideSizeDelta).i64(start)
                        .toByteArray();
            }
            int shown = overlap ? 0 : start;
            directory.i32(0x02014b50).i16(0).i16(0).i16(centralFlags < 0 ? flags : centralFlags).i16(method).i32(0)
                    .i32(sum)
                    .i32(wideEntries ? -1 : size + centralCompressedDelta).i32(wideEntries ? -1 : size).i16(name.length)
                    .i16(centralExtra.length).i16(0).i16(0).i16(0).i32(0)
                    .i32(wideEntries ? -1 : shown).raw(name).raw(centralExtra);
        }
        out.raw(new byte[directoryGap]);
        int start = out.size();
        out.raw(directory.toByteArray());
        if (zip64) {
            int end64 = out.size();
            long count = entries.size() + entries64Delta;
            out.i32(0x06064b50).i64(length64).i16(45).i16(45).i32(disk64).i32(disk64).i64(count).i64(count)
                    .i64(directory.size() + size64Delta).i64(start + start64Delta);
            out.i32(0x07064b50).i32(0).i64(end64 + locator64Delta).i32(1);
        }
        int count = zip64 && endCountDelta == 0 ? 0xFFFF : entries.size() + endCountDelta;
        out.i32(0x06054b50).i16(endDisk).i16(0).i16(count).i16(count).i32(zip64 ? -1 : directory.size())
                .i32(zip64 ? -1 : start + directoryStartDelta).i16(comment).raw(new byte[comment]);
        return out.toByteArray();
    }

    /** Little-endian bytes. */
    static final class Out extends ByteArrayOutputStream {
        Out i16(int v) {
            write(v);
            write(v >> 8);
            return this;
        }

        Out i32(int v) {
            return i16(v).i16(v >> 16);
        }

        Out i64(long v) {
            return i32((int) v).i32((int) (v >> 32));
        }

        Out raw(byte[] data) {
            writeBytes(data);
            return this;
        }
    }

    /** A pickle stream, opcode by opcode. */
    static final class Pickle {
        private final Out out = new Out();

        Pickle() {
            op(0x80, 2);
        }

        Pickle op(int... bytes) {
            for (int b : bytes) {
                out.write(b);
            }
            return this;
        }

        Pickle raw(byte[] bytes) {
            out.raw(bytes);
            return this;
        }

        Pickle global(String module, String name) {
            out.write('c');
            out.raw((module + "\n" + name + "\n").getBytes(StandardCharsets.ISO_8859_1));
            return this;
        }

        Pickle text(String s) {
            byte[] utf8 = s.getBytes(StandardCharsets.UTF_8);
            out.write('X');
            out.i32(utf8.length).raw(utf8);
            return this;
        }

        Pickle integer(long v) {
            out.write(0x8a);
            out.write(8);
            out.raw(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(v).array());
            return this;
        }

        Pickle tuple(long... values) {
            op('(');
            for (long v : values) {
                integer(v);
            }
            return op('t');
        }

        Pickle storage(String type, String key, long elements) {
            return op('(').text("storage").global("torch", type).text(key).text("cpu").integer(elements).op('t', 'Q');
        }

        /** The value of storage 0, seen with this offset, size and stride. */
        Pickle tensor(long offset, long[] size, long[] stride) {
            global("torch._utils", "_rebuild_tensor_v2").op('(').storage("FloatStorage", "0", 2).integer(offset);
            return tuple(size).tuple(stride).op(0x89).global("collections", "OrderedDict").op(')', 'R', 't', 'R');
        }

        Pickle tensor() {
            return tensor(0, new long[] {2}, new long[] {1});
        }

        byte[] stop() {
            op('.');
            return out.toByteArray();
        }
    }

    /** The stream of {"w": tensor}. */
    static byte[] good() {
        return new Pickle().op('}').text("w").tensor().op('s').stop();
    }
}
