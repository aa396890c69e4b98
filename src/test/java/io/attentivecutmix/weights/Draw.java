package io.attentivecutmix.weights;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import java.util.Random;

/**
 * Where a generator of files takes its decisions from: a fuzzer's data, which coverage steers, or a seed.
 *
 * <p>A fuzzer's data runs out: from then on every draw gives its lowest value, so that loops end by themselves.
 */
interface Draw {
    /** A number from lowest to highest, both included. */
    int between(int lowest, int highest);

    /** Any number, mostly one that is near a limit of some type. */
    long number();

    /** Up to so many bytes; fewer where the data ends. */
    byte[] bytes(int most);

    /** Up to so many characters. */
    String text(int most);

    /** True once in n times; never when the data has run out. */
    default boolean once(int n) {
        return between(0, n - 1) == n - 1;
    }

    @SuppressWarnings("unchecked")
    default <T> T of(T... values) {
        return values[between(0, values.length - 1)];
    }

    /** What a fuzzer gives. */
    static Draw from(FuzzedDataProvider data) {
        return new Draw() {
            @Override
            public int between(int lowest, int highest) {
                return data.consumeInt(lowest, highest);
            }

            @Override
            public long number() {
                return near(data.consumeInt(0, 15), data.consumeLong());
            }

            @Override
            public byte[] bytes(int most) {
                return data.consumeBytes(data.consumeInt(0, most));
            }

            @Override
            public String text(int most) {
                return data.consumeString(most);
            }
        };
    }

    /** The same decisions for the same seed. */
    static Draw from(Random random) {
        return new Draw() {
            @Override
            public int between(int lowest, int highest) {
                return lowest + random.nextInt(highest - lowest + 1);
            }

            @Override
            public long number() {
                return near(random.nextInt(16), random.nextLong());
            }

            @Override
            public byte[] bytes(int most) {
                byte[] bytes = new byte[random.nextInt(most + 1)];
                random.nextBytes(bytes);
                return bytes;
            }

            @Override
            public String text(int most) {
                StringBuilder text = new StringBuilder();
                for (int left = random.nextInt(most + 1); left > 0; left--) {
                    text.append((char) (random.nextInt(4) == 0 ? random.nextInt(0x10000) : ' ' + random.nextInt(96)));
                }
                return text.toString();
            }
        };
    }

    private static long near(int kind, long any) {
        long small = any & 7;
        return switch (kind) {
            case 0, 1, 2, 3, 4, 5 -> small;
            case 6, 7 -> any & 0xFF;
            case 8 -> (1L << 31) - 4 + small;
            case 9 -> (1L << 32) - 4 + small;
            case 10 -> Long.MAX_VALUE - small;
            case 11 -> Long.MIN_VALUE + small;
            case 12 -> -small;
            case 13 -> 1L << (any & 63);
            case 14 -> Long.MAX_VALUE / (1 + small);
            default -> any;
        };
    }
}
