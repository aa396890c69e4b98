package io.attentivecutmix.image;

/** The bytes of one image file, read with every position checked. */
record Input(byte[] data, String name) {
    int length() {
        return data.length;
    }

    ImageException fault(String place, String fault) {
        return new ImageException(name, place, fault);
    }

    /** Refuses when the file has fewer than {@code count} bytes from {@code at}. */
    void need(String place, int at, long count) {
        if (at < 0 || count < 0 || at > data.length || count > data.length - at) {
            throw fault(place, "the file is cut: " + data.length + " bytes; needed: " + count + " from byte " + at);
        }
    }

    int u8(String place, int at) {
        need(place, at, 1);
        return data[at] & 0xff;
    }

    int u16be(String place, int at) {
        need(place, at, 2);
        return (data[at] & 0xff) << 8 | data[at + 1] & 0xff;
    }

    int u16le(String place, int at) {
        need(place, at, 2);
        return data[at] & 0xff | (data[at + 1] & 0xff) << 8;
    }

    int u24le(String place, int at) {
        need(place, at, 3);
        return u16le(place, at) | (data[at + 2] & 0xff) << 16;
    }

    long u32be(String place, int at) {
        need(place, at, 4);
        return (long) u16be(place, at) << 16 | u16be(place, at + 2);
    }

    long u32le(String place, int at) {
        need(place, at, 4);
        return u16le(place, at) | (long) u16le(place, at + 2) << 16;
    }

    /** Whether the bytes from {@code at} are those of an ASCII text. */
    boolean has(int at, String text) {
        if (at < 0 || at + text.length() > data.length) {
            return false;
        }
        for (int i = 0; i < text.length(); i++) {
            if ((data[at + i] & 0xff) != text.charAt(i)) {
                return false;
            }
        }
        return true;
    }
}
