package io.attentivecutmix.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32;

/**
 * The entries of a zip archive as {@code torch.save} writes it, verified.
 *
 * <p>The JDK's readers check no CRC, allow bytes before and after the archive, and disagree about two entries of one
 * name; two readers that disagree about a file are how scanners of weights were passed by. So here the archive must
 * tile its file: local header, data, descriptor, entry after entry from byte 0; then the central directory; then the
 * end records; nothing else. Entries are stored, never compressed, so none can be larger than the file. Structures:
 * PKWARE's APPNOTE 6.3, sections 4.3 and 4.5.
 */
final class ZipDirectory {
    private static final int LOCAL = 0x04034b50;
    private static final int CENTRAL = 0x02014b50;
    private static final int DESCRIPTOR = 0x08074b50;
    private static final int END = 0x06054b50;
    private static final int END64 = 0x06064b50;
    private static final int LOCATOR64 = 0x07064b50;
    private static final int END_SIZE = 22;
    private static final int LOCATOR64_SIZE = 20;
    private static final int END64_SIZE = 56;
    private static final int LOCAL_SIZE = 30;
    private static final int CENTRAL_SIZE = 46;
    private static final int HAS_DESCRIPTOR = 1 << 3;
    private static final int UTF8 = 1 << 11;
    /** Five times what a ResNet-152, a copy of it and its optimiser's state need together. */
    private static final int MAX_ENTRIES = 20_000;
    private static final int MAX_NAME = 4096;
    private static final int PIECE = 1 << 20;
    private static final int MAX_DIRECTORY = 4 << 20;
    private static final long UNSET32 = 0xFFFFFFFFL;

    private final FileChannel channel;
    private final String file;
    private final long fileSize;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private long directoryStart;
    private long directorySize;
    private long entryCount;
    private long endStart;

    /** @param rawName the name as the directory has it, in UTF-8 */
    private record Entry(String name, ByteBuffer rawName, int flags, int method, long crc, long size, long header,
            long data) {}

    /** @throws WeightsException if the archive is not sound */
    ZipDirectory(FileChannel channel, String file) throws IOException {
        this.channel = channel;
        this.file = file;
        fileSize = channel.size();
        readEnd();
        readDirectory();
    }

    /** Names without the top folder, which all entries share. */
    Set<String> names() {
        return entries.keySet();
    }

    /** Size in bytes of an entry that is there. */
    long size(String name) {
        return entries.get(name).size;
    }

    /**
     * All bytes of an entry that is there, its CRC verified.
     *
     * @param most largest size that the caller has a use for
     */
    ByteBuffer read(String name, int most) throws IOException {
        long size = entries.get(name).size;
        expect(size <= most, name, "has " + size + " bytes; allowed: up to " + most);
        return read(name, new Slab(size));
    }

    /** All bytes of an entry that is there, its CRC verified, in memory of the slab. */
    ByteBuffer read(String name, Slab slab) throws IOException {
        Entry e = entries.get(name);
        expect(e.size <= Integer.MAX_VALUE - 8, name, "has " + e.size + " bytes; allowed: below 2 GiB");
        ByteBuffer data = slab.take((int) e.size);
        fill(data, e.data, name);
        CRC32 crc = new CRC32();
        crc.update(data.duplicate());
        check(e, name, crc);
        return data;
    }

    /** Verifies the CRC of an entry that is there, keeping nothing of it. */
    void check(String name) throws IOException {
        Entry e = entries.get(name);
        CRC32 crc = new CRC32();
        ByteBuffer piece = ByteBuffer.allocate((int) Math.min(e.size, PIECE));
        for (long done = 0; done < e.size; done += piece.limit()) {
            fill(piece.clear().limit((int) Math.min(e.size - done, PIECE)), e.data + done, name);
            crc.update(piece.duplicate());
        }
        check(e, name, crc);
    }

    private void check(Entry e, String name, CRC32 crc) {
        if (crc.getValue() != e.crc) {
            throw fault(name, "has CRC " + Long.toHexString(crc.getValue()) + ", but its header says "
                    + Long.toHexString(e.crc) + ": the file is damaged");
        }
    }

