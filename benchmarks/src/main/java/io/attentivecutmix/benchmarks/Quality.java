package io.attentivecutmix.benchmarks;

import io.attentivecutmix.Calibrator;
import io.attentivecutmix.ImageBatch;
import io.attentivecutmix.image.ImageDecoder;
import io.attentivecutmix.image.RgbImage;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.quantisation.Agreement;
import io.attentivecutmix.quantisation.Calibration;
import io.attentivecutmix.quantisation.RangeChoice;
import io.attentivecutmix.weights.Weights;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/**
 * How well INT8 finds the cells that FP32 finds. Calibrates on crops of photographs, and compares on other crops of
 * them.
 *
 * <p>Image i is a square crop of photograph i modulo their number, its side drawn between 128 pixels and the
 * photograph's shorter side, its place drawn, mirrored half the time, its brightness times 0.7 to 1.3.
 */
final class Quality {
    private static final int CALIBRATION_IMAGES = 128;
    private static final int COMPARED_IMAGES = 512;
    private static final int BATCH = 32;
    private static final int SMALLEST_CROP = 128;

    private final List<RgbImage> photographs = new ArrayList<>();
    private final PrintStream out;

    private Quality(Path folder, PrintStream out) throws IOException {
        this.out = out;
        ImageDecoder decoder = ImageDecoder.best();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.sorted().toList()) {
                photographs.add(decoder.read(file));
            }
        }
    }

    /** @param arguments {@code synthetic:DEPTH:SEED} or files; {@code target:OVERLAP} holds for those behind it */
    static void measure(Path photographs, List<String> arguments, PrintStream out) throws IOException {
        Quality quality = new Quality(photographs, out);
        double target = 5.9;
        for (String name : arguments) {
            String[] parts = name.split(":");
            if (parts[0].equals("target")) {
                target = Double.parseDouble(parts[1]);
                continue;
            }
            Weights w = parts[0].equals("synthetic")
                    ? Weights.synthetic(Integer.parseInt(parts[1]), Long.parseLong(parts[2]))
                    : Weights.load(Path.of(name), Path.of(name).getFileName().toString());
            quality.measure(w, target);
        }
    }

    private void measure(Weights weights, double target) {
        out.println("## " + weights);
        try (Calibrator calibrator = Calibrator.builder().weights(weights).options(MixOptions.paper())
                .ranges(new RangeChoice.MinimumError()).target(target)
                .progress(line -> out.println("    " + line)).build()) {
            for (int i = 0; i < CALIBRATION_IMAGES; i += BATCH) {
                calibrator.add(crops(1, i));
            }
            long start = System.nanoTime();
            Calibration calibration = calibrator.calibrate();
            out.printf(Locale.ROOT, "target %.2f: %.1f s, %d of %d convolutions in float, streams in float %s,"
                    + " %s%n", target, (System.nanoTime() - start) / 1e9, calibration.floating().size(),
                    weights.network().convolutions().size(), calibration.wide(),
                    calibration.exponents().isEmpty() ? "not equalised" : "equalised");
            try (Calibrator.Comparison comparison = calibrator.compare(calibration)) {
                for (int i = 0; i < COMPARED_IMAGES; i += BATCH) {
                    comparison.add(crops(2, i));
                }
                comparison.agreements().forEach(this::print);
            }
        }
    }

    private void print(Agreement a) {
        out.printf(Locale.ROOT, "%-5s %d images: mean overlap %.3f of %d, least %d, identical %.3f, heat-map error"
                + " %.4f, rank correlation %.5f%n", a.reduction(), a.images(), a.meanOverlap(), a.k(), a.leastOverlap(),
                a.identical(), a.heatError(), a.rankCorrelation());
    }

    private ImageBatch crops(long seed, int first) {
        ImageBatch batch = new ImageBatch();
        for (int i = first; i < first + BATCH; i++) {
            batch.add(crop(new SplittableRandom(seed * 1_000_003 + i), photographs.get(i % photographs.size())));
        }
        return batch;
    }

    private static RgbImage crop(SplittableRandom random, RgbImage photograph) {
        int shorter = Math.min(photograph.height(), photograph.width());
        int side = SMALLEST_CROP + random.nextInt(shorter - SMALLEST_CROP + 1);
        int top = random.nextInt(photograph.height() - side + 1);
        int left = random.nextInt(photograph.width() - side + 1);
        boolean mirrored = random.nextBoolean();
        double brightness = 0.7 + 0.6 * random.nextDouble();
        byte[] rgb = new byte[3 * side * side];
        for (int y = 0; y < side; y++) {
            for (int x = 0; x < side; x++) {
                int from = 3 * ((top + y) * photograph.width() + left + (mirrored ? side - 1 - x : x));
                for (int c = 0; c < 3; c++) {
                    int value = photograph.rgb()[from + c] & 0xff;
                    rgb[3 * (y * side + x) + c] = (byte) Math.min(255, (int) (value * brightness));
                }
            }
        }
        return new RgbImage(side, side, rgb);
    }
}
