package io.attentivecutmix.benchmarks;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.CategorySeries;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.Styler;

/** Charts as PNG: the library's SVG files hold every letter as a path and are twenty times as large. */
final class Charts {
    /** Told apart by people who see no red or green as well (Okabe and Ito). */
    private static final Color[] COLOURS = {new Color(0x0072B2), new Color(0xE69F00), new Color(0x009E73),
        new Color(0xCC79A7), new Color(0x56B4E9), new Color(0xD55E00), new Color(0xF0E442), new Color(0x999999)};

    private Charts() {}

    /** Images/s over a number; one line per series. Its values are evenly spaced, since they grow by factors. */
    static void lines(Path folder, String name, String title, String axis, Map<String, Map<Integer, Double>> series)
            throws IOException {
        CategoryChart chart = new CategoryChartBuilder().width(1200).height(560).title(title).xAxisTitle(axis)
                .yAxisTitle("images/s").build();
        chart.getStyler().setDefaultSeriesRenderStyle(CategorySeries.CategorySeriesRenderStyle.Line)
                .setOverlapped(true).setYAxisMin(0.0);
        Set<Integer> points = new TreeSet<>();
        series.values().forEach(s -> points.addAll(s.keySet()));
        for (Map.Entry<String, Map<Integer, Double>> s : series.entrySet()) {
            List<Double> heights = new ArrayList<>();
            points.forEach(p -> heights.add(s.getValue().get(p)));
            chart.addSeries(s.getKey(), List.copyOf(points), heights);
        }
        save(chart, folder, name);
    }

    /** One bar for each stage, with its figure, on a logarithmic axis: stages differ by factors of a thousand. */
    static void stages(Path folder, String name, String title, Map<String, Double> values) throws IOException {
        CategoryChart chart = new CategoryChartBuilder().width(1000).height(560).title(title).yAxisTitle("µs").build();
        double least = values.values().stream().mapToDouble(Double::doubleValue).min().orElseThrow();
        // Bars would start at 0, which a logarithmic axis has not
        chart.getStyler().setYAxisMin(Math.pow(10, Math.floor(Math.log10(least))));
        chart.getStyler().setYAxisLogarithmic(true).setXAxisLabelRotation(20).setLegendVisible(false);
        label(chart);
        chart.addSeries(name, List.copyOf(values.keySet()), List.copyOf(values.values()));
        save(chart, folder, name);
    }

    /** A group of bars for each category; a bar's line is its middle half. */
    static void groups(Path folder, String name, String title, String axis, Map<String, Map<String, Spread>> series)
            throws IOException {
        CategoryChart chart = new CategoryChartBuilder().width(1200).height(560).title(title).yAxisTitle(axis).build();
        Set<String> categories = new LinkedHashSet<>();
        series.values().forEach(s -> categories.addAll(s.keySet()));
        // A series may lack the first category; by their first number, where there is one, they are in order again
        List<String> names = categories.stream().sorted(Comparator.comparingInt(Charts::firstNumber)).toList();
        chart.getStyler().setYAxisMin(0.0).setXAxisLabelRotation(names.size() > 6 ? 20 : 0);
        label(chart);
        for (Map.Entry<String, Map<String, Spread>> s : series.entrySet()) {
            List<Double> heights = new ArrayList<>();
            List<Double> errors = new ArrayList<>();
            for (String category : names) {
                Spread spread = s.getValue().get(category);
                heights.add(spread == null ? null : spread.median());
                errors.add(spread == null ? 0 : (spread.high() - spread.low()) / 2);
            }
            // The library draws no lines for a series with gaps
            if (heights.contains(null) || errors.stream().allMatch(e -> e == 0)) {
                chart.addSeries(s.getKey(), names, heights);
            } else {
                chart.addSeries(s.getKey(), names, heights, errors);
            }
        }
        save(chart, folder, name);
    }

    private static int firstNumber(String name) {
        Matcher number = Pattern.compile("\\b[0-9]+\\b").matcher(name);
        return number.find() ? Integer.parseInt(number.group()) : 0;
    }

    private static void label(CategoryChart chart) {
        chart.getStyler().setLabelsVisible(true).setLabelsRotation(0).setLabelsPosition(0.5)
                .setLabelsFontColorAutomaticEnabled(false);
        chart.getStyler().setAvailableSpaceFill(0.85).setDecimalPattern("#,##0.#");
    }

    private static void save(Chart<?, ?> chart, Path folder, String name) throws IOException {
        Styler styler = chart.getStyler();
        styler.setChartBackgroundColor(Color.WHITE);
        styler.setLegendPosition(Styler.LegendPosition.OutsideE);
        styler.setLegendLayout(Styler.LegendLayout.Vertical);
        styler.setPlotBorderVisible(false);
        styler.setSeriesColors(COLOURS);
        BitmapEncoder.saveBitmap(chart, folder.resolve(name).toString(), BitmapFormat.PNG);
    }
}
