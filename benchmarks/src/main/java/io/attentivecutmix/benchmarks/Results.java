package io.attentivecutmix.benchmarks;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** JMH's JSON, read back. */
final class Results {
    private Results() {}

    /**
     * One benchmark with one set of parameters.
     *
     * @param name class and method
     * @param params by name
     * @param metrics every figure of every iteration of every fork, by the metric's name
     */
    record Result(String name, Map<String, String> params, Map<String, double[]> metrics) {
        boolean is(Class<?> benchmark) {
            return name.startsWith(benchmark.getSimpleName() + ".");
        }

        String param(String key) {
            return params.getOrDefault(key, "");
        }

        int batch() {
            return Integer.parseInt(params.getOrDefault("batch", "1"));
        }

        /** Worker threads, "all" for all processors; empty without such a parameter. */
        String threads() {
            return param("threads").equals("0") ? "all" : param("threads");
        }

        /** Median, least and largest figure. */
        String rangeText(String metric, int digits) {
            double[] values = metrics.getOrDefault(metric, new double[0]);
            return new Spread(quantile(values, 0), quantile(values, 0.5), quantile(values, 1)).text(digits);
        }

        double median(String metric) {
            return quantile(metrics.getOrDefault(metric, new double[0]), 0.5);
        }
    }

    static List<Result> read(Path json) throws IOException {
        List<Result> results = new ArrayList<>();
        for (JsonElement element : JsonParser.parseString(Files.readString(json)).getAsJsonArray()) {
            JsonObject o = element.getAsJsonObject();
            String[] name = o.get("benchmark").getAsString().split("\\.");
            Map<String, String> params = new TreeMap<>();
            if (o.has("params")) {
                o.getAsJsonObject("params").entrySet().forEach(e -> params.put(e.getKey(), e.getValue().getAsString()));
            }
            Map<String, double[]> metrics = new TreeMap<>();
            metrics.put("score", raw(o.getAsJsonObject("primaryMetric")));
            o.getAsJsonObject("secondaryMetrics").entrySet().forEach(e ->
                    metrics.put(e.getKey(), raw(e.getValue().getAsJsonObject())));
            results.add(new Result(name[name.length - 2] + "." + name[name.length - 1], params, metrics));
        }
        return results;
    }

    private static double[] raw(JsonObject metric) {
        List<Double> values = new ArrayList<>();
        for (JsonElement fork : metric.getAsJsonArray("rawData")) {
            JsonArray iterations = fork.getAsJsonArray();
            for (JsonElement value : iterations) {
                // JMH writes a figure that is not there as a string
                if (value.getAsJsonPrimitive().isNumber() || !value.getAsString().equals("NaN")) {
                    values.add(value.getAsDouble());
                }
            }
        }
        return values.stream().mapToDouble(Double::doubleValue).toArray();
    }

    /** The q-quantile, linear between neighbours; NaN of nothing. */
    static double quantile(double[] values, double q) {
        if (values.length == 0) {
            return Double.NaN;
        }
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        double at = q * (sorted.length - 1);
        int low = (int) at;
        int high = Math.min(low + 1, sorted.length - 1);
        return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
    }
}
