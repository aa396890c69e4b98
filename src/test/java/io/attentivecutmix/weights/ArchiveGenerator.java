package io.attentivecutmix.weights;

import java.util.Arrays;

/** Writes archives of torch.save whose records are mostly sound, around a stream that mostly is. */
final class ArchiveGenerator {
    private final Draw draw;
    private final int rarity;

    private ArchiveGenerator(Draw draw) {
        this.draw = draw;
        rarity = draw.of(1000, 100, 30, 10);
    }

    static byte[] file(Draw draw) {
        return new ArchiveGenerator(draw).write();
    }

    private boolean wrong() {
        return draw.once(rarity);
    }

    private int delta() {
        return wrong() ? draw.of(-1, 1, 4, (int) draw.number()) : 0;
    }

    private byte[] write() {
        TorchFile file = draw.once(2) ? PickleGenerator.archive(draw) : TorchFile.of(TorchFile.good());
        file.flags = draw.of(0x0808, 0x0800, 0x0000, 0x0008) | (wrong() ? draw.between(0, 0xFFFF) : 0);
        file.zip64 = draw.once(3);
        file.wideEntries = draw.once(3);
        file.wideDescriptor = draw.once(3);
        file.centralFlags = wrong() ? draw.between(0, 0xFFFF) : -1;
        file.method = wrong() ? draw.of(8, 9, 14, 99) : 0;
        file.localMethod = wrong() ? 8 : 0;
        file.localSizeDelta = delta();
        file.centralCompressedDelta = delta();
        file.descriptorDelta = delta();
        file.crcDelta = delta();
        file.endCountDelta = delta();
        file.directoryStartDelta = delta();
        file.entries64Delta = delta();
        file.size64Delta = wrong() ? draw.number() : 0;
        file.start64Delta = wrong() ? draw.number() : 0;
        file.locator64Delta = delta();
        file.wideSizeDelta = wrong() ? draw.number() : 0;
        file.endDisk = wrong() ? 1 : 0;
        file.disk64 = wrong() ? 1 : 0;
        file.length64 = wrong() ? draw.between(0, 100) : 44;
        file.comment = wrong() ? draw.between(0, 5) : 0;
        file.directoryGap = wrong() ? draw.between(0, 5) : 0;
        file.overlap = wrong();
        file.localName = wrong() ? draw.of("a/data.pkx", "", "a/\0") : null;
        file.localExtra = extra();
        file.centralExtra = extra();
        for (int i = draw.between(0, 2); i > 0; i--) {
            switch (draw.between(0, 3)) {
                case 0 -> file.add("a/.data/serialization_id", "1".repeat(40));
                case 1 -> file.add("a/.format_version", "1");
                case 2 -> file.add("a/.storage_alignment", "64");
                default -> file.add(wrong() ? name() : "a/.data/serialization_id", draw.bytes(20));
            }
        }
        if (wrong()) {
            file.remove(draw.of("a/version", "a/data.pkl", "a/data/0", "a/byteorder"));
        }
        byte[] bytes = file.bytes();
        for (int i = wrong() ? draw.between(1, 4) : 0; i > 0; i--) {
            bytes[draw.between(0, bytes.length - 1)] = (byte) draw.between(-128, 127);
        }
        return wrong() ? Arrays.copyOf(bytes, draw.between(0, bytes.length + 3)) : bytes;
    }

    private String name() {
        return draw.once(2) ? draw.text(20) : draw.of("a/../x", "/a/x", "a\\x", "c:/x", "a/VERSION", "b/version",
                "a/data/00", "a/data/-1", "a/constants.pkl", "a/", "a//x", "version", "a/x\0", "a/byteorder");
    }

    private byte[] extra() {
        if (wrong()) {
            return draw.bytes(30);
        }
        // the padding that torch.save writes to align the data to 64 bytes
        byte[] padding = new byte[draw.between(0, 63)];
        Arrays.fill(padding, (byte) 'Z');
        return draw.once(3) ? new byte[0]
                : new TorchFile.Out().raw(new byte[] {'F', 'B'}).i16(padding.length).raw(padding).toByteArray();
    }
}
