package io.attentivecutmix.benchmarks;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.attentivecutmix.benchmarks.Results.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Rates from file to file: who works when, and how the command line's cost grows with the folder. */
final class FileRates {
    private FileRates() {}

    static void arrangements(Page page, Path folder, List<Result> results) throws IOException {
        List<Result> all = results.stream().filter(r -> r.is(ArrangementBenchmark.class)).toList();
        if (all.isEmpty()) {
            return;
        }
        page.paragraph("## Who works when");
        page.paragraph("JPEG files of 500×375 to mixed images, kept in memory or encoded as PNG. Each iteration is a"
                + " stretch of every arrangement, in changing order. Ratio: its time over the first one's within each"
                + " iteration, so above 1 the first is faster; in brackets the middle half.");
        page.head("arrangement", "command line", "precision", "output", "batch", "threads", "images/s", "ratio",
                "others");
        Map<String, Map<String, Spread>> bars = new LinkedHashMap<>();
        for (Result r : all) {
            double[] base = r.metrics().get(ArrangementBenchmark.Times.metric(Arrangement.AHEAD));
            double[] images = r.metrics().get("images");
            for (Arrangement a : Arrangement.values()) {
                double[] nanos = r.metrics().get(ArrangementBenchmark.Times.metric(a));
                double[] rates = new double[nanos.length];
                double[] ratios = new double[nanos.length];
                Arrays.setAll(rates, i -> 1e9 * images[i] / nanos[i]);
                Arrays.setAll(ratios, i -> nanos[i] / base[i]);
                page.row(a.label, "`" + a.options + "`",
                        r.param("precision"), r.param("output").equals("PNG") ? "PNG" : "memory", r.batch(),
                        r.threads(), Spread.of(rates).text(1), a == Arrangement.AHEAD ? "" : Spread.of(ratios).text(3),
                        Page.others(r.median(LoadProfiler.METRIC)));
                bars.computeIfAbsent(a.label, k -> new LinkedHashMap<>())
                        .put(r.param("precision") + (r.param("output").equals("PNG") ? " to PNG" : " to memory"),
                        Spread.of(rates));
            }
        }
        page.end();
        Charts.groups(folder, "arrangement", "From JPEG, by who works when", "images/s", bars);
        page.chart("arrangement", "images per second by arrangement");
    }

    /** What {@code folders} left. */
    static void folders(Page page, Path folder) throws IOException {
        Path file = folder.resolve("folders.json");
        if (!Files.exists(file)) {
            return;
        }
        page.paragraph("## Whole folders by the command line");
        page.paragraph("Files of 500×375 pixels to JPEG, the start of the JVM included, every run with a heap of"
                + " 512 MiB.");
        page.head("images", "arguments of `mix`", "images/s", "seconds", "peak resident MiB", "own processors",
                "others", "date", "commit");
        JsonArray runs = JsonParser.parseString(Files.readString(file)).getAsJsonArray();
        Map<String, Set<String>> commits = new HashMap<>();
        for (JsonElement element : runs) {
            JsonObject o = element.getAsJsonObject();
            commits.computeIfAbsent(arguments(o), k -> new HashSet<>()).add(commit(o));
        }
        Map<String, Map<String, List<Double>>> rates = new LinkedHashMap<>();
        Map<String, Map<String, List<Double>>> memory = new LinkedHashMap<>();
        for (JsonElement element : runs) {
            JsonObject o = element.getAsJsonObject();
            String arguments = arguments(o);
            double rate = o.get("imagesPerSecond").getAsDouble();
            double resident = o.get("peakResidentMiB").getAsDouble();
            page.row(o.get("images").getAsInt(), "`" + arguments + "`", Page.format("%.1f", rate),
                    Page.format("%.1f", o.get("seconds").getAsDouble()), Page.format("%.0f", resident),
                    Page.format("%.2f", o.get("ownProcessors").getAsDouble()),
                    Page.others(o.get("otherProcessors").getAsDouble()),
                    o.get("date").getAsString(), commit(o));
            // what a default means may have changed in between
            String series = commits.get(arguments).size() > 1 ? arguments + " at " + commit(o) : arguments;
            String size = o.get("images").getAsString() + " images";
            add(rates, series, size, rate);
            add(memory, series, size, resident);
        }
        page.end();
        Charts.groups(folder, "folders", "Whole folders by the command line", "images/s", spreads(rates));
        page.chart("folders", "images per second by size of the folder");
        Charts.groups(folder, "folders-memory", "Peak resident memory by size of the folder", "MiB", spreads(memory));
        page.chart("folders-memory", "peak memory by size of the folder");
    }

    private static String arguments(JsonObject run) {
        return run.get("arguments").getAsString().trim();
    }

    private static String commit(JsonObject run) {
        return run.get("commit").getAsString().substring(0, 7);
    }

    private static void add(Map<String, Map<String, List<Double>>> all, String series, String size, double value) {
        all.computeIfAbsent(series, k -> new LinkedHashMap<>())
                .computeIfAbsent(size, k -> new ArrayList<>()).add(value);
    }

    private static Map<String, Map<String, Spread>> spreads(Map<String, Map<String, List<Double>>> all) {
        Map<String, Map<String, Spread>> spreads = new LinkedHashMap<>();
        all.forEach((series, values) -> {
            Map<String, Spread> row = new LinkedHashMap<>();
            values.forEach((size, v) -> row.put(size,
                    Spread.of(v.stream().mapToDouble(Double::doubleValue).toArray())));
            spreads.put(series, row);
        });
        return spreads;
    }
}
