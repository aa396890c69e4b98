package io.attentivecutmix.image;

/**
 * Conversion between float and the two 16-bit floating types: IEEE 754 binary16 and bfloat16. Rounded to nearest, ties
 * to even; too large becomes infinite; subnormal values are kept; a NaN stays a NaN of the same sign.
 */
public final class HalfFloats {
    private static final int INFINITY = 0x7f800000;
    private static final int HALF_INFINITY = 0x7c00;
    /** Bits of 2⁻¹⁴, the smallest normal binary16. */
    private static final int SMALLEST_NORMAL = 0x38800000;
    /** Bits of 2¹⁶, above all finite binary16 whatever the rounding. */
    private static final int TOO_LARGE = 0x47800000;
    /** Exponent bias of float less that of binary16, at float's exponent. */
    private static final int REBIAS = 112 << 23;

    private HalfFloats() {
    }

    /** The nearest binary16's bits. */
    public static short toFloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        int sign = bits >>> 16 & 0x8000;
        int magnitude = bits & 0x7fffffff;
        if (magnitude >= TOO_LARGE) {
            int nan = magnitude > INFINITY ? 0x200 | magnitude >>> 13 & 0x3ff : 0;
            return (short) (sign | HALF_INFINITY | nan);
        }
        if (magnitude < SMALLEST_NORMAL) {
            // 0.5's last place is 2⁻²⁴, binary16's smallest step: the addition does the rounding.
            float shifted = Float.intBitsToFloat(magnitude) + 0.5f;
            return (short) (sign | Float.floatToRawIntBits(shifted) - 0x3f000000);
        }
        int rounded = magnitude - REBIAS + 0xfff + (magnitude >>> 13 & 1);
        return (short) (sign | rounded >>> 13);
    }

    /** The value of a binary16; exact. */
    public static float fromFloat16(short half) {
        int sign = (half & 0x8000) << 16;
        int magnitude = half & 0x7fff;
        if (magnitude >= HALF_INFINITY) {
            return Float.intBitsToFloat(sign | INFINITY | (magnitude & 0x3ff) << 13);
        }
        if (magnitude < 0x400) {
            return Float.intBitsToFloat(sign | Float.floatToRawIntBits(magnitude * 0x1p-24f));
        }
        return Float.intBitsToFloat(sign | (magnitude << 13) + REBIAS);
    }

    /** The nearest bfloat16's bits. */
    public static short toBfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if ((bits & 0x7fffffff) > INFINITY) {
            return (short) (bits >>> 16 | 0x40);
        }
        return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }

    /** The value of a bfloat16; exact. */
    public static float fromBfloat16(short value) {
        return Float.intBitsToFloat(value << 16);
    }
}
