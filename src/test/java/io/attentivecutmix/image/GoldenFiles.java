package io.attentivecutmix.image;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.InflaterInputStream;

/** The files of src/test/resources/golden/image and what Pillow made of each. */
record GoldenFiles(String file, String kind, int height, int width, String sha256) {
    static List<GoldenFiles> all() throws IOException {
        var stream = GoldenFiles.class.getResourceAsStream("/golden/image/index.txt");
        try (var reader = new BufferedReader(new InputStreamReader(stream, StandardCharsets.US_ASCII))) {
            return reader.lines().map(line -> line.split(" ")).map(f -> new GoldenFiles(f[0], f[1],
                    Integer.parseInt(f[2]), Integer.parseInt(f[3]), f[4])).toList();
        }
    }

    byte[] bytes() {
        return resource(file);
    }

    /** Pillow's RGB bytes; kept whole for lossy files only. */
    byte[] rgb() {
        try (var in = new InflaterInputStream(new ByteArrayInputStream(resource(file + ".rgb")))) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] resource(String name) {
        try (var in = GoldenFiles.class.getResourceAsStream("/golden/image/" + name)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Differences from Pillow's bytes: the largest, and the mean over all values. */
    record Difference(int max, double mean) {
        static Difference of(byte[] a, byte[] b) {
            int max = 0;
            long sum = 0;
            for (int i = 0; i < a.length; i++) {
                int d = Math.abs((a[i] & 0xff) - (b[i] & 0xff));
                max = Math.max(max, d);
                sum += d;
            }
            return new Difference(max, (double) sum / a.length);
        }
    }
}
