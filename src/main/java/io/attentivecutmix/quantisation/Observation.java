package io.attentivecutmix.quantisation;

import io.attentivecutmix.quantisation.Activations.Tensor;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What is seen of a network's tensors while it runs in FP32: the largest magnitude and the mean of every channel, and
 * histograms. Maxima, counts and sums of integers do not depend on the order of the images, so neither does what is
 * made of them.
 */
final class Observation {
    private final CalibrationNetworks networks;
    private final Activations activations;
    private final Map<String, float[]> maxima;
    private Map<String, float[]> means;

    /** Runs every image once, for the maxima. */
    Observation(CalibrationNetworks networks) {
        this.networks = networks;
        activations = new Activations(networks.network());
        maxima = channelMaxima();
    }

    private Map<String, float[]> channelMaxima() {
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
                if (tensor.equals(Activations.POOLED)) {
                    return; // has the maxima of conv1
                }
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
    Map<String, int[]> exponents(double strength) {
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

    /** Limits of every tensor for each of several equalisations, in one pass, which takes the means too. */
    List<Map<String, Float>> limits(List<Map<String, int[]>> exponents, RangeChoice ranges) {
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
        ChannelMeans[] sums = new ChannelMeans[networks.workers()];
        Arrays.setAll(sums, w -> new ChannelMeans(networks.network(), maxima));
        networks.observe(worker -> {
            float[] row = new float[largest()];
            return (tensor, values, positions, channels) -> {
                sums[worker].add(tensor, values, positions, channels);
                if (tensor.equals(Activations.POOLED)) {
                    return; // stored with the limit of conv1
                }
                for (int i = 0; i < exponents.size(); i++) {
                    int[] e = exponents.get(i).get(activations.tensors().get(tensor).stream());
                    count(perWorker.get(worker).get(i).get(tensor), values, positions, channels, e, row);
                }
            };
        });
        for (int w = 1; w < sums.length; w++) {
            sums[0].add(sums[w]);
        }
        means = sums[0].means(networks.images());
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

    /**
     * As {@link Calibration#means} has them, of every tensor that a convolution reads; null before limits were taken.
     */
    Map<String, float[]> means() {
        return means;
    }

    private static void count(Histogram histogram, FloatBuffer values, int positions, int channels,
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
}
