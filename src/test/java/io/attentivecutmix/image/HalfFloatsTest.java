package io.attentivecutmix.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class HalfFloatsTest {
    /** The value of a binary16, from its definition. */
    private static double float16(int bits) {
        int exponent = bits >> 10 & 31;
        int fraction = bits & 0x3ff;
        double value = exponent == 31 ? fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN
                : exponent == 0 ? fraction * 0x1p-24 : (1024 + fraction) * Math.scalb(1.0, exponent - 25);
        return (bits & 0x8000) == 0 ? value : -value;
    }

    @Test
    void everyFloat16IsExactThereAndBack() {
        for (int bits = 0; bits < 65536; bits++) {
            float value = HalfFloats.fromFloat16((short) bits);
            assertEquals(float16(bits), value, "bits " + Integer.toHexString(bits));
            if (Float.isNaN(value)) {
                short back = HalfFloats.toFloat16(value);
                assertTrue(Float.isNaN(HalfFloats.fromFloat16(back)) && ((back ^ bits) & 0x8000) == 0, "NaN " + bits);
            } else {
                assertEquals((short) bits, HalfFloats.toFloat16(value), "bits " + Integer.toHexString(bits));
            }
        }
    }

    /**
     * Between two neighbours the halfway point goes to the even one, the floats next to it to the nearer one; rounding
     * never falls as its argument rises, so every float is covered.
     */
    @Test
    void float16IsRoundedToNearestEven() {
        for (int low = 0; low < 0x7c00; low++) {
            double next = low == 0x7bff ? 65536 : float16(low + 1);
            float middle = (float) ((float16(low) + next) / 2);
            int even = (low & 1) == 0 ? low : low + 1;
            assertEquals(even, HalfFloats.toFloat16(middle) & 0xffff, "middle above " + low);
            assertEquals(low, HalfFloats.toFloat16(Math.nextDown(middle)) & 0xffff, "below the middle above " + low);
            assertEquals(low + 1, HalfFloats.toFloat16(Math.nextUp(middle)) & 0xffff, "above the middle above " + low);
            assertEquals(even | 0x8000, HalfFloats.toFloat16(-middle) & 0xffff, "negative middle above " + low);
        }
        assertEquals(0x7c00, HalfFloats.toFloat16(Float.MAX_VALUE));
        assertEquals(0, HalfFloats.toFloat16(Float.MIN_VALUE));
        assertEquals((short) 0x8000, HalfFloats.toFloat16(-0f));
    }

    @Test
    void everyBfloat16IsExactThereAndBack() {
        for (int bits = 0; bits < 65536; bits++) {
            float value = HalfFloats.fromBfloat16((short) bits);
            assertEquals(bits << 16, Float.floatToRawIntBits(value));
            if (Float.isNaN(value)) {
                short back = HalfFloats.toBfloat16(value);
                assertTrue(Float.isNaN(HalfFloats.fromBfloat16(back)) && ((back ^ bits) & 0x8000) == 0, "NaN " + bits);
            } else {
                assertEquals((short) bits, HalfFloats.toBfloat16(value));
            }
        }
        // A NaN whose payload lies in the lower half alone must not become infinite.
        assertTrue(Float.isNaN(HalfFloats.fromBfloat16(HalfFloats.toBfloat16(Float.intBitsToFloat(0x7f800001)))));
        assertTrue(Float.isNaN(HalfFloats.fromFloat16(HalfFloats.toFloat16(Float.intBitsToFloat(0x7f800001)))));
    }

    @Test
    void bfloat16IsRoundedToNearestEven() {
        for (int low = 0; low < 0x7f80; low++) {
            int middle = low << 16 | 0x8000;
            int even = low + (low & 1);
            assertEquals(even, HalfFloats.toBfloat16(Float.intBitsToFloat(middle)), "middle above " + low);
            assertEquals(low, HalfFloats.toBfloat16(Float.intBitsToFloat(middle - 1)), "below the middle " + low);
            assertEquals(low + 1, HalfFloats.toBfloat16(Float.intBitsToFloat(middle + 1)), "above the middle " + low);
            assertEquals((short) (even | 0x8000), HalfFloats.toBfloat16(Float.intBitsToFloat(middle | 0x80000000)));
        }
    }
}
