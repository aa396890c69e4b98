package io.attentivecutmix.engine;

import io.attentivecutmix.image.BatchForm;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.MixPlan;
import io.attentivecutmix.method.Normalisation;
import io.attentivecutmix.method.Reduction;
import io.attentivecutmix.network.ResNet;
import java.util.Set;

/** What every engine asks of its configuration and its calls, whatever the device. */
public final class EngineChecks {
    private EngineChecks() {}

    /**
     * Checks precision and classifier of an engine that has a network.
     *
     * @param precisions what the device can compute in
     * @param device for messages, e.g. {@code this CPU}
     */
    public static void configuration(EngineConfig config, Set<?> precisions, String device) {
        MixOptions options = config.options();
        if (!precisions.contains(config.precision())) {
            throw new IllegalArgumentException("precision is " + config.precision() + "; allowed on " + device + ": "
                    + precisions);
        }
        if (options.reduction() == Reduction.CLASS) {
            if (config.classifier() == null || config.classifier().length == 0) {
                throw new IllegalArgumentException("reduction is CLASS and the weights have no classifier (fc.weight);"
                        + " allowed without one: MEAN, LAST, MAX, L2");
            }
            for (float[] row : config.classifier()) {
                if (row.length != config.network().channels()) {
                    throw new IllegalArgumentException("classifier has a row of " + row.length + " values; allowed: "
                            + config.network().channels() + " (C of " + config.network() + ")");
                }
            }
        }
    }

    /** Checks that a batch fits its plan, and returns N. */
    public static int count(MixOptions options, BatchForm images, MixPlan plan) {
        if (images.count() != plan.count) {
            throw new IllegalArgumentException("images has " + images.count() + " images; allowed: " + plan.count
                    + " (as the plan)");
        }
        if (plan.grid != options.grid()) {
            throw new IllegalArgumentException("plan has a grid of " + plan.grid + "; allowed: " + options.grid()
                    + " (inputSide/" + ResNet.STRIDE + ")");
        }
        return plan.count;
    }

    /** Checks that an output has N images. */
    public static void output(MixPlan plan, BatchForm out) {
        if (out.count() != plan.count) {
            throw new IllegalArgumentException("out has " + out.count() + " images; allowed: " + plan.count);
        }
    }

    /**
     * Checks a call that finds cells.
     *
     * @param classes (N) labels, read for the CLASS reduction
     * @param classifierRows number of the classifier's rows
     */
    public static void attention(MixOptions options, BatchForm images, MixPlan plan, int[] classes,
            int classifierRows) {
        if (images.elementType() == ElementType.UINT8
                && options.normalisation().kind() == Normalisation.Kind.ALREADY_NORMALISED) {
            throw new IllegalArgumentException("images are UINT8; allowed with normalisation ALREADY_NORMALISED:"
                    + " FLOAT16, BFLOAT16, FLOAT32");
        }
        int cells = options.grid() * options.grid();
        for (int i = 0; i < plan.count; i++) {
            if (plan.patches[i] < 0 || plan.patches[i] > cells) {
                throw new IllegalArgumentException("patches of image " + i + " is " + plan.patches[i]
                        + "; allowed: 0 to " + cells + " (G²)");
            }
            if (options.reduction() == Reduction.CLASS && plan.patches[i] > 0) {
                label(classes, i, classifierRows);
            }
        }
    }

    private static void label(int[] labels, int i, int classifierRows) {
        if (labels == null || labels.length <= i) {
            throw new IllegalArgumentException("image " + i + " has no label; reduction CLASS needs one");
        }
        if (labels[i] < 0 || labels[i] >= classifierRows) {
            throw new IllegalArgumentException("label of image " + i + " is " + labels[i] + "; allowed: 0 to "
                    + (classifierRows - 1) + " (rows of the classifier)");
        }
    }

    /** Checks that an array that is written, if there is one, is large enough. */
    public static void atLeast(String name, float[] array, long size, String formula) {
        if (array != null && array.length < size) {
            throw new IllegalArgumentException(name + " has " + array.length + " elements; allowed: " + size
                    + " or more (" + formula + ")");
        }
    }
}