    private void readEnd() throws IOException {
        expect(fileSize >= END_SIZE, "end record", "does not fit into " + fileSize + " bytes");
        ByteBuffer end = at(fileSize - END_SIZE, END_SIZE, "end record");
        expect(end.getInt(0) == END, "end record",
                "is not where the file ends: it is cut, or bytes or a comment follow the archive");
        expect(end.getShort(20) == 0, "end record", "has a comment");
        expect(end.getShort(4) == 0 && end.getShort(6) == 0, "end record", "speaks of several disks");
        entryCount = unsigned(end.getShort(10));
        expect(unsigned(end.getShort(8)) == entryCount, "end record", "has two numbers of entries");
        directorySize = unsigned(end.getInt(12));
        directoryStart = unsigned(end.getInt(16));
        endStart = fileSize - END_SIZE;
        if (endStart >= LOCATOR64_SIZE) {
            ByteBuffer locator = at(endStart - LOCATOR64_SIZE, LOCATOR64_SIZE, "zip64 locator");
            if (locator.getInt(0) == LOCATOR64) {
                readEnd64(locator);
            }
        }
        expect(entryCount >= 1 && entryCount <= MAX_ENTRIES, "end record", "has " + entryCount
                + " entries; allowed: 1 to " + MAX_ENTRIES);
        expect(directoryStart >= 0 && directorySize >= 0 && directoryStart <= endStart
                && directorySize == endStart - directoryStart, "central directory", "has " + directorySize
                + " bytes from byte "
                + directoryStart + ", but the end records start at byte " + endStart);
        expect(directorySize >= entryCount * CENTRAL_SIZE, "central directory", "has " + directorySize
                + " bytes, too few for "
                + entryCount + " entries");
        expect(directorySize <= entryCount * (CENTRAL_SIZE + MAX_NAME + 64L), "central directory", "has "
                + directorySize
                + " bytes, too many for " + entryCount + " entries");
    }

    private void readEnd64(ByteBuffer locator) throws IOException {
        long start = locator.getLong(8);
        expect(locator.getInt(4) == 0 && locator.getInt(16) == 1, "zip64 locator", "speaks of several disks");
        expect(start == endStart - LOCATOR64_SIZE - END64_SIZE, "zip64 end record", "is said to be at byte " + start
                + ", not right before its locator");
        ByteBuffer end = at(start, END64_SIZE, "zip64 end record");
        expect(end.getInt(0) == END64 && end.getLong(4) == END64_SIZE - 12, "zip64 end record", "is damaged");
        expect(end.getInt(16) == 0 && end.getInt(20) == 0, "zip64 end record", "speaks of several disks");
        expect(end.getLong(24) == end.getLong(32), "zip64 end record", "has two numbers of entries");
        entryCount = agreed("entries", entryCount, 0xFFFF, end.getLong(32));
        directorySize = agreed("bytes of central directory", directorySize, UNSET32, end.getLong(40));
        directoryStart = agreed("the central directory's start", directoryStart, UNSET32, end.getLong(48));
        endStart = start;
    }

    private long agreed(String what, long small, long unset, long large) {
        expect(small == unset || small == large, "zip64 end record", "has " + large + " for " + what
                + ", the end record " + small);
        return large;
    }

    private void readDirectory() throws IOException {
        expect(directorySize <= MAX_DIRECTORY, "central directory", "has " + directorySize + " bytes; allowed: up to "
                + MAX_DIRECTORY);
        ByteBuffer directory = at(directoryStart, (int) directorySize, "central directory");
        List<Entry> found = new ArrayList<>();
        for (long i = 0; i < entryCount; i++) {
            found.add(readCentral(directory));
        }
        expect(!directory.hasRemaining(), "central directory", "has " + directory.remaining()
                + " bytes more than its entries");
        // before its entries are judged: what kind of file it is says more than that one of them is compressed
        Containers.refuseOtherZip(found.stream().map(Entry::name).toList(), file);
        found.forEach(this::checkEntry);
        found.sort(Comparator.comparingLong(Entry::header));
        long end = 0;
        String top = null;
        Set<String> seen = new HashSet<>();
        for (Entry e : found) {
            if (e.header != end) {
                throw fault(e.name, "starts at byte " + e.header + "; needed: " + end
                        + ", where the entry before ends");
            }
            Entry verified = readLocal(e);
            end = verified.data + verified.size + readDescriptor(verified);
            int slash = e.name.indexOf('/');
            expect(slash > 0 && slash < e.name.length() - 1, e.name,
                    "is not in a folder, as torch.save puts all entries");
            if (top == null) {
                top = e.name.substring(0, slash + 1);
            } else if (!e.name.startsWith(top)) {
                throw fault(e.name, "is not in the folder " + top);
            }
            expect(seen.add(e.name.toLowerCase(Locale.ROOT)), e.name, "is there twice");
            entries.put(e.name.substring(slash + 1), verified);
        }
        expect(end == directoryStart, "central directory", "starts at byte " + directoryStart + "; needed: " + end
                + ", where the last entry ends");
    }

