package io.attentivecutmix.quantisation;

import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.ResNet.Convolution;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiPredicate;
import java.util.function.ToIntFunction;

/**
 * What an extractor in 8 bits needs to know beside the weights; immutable, and the same for every device.
 *
 * <p><b>Arithmetic.</b> A tensor with limit L that cannot be negative is stored as {@code q = round(x / s)}, 0 to 255,
 * with {@code s = L / 255}; one that can be as −128 to 127 with {@code s = L / 127}; halves go to the even number, what
 * lies beyond is cut off. Where exponents e are given for a tensor's stream ({@link Activations.Tensor#stream}), x is
 * the channel's real value times 2^−e, and limits are of that. A convolution's weights, batch norm folded, are first
 * multiplied by 2^(e of the input channel − e of the output channel) and its bias by 2^−(e of the output channel):
 * exact in float. Then {@link WeightQuantiser} rounds them to −127..127 with a scale for each output channel, and
 * {@link BiasCorrection} takes what that adds to the output, on average, from the bias. Products are summed in 32-bit
 * integers, scaled, and bias, residual and ReLU are applied in float before the result is stored. A convolution that is
 * computed in float is neither rounded nor corrected.
 *
 * <p><b>Types.</b> A tensor is stored in 8 bits if the convolution that writes it and the one that reads it are; else
 * it is in float, and rounded where a convolution in 8 bits reads it. A block's output, which the next block reads and
 * adds, is in 8 bits if the block's last convolution is, its downsample, if it has one, is too, and its stream is not
 * wide. A shortcut's convolution writes −128..127 for such a block and float for any other; a shortcut of another type
 * than its block's output is converted before the sum. The last block's output is always float32. Elsewhere "float" is
 * bfloat16 where the device has it natively and float32 where not.
 *
 * <p><b>File.</b> {@link #toJson} writes one JSON object of less than 1 MiB; {@link #fromJson} takes nothing else.
 * Its keys, all of which must be there, in any order:
 * <ul>
 * <li>{@code format}: 1. Another number is another format, which this version does not read
 * <li>{@code network}: a constant of {@link ResNet}; {@code weightsSha256}: 64 hex digits
 * <li>{@code preprocessing}: {@code inputSide}, {@code normalisation} as {@code MixOptions.fromJson} has it, and
 *     {@code resizeFilter}
 * <li>{@code ranges}: {@code {"kind":"MAXIMUM"}}, {@code {"kind":"PERCENTILE","share":0.9999}} or
 *     {@code {"kind":"MINIMUM_ERROR"}}; {@code images}: how many were observed
 * <li>{@code limits}: L of every tensor, by its name; each is the float nearest to the decimal number
 * <li>{@code exponents}: by stream, an array of one integer per channel, in the order of the channels
 * <li>{@code means}: by tensor, an array of one number per channel; each is the float nearest to the decimal number
 * <li>{@code floating} and {@code wide}: arrays of names
 * <li>{@code agreements}: an array of objects with the components of {@link Agreement} as keys
 * </ul>
 *
 * @param network which
 * @param weightsSha256 of the weights it holds for, as {@code Weights.sha256()} gives it: 64 lower-case hex digits
 * @param preprocessing it holds for
 * @param ranges how limits were chosen
 * @param images how many images were observed, 1 or more
 * @param limits L of every tensor of {@link Activations}, 2^−100 to 2^100, so that scales and their reciprocals
 *     are normal floats
 * @param exponents (C) for some streams, −{@value #MAX_EXPONENT} to {@value #MAX_EXPONENT}; none for {@code layer4},
 *     whose last tensor is what a heat map is made of, and none for the image
 * @param means (C) for some tensors that a convolution reads: the mean of each channel over images and positions, in
 *     FP32 and real units, that is, without exponents; −2^100 to 2^100, 0 or more for all but the image. That of the
 *     tensor before the max-pool is taken behind it. What reads a tensor without means gets no correction of its bias
 * @param floating convolutions that are computed in float
 * @param wide streams whose tensors, between the blocks, are kept in float ({@code layer1} to {@code layer4})
 * @param agreements what was measured with it, one for each reduction; may be empty
 */
