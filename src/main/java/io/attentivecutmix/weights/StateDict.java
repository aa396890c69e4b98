package io.attentivecutmix.weights;

import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.ResNet.Block;
import io.attentivecutmix.weights.TensorFile.Info;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Finds the network in a file's tensors: strips prefixes, recognises the depth, and reports everything that does not
 * fit.
 */
final class StateDict {
    /** Segments that may stand before the network's own names, in any combination and number. */
    private static final Set<String> WRAPPERS =
            Set.of("state_dict", "model", "model_state", "model_state_dict", "module", "backbone", "encoder");
    /** Either tells where the network's names start; of a file that lacks one of them, the other can still say so. */
    private static final List<String> FIRST = List.of("conv1.weight", "layer1.0.conv1.weight");
    private static final Pattern BLOCK = Pattern.compile("layer([1-4])\\.([0-9]{1,3})\\.(.*)");
    private static final int SHOWN = 20;
    private static final int LONGEST_NAME = 160;

    private final String file;
    private final TensorFile tensors;
    private final Map<String, Info> all;
    private final String prefix;
    private final ResNet network;
    /** The names that the network needs, and the classifier's, to what the file calls them. */
    private final Map<String, String> kept = new LinkedHashMap<>();

    /** @throws WeightsException if the tensors are not one network of the table, naming everything that is wrong */
    StateDict(String file, TensorFile tensors) {
        this.file = file;
        this.tensors = tensors;
        all = tensors.tensors();
        prefix = findPrefix();
        network = recognise();
        match();
    }

    ResNet network() {
        return network;
    }

    /**
     * The network's tensors, with fc.weight and fc.bias if they are there, under torchvision's names.
     *
     * @throws WeightsException if a value cannot be used
     */
    Map<String, RawTensor> load() throws IOException {
        Map<String, RawTensor> loaded = tensors.load(Set.copyOf(kept.values()));
        Map<String, RawTensor> result = new LinkedHashMap<>();
        kept.forEach((name, inFile) -> result.put(name, loaded.get(inFile)));
        result.forEach(this::checkValues);
        return result;
    }

    private String findPrefix() {
        Set<String> found = new LinkedHashSet<>();
        for (String name : all.keySet()) {
            for (String first : FIRST) {
                String before = name.endsWith(first) ? name.substring(0, name.length() - first.length()) : "?";
                boolean wrappers = before.endsWith(".")
                        && Arrays.stream(before.split("\\.")).allMatch(WRAPPERS::contains);
                if (before.isEmpty() || wrappers) {
                    found.add(before);
                }
            }
        }
        if (found.size() == 1) {
            return found.iterator().next();
        }
        if (found.isEmpty()) {
            throw new WeightsException(file, FIRST.get(0),
                    "is missing, so this is no ResNet of torchvision's or timm's plain kind;"
                    + " the file has " + all.size() + " tensors: " + listed(new ArrayList<>(all.keySet())));
        }
        throw new WeightsException(file, FIRST.get(0), "and the rest are there " + found.size()
                + " times, under the prefixes "
                + listed(found.stream().map(p -> "'" + p + "'").toList()) + "; which network to take is unclear");
    }

    private ResNet recognise() {
        int[] blocks = new int[4];
        boolean bottleneck = false;
        for (String name : all.keySet()) {
            if (!name.startsWith(prefix)) {
                continue;
            }
            Matcher m = BLOCK.matcher(name.substring(prefix.length()));
            if (m.matches()) {
                int layer = m.group(1).charAt(0) - '1';
                blocks[layer] = Math.max(blocks[layer], Integer.parseInt(m.group(2)) + 1);
                bottleneck |= m.group(3).startsWith("conv3.");
            }
        }
        for (ResNet candidate : ResNet.values()) {
            if (candidate.bottleneck() == bottleneck && Arrays.equals(blocks, blocksOf(candidate))) {
                return candidate;
            }
        }
        throw new WeightsException(file, "blocks", "are " + Arrays.toString(blocks) + " of " +
                (bottleneck ? "three" : "two")
                + " convolutions; allowed: [2, 2, 2, 2] and [3, 4, 6, 3] of two (ResNet-18, 34), [3, 4, 6, 3],"
                + " [3, 4, 23, 3] and [3, 8, 36, 3] of three (ResNet-50, 101, 152)");
    }

