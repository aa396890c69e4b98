package io.attentivecutmix.gpu;

import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.Device;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.weights.Weights;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * The device that the tests and programs of this package look at: GPU 0, or what the system property {@code
 * gpu.test.device} names. With {@code -Dgpu.test.device=cpu} the CPU device is held to itself, which shows on any
 * machine that a test can pass.
 */
final class DeviceUnderTest {
    static final Device DEVICE = Device.parse(System.getProperty("gpu.test.device", "cuda"));

    /** The card's number; 0 for the CPU device, where nobody asks. */
    static final int ORDINAL = DEVICE.name().startsWith("cuda:") ? Integer.parseInt(DEVICE.name().substring(5)) : 0;

    private DeviceUnderTest() {}

    /** Skips a test class with the device's own reason where the device cannot be used. */
    static final class Usable implements ExecutionCondition {
        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            return DEVICE.unavailableReason()
                    .map(reason -> ConditionEvaluationResult.disabled("skipped: " + DEVICE + ": " + reason))
                    .orElseGet(() -> ConditionEvaluationResult.enabled("usable"));
        }
    }

    /** Skips the calling test where the device does not compute in this precision. */
    static void require(Precision precision) {
        Assumptions.assumeTrue(DEVICE.precisions().contains(precision),
                () -> "skipped: " + DEVICE + " computes in " + DEVICE.precisions() + ", not in " + precision);
    }

    /** A mixer on the device. */
    static AttentiveCutMix.Builder mixer(Weights weights, Precision precision, MixOptions options) {
        return on(DEVICE, weights, precision, options);
    }

    /** The yardstick: the CPU device in FP32. */
    static AttentiveCutMix.Builder reference(Weights weights, MixOptions options) {
        return on(Device.cpu(), weights, Precision.FP32, options);
    }

    private static AttentiveCutMix.Builder on(Device device, Weights weights, Precision precision, MixOptions options) {
        return AttentiveCutMix.builder().device(device).weights(weights).precision(precision).options(options);
    }

    /** A mixer without an extractor, which replays records and mixes in the modes that need none. */
    static AttentiveCutMix.Builder bare(Device device, MixOptions options) {
        return AttentiveCutMix.builder().device(device).options(options);
    }
}