    private Entry readCentral(ByteBuffer in) {
        int p = in.position();
        if (in.remaining() < CENTRAL_SIZE || in.getInt(p) != CENTRAL) {
            throw fault("central directory", "is damaged at byte " + (directoryStart + p));
        }
        int flags = in.getShort(p + 8) & 0xFFFF;
        int method = in.getShort(p + 10) & 0xFFFF;
        long crc = unsigned(in.getInt(p + 16));
        long compressed = unsigned(in.getInt(p + 20));
        long size = unsigned(in.getInt(p + 24));
        int nameLength = in.getShort(p + 28) & 0xFFFF;
        int extraLength = in.getShort(p + 30) & 0xFFFF;
        int commentLength = in.getShort(p + 32) & 0xFFFF;
        int disk = in.getShort(p + 34) & 0xFFFF;
        long header = unsigned(in.getInt(p + 42));
        expect(in.remaining() - CENTRAL_SIZE >= nameLength + extraLength + commentLength, "central directory",
                "ends inside an entry");
        ByteBuffer rawName = in.slice(p + CENTRAL_SIZE, nameLength);
        String name = name(rawName);
        ByteBuffer extra = in.slice(p + CENTRAL_SIZE + nameLength, extraLength).order(ByteOrder.LITTLE_ENDIAN);
        in.position(p + CENTRAL_SIZE + nameLength + extraLength + commentLength);
        expect(commentLength == 0, name, "has a comment");
        expect(disk == 0, name, "is on another disk");
        ByteBuffer wide = field(extra, 1, name);
        if (wide != null) {
            size = widen(wide, size, name);
            compressed = widen(wide, compressed, name);
            header = widen(wide, header, name);
        }
        if (method == 0 && compressed != size) {
            throw fault(name, "is stored, but has the sizes " + compressed + " and " + size);
        }
        if (size < 0 || size > fileSize) {
            throw fault(name, "has " + size + " bytes, more than the file");
        }
        return new Entry(name, rawName, flags, method, crc, size, header, 0);
    }

    private void checkEntry(Entry e) {
        expect((e.flags & 1) == 0, e.name, "is encrypted");
        if ((e.flags & ~(HAS_DESCRIPTOR | UTF8)) != 0) {
            throw fault(e.name, "has the flags 0x" + Integer.toHexString(e.flags));
        }
        if (e.method != 0) {
            throw fault(e.name, "is compressed (method " + e.method + "); allowed: stored, as torch.save writes");
        }
        int part = 0;
        for (int i = 0; i <= e.name.length(); i++) {
            char c = i < e.name.length() ? e.name.charAt(i) : '/';
            if (c < ' ' || c == 0x7F || c == '\\') {
                throw fault(e.name, "has the character " + (int) c + " in its name");
            }
            if (c == '/') {
                int length = i - part;
                // neither empty nor one dot nor two
                expect(length > 2 || !e.name.regionMatches(part, "..", 0, length), e.name, "is no plain path");
                part = i + 1;
            }
        }
        // a colon further on is fine: the folder is named after the file, and files after the time of day
        expect(e.name.length() < 2 || e.name.charAt(1) != ':' || !Character.isLetter(e.name.charAt(0)), e.name,
                "starts with a drive letter");
    }

    private long widen(ByteBuffer wide, long value, String name) {
        if (value != UNSET32) {
            return value;
        }
        expect(wide.remaining() >= 8, name, "has a zip64 field that is too short");
        return wide.getLong();
    }

    /** The data of the extra field with this id, or null. Fields must fill the extra data exactly. */
    private ByteBuffer field(ByteBuffer extra, int id, String name) {
        ByteBuffer found = null;
        while (extra.hasRemaining()) {
            expect(extra.remaining() >= 4, name, "has damaged extra fields");
            int fieldId = extra.getShort() & 0xFFFF;
            int length = extra.getShort() & 0xFFFF;
            expect(length <= extra.remaining(), name, "has damaged extra fields");
            if (fieldId == id) {
                expect(found == null, name, "has two zip64 fields");
                found = extra.slice(extra.position(), length).order(ByteOrder.LITTLE_ENDIAN);
            }
            extra.position(extra.position() + length);
        }
        return found;
    }