public record Calibration(ResNet network, String weightsSha256, Preprocessing preprocessing, RangeChoice ranges,
        int images, Map<String, Float> limits, Map<String, int[]> exponents, Map<String, float[]> means,
        Set<String> floating, Set<String> wide, List<Agreement> agreements) {
    /** Largest magnitude of an exponent. */
    public static final int MAX_EXPONENT = 8;
    /** Smallest limit. */
    public static final float MIN_LIMIT = 0x1p-100f;
    /** Largest limit, and largest magnitude of a mean. */
    public static final float MAX_LIMIT = 0x1p100f;

    /** @throws IllegalArgumentException if a component is not as above; names it and what is allowed */
    public Calibration {
        CalibrationChecks checks = new CalibrationChecks(Objects.requireNonNull(network, "network"));
        CalibrationChecks.sha256(weightsSha256);
        Objects.requireNonNull(preprocessing, "preprocessing");
        Objects.requireNonNull(ranges, "ranges");
        CalibrationChecks.images(images);
        limits = Collections.unmodifiableMap(checks.limits(limits));
        exponents = Collections.unmodifiableMap(checks.exponents(exponents));
        means = Collections.unmodifiableMap(checks.means(means));
        floating = Collections.unmodifiableSet(new TreeSet<>(floating));
        floating.forEach(checks::floating);
        wide = Collections.unmodifiableSet(new TreeSet<>(wide));
        wide.forEach(CalibrationChecks::wide);
        agreements = List.copyOf(agreements);
        CalibrationChecks.agreements(agreements, preprocessing);
    }

    /** As above; a new map of new arrays. */
    @Override
    public Map<String, int[]> exponents() {
        Map<String, int[]> copy = new LinkedHashMap<>();
        exponents.forEach((stream, e) -> copy.put(stream, e.clone()));
        return copy;
    }

    /** As above; a new map of new arrays. */
    @Override
    public Map<String, float[]> means() {
        Map<String, float[]> copy = new LinkedHashMap<>();
        means.forEach((tensor, m) -> copy.put(tensor, m.clone()));
        return copy;
    }

    /** Whether a convolution is computed in 8 bits. */
    public boolean isInt8(Convolution convolution) {
        return !floating.contains(convolution.name());
    }

    /** The same, with other measurements. */
    public Calibration withAgreements(List<Agreement> value) {
        return new Calibration(network, weightsSha256, preprocessing, ranges, images, limits, exponents, means,
                floating, wide, value);
    }

    /**
     * Checks that it holds for what an extractor is to be made of.
     *
     * @throws IllegalArgumentException naming everything that differs, with the value here and the value asked for
     */
    public void check(ResNet wantedNetwork, String wantedSha256, Preprocessing wanted) {
        List<String> differences = new ArrayList<>();
        differ(differences, "network", network, wantedNetwork);
        differ(differences, "weightsSha256", weightsSha256, wantedSha256);
        differ(differences, "inputSide", preprocessing.inputSide(), wanted.inputSide());
        differ(differences, "normalisation", preprocessing.normalisation(), wanted.normalisation());
        differ(differences, "resizeFilter", preprocessing.resizeFilter(), wanted.resizeFilter());
        if (!differences.isEmpty()) {
            throw new IllegalArgumentException("calibration holds for another extractor: "
                    + String.join("; ", differences) + ". Calibrate again, or take the weights and options it is for");
        }
    }

    private static void differ(List<String> differences, String what, Object here, Object wanted) {
        if (!here.equals(wanted)) {
            differences.add(what + " is " + here + " in the calibration, " + wanted + " in this run");
        }
    }

    /** The file's text, the same on every machine; what {@link #fromJson} makes of it equals this. */
    public String toJson() {
        return CalibrationFile.write(this);
    }

    /**
     * Reads what {@link #toJson} writes. Whoever wrote the text is not trusted.
     *
     * @throws CalibrationException if it is anything else; names line, column and fault
     */
    public static Calibration fromJson(String json) {
        return CalibrationFile.read("calibration JSON", json);
    }

    /**
     * Reads a file of {@link #save}. Whoever wrote it is not trusted.
     *
     * @throws CalibrationException if it cannot be read or is anything else; names the file, the place and the fault
     */
    public static Calibration load(Path file) {
        return CalibrationFile.load(file);
    }

    /**
     * Writes {@link #toJson} as UTF-8 under a temporary name in the same folder, which must exist, then moves it: there
     * is never a part of a file under the name, and nothing is left if writing fails.
     */
    public void save(Path file) throws IOException {
        CalibrationFile.save(file, toJson());
    }

    /** By content, that of arrays too. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Calibration c && network == c.network && weightsSha256.equals(c.weightsSha256)
                && preprocessing.equals(c.preprocessing) && ranges.equals(c.ranges) && images == c.images
                && limits.equals(c.limits) && hasWeightsOf(c)
                && floating.equals(c.floating) && wide.equals(c.wide) && agreements.equals(c.agreements);
    }

    @Override
    public int hashCode() {
        return Objects.hash(network, weightsSha256, preprocessing, ranges, images, limits,
                hashes(exponents, Arrays::hashCode), hashes(means, Arrays::hashCode), floating, wide, agreements);
    }

    private static <T> Map<String, Integer> hashes(Map<String, T> arrays, ToIntFunction<T> hash) {
        Map<String, Integer> hashes = new LinkedHashMap<>();
        arrays.forEach((name, array) -> hashes.put(name, hash.applyAsInt(array)));
        return hashes;
    }

    /** What it is for; its numbers are in {@link #toJson}. */
    @Override
    public String toString() {
        return "calibration of " + network + ", weights " + weightsSha256 + ", inputSide " + preprocessing.inputSide()
                + ", from " + images + " images";
    }

    /** Whether exponents and means are another calibration's, so that one model's weights and biases are the same. */
    public boolean hasWeightsOf(Calibration other) {
        return equal(exponents, other.exponents, Arrays::equals) && equal(means, other.means, Arrays::equals);
    }

    private static <T> boolean equal(Map<String, T> a, Map<String, T> b, BiPredicate<T, T> equals) {
        return a.keySet().equals(b.keySet())
                && a.entrySet().stream().allMatch(e -> equals.test(e.getValue(), b.get(e.getKey())));
    }

    /** Lower-case hex SHA-256 of {@link #toJson} in UTF-8, which is what {@link #save} writes. */
    public String sha256() {
        try {
            return HexFormat.of().formatHex(
                    MessageDigest.getInstance("SHA-256").digest(toJson().getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
