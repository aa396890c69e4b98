package io.attentivecutmix.benchmarks;

import io.attentivecutmix.benchmarks.Results.Result;
import io.attentivecutmix.cpu.HeatMapBenchmark;
import io.attentivecutmix.cpu.PreprocessBenchmark;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Single stages on one thread. */
final class Stages {
    private static final List<Class<?>> ORDER = List.of(DecodeBenchmark.class, ResizeBenchmark.class,
            PreprocessBenchmark.class, ExtractorBenchmark.class, HeatMapBenchmark.class, SelectBenchmark.class,
            MixBenchmark.class, LabelBenchmark.class, CopyBenchmark.class);
    /** Parameters of the stages that make up one image's way from a JPEG file to mixed bytes and a row of labels. */
    private static final Map<String, Map<String, String>> WAY = new LinkedHashMap<>();

    static {
        WAY.put("DecodeBenchmark.decode", Map.of("format", "jpg", "decoder", "opencv"));
        WAY.put("PreprocessBenchmark.load", Map.of("image", "375x500"));
        WAY.put("ExtractorBenchmark.attend", Map.of("side", "224"));
        WAY.put("HeatMapBenchmark.reduce", Map.of("reduction", "MEAN"));
        WAY.put("SelectBenchmark.select", Map.of("grid", "7", "k", "6"));
        WAY.put("MixBenchmark.mix", Map.of("output", "UINT8/NHWC"));
        WAY.put("LabelBenchmark.rows", Map.of("batch", "256", "classes", "1000"));
    }

    private Stages() {}

    static void write(Page page, Path folder, List<Result> results) throws IOException {
        List<Result> stages = new ArrayList<>();
        for (Class<?> c : ORDER) {
            results.stream().filter(r -> r.is(c)).filter(r -> r.param("threads").isEmpty() || r.threads().equals("1"))
                    .forEach(stages::add);
        }
        if (stages.stream().allMatch(r -> r.is(ExtractorBenchmark.class))) {
            return;
        }
        double copy = stages.stream().filter(r -> r.is(CopyBenchmark.class)).mapToDouble(r -> r.median("bytes")).max()
                .orElse(Double.NaN);
        page.paragraph("## Stages, one thread");
        page.paragraph("GB/s: the least traffic the stage can do with (each input byte read once, each output byte"
                + " written once) over its time, beside this machine's copy of 128 MB on one thread%s. A stage whose"
                + " data stay in the cache can be above it. Heap: results are within (a decoded image is 562,500"
                + " bytes), and what JMH itself allocates.",
                copy > 0 ? Page.format(", %.2f GB/s", copy / 1e9) : "");
        page.head("stage", "images/s", "µs per image", "GB/s", "of the copy rate", "heap bytes per image", "others");
        Map<String, Double> way = new LinkedHashMap<>();
        for (Result r : stages) {
            String params = r.params().entrySet().stream().filter(e -> !e.getKey().matches("device|threads"))
                    .map(e -> e.getKey() + " " + e.getValue()).collect(Collectors.joining(", "));
            String name = r.name().replace("Benchmark", "") + (params.isEmpty() ? "" : " (" + params + ")");
            double images = r.median("images");
            double bytes = r.median("bytes");
            double heap = r.median("gc.alloc.rate.norm") * r.median("score") / images;
            page.row(name, images > 0 ? r.rangeText("images", images < 100 ? 1 : 0) : "",
                    images > 0 ? Page.format("%.2f", 1e6 / images) : "",
                    bytes > 0 ? Page.format("%.2f", bytes / 1e9) : "",
                    bytes > 0 && copy > 0 ? Page.format("%.0f %%", 100 * bytes / copy) : "",
                    images > 0 ? Page.format("%.0f", heap) : "", Page.others(r.median(LoadProfiler.METRIC)));
            if (r.params().entrySet().containsAll(WAY.getOrDefault(r.name(), Map.of("no", "such")).entrySet())) {
                String precision = r.param("precision");
                // Several batches of an extractor are one stage; the last, largest one stays
                way.put(r.name().replaceAll("Benchmark.*", "") + (precision.isEmpty() ? "" : " " + precision),
                        1e6 / images);
            }
        }
        page.end();
        if (!way.isEmpty()) {
            Charts.stages(folder, "stages", "One image of 500×375 on one thread: µs per stage, logarithmic", way);
            page.chart("stages", "microseconds per image and stage");
        }
    }
}
