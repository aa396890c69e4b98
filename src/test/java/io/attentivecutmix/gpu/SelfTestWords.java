package io.attentivecutmix.gpu;

import io.attentivecutmix.image.HalfFloats;

/**
 * What acm_self_test writes, from the fragment tables of the PTX ISA ("Matrix fragments for mma.m16n8k16", "ldmatrix")
 * written out as plain loops over matrices: the kernel's own code has no part in it.
 */
final class SelfTestWords {
    /** Names of the 20 words of a lane, in groups of four. */
    static final String[] GROUPS = {"ldmatrix", "mma f16", "mma bf16", "asynchronous copy", "conversions"};
    static final int WORDS_PER_LANE = 20;
    private static final int LANES = 32;

    private SelfTestWords() {}

    static int[] expected() {
        int[] words = new int[LANES * WORDS_PER_LANE];
        float[][] product = product();
        for (int lane = 0; lane < LANES; lane++) {
            int own = lane * WORDS_PER_LANE;
            int g = lane / 4;
            int t = lane % 4;
            for (int m = 0; m < 4; m++) {
                // matrix m, row g, elements 2t and 2t + 1; element e of the shared memory holds e
                int element = (8 * m + g) * 8 + 2 * t;
                words[own + m] = element | (element + 1) << 16;
                words[own + 4 + m] = Float.floatToRawIntBits(product[g + 8 * (m / 2)][2 * t + m % 2]);
                words[own + 8 + m] = words[own + 4 + m];
                words[own + 12 + m] = lane % 2 == 0 ? words[own + m] : 0;
            }
            float v = (lane - 15.5f) * 1.0009765625f;
            words[own + 16] = HalfFloats.toFloat16(v) & 0xffff;
            words[own + 17] = HalfFloats.toBfloat16(v) & 0xffff;
            words[own + 18] = Float.floatToRawIntBits(HalfFloats.fromFloat16((short) (lane * 2011)));
            words[own + 19] = Math.max(lane * 3, 0x10) | Math.max(lane, 0x10) << 16;
        }
        return words;
    }

    /** Whether word i is right: one half of the conversions' input is a NaN, whose payload nothing promises to keep. */
    static boolean same(int i, int expected, int word) {
        return expected == word || i % WORDS_PER_LANE == 18 && Float.isNaN(Float.intBitsToFloat(expected))
                && Float.isNaN(Float.intBitsToFloat(word));
    }

    /** D = A·B + C, (16, 8): small integers, exact in every type. */
    private static float[][] product() {
        float[][] a = new float[16][16];
        float[][] b = new float[16][8];
        float[][] d = new float[16][8];
        for (int lane = 0; lane < LANES; lane++) {
            int g = lane / 4;
            int t = lane % 4;
            for (int half = 0; half < 2; half++) {
                // registers of A: row g, row g + 8, then both again eight columns to the right; B takes the second and
                // third
                for (int i = 0; i < 4; i++) {
                    a[g + 8 * (i % 2)][2 * t + half + 8 * (i / 2)] = value(lane, i, half);
                }
                b[2 * t + half][g] = value(lane, 1, half);
                b[2 * t + half + 8][g] = value(lane, 2, half);
                d[g][2 * t + half] = lane * 4 + half;
                d[g + 8][2 * t + half] = lane * 4 + 2 + half;
            }
        }
        for (int row = 0; row < 16; row++) {
            for (int column = 0; column < 8; column++) {
                for (int k = 0; k < 16; k++) {
                    d[row][column] += a[row][k] * b[k][column];
                }
            }
        }
        return d;
    }

    /** Lower (0) and upper (1) half of register i. */
    private static float value(int lane, int i, int half) {
        return half == 0 ? (lane * 5 + i * 3) % 7 - 3 : (lane * 3 + i * 5) % 5 - 2;
    }
}
