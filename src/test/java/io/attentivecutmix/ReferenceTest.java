package io.attentivecutmix;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.attentivecutmix.image.ImageDecoder;
import io.attentivecutmix.image.RgbImage;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Pairing;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.weights.Weights;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * The presets against plain PyTorch and Pillow (src/test/python/reference_goldens.py) on crops of photographs, from
 * file to mixed pixels. Needs the photographs beside the project; skipped without them.
 *
 * <p>Cells must be equal wherever the k-th cell's margin over the next exceeds 1e-4 of the heat map's range: float sums
 * in another order move a value by about 1e-6 of it. Where cells are equal, pixels and weights must be equal to the
 * bit.
 */
class ReferenceTest {
    private static final Path PHOTOS = Path.of("..", "shared", "data", "photos");
    private static final double MARGIN = 1e-4;
    private static Weights weights;
    private static List<RgbImage> photos;

    private record Expected(String input, int partner, int k, int[] cells, double margin, int height, int width,
            String pixels, float weight) {}

    @BeforeAll
    static void load() {
        assumeTrue(Files.isDirectory(PHOTOS), "skipped: no photographs at " + PHOTOS);
        photos = new ArrayList<>();
        for (String name : List.of("astronaut.png", "chelsea.png", "coffee.png")) {
            photos.add(ImageDecoder.jdk().read(PHOTOS.resolve(name)));
        }
        weights = Weights.synthetic(50, 0);
    }

    /** Numerical Recipes' 32-bit generator, as the script has it. */
    private static final class Generator {
        private int state;

        Generator(int seed) {
            state = seed;
        }

        int below(int n) {
            state = state * 1664525 + 1013904223;
            return (state >>> 16) % n;
        }
    }

    private static ImageBatch crops(int count, int seed) {
        Generator generator = new Generator(seed);
        ImageBatch batch = new ImageBatch();
        for (int i = 0; i < count; i++) {
            RgbImage photo = photos.get(generator.below(photos.size()));
            int height = 32 + generator.below(photo.height() - 32);
            int width = 32 + generator.below(photo.width() - 32);
            int top = generator.below(photo.height() - height + 1);
            int left = generator.below(photo.width() - width + 1);
            boolean mirrored = generator.below(2) == 1;
            int change = generator.below(4);
            byte[] rgb = new byte[3 * height * width];
            for (int y = 0; y < height; y++) {
                for (int x = 0; x < width; x++) {
                    int from = 3 * ((top + y) * photo.width() + left + (mirrored ? width - 1 - x : x));
                    for (int c = 0; c < 3; c++) {
                        int v = photo.rgb()[from + c] & 255;
                        rgb[3 * (y * width + x) + c] = (byte) (change == 1 ? v / 2 : change == 2 ? 255 - v : v);
                    }
                }
            }
            batch.add(rgb, height, width);
        }
        return batch;
    }

