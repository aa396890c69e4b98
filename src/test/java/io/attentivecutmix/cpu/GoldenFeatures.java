package io.attentivecutmix.cpu;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** The entries that src/test/python/golden_features.py wrote. */
public final class GoldenFeatures {
    private final ByteBuffer values;
    private final Map<String, int[]> index = new HashMap<>();

    public GoldenFeatures() {
        values = ByteBuffer.wrap(read("values.f32")).order(ByteOrder.LITTLE_ENDIAN);
        for (String line : new String(read("index.tsv"), StandardCharsets.UTF_8).split("\n")) {
            String[] parts = line.split("\t");
            index.put(parts[0], new int[] {Integer.parseInt(parts[1]), Integer.parseInt(parts[2])});
        }
    }

    public float[] get(String key) {
        int[] place = index.get(key);
        if (place == null) {
            throw new AssertionError("no golden entry " + key);
        }
        float[] result = new float[place[1]];
        values.asFloatBuffer().get(place[0], result);
        return result;
    }

    private static byte[] read(String name) {
        try (InputStream in = GoldenFeatures.class.getResourceAsStream("/golden/features/" + name)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
