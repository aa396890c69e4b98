package io.attentivecutmix.image;

/** Type of one value of a pixel. Multi-byte types are in native byte order. */
public enum ElementType {
    UINT8(1), FLOAT16(2), BFLOAT16(2), FLOAT32(4);

    private final int bytes;

    ElementType(int bytes) {
        this.bytes = bytes;
    }

    /** Size of one value in bytes. */
    public int bytes() {
        return bytes;
    }
}
