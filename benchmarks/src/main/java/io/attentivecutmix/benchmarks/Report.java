package io.attentivecutmix.benchmarks;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.attentivecutmix.benchmarks.Results.Result;
import io.attentivecutmix.cpu.HeatMapBenchmark;
import io.attentivecutmix.cpu.PreprocessBenchmark;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Turns a folder of {@code record} into one page and its charts. Every figure is the median of all iterations of all forks, with
 * the least and the largest beside it; nothing is left out.
 */
final class Report {
    /** Other processes that take more than this share of a processor may have shifted a figure. */
    private static final double QUIET = 0.1;

    private final Path folder;
    private final List<Result> results = new ArrayList<>();
    private int runs;
    private final StringBuilder page = new StringBuilder();

    private Report(Path folder) throws IOException {
        this.folder = folder;
        for (runs = 0; Files.exists(folder.resolve("environment-" + (runs + 1) + ".json")); runs++) {
            results.addAll(Results.read(folder.resolve("raw-" + (runs + 1) + ".json")));
        }
        if (runs == 0) {
            throw new IllegalArgumentException("folder is " + folder + "; allowed: one that record wrote (environment-1.json)");
        }
    }

    static void write(Path folder) throws IOException {
        Report report = new Report(folder);
        report.head();
        report.pairs();
        report.throughput();
        report.pipelines();
        report.stages();
        Files.writeString(folder.resolve("README.md"), report.page);
        System.out.println("wrote " + folder.resolve("README.md"));
    }

    private void line(String format, Object... values) {
        page.append(String.format(Locale.ROOT, format, values)).append('\n');
    }

    private void head() throws IOException {
        JsonObject[] environments = new JsonObject[runs];
        for (int i = 0; i < runs; i++) {
            environments[i] = JsonParser.parseString(Files.readString(folder.resolve("environment-" + (i + 1) + ".json")))
                    .getAsJsonObject();
        }
        JsonObject e = environments[0];
        line("# Results: %s, %s processors, %s", text(e, "cpu"), text(e, "processors"), text(e, "date").substring(0, 10));
        line("");
        line("Made by `report` from the raw files in this folder. Figures are medians of all iterations of all forks, in brackets the"
                + " least and the largest. *Others* is how many processors other processes kept busy meanwhile, as a median: where it"
                + " is bold (above %.1f), the row says little.", QUIET);
        line("");
        line("| |%s", " |".repeat(runs));
        line("|---|%s", "---|".repeat(runs));
        for (String key : List.of("date", "finished", "commit", "changed files", "command", "cpu flags", "os", "java", "device",
                "onnxruntime", "pytorch", "environment", "load average before", "load average after")) {
            StringBuilder row = new StringBuilder("| " + key + " |");
            for (JsonObject environment : environments) {
                row.append(' ').append(text(environment, key).replace("|", "\\|")).append(" |");
            }
            page.append(row).append('\n');
        }
        line("");
    }

    private static String text(JsonObject object, String key) {
        JsonElement value = object.get(key);
        if (value == null) {
            return "";
        }
        return value.isJsonPrimitive() ? value.getAsString() : value.toString().replaceAll("[\"\\[\\]{}]", "")
                .replace(",", ", ");
    }

    private String others(Result r) {
        double others = r.median(LoadProfiler.METRIC);
        return Double.isNaN(others) ? "?" : String.format(Locale.ROOT, others > QUIET ? "**%.2f**" : "%.2f", others);
    }

