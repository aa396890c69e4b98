package io.attentivecutmix.quantisation;

import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.ResNet.Convolution;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What a calibration of one network must satisfy. Every fault is an IllegalArgumentException with what is allowed.
 */
final class CalibrationChecks {
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
    private static final List<String> LAYERS = List.of("layer1", "layer2", "layer3", "layer4");
    /** What a heat map is made of. */
    private static final String LAST = "layer4";

    private final ResNet network;
    private final Map<String, Activations.Tensor> tensors;
    /** What a convolution reads. */
    private final Map<String, Activations.Tensor> sources = new LinkedHashMap<>();
    private final Map<String, Integer> channels = new LinkedHashMap<>();
    private final Set<String> convolutions = new LinkedHashSet<>();

    CalibrationChecks(ResNet network) {
        this.network = network;
        Activations activations = new Activations(network);
        tensors = activations.tensors();
        for (Activations.Tensor t : tensors.values()) {
            if (!t.stream().equals(Activations.INPUT) && !t.stream().equals(LAST)) {
                channels.put(t.stream(), t.channels());
            }
        }
        for (Convolution c : network.convolutions()) {
            convolutions.add(c.name());
            sources.put(activations.source(c).name(), activations.source(c));
        }
    }

    static void sha256(String value) {
        if (!SHA256.matcher(value).matches()) {
            throw new IllegalArgumentException("weightsSha256 is " + value + "; allowed: 64 digits of 0-9 and a-f");
        }
    }

    static void images(int value) {
        if (value < 1) {
            throw new IllegalArgumentException("images is " + value + "; allowed: 1 or more");
        }
    }

    void tensor(String name) {
        if (!tensors.containsKey(name)) {
            throw new IllegalArgumentException("limits names " + name + ", which is no tensor of " + network);
        }
    }

    static void limit(String name, float value) {
        if (!(value >= Calibration.MIN_LIMIT && value <= Calibration.MAX_LIMIT)) {
            throw new IllegalArgumentException("limit of " + name + " is " + value + "; allowed: 2^-100 to 2^100");
        }
    }

    /** A copy in the network's order. */
    Map<String, Float> limits(Map<String, Float> given) {
        given.keySet().forEach(this::tensor);
        Map<String, Float> ordered = new LinkedHashMap<>();
        for (String name : tensors.keySet()) {
            Float value = given.get(name);
            if (value == null) {
                throw new IllegalArgumentException("limits lacks " + name + "; needed: every tensor of " + network);
            }
            limit(name, value);
            ordered.put(name, value);
        }
        return ordered;
    }

    void stream(String name) {
        if (!channels.containsKey(name)) {
            throw new IllegalArgumentException("exponents names " + name + "; allowed: streams of " + network
                    + " other than " + Activations.INPUT + " and " + LAST);
        }
    }

    /** C of a stream. */
    int channels(String stream) {
        return channels.get(stream);
    }

    static void exponent(String stream, int value) {
        if (value < -Calibration.MAX_EXPONENT || value > Calibration.MAX_EXPONENT) {
            throw new IllegalArgumentException("exponents of " + stream + " has " + value + "; allowed: "
                    + -Calibration.MAX_EXPONENT + " to " + Calibration.MAX_EXPONENT);
        }
    }

    void exponentCount(String stream, int count) {
        if (count != channels.get(stream)) {
            throw new IllegalArgumentException("exponents of " + stream + " has " + count + " values; allowed: "
                    + channels.get(stream) + ", one for each channel");
        }
    }

    /** A deep copy in the network's order. */
    Map<String, int[]> exponents(Map<String, int[]> given) {
        given.keySet().forEach(this::stream);
        Map<String, int[]> ordered = new LinkedHashMap<>();
        for (String stream : channels.keySet()) {
            int[] values = given.get(stream);
            if (values != null) {
                int[] copy = values.clone();
                exponentCount(stream, copy.length);
                for (int e : copy) {
                    exponent(stream, e);
                }
                ordered.put(stream, copy);
            }
        }
        return ordered;
    }

    void source(String name) {
        if (!sources.containsKey(name)) {
            throw new IllegalArgumentException("means names " + name + ", which no convolution of " + network
                    + " reads");
        }
    }

    /** C of a tensor that a convolution reads. */
    int sourceChannels(String tensor) {
        return sources.get(tensor).channels();
    }

    void mean(String tensor, float value) {
        boolean signed = sources.get(tensor).signed();
        if (!(value >= (signed ? -Calibration.MAX_LIMIT : 0) && value <= Calibration.MAX_LIMIT)) {
            throw new IllegalArgumentException("means of " + tensor + " has " + value + "; allowed: "
                    + (signed ? "-2^100" : "0") + " to 2^100");
        }
    }

    void meanCount(String tensor, int count) {
        if (count != sourceChannels(tensor)) {
            throw new IllegalArgumentException("means of " + tensor + " has " + count + " values; allowed: "
                    + sourceChannels(tensor) + ", one for each channel");
        }
    }

    /** A deep copy in the network's order. */
    Map<String, float[]> means(Map<String, float[]> given) {
        given.keySet().forEach(this::source);
        Map<String, float[]> ordered = new LinkedHashMap<>();
        for (String tensor : sources.keySet()) {
            float[] values = given.get(tensor);
            if (values != null) {
                float[] copy = values.clone();
                meanCount(tensor, copy.length);
                for (float m : copy) {
                    mean(tensor, m);
                }
                ordered.put(tensor, copy);
            }
        }
        return ordered;
    }

    void floating(String name) {
        if (!convolutions.contains(name)) {
            throw new IllegalArgumentException("floating names " + name + ", which is no convolution of " + network);
        }
    }

    static void wide(String name) {
        if (!LAYERS.contains(name)) {
            throw new IllegalArgumentException("wide names " + name + "; allowed: " + String.join(", ", LAYERS));
        }
    }

    static void agreements(List<Agreement> agreements, Preprocessing preprocessing) {
        Set<Reduction> seen = EnumSet.noneOf(Reduction.class);
        int cells = preprocessing.grid() * preprocessing.grid();
        for (Agreement a : agreements) {
            if (!seen.add(a.reduction())) {
                throw new IllegalArgumentException("agreements has two for " + a.reduction()
                        + "; allowed: one for each reduction");
            }
            if (a.k() > cells) {
                throw new IllegalArgumentException("k is " + a.k() + " in the agreement for " + a.reduction()
                        + "; allowed: 1 to " + cells + " (G² at inputSide " + preprocessing.inputSide() + ")");
            }
        }
    }
}
