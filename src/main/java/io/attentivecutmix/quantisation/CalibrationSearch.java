package io.attentivecutmix.quantisation;

import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.network.ResNet.Block;
import io.attentivecutmix.network.ResNet.Convolution;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Finds a calibration: ranges first, then whether to equalise channels, then how much must stay in float for the cells
 * to agree.
 *
 * <p>What raised the agreement most for its price comes first: the last block's output and the streams of layers 3 and
 * 4 are always kept in float. If that does not reach the target, the streams of layers 2 and 1 follow, then
 * convolutions, in the order of the error that each alone adds to the heat map, squared and divided by its
 * multiplications. Errors of layers are nearly independent, so that their squares add up; as few as needed are kept, by
 * bisection.
 */
public final class CalibrationSearch {
    /** How strongly channels are equalised, 0 not at all and 1 until all maxima are within a factor of 2. */
    private static final double[] STRENGTHS = {0, 0.5, 0.75};
    private static final List<Set<String>> WIDE =
            List.of(Set.of("layer3", "layer4"), Set.of("layer2", "layer3", "layer4"),
                    Set.of("layer1", "layer2", "layer3", "layer4"));
    private static final int IMAGES_FOR_SENSITIVITY = 16;

    private final CalibrationNetworks networks;
    private final String weightsSha256;
    private final Preprocessing preprocessing;
    private final Reduction reduction;
    private final int k;
    private final RangeChoice ranges;
    private final double target;
    private final Consumer<String> progress;
    /** In FP32, of every reduction. */
    private float[][] reference;
    private Calibration measured;
    private List<Agreement> measurement;

    /**
     * Describes a search.
     *
     * @param networks of the device, with their images
     * @param weightsSha256 for the result
     * @param preprocessing for the result
     * @param reduction whose cells are to agree
     * @param k hot cells of an image
     * @param ranges how to choose limits
     * @param target mean overlap to reach, 0 to k
     * @param progress is told what is being done
     */
    public CalibrationSearch(CalibrationNetworks networks, String weightsSha256, Preprocessing preprocessing,
            Reduction reduction, int k, RangeChoice ranges, double target, Consumer<String> progress) {
        if (!(target >= 0 && target <= k)) {
            throw new IllegalArgumentException("target is " + target + "; allowed: 0 to " + k + " (k)");
        }
        this.networks = networks;
        this.weightsSha256 = weightsSha256;
        this.preprocessing = preprocessing;
        this.reduction = reduction;
        this.k = k;
        this.ranges = ranges;
        this.target = target;
        this.progress = progress;
    }

    /**
     * The calibration with the least in float that reaches the target on the images given; if none does, the one with
     * all streams and no convolution in float. Its agreements are of those images.
     */
    public Calibration run() {
        progress.accept("running " + networks.images() + " images in FP32");
        reference = networks.heat(networks.images());
        Calibration found = widened(equalised());
        if (!reaches(found)) {
            found = partlyFloating(found);
        }
        return found.withAgreements(agreements(found));
    }

    private Calibration equalised() {
        progress.accept("collecting the largest values of every channel");
        Observation observation = new Observation(networks);
        List<Map<String, int[]>> exponents = new ArrayList<>();
        for (double strength : STRENGTHS) {
            exponents.add(observation.exponents(strength));
        }
        progress.accept("collecting histograms of every tensor");
        List<Map<String, Float>> limits = observation.limits(exponents, ranges);
        Calibration best = null;
        double least = Double.MAX_VALUE;
        for (int i = 0; i < STRENGTHS.length; i++) {
            Calibration candidate = new Calibration(networks.network(), weightsSha256, preprocessing, ranges,
                    networks.images(), limits.get(i), exponents.get(i), Set.of(), WIDE.get(0), List.of());
            Agreement agreement = agreement(candidate);
            progress.accept("equalisation " + STRENGTHS[i] + ": " + text(agreement));
            if (agreement.heatError() < least) {
                least = agreement.heatError();
                best = candidate;
            }
        }
        return best;
    }

    private Calibration widened(Calibration start) {
        Calibration c = start;
        for (int i = 1; i < WIDE.size() && !reaches(c); i++) {
            c = with(start, Set.of(), WIDE.get(i));
            progress.accept("streams " + WIDE.get(i).stream().sorted().toList() + " in float: " + text(agreement(c)));
        }
        return c;
    }

