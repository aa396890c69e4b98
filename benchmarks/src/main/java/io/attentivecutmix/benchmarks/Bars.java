package io.attentivecutmix.benchmarks;

import io.attentivecutmix.benchmarks.Results.Result;
import java.util.Comparator;
import java.util.List;

/** What the project holds itself to on a CPU, and whether this folder's figures show it. */
final class Bars {
    private static final double HEAP_BYTES = 1024;

    private final Page page;

    private Bars(Page page) {
        this.page = page;
    }

    static void write(Page page, List<Paired> pairs, List<Result> results) {
        Bars bars = new Bars(page);
        page.paragraph("## The bar");
        page.paragraph("Ratios are those of the pairs below, with the middle half of all pairs in brackets. *Met*: the"
                + " median reaches the bar. *Within the spread*: the median does not, the middle half does. A row of a"
                + " busy machine decides nothing.");
        page.head("bar", "where", "measured", "verdict", "others");
        for (Paired p : pairs) {
            switch (p.pair()) {
                case FP32_ONNX_RUNTIME -> bars.ratio(p, "FP32 extractor ≥ 1.0x ONNX Runtime FP32", 1, true);
                case BF16_FP32 -> bars.ratio(p, "BF16 extractor ≥ 1.8x own FP32", 1.8, true);
                case INT8_FP32 -> bars.ratio(p, "INT8 extractor ≥ 3.2x own FP32", 3.2, true);
                case INT8_ONNX_RUNTIME -> bars.ratio(p, "INT8 extractor ≥ 3.3x ONNX Runtime FP32", 3.3, true);
                case INT8_ONNX_RUNTIME_INT8 -> bars.ratio(p, "INT8 extractor ≥ 1.0x ONNX Runtime INT8", 1, true);
                case EXTRACTOR_STEP_INT8 -> bars.ratio(p, "whole INT8 step ≤ 1.05x its extractor", 1.05, false);
                case EXTRACTOR_STEP_FP32 -> bars.ratio(p, "whole FP32 step ≤ 1.05x its extractor", 1.05, false);
                case EXTRACTOR_STEP_BF16 -> bars.ratio(p, "whole BF16 step ≤ 1.05x its extractor", 1.05, false);
                case PYTHON_FP32 -> bars.ratio(p, "FP32 pipeline > 1x per-sample PyTorch", 1, true);
                case PYTHON_BF16 -> bars.ratio(p, "BF16 pipeline > 1x per-sample PyTorch", 1, true);
                default -> { }
            }
        }
        bars.heap(results.stream().filter(r -> r.is(StepBenchmark.class)).toList());
        page.end();
    }

    private void ratio(Paired p, String bar, double value, boolean least) {
        boolean median = least ? p.ratio().median() >= value : p.ratio().median() <= value;
        boolean half = least ? p.ratio().high() >= value : p.ratio().low() <= value;
        String verdict = p.disturbed() ? "none: busy machine" : median ? "met" : half ? "within the spread"
                : "**missed**";
        page.row(bar, "batch " + p.batches() + ", threads " + p.threads(), p.ratio().text(3), verdict,
                Page.others(p.others()));
    }

    /** The step that allocates most. */
    private void heap(List<Result> steps) {
        steps.stream().max(Comparator.comparingDouble(Bars::heapPerImage)).ifPresent(r -> page.row(
                "≤ 1 KiB heap per image",
                Page.format("most of %d steps: %s of %s, batch %d, threads %s", steps.size(), r.param("precision"),
                        r.param("image"), r.batch(), r.threads()),
                Page.format("%.0f bytes", heapPerImage(r)), heapPerImage(r) <= HEAP_BYTES ? "met" : "**missed**",
                Page.others(r.median(LoadProfiler.METRIC))));
    }

    private static double heapPerImage(Result r) {
        return r.median("gc.alloc.rate.norm") / r.batch();
    }
}