    private void pairs() throws IOException {
        List<Result> pairs = results.stream().filter(r -> r.is(PairBenchmark.class)).toList();
        if (pairs.isEmpty()) {
            return;
        }
        line("## Compared in alternation");
        line("");
        line("One batch of the one, one of the other, in one JVM and in changing order. Ratio: the second's time over the first's"
                + " within each pair of batches, so above 1 the first is faster; in brackets the middle half of all pairs. Where that"
                + " holds 1, the two are equal here.");
        line("");
        line("| first | second | batch | threads | first, images/s | second, images/s | ratio | pairs | verdict | others |");
        line("|---|---|---|---|---|---|---|---|---|---|");
        List<String> names = new ArrayList<>();
        List<Double> firsts = new ArrayList<>();
        List<Double> seconds = new ArrayList<>();
        for (Result r : pairs) {
            Pair pair = Pair.valueOf(r.param("pair"));
            double[] first = r.metrics().get("firstNanos");
            double[] second = r.metrics().get("secondNanos");
            double[] count = r.metrics().get("pairs");
            double[] ratio = new double[first.length];
            double[] firstRate = new double[first.length];
            double[] secondRate = new double[first.length];
            for (int i = 0; i < first.length; i++) {
                ratio[i] = second[i] / first[i];
                firstRate[i] = 1e9 * r.batch() * count[i] / first[i];
                secondRate[i] = 1e9 * r.batch() * count[i] / second[i];
            }
            double low = Results.quantile(ratio, 0.25);
            double high = Results.quantile(ratio, 0.75);
            String verdict = low > 1 ? "first faster" : high < 1 ? "second faster" : "equal";
            if (r.median(LoadProfiler.METRIC) > QUIET) {
                verdict = "none: busy machine";
            }
            line("| %s | %s | %d | %s | %.1f | %.1f | %.3f (%.3f–%.3f) | %d | %s | %s |", pair.first, pair.second, r.batch(),
                    threads(r), Results.quantile(firstRate, 0.5), Results.quantile(secondRate, 0.5),
                    Results.quantile(ratio, 0.5), low, high, ratio.length, verdict, others(r));
            names.add(r.param("pair") + " " + r.batch() + "x" + threads(r));
            firsts.add(Results.quantile(firstRate, 0.5));
            seconds.add(Results.quantile(secondRate, 0.5));
        }
        line("");
        Charts.pairs(folder, names, firsts, seconds);
        line("![images per second of both contestants](pairs.png)");
        line("");
    }

    private static String threads(Result r) {
        return r.param("threads").equals("0") ? "all" : r.param("threads");
    }

    private void throughput() throws IOException {
        List<Result> nets = results.stream().filter(r -> r.is(ExtractorBenchmark.class) || r.is(StepBenchmark.class)
                || r.is(RivalBenchmark.class) || r.is(ArrangementBenchmark.class)).toList();
        if (nets.isEmpty()) {
            return;
        }
        line("## Throughput");
        line("");
        line("| what | batch | threads | images/s | heap bytes per image | others |");
        line("|---|---|---|---|---|---|");
        Map<String, Map<Number, Double>> byBatch = new LinkedHashMap<>();
        Map<String, Map<Number, Double>> byThreads = new LinkedHashMap<>();
        Map<String, Map<Number, Double>> bySide = new LinkedHashMap<>();
        for (Result r : nets) {
            double[] range = r.range("images");
            line("| %s | %d | %s | %.1f (%.1f–%.1f) | %.0f | %s |", label(r), r.batch(), threads(r), r.median("images"),
                    range[0], range[1], r.median("gc.alloc.rate.norm") / r.batch(), others(r));
            if (!r.param("side").isEmpty() && r.param("threads").equals("0")) {
                bySide.computeIfAbsent(label(r).replaceFirst(" at .*", "") + ", batch " + r.batch(),
                        k -> new TreeMap<>(Comparator.comparingInt(Number::intValue)))
                        .put(Integer.parseInt(r.param("side")), r.median("images"));
            }
            if (r.param("threads").equals("0") && !r.is(ArrangementBenchmark.class)) {
                byBatch.computeIfAbsent(label(r), k -> new TreeMap<>(Comparator.comparingInt(Number::intValue)))
                        .put(r.batch(), r.median("images"));
            }
            byThreads.computeIfAbsent(label(r) + ", batch " + r.batch(),
                    k -> new TreeMap<>(Comparator.comparingInt(Number::intValue)))
                    .put(Settings.threads(Integer.parseInt(r.param("threads"))), r.median("images"));
        }
        line("");
        chart("batch", "By batch", byBatch, 1);
        chart("threads", "By threads", byThreads, 2);
        chart("side", "By side of the extractor's input", bySide, 2);
    }

    /** A chart of the series that have enough points, if there is one. */
    private void chart(String axis, String title, Map<String, Map<Number, Double>> series, int points) throws IOException {
        series.values().removeIf(s -> s.size() < points);
        if (!series.isEmpty()) {
            Charts.lines(folder, axis, title, axis, series);
            line("![images per second by %s](%s.png)", axis, axis);
            line("");
        }
    }

    private static String label(Result r) {
        if (r.is(RivalBenchmark.class)) {
            return (r.param("rival").equals("PYTORCH") ? "PyTorch (DJL)" : "ONNX Runtime") + " FP32" + side(r);
        }
        if (r.is(ArrangementBenchmark.class)) {
            return "from JPEG, " + r.param("precision") + ", " + r.param("arrangement");
        }
        if (r.is(ExtractorBenchmark.class)) {
            return "extractor " + r.param("precision") + side(r);
        }
        return "step " + r.param("precision") + " of " + r.param("image") + ", k " + r.param("k");
    }