    private Calibration partlyFloating(Calibration start) {
        List<String> order = bySensitivity(start);
        Calibration all = with(start, new HashSet<>(order), start.wide());
        if (!reaches(all)) {
            progress.accept("not even float reaches a mean overlap of " + target + ": " + text(agreement(all)));
            return start;
        }
        int tooFew = 0;
        int enough = order.size();
        Calibration found = all;
        while (enough - tooFew > 1) {
            int middle = (tooFew + enough) / 2;
            Calibration c = with(start, new HashSet<>(order.subList(0, middle)), start.wide());
            Agreement agreement = agreement(c);
            progress.accept(middle + " of " + order.size() + " convolutions in float: " + text(agreement));
            if (agreement.meanOverlap() >= target) {
                enough = middle;
                found = c;
            } else {
                tooFew = middle;
            }
        }
        return found;
    }

    private List<String> bySensitivity(Calibration start) {
        int images = Math.min(IMAGES_FOR_SENSITIVITY, networks.images());
        progress.accept("measuring what each convolution alone does to the heat map");
        Set<String> names = new HashSet<>();
        networks.network().convolutions().forEach(c -> names.add(c.name()));
        float[] allFloat = networks.heat(with(start, names, start.wide()), images)[index()];
        Map<String, Double> errorPerWork = new HashMap<>();
        Map<String, Double> work = multiplications();
        for (Convolution c : networks.network().convolutions()) {
            Set<String> others = new HashSet<>(names);
            others.remove(c.name());
            float[] one = networks.heat(with(start, others, start.wide()), images)[index()];
            double error = compare(allFloat, one, images).heatError();
            errorPerWork.put(c.name(), error * error / work.get(c.name()));
        }
        List<String> order = new ArrayList<>(errorPerWork.keySet());
        order.sort(Comparator.comparingDouble((String n) -> -errorPerWork.get(n)).thenComparing(n -> n));
        return order;
    }

    private Map<String, Double> multiplications() {
        Map<String, Double> work = new HashMap<>();
        int side = preprocessing.inputSide();
        Convolution stem = networks.network().stem();
        side = stem.outputSide(side);
        work.put(stem.name(), (double) stem.weightSize() * side * side);
        side /= 2;
        for (Block block : networks.network().blocks()) {
            int inside = side;
            for (Convolution c : block.path()) {
                inside = c.outputSide(inside);
                work.put(c.name(), (double) c.weightSize() * inside * inside);
            }
            Convolution d = block.downsample();
            if (d != null) {
                work.put(d.name(), (double) d.weightSize() * inside * inside);
            }
            side = inside;
        }
        return work;
    }

    private Calibration with(Calibration c, Set<String> floating, Set<String> wide) {
        return new Calibration(c.network(), c.weightsSha256(), c.preprocessing(), c.ranges(), c.images(), c.limits(),
                c.exponents(), floating, wide, List.of());
    }

    private int index() {
        return networks.reductions().indexOf(reduction);
    }

    /**
     * Whether the mean overlap is beyond the target by its own standard error, since other images are what counts.
     * Nearly all images share k or k − 1 cells, so the variance of one is d·(1 − d), where d is k − target.
     */
    private boolean reaches(Calibration c) {
        double missing = k - target;
        double variance = missing < 1 ? missing * (1 - missing) : 0.25;
        return agreement(c).meanOverlap() >= Math.min(k, target + Math.sqrt(variance / networks.images()));
    }

    private Agreement agreement(Calibration c) {
        return agreements(c).get(index());
    }

    /** Of all images; of the calibration that was asked for last it is known. */
    private List<Agreement> agreements(Calibration c) {
        if (c != measured) {
            float[][] heat = networks.heat(c, networks.images());
            List<Agreement> all = new ArrayList<>();
            for (int r = 0; r < heat.length; r++) {
                AgreementCounter counter = new AgreementCounter(networks.reductions().get(r), k);
                count(counter, reference[r], heat[r], networks.images());
                all.add(counter.result());
            }
            measured = c;
            measurement = all;
        }
        return measurement;
    }

    private Agreement compare(float[] reference, float[] heat, int images) {
        AgreementCounter counter = new AgreementCounter(reduction, k);
        count(counter, reference, heat, images);
        return counter.result();
    }

    private void count(AgreementCounter counter, float[] reference, float[] heat, int images) {
        int cells = networks.cells();
        for (int i = 0; i < images; i++) {
            counter.add(reference, i * cells, heat, i * cells, cells);
        }
    }

    private String text(Agreement a) {
        return String.format(Locale.ROOT, "mean overlap %.3f of %d, heat-map error %.4f", a.meanOverlap(), k,
                a.heatError());
    }
}
