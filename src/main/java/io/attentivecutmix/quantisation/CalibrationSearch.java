package io.attentivecutmix.quantisation;

import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.network.ResNet.Block;
import io.attentivecutmix.network.ResNet.Convolution;
import io.attentivecutmix.quantisation.Activations.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Finds a calibration: ranges first, then whether to equalise channels, then how much must stay in float for the cells to
 * agree.
 *
 * <p>What raised the agreement most for its price comes first: the last block's output and the streams of layers 3 and 4
 * are always kept in float. If that does not reach the target, the streams of layers 2 and 1 follow, then convolutions,
 * in the order of the error that each alone adds to the heat map, squared and divided by its multiplications. Errors of
 * layers are nearly independent, so that their squares add up; as few as needed are kept, by bisection.
 */
public final class CalibrationSearch {
    /** How strongly channels are equalised, 0 not at all and 1 until all maxima are within a factor of 2. */
    private static final double[] STRENGTHS = {0, 0.5, 0.75};
    private static final List<Set<String>> WIDE =
            List.of(Set.of("layer3", "layer4"), Set.of("layer2", "layer3", "layer4"),
                    Set.of("layer1", "layer2", "layer3", "layer4"));
    private static final int IMAGES_FOR_SENSITIVITY = 16;

    private final CalibrationNetworks networks;
    private final Activations activations;
    private final String weightsSha256;
    private final Preprocessing preprocessing;
    private final Reduction reduction;
    private final int k;
    private final RangeChoice ranges;
    private final double target;
    private final Consumer<String> progress;
    private float[][] reference;

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
        this.activations = new Activations(networks.network());
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
        if (overlap(found) < target) {
            found = partlyFloating(found);
        }
        return found.withAgreements(agreements(found));
    }

    private Calibration equalised() {
        Map<String, float[]> maxima = channelMaxima();
        List<Map<String, int[]>> exponents = new ArrayList<>();
        for (double strength : STRENGTHS) {
            exponents.add(exponents(maxima, strength));
        }
        progress.accept("collecting histograms of " + activations.tensors().size() + " tensors");
        List<Map<String, Float>> limits = limits(exponents);
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
        for (int i = 1; i < WIDE.size() && overlap(c) < target; i++) {
            c = with(start, Set.of(), WIDE.get(i));
            progress.accept("streams " + WIDE.get(i).stream().sorted().toList() + " in float: " + text(agreement(c)));
        }
        return c;
    }

    private Calibration partlyFloating(Calibration start) {
        List<String> order = bySensitivity(start);
        Calibration all = with(start, new HashSet<>(order), start.wide());
        if (overlap(all) < target) {
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

    private Map<String, float[]> channelMaxima() {
        progress.accept("collecting the channels' maxima");
        List<Map<String, float[]>> perWorker = new ArrayList<>();
        for (int w = 0; w < networks.workers(); w++) {
            Map<String, float[]> maxima = new HashMap<>();
            activations.tensors().values().forEach(t -> maxima.put(t.name(), new float[t.channels()]));
            perWorker.add(maxima);
        }
        networks.observe(worker -> {
            Map<String, float[]> maxima = perWorker.get(worker);
            float[] row = new float[largest()];
            return (tensor, values, positions, channels) -> {
                float[] max = maxima.get(tensor);
                for (int p = 0; p < positions; p++) {
                    values.get(p * channels, row, 0, channels);
                    for (int c = 0; c < channels; c++) {
                        max[c] = Math.max(max[c], Math.abs(row[c]));
                    }
                }
            };
        });
        Map<String, float[]> all = perWorker.get(0);
        for (Map<String, float[]> others : perWorker.subList(1, perWorker.size())) {
            others.forEach((name, max) -> {
                float[] to = all.get(name);
                for (int c = 0; c < to.length; c++) {
                    to[c] = Math.max(to[c], max[c]);
                }
            });
        }
        return all;
    }

    private int largest() {
        return activations.tensors().values().stream().mapToInt(Tensor::channels).max().orElseThrow();
    }

    /**
     * Exponents that bring each channel's maximum towards the median of its stream's: 2^e is nearest to
     * (maximum / median)^strength. A channel that was always 0 keeps its scale.
     */
    private Map<String, int[]> exponents(Map<String, float[]> maxima, double strength) {
        Map<String, int[]> exponents = new LinkedHashMap<>();
        if (strength == 0) {
            return exponents;
        }
        Map<String, float[]> streams = new LinkedHashMap<>();
        for (Tensor t : activations.tensors().values()) {
            if (t.name().equals(Activations.INPUT) || t.stream().equals("layer4")) {
                continue;
            }
            float[] stream = streams.computeIfAbsent(t.stream(), s -> new float[t.channels()]);
            float[] max = maxima.get(t.name());
            for (int c = 0; c < stream.length; c++) {
                stream[c] = Math.max(stream[c], max[c]);
            }
        }
        streams.forEach((stream, max) -> {
            float[] sorted = max.clone();
            Arrays.sort(sorted);
            double median = sorted[sorted.length / 2];
            int[] e = new int[max.length];
            for (int c = 0; c < e.length && median > 0; c++) {
                if (max[c] > 0) {
                    long rounded = Math.round(strength * Math.log(max[c] / median) / Math.log(2));
                    e[c] = (int) Math.max(-Calibration.MAX_EXPONENT, Math.min(Calibration.MAX_EXPONENT, rounded));
                }
            }
            exponents.put(stream, e);
        });
        return exponents;
    }

    /** Limits of every tensor for each of several equalisations, in one pass. */
    private List<Map<String, Float>> limits(List<Map<String, int[]>> exponents) {
        List<List<Map<String, Histogram>>> perWorker = new ArrayList<>();
        for (int w = 0; w < networks.workers(); w++) {
            List<Map<String, Histogram>> histograms = new ArrayList<>();
            for (int i = 0; i < exponents.size(); i++) {
                Map<String, Histogram> map = new HashMap<>();
                activations.tensors().keySet().forEach(t -> map.put(t, new Histogram()));
                histograms.add(map);
            }
            perWorker.add(histograms);
        }
        networks.observe(worker -> {
            float[] row = new float[largest()];
            return (tensor, values, positions, channels) -> {
                for (int i = 0; i < exponents.size(); i++) {
                    int[] e = exponents.get(i).get(activations.tensors().get(tensor).stream());
                    count(perWorker.get(worker).get(i).get(tensor), values, positions, channels, e, row);
                }
            };
        });
        List<Map<String, Float>> limits = new ArrayList<>();
        for (int i = 0; i < exponents.size(); i++) {
            Map<String, Float> map = new LinkedHashMap<>();
            for (Tensor t : activations.tensors().values()) {
                Histogram sum = new Histogram();
                for (List<Map<String, Histogram>> worker : perWorker) {
                    sum.add(worker.get(i).get(t.name()));
                }
                map.put(t.name(), sum.limit(ranges, t.signed()));
            }
            limits.add(map);
        }
        return limits;
    }

    private static void count(Histogram histogram, java.nio.FloatBuffer values, int positions, int channels,
            int[] exponents, float[] row) {
        float[] factors = new float[channels];
        for (int c = 0; c < channels; c++) {
            factors[c] = exponents == null ? 1 : Math.scalb(1f, -exponents[c]);
        }
        for (int p = 0; p < positions; p++) {
            values.get(p * channels, row, 0, channels);
            for (int c = 0; c < channels; c++) {
                histogram.add(row[c] * factors[c]);
            }
        }
    }

    private int index() {
        return networks.reductions().indexOf(reduction);
    }

    private double overlap(Calibration c) {
        return agreement(c).meanOverlap();
    }

    private Agreement agreement(Calibration c) {
        return agreements(c).get(index());
    }

    private Calibration measured;
    private List<Agreement> measurement;

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
        return String.format(java.util.Locale.ROOT, "mean overlap %.3f of %d, heat-map error %.4f", a.meanOverlap(), k,
                a.heatError());
    }
}