    private static int[] blocksOf(ResNet network) {
        int[] count = new int[4];
        for (Block b : network.blocks()) {
            count[b.layer() - 1]++;
        }
        return count;
    }

    private void match() {
        List<String> missing = new ArrayList<>();
        List<String> wrong = new ArrayList<>();
        Map<String, int[]> wanted = network.tensors();
        wanted.forEach((name, shape) -> {
            Info tensor = all.get(prefix + name);
            if (tensor == null) {
                missing.add(name);
            } else {
                take(name, tensor, shape, wrong);
            }
        });
        takeClassifier(wrong);
        List<String> unexpected = new ArrayList<>();
        for (String name : all.keySet()) {
            if (name.startsWith(prefix)) {
                String plain = name.substring(prefix.length());
                if (!wanted.containsKey(plain) && !plain.startsWith("fc.") && !plain.endsWith(".num_batches_tracked")) {
                    unexpected.add(plain);
                }
            }
        }
        if (missing.isEmpty() && wrong.isEmpty() && unexpected.isEmpty()) {
            return;
        }
        List<String> faults = new ArrayList<>();
        report("missing", missing, faults);
        report("unexpected", unexpected, faults);
        report("of the wrong shape or type", wrong, faults);
        throw new WeightsException(file, "tensors of " + network, String.join("; ", faults));
    }

    private static void report(String what, List<String> names, List<String> faults) {
        if (!names.isEmpty()) {
            faults.add(names.size() + " " + what + ": " + listed(names));
        }
    }

    private void take(String name, Info tensor, int[] shape, List<String> wrong) {
        if (!tensor.type().isFloating()) {
            wrong.add(name + " is " + tensor.type() + ", allowed F32, F16, BF16, F64");
        } else if (!Arrays.equals(tensor.shape(), shape)) {
            wrong.add(name + " is " + Arrays.toString(tensor.shape()) + ", needed " + Arrays.toString(shape));
        } else {
            kept.put(name, prefix + name);
        }
    }

    /**
     * A classifier of any number of classes; a head of another shape (such as a convolution) is an error, none is fine.
     */
    private void takeClassifier(List<String> wrong) {
        Info weight = all.get(prefix + "fc.weight");
        Info bias = all.get(prefix + "fc.bias");
        if (weight == null) {
            return;
        }
        int classes = weight.shape().length == 2 ? weight.shape()[0] : 0;
        if (classes < 1) {
            wrong.add("fc.weight is " + Arrays.toString(weight.shape()) + ", needed [classes, " + network.channels()
                    + "]");
            return;
        }
        take("fc.weight", weight, new int[] {classes, network.channels()}, wrong);
        if (bias != null) {
            take("fc.bias", bias, new int[] {classes}, wrong);
        }
    }

    /** One value that is not finite makes every heat map useless, and a negative variance has no root: refused here. */
    private void checkValues(String name, RawTensor tensor) {
        boolean variance = name.endsWith(".running_var");
        int bad = tensor.firstUnusable(!variance);
        if (bad >= 0) {
            throw new WeightsException(file, name, "element " + bad + " is " + tensor.value(bad) + "; allowed: "
                    + (variance ? "finite values of 0 or more" : "finite values"));
        }
    }

    /** Names come from the file and may be of any length. */
    private static String listed(List<String> names) {
        String shown = names.stream().limit(SHOWN)
                .map(n -> n.length() > LONGEST_NAME ? n.substring(0, LONGEST_NAME) + "…" : n)
                .collect(Collectors.joining(", "));
        return names.size() > SHOWN ? shown + ", and " + (names.size() - SHOWN) + " more" : shown;
    }
}
