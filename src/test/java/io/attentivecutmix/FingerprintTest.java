package io.attentivecutmix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.cuda.HostRuntime;
import io.attentivecutmix.cuda.TestCuda;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Mode;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.weights.Weights;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class FingerprintTest {
    private static final MixOptions OPTIONS = MixOptions.paper().withPatches(new Patches.Fixed(1)).withInputSide(32);

    private static Fingerprint of(Device device, Weights weights, MixOptions options, int threads) {
        try (AttentiveCutMix mixer = AttentiveCutMix.builder().device(device).weights(weights).options(options)
                .precision(Precision.FP32).threads(threads).build()) {
            Fingerprint fingerprint = mixer.fingerprint();
            assertEquals(fingerprint, mixer.fingerprint());
            return fingerprint;
        }
    }

    @Test
    void equalMixersHaveEqualOnesAndEveryChoiceShows() {
        Weights one = Weights.synthetic(18, 1);
        Fingerprint first = of(Device.cpu(), one, OPTIONS, 1);
        assertEquals(first, of(Device.cpu(), Weights.synthetic(18, 1), OPTIONS, 2), "threads change no bits");
        assertEquals(System.getProperty("project.version"), first.library());
        assertEquals(1, first.draws());
        assertEquals("cpu", first.device());
        assertEquals(List.of("processor", "isa", "oneDNN", "dnnlPreset"), List.copyOf(first.hardware().keySet()));
        assertEquals(Optional.of(one.tensorsSha256()), first.weights());
        assertEquals(64, first.plan().orElseThrow().length());
        assertNotEquals(first.weights(), of(Device.cpu(), Weights.synthetic(18, 2), OPTIONS, 1).weights());
        Fingerprint other = of(Device.cpu(), one, OPTIONS.withBatchNorm(BatchNorm.PER_IMAGE), 1);
        assertNotEquals(first.plan(), other.plan(), "other layers");
        assertNotEquals(first, of(Device.cpu(), one, OPTIONS.withProbability(0.5), 1));
        assertTrue(first.toString().contains(first.plan().orElseThrow()), first.toString());
    }

    @Test
    void jsonHasEveryComponentInOrder() {
        String json = of(Device.cpu(), Weights.synthetic(18, 1), OPTIONS, 1).toJson();
        int at = 0;
        for (var component : Fingerprint.class.getRecordComponents()) {
            int next = json.indexOf("\"" + component.getName() + "\":", at);
            assertTrue(next >= at, component.getName() + " in " + json);
            at = next;
        }
        assertTrue(json.contains("\"options\":" + OPTIONS.toJson()), json);
    }

    @Test
    void aMixerWithoutWeightsHasNoPlan() {
        AttentiveCutMix mixer = AttentiveCutMix.builder().device(Device.cpu()).options(OPTIONS.withMode(Mode.CUTMIX))
                .build();
        assertEquals(Optional.empty(), mixer.fingerprint().plan());
        assertTrue(mixer.fingerprint().toJson().endsWith("\"plan\":null,\"weights\":null,\"calibration\":null}"));
        mixer.close();
        assertThrows(IllegalStateException.class, mixer::fingerprint);
    }

    @Test
    void aGpuIsNamed() {
        TestCuda.assumeKernels();
        HostRuntime runtime = new HostRuntime();
        Fingerprint gpu = of(Device.cuda(0, TestCuda.device(runtime)), Weights.synthetic(18, 1), OPTIONS, 1);
        assertEquals("cuda:0", gpu.device());
        assertEquals("GPU-0", gpu.hardware().get("uuid"));
        assertEquals("sm_90", gpu.hardware().get("architecture"));
        assertEquals("13.0", gpu.hardware().get("driver"));
    }
}
