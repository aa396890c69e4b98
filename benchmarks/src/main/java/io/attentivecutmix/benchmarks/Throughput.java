package io.attentivecutmix.benchmarks;

import io.attentivecutmix.benchmarks.Results.Result;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Images/s of networks and steps, and how they scale. */
final class Throughput {
    private final Map<String, Map<Integer, Double>> byBatch = new LinkedHashMap<>();
    private final Map<String, Map<Integer, Double>> byThreads = new LinkedHashMap<>();
    private final Map<String, Map<Integer, Double>> bySide = new LinkedHashMap<>();

    private Throughput() {}

    static void write(Page page, Path folder, List<Result> results) throws IOException {
        List<Result> nets = results.stream()
                .filter(r -> r.is(ExtractorBenchmark.class) || r.is(StepBenchmark.class)
                        || r.is(RivalBenchmark.class)).toList();
        if (nets.isEmpty()) {
            return;
        }
        page.paragraph("## Throughput and scaling");
        page.paragraph("In brackets the least and the largest iteration. Heap: allocated by all threads, the harness's"
                + " own 20 KB or so per iteration included. Agreement: share of each image's six hottest cells that our"
                + " FP32 selects too, and the worst image's relative L2 difference of features.");
        page.head("what", "batch", "threads", "images/s", "heap bytes per image", "agreement with our FP32", "others");
        Throughput t = new Throughput();
        for (Result r : nets) {
            page.row(label(r), r.batch(), r.threads(), r.rangeText("images", 1),
                    Page.format("%.0f", r.median("gc.alloc.rate.norm") / r.batch()), agreement(r),
                    Page.others(r.median(LoadProfiler.METRIC)));
            t.add(r);
        }
        page.end();
        chart(page, folder, "batch", "By batch", t.byBatch);
        chart(page, folder, "threads", "By threads", t.byThreads);
        chart(page, folder, "side", "By side of the network's input", t.bySide);
    }

    private static String agreement(Result r) {
        return r.is(RivalBenchmark.class) && r.metrics().containsKey("featureError")
                ? Page.format("%.1f %% of cells, %.1e", 100 * r.median("sharedCells"), r.median("featureError")) : "";
    }

    private void add(Result r) {
        double images = r.median("images");
        if (r.threads().equals("all")) {
            put(byBatch, label(r), r.batch(), images);
        }
        put(byThreads, label(r) + ", batch " + r.batch(), Settings.threads(Integer.parseInt(r.param("threads"))),
                images);
        if (!r.is(StepBenchmark.class) && r.threads().equals("all")) {
            put(bySide, name(r) + ", batch " + r.batch(), Integer.parseInt(r.param("side")), images);
        }
    }

    private static void put(Map<String, Map<Integer, Double>> series, String name, int x, double y) {
        series.computeIfAbsent(name, k -> new TreeMap<>()).put(x, y);
    }

    /** A chart of the series that are more than a point, if there is one. */
    private static void chart(Page page, Path folder, String axis, String title,
            Map<String, Map<Integer, Double>> series) throws IOException {
        series.values().removeIf(s -> s.size() < 2);
        if (!series.isEmpty()) {
            Charts.lines(folder, axis, title, axis, series);
            page.chart(axis, "images per second by " + axis);
        }
    }

    private static String label(Result r) {
        if (r.is(StepBenchmark.class)) {
            return "step " + r.param("precision") + " of " + r.param("image") + ", k " + r.param("k");
        }
        return name(r) + (r.param("side").equals("224") ? "" : " at " + r.param("side"));
    }

    private static String name(Result r) {
        return r.is(RivalBenchmark.class) ? Rival.valueOf(r.param("rival")).label : "our " + r.param("precision")
                + " extractor";
    }
}
