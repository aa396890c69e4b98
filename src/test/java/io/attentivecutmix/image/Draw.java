package io.attentivecutmix.image;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.random.RandomGenerator;

/** Where a generator of test files takes its choices from: a seeded generator, or the bytes that a fuzzer mutates. */
public abstract class Draw {
    /** Draws that a seed repeats. */
    public static Draw of(long seed) {
        RandomGenerator random = new Random(seed);
        return new Draw() {
            @Override
            public int below(int n) {
                return random.nextInt(n);
            }

            @Override
            public byte[] bytes(int n) {
                byte[] bytes = new byte[n];
                random.nextBytes(bytes);
                return bytes;
            }
        };
    }

    /** Draws from a fuzzer's input; when it is used up, from a generator that it has seeded. */
    public static Draw of(FuzzedDataProvider data) {
        Draw rest = of(data.consumeLong());
        return new Draw() {
            @Override
            public int below(int n) {
                return n > 1 && data.remainingBytes() > 0 ? data.consumeInt(0, n - 1) : rest.below(n);
            }

            @Override
            public byte[] bytes(int n) {
                return data.remainingBytes() >= n ? data.consumeBytes(n) : rest.bytes(n);
            }
        };
    }

    /** 0 to n − 1. */
    public abstract int below(int n);

    /** n bytes. */
    public abstract byte[] bytes(int n);

    /** True once in n draws. */
    public final boolean oneIn(int n) {
        return below(n) == n - 1;
    }

    /** Any of them. */
    @SafeVarargs
    public final <T> T any(T... of) {
        return of[below(of.length)];
    }

    /** Any of them. */
    public final int anyInt(int... of) {
        return of[below(of.length)];
    }

    /** The bytes with up to four small changes: bytes set, bits flipped, stretches removed, doubled or put in. */
    public final byte[] mutate(byte[] file) {
        byte[] out = file.clone();
        for (int change = 1 + below(4); change > 0 && out.length > 0; change--) {
            // Half of the damage to the front, where the decisions are.
            int at = below(oneIn(2) ? Math.min(out.length, 64) : out.length);
            int length = Math.min(1 + below(oneIn(8) ? 400 : 8), out.length - at);
            switch (below(8)) {
                case 0 -> out[at] = (byte) 0xff;
                case 1 -> out[at] = 0;
                case 2 -> out[at] ^= (byte) (1 << below(8));
                case 3 -> out[at] = (byte) below(256);
                case 4 -> out[at] += (byte) (below(2) == 0 ? 1 : -1);
                case 5 -> out = splice(out, at, at + length, new byte[0]);
                case 6 -> out = splice(out, at, at, Arrays.copyOfRange(out, at, at + length));
                default -> out = splice(out, at, at, bytes(length));
            }
        }
        return out;
    }

    /** As {@link #mutate(byte[])}, of text; what is no UTF-8 comes out as the replacement character. */
    public final String mutate(String text) {
        return new String(mutate(text.getBytes(StandardCharsets.UTF_8)), StandardCharsets.UTF_8);
    }

    private static byte[] splice(byte[] file, int from, int to, byte[] by) {
        byte[] out = new byte[file.length - (to - from) + by.length];
        System.arraycopy(file, 0, out, 0, from);
        System.arraycopy(by, 0, out, from, by.length);
        System.arraycopy(file, to, out, from + by.length, file.length - to);
        return out;
    }
}