    private String name(ByteBuffer raw) {
        int length = raw.remaining();
        if (length < 1 || length > MAX_NAME) {
            throw fault("central directory", "has a name of " + length + " bytes; allowed: 1 to " + MAX_NAME);
        }
        try {
            return StandardCharsets.UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT)
                    .decode(raw.duplicate()).toString();
        } catch (CharacterCodingException e) {
            throw new WeightsException(file, "central directory", "has a name that is not UTF-8", e);
        }
    }

    /** Verifies the local header against the directory; the entry returned knows where its data starts. */
    private Entry readLocal(Entry e) throws IOException {
        ByteBuffer h = at(e.header, LOCAL_SIZE, e.name);
        if (h.getInt(0) != LOCAL) {
            throw fault(e.name, "has no local header at byte " + e.header);
        }
        int nameLength = h.getShort(26) & 0xFFFF;
        int extraLength = h.getShort(28) & 0xFFFF;
        expect(nameLength == e.rawName.remaining(), e.name, "has another name in its local header");
        ByteBuffer rest = at(e.header + LOCAL_SIZE, nameLength + extraLength, e.name);
        expect(rest.slice(0, nameLength).equals(e.rawName), e.name, "has another name in its local header");
        expect((h.getShort(6) & 0xFFFF) == e.flags, e.name, "has other flags in its local header");
        expect(h.getShort(8) == 0, e.name, "has another method in its local header");
        long size = unsigned(h.getInt(22));
        long compressed = unsigned(h.getInt(18));
        ByteBuffer wide = field(rest.slice(nameLength, extraLength).order(ByteOrder.LITTLE_ENDIAN), 1, e.name);
        if (wide != null) {
            size = widen(wide, size, e.name);
            compressed = widen(wide, compressed, e.name);
        }
        // with a descriptor the header may leave its fields at 0: they come after the data
        boolean later = (e.flags & HAS_DESCRIPTOR) != 0 && size == 0 && compressed == 0 && h.getInt(14) == 0;
        expect(later || size == e.size && compressed == e.size && unsigned(h.getInt(14)) == e.crc, e.name,
                "has another size or CRC in its local header");
        return new Entry(e.name, e.rawName, e.flags, e.method, e.crc, e.size, e.header,
                e.header + LOCAL_SIZE + nameLength + extraLength);
    }

    /** Length of the descriptor after an entry's data, verified; 0 without one. */
    private long readDescriptor(Entry e) throws IOException {
        long start = e.data + e.size;
        expect(start <= directoryStart, e.name, "runs into the central directory");
        if ((e.flags & HAS_DESCRIPTOR) == 0) {
            return 0;
        }
        int room = (int) Math.min(24, directoryStart - start);
        expect(room >= 16, e.name, "has no descriptor after its data");
        ByteBuffer d = at(start, room, e.name);
        expect(d.getInt(0) == DESCRIPTOR && unsigned(d.getInt(4)) == e.crc, e.name, "has a descriptor of another CRC");
        if (unsigned(d.getInt(8)) == e.size && unsigned(d.getInt(12)) == e.size) {
            return 16;
        }
        expect(room == 24 && d.getLong(8) == e.size && d.getLong(16) == e.size, e.name,
                "has a descriptor of another size");
        return 24;
    }

    private ByteBuffer at(long position, int length, String where) throws IOException {
        expect(position >= 0 && position <= fileSize - length, where, "lies outside the file");
        ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        fill(buffer, position, where);
        return buffer;
    }

    private void fill(ByteBuffer buffer, long position, String where) throws IOException {
        expect(Slab.fill(channel, buffer, position), where, "ends early: the file became shorter while it was read");
    }

    private static long unsigned(int v) {
        return v & 0xFFFFFFFFL;
    }

    private static long unsigned(short v) {
        return v & 0xFFFFL;
    }

    private void expect(boolean condition, String where, String fault) {
        if (!condition) {
            throw fault(where, fault);
        }
    }

    private WeightsException fault(String where, String fault) {
        return new WeightsException(file, where, fault);
    }
}
