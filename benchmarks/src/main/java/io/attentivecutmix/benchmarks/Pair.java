package io.attentivecutmix.benchmarks;

import io.attentivecutmix.Device;
import io.attentivecutmix.method.Precision;
import java.util.Set;

/**
 * Two contestants that are compared in alternation. The ratio is the second's time over the first's: above 1, the first
 * wins.
 */
public enum Pair {
    FP32_ONNX_RUNTIME("our FP32 extractor", "ONNX Runtime FP32"),
    FP32_PYTORCH("our FP32 extractor", "PyTorch FP32 through DJL"),
    BF16_FP32("our BF16 extractor", "our FP32 extractor"),
    BF16_ONNX_RUNTIME("our BF16 extractor", "ONNX Runtime FP32"),
    BF16_ONNX_RUNTIME_INT8("our BF16 extractor", "ONNX Runtime INT8"),
    INT8_FP32("our INT8 extractor", "our FP32 extractor"),
    INT8_BF16("our INT8 extractor", "our BF16 extractor"),
    INT8_ONNX_RUNTIME("our INT8 extractor", "ONNX Runtime FP32"),
    INT8_ONNX_RUNTIME_INT8("our INT8 extractor", "ONNX Runtime INT8"),
    EXTRACTOR_STEP_FP32("our FP32 extractor", "our whole FP32 step"),
    EXTRACTOR_STEP_BF16("our BF16 extractor", "our whole BF16 step"),
    EXTRACTOR_STEP_INT8("our INT8 extractor", "our whole INT8 step"),
    PIPELINE_FP32("our FP32 pipeline from JPEG", "what a Java user writes today"),
    PIPELINE_BF16("our BF16 pipeline from JPEG", "what a Java user writes today"),
    PYTHON_FP32("our FP32 pipeline from JPEG", "per-sample PyTorch in Python"),
    PYTHON_BF16("our BF16 pipeline from JPEG", "per-sample PyTorch in Python");

    final String first;
    final String second;

    Pair(String first, String second) {
        this.first = first;
        this.second = second;
    }

    boolean runsWith(Set<Precision> precisions) {
        return (precisions.contains(Precision.BF16) || !name().contains("BF16"))
                && (precisions.contains(Precision.INT8) || !name().startsWith("INT8") && !name().endsWith("STEP_INT8"));
    }

    /** Whether both begin with files; else with a tensor or a batch. */
    boolean fromFiles() {
        return name().startsWith("PIPELINE") || needsPython();
    }

    boolean needsPython() {
        return name().startsWith("PYTHON");
    }

    Contestant openFirst(Device device, int batch, int side, int threads) {
        return switch (this) {
            case FP32_ONNX_RUNTIME, FP32_PYTORCH, EXTRACTOR_STEP_FP32 -> extractor(device, Precision.FP32, batch, side,
                    threads);
            case BF16_FP32, BF16_ONNX_RUNTIME, BF16_ONNX_RUNTIME_INT8, EXTRACTOR_STEP_BF16 ->
                    extractor(device, Precision.BF16, batch, side, threads);
            case INT8_FP32, INT8_BF16, INT8_ONNX_RUNTIME, INT8_ONNX_RUNTIME_INT8, EXTRACTOR_STEP_INT8 ->
                    extractor(device, Precision.INT8, batch, side, threads);
            case PIPELINE_FP32, PYTHON_FP32 -> new OurPipeline(device, Precision.FP32, batch, threads);
            case PIPELINE_BF16, PYTHON_BF16 -> new OurPipeline(device, Precision.BF16, batch, threads);
        };
    }

    Contestant openSecond(Device device, int batch, int side, int threads) {
        return switch (this) {
            case FP32_ONNX_RUNTIME, BF16_ONNX_RUNTIME, INT8_ONNX_RUNTIME ->
                    rival(Rival.ONNX_RUNTIME, batch, side, threads);
            case BF16_ONNX_RUNTIME_INT8, INT8_ONNX_RUNTIME_INT8 -> rival(Rival.ONNX_RUNTIME_INT8, batch, side, threads);
            case FP32_PYTORCH -> rival(Rival.PYTORCH, batch, side, threads);
            case BF16_FP32, INT8_FP32 -> extractor(device, Precision.FP32, batch, side, threads);
            case INT8_BF16 -> extractor(device, Precision.BF16, batch, side, threads);
            case EXTRACTOR_STEP_FP32 -> new OurStep(device, Precision.FP32, batch, side, side, 6, threads);
            case EXTRACTOR_STEP_BF16 -> new OurStep(device, Precision.BF16, batch, side, side, 6, threads);
            case EXTRACTOR_STEP_INT8 -> new OurStep(device, Precision.INT8, batch, side, side, 6, threads);
            case PIPELINE_FP32, PIPELINE_BF16 -> new TodaysPipeline(batch, threads);
            case PYTHON_FP32, PYTHON_BF16 -> new PerSamplePython(batch, threads);
        };
    }

    private static Contestant extractor(Device device, Precision precision, int batch, int side, int threads) {
        return new OurExtractor(device, precision, batch, side, threads);
    }

    private static Contestant rival(Rival rival, int batch, int side, int threads) {
        Net net = rival.open(Samples.weights(), batch, side, threads);
        net.run();
        rival.check(net.features(), batch, side);
        return net;
    }
}
