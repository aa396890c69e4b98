package io.attentivecutmix.method;

/**
 * Philox4x32-10, a keyed bijection of 128-bit counters (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy
 * as 1, 2, 3", SC 2011): the same words on every machine, with no state to share or to skip ahead in.
 */
final class Philox {
    private static final long MULTIPLIER_0 = 0xD251_1F53L;
    private static final long MULTIPLIER_1 = 0xCD9E_8D57L;
    private static final int WEYL_0 = 0x9E37_79B9;
    private static final int WEYL_1 = 0xBB67_AE85;
    private static final long WORD = 0xFFFF_FFFFL;

    private Philox() {}

    /** Ten rounds on counter words c0 to c3 under key words k0, k1; writes four words. */
    static void block(int c0, int c1, int c2, int c3, int k0, int k1, int[] out) {
        for (int round = 0; round < 10; round++) {
            long p0 = MULTIPLIER_0 * (c0 & WORD);
            long p1 = MULTIPLIER_1 * (c2 & WORD);
            c0 = (int) (p1 >>> 32) ^ c1 ^ k0;
            c1 = (int) p1;
            c2 = (int) (p0 >>> 32) ^ c3 ^ k1;
            c3 = (int) p0;
            k0 += WEYL_0;
            k1 += WEYL_1;
        }
        out[0] = c0;
        out[1] = c1;
        out[2] = c2;
        out[3] = c3;
    }
}
