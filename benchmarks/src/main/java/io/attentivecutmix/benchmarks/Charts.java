package io.attentivecutmix.benchmarks;

import java.awt.Color;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.Styler;

/** Charts as PNG: the library's SVG files hold every letter as a path and are twenty times as large. */
final class Charts {
    private Charts() {}

    /** Images/s over a number that grows by factors; one line per series. */
    static void lines(Path folder, String name, String title, String axis, Map<String, Map<Number, Double>> series)
            throws IOException {
        XYChart chart = new XYChartBuilder().width(1000).height(560).title(title).xAxisTitle(axis).yAxisTitle("images/s").build();
        chart.getStyler().setXAxisLogarithmic(true).setYAxisMin(0.0);
        for (Map.Entry<String, Map<Number, Double>> s : series.entrySet()) {
            chart.addSeries(s.getKey(), new ArrayList<>(s.getValue().keySet()), new ArrayList<>(s.getValue().values()));
        }
        save(chart, folder, name);
    }

    /** One bar for each name, on a logarithmic axis: stages differ by factors of a thousand. */
    static void bars(Path folder, String name, String title, Map<String, Double> values) throws IOException {
        CategoryChart chart = new CategoryChartBuilder().width(1400).height(900).title(title).yAxisTitle("µs per image").build();
        double least = values.values().stream().mapToDouble(Double::doubleValue).min().orElseThrow();
        // Bars would start at 0, which a logarithmic axis has not
        chart.getStyler().setYAxisMin(Math.pow(10, Math.floor(Math.log10(least))));
        chart.getStyler().setYAxisLogarithmic(true).setXAxisLabelRotation(60).setLegendVisible(false);
        chart.addSeries("µs", List.copyOf(values.keySet()), List.copyOf(values.values()));
        save(chart, folder, name);
    }

    /** Two bars for each pair. */
    static void pairs(Path folder, List<String> names, List<Double> first, List<Double> second) throws IOException {
        CategoryChart chart = new CategoryChartBuilder().width(1200).height(640).title("Compared in alternation")
                .yAxisTitle("images/s").build();
        chart.getStyler().setXAxisLabelRotation(30).setYAxisMin(0.0);
        chart.addSeries("first", names, first);
        chart.addSeries("second", names, second);
        save(chart, folder, "pairs");
    }

    private static void save(Chart<?, ?> chart, Path folder, String name) throws IOException {
        Styler styler = chart.getStyler();
        styler.setChartBackgroundColor(Color.WHITE);
        styler.setLegendPosition(Styler.LegendPosition.OutsideE);
        BitmapEncoder.saveBitmap(chart, folder.resolve(name).toString(), BitmapFormat.PNG);
    }
}