    private static String side(Result r) {
        return r.param("side").equals("224") ? "" : " at " + r.param("side");
    }

    /** What {@code folders} and per_sample.py left in the folder. */
    private void pipelines() throws IOException {
        Path folders = folder.resolve("folders.json");
        if (Files.exists(folders)) {
            line("## Whole folders by the command line");
            line("");
            line("| images | images/s, start of the JVM included | peak resident MiB | busy processors | arguments |");
            line("|---|---|---|---|---|");
            for (JsonElement element : JsonParser.parseString(Files.readString(folders)).getAsJsonArray()) {
                JsonObject o = element.getAsJsonObject();
                line("| %d | %.1f | %d | %.2f | %s |", o.get("images").getAsInt(), o.get("imagesPerSecond").getAsDouble(),
                        o.get("peakResidentMiB").getAsLong(), o.get("busyProcessors").getAsDouble(),
                        o.get("arguments").getAsString());
            }
            line("");
        }
        Path python = folder.resolve("python.jsonl");
        if (Files.exists(python)) {
            line("## Per-sample pipeline in Python");
            line("");
            line("| what | images/s (middle half) | threads | versions |");
            line("|---|---|---|---|");
            for (String json : Files.readAllLines(python)) {
                JsonObject o = JsonParser.parseString(json).getAsJsonObject();
                line("| %s | %.1f (%.1f–%.1f) | %d | torch %s, Pillow %s |", o.get("pipeline").getAsString(),
                        o.get("imagesPerSecond").getAsDouble(), o.get("lower").getAsDouble(), o.get("upper").getAsDouble(),
                        o.get("threads").getAsInt(), o.get("torch").getAsString(), o.get("pillow").getAsString());
            }
            line("");
        }
    }

    private void stages() throws IOException {
        List<Class<?>> order = List.of(DecodeBenchmark.class, ResizeBenchmark.class, PreprocessBenchmark.class,
                HeatMapBenchmark.class, SelectBenchmark.class, MixBenchmark.class, LabelBenchmark.class, CopyBenchmark.class);
        List<Result> stages = new ArrayList<>();
        for (Class<?> c : order) {
            results.stream().filter(r -> r.is(c)).forEach(stages::add);
        }
        if (stages.isEmpty()) {
            return;
        }
        double copy = stages.stream().filter(r -> r.is(CopyBenchmark.class)).mapToDouble(r -> r.median("bytes")).max()
                .orElse(Double.NaN);
        line("## Stages, one thread");
        line("");
        line("GB/s: the least traffic the stage can do with (each input byte read once, each output byte written once) over its time,"
                + " beside this run's copy of 128 MB. A stage whose data stay in the cache can be above it.");
        line("");
        line("| stage | images/s | µs per image | GB/s | of the copy rate | heap bytes per call | others |");
        line("|---|---|---|---|---|---|---|");
        Map<String, Double> micros = new LinkedHashMap<>();
        for (Result r : stages) {
            String params = r.params().entrySet().stream().map(e -> e.getKey() + " " + e.getValue())
                    .collect(Collectors.joining(", "));
            String name = r.name().replace("Benchmark", "") + (params.isEmpty() ? "" : " (" + params + ")");
            double images = r.median("images");
            double bytes = r.median("bytes");
            double[] range = r.range("images");
            line("| %s | %s | %s | %s | %s | %.0f | %s |", name,
                    images > 0 ? String.format(Locale.ROOT, "%.0f (%.0f–%.0f)", images, range[0], range[1]) : "",
                    images > 0 ? String.format(Locale.ROOT, "%.2f", 1e6 / images) : "",
                    bytes > 0 ? String.format(Locale.ROOT, "%.2f", bytes / 1e9) : "",
                    bytes > 0 && copy > 0 ? String.format(Locale.ROOT, "%.0f %%", 100 * bytes / copy) : "",
                    r.median("gc.alloc.rate.norm"), others(r));
            if (images > 0) {
                micros.put(name, 1e6 / images);
            }
        }
        line("");
        Charts.bars(folder, "stages", "Stages, µs per image on one thread", micros);
        line("![microseconds per image and stage](stages.png)");
        line("");
    }
}