    private static String digest(ByteBuffer pixels) throws NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        digest.update(pixels.duplicate().clear());
        return HexFormat.of().formatHex(digest.digest()).substring(0, 16);
    }

    private static List<Expected> golden(String name) throws IOException {
        List<Expected> rows = new ArrayList<>();
        try (InputStream in = ReferenceTest.class.getResourceAsStream("/golden/reference/" + name);
                JsonParser parser = new JsonFactory().createParser(ObjectReadContext.empty(), in)) {
            assertEquals(JsonToken.START_ARRAY, parser.nextToken());
            while (parser.nextToken() == JsonToken.START_OBJECT) {
                Map<String, String> values = new HashMap<>();
                List<Integer> cells = new ArrayList<>();
                while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
                    String key = parser.currentName();
                    if (parser.nextToken() == JsonToken.START_ARRAY) {
                        while (parser.nextToken() != JsonToken.END_ARRAY) {
                            cells.add(parser.getIntValue());
                        }
                    } else {
                        values.put(key, parser.getString());
                    }
                }
                rows.add(new Expected(values.get("input"), Integer.parseInt(values.get("partner")),
                        Integer.parseInt(values.getOrDefault("k", "6")),
                        cells.stream().mapToInt(Integer::intValue).toArray(),
                        Double.parseDouble(values.get("margin")), Integer.parseInt(values.get("height")),
                        Integer.parseInt(values.get("width")), values.get("pixels"),
                        Float.parseFloat(values.get("weight"))));
            }
        }
        return rows;
    }

    private static AttentiveCutMix mixer(MixOptions options, Precision precision) {
        return AttentiveCutMix.builder().weights(weights).device(Device.cpu()).precision(precision).options(
                options).build();
    }

    private static void compare(MixOptions options, List<Expected> rows, ImageBatch images)
            throws Exception {
        int[] partners = rows.stream().mapToInt(Expected::partner).toArray();
        int close = 0;
        int different = 0;
        try (AttentiveCutMix mixer = mixer(options, Precision.FP32)) {
            MixedBatch mixed = mixer.mix(images, Pairing.explicit(partners));
            for (int i = 0; i < rows.size(); i++) {
                Expected e = rows.get(i);
                assertEquals(e.input, digest(images.pixels(i)), "the input itself of image " + i);
                close += e.margin > MARGIN ? 0 : 1;
                if (e.margin <= MARGIN && !Arrays.equals(e.cells, mixed.cells(i))) {
                    different++;
                    continue;
                }
                assertArrayEquals(e.cells, mixed.cells(i), "cells of image " + i + ", margin " + e.margin);
                assertEquals(e.height, mixed.height(i));
                assertEquals(e.width, mixed.width(i));
                assertEquals(e.pixels, digest(mixed.pixels(i)), "pixels of image " + i);
                assertEquals(e.weight, mixed.sourceWeight(i), "weight of image " + i);
            }
        }
        System.out.println("images " + rows.size() + ", margin up to 1e-4 " + close + ", of these with other cells "
                + different);
        assertTrue(close <= rows.size() / 20, close + " of " + rows.size() + " are too close to tell");
    }

    @Test
    void originalEqualsThePublishedCodePath() throws Exception {
        compare(MixOptions.original(), golden("original.json"), crops(64, 1));
    }

    @Test
    void openMixupEqualsItsDescription() throws Exception {
        List<Expected> all = golden("open_mixup.json");
        for (int k : new int[] {1, 18, 48}) {
            compare(MixOptions.openMixup(1).withPatches(new Patches.Fixed(k)),
                    all.stream().filter(e -> e.k == k).toList(), crops(32, 2));
        }
    }

    @Test
    void paperEqualsPlainPyTorch() throws Exception {
        compare(MixOptions.paper(), golden("paper.json"), crops(256, 3));
    }

    /**
     * BF16 rounds every activation to 8 bits: near ties change, so the overlap is measured rather than equality
     * asserted.
     */
    @Test
    void bf16SelectsNearlyTheSameCells() throws Exception {
        assumeTrue(Device.cpu().precisions().contains(Precision.BF16), "skipped: no BF16 on this CPU");
        List<Expected> rows = golden("paper.json");
        int total = 0;
        int least = 6;
        int identical = 0;
        try (AttentiveCutMix mixer = mixer(MixOptions.paper(), Precision.BF16)) {
            Attention attention = mixer.attend(crops(256, 3));
            for (int i = 0; i < rows.size(); i++) {
                int[] cells = attention.cells(i);
                int overlap = (int) Arrays.stream(rows.get(i).cells).filter(c ->
                        Arrays.binarySearch(cells, c) >= 0).count();
                total += overlap;
                least = Math.min(least, overlap);
                identical += overlap == 6 ? 1 : 0;
            }
        }
        double mean = total / 256.0;
        System.out.println("BF16 against FP32 of PyTorch: mean overlap " + mean + " of 6, least " + least
                + ", identical " + identical + " of 256");
        assertTrue(mean >= 5.9, "mean overlap " + mean);
        assertTrue(least >= 4, "least overlap " + least);
    }
}
