package io.attentivecutmix.benchmarks;

import io.attentivecutmix.benchmarks.Results.Result;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a {@link PairBenchmark} found: of every pair of batches both rates and the ratio. */
record Paired(Pair pair, int batch, int before, String threads, Spread first, Spread second, Spread ratio, int pairs,
        double others) {
    static List<Paired> of(List<Result> results) {
        List<Paired> all = new ArrayList<>();
        for (Result r : results) {
            if (r.is(PairBenchmark.class)) {
                all.add(of(r));
            }
        }
        return all;
    }

    private static Paired of(Result r) {
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
        String before = r.param("before");
        return new Paired(Pair.valueOf(r.param("pair")), r.batch(), before.isEmpty() ? 0 : Integer.parseInt(before),
                r.threads(), Spread.of(firstRate),
                Spread.of(secondRate), Spread.of(ratio), ratio.length, r.median(LoadProfiler.METRIC));
    }

    /** Images in a batch, and how many batches ran just before the measured one. */
    String batches() {
        return before == 0 ? "" + batch : batch + ", after " + before + " others";
    }

    boolean disturbed() {
        return others > Page.QUIET;
    }

    String verdict() {
        if (disturbed()) {
            return "none: busy machine";
        }
        return ratio.low() > 1 ? "first faster" : ratio.high() < 1 ? "second faster" : "equal";
    }

    static void write(Page page, List<Paired> pairs) {
        if (pairs.isEmpty()) {
            return;
        }
        page.paragraph("## Compared in alternation");
        page.paragraph("One batch of the one, one of the other, in one JVM and in changing order. Ratio: the second's"
                + " time over the first's within each pair of batches, so above 1 the first is faster; in brackets the"
                + " middle half of all pairs. Where that holds 1, the two are equal here. Our extractor's input is a"
                + " float tensor, the step's are bytes, a quarter of that: so the step can be the faster of the two."
                + " *After N others*: each ran N batches of its own before the measured one, as in a loop, where"
                + " alternation alone leaves it the other's caches.");
        page.head("first", "second", "batch", "threads", "first, images/s", "second, images/s", "ratio", "pairs",
                "verdict", "others");
        for (Paired p : pairs) {
            page.row(p.pair.first, p.pair.second, p.batches(), p.threads, Page.format("%.1f", p.first.median()),
                    Page.format("%.1f", p.second.median()), p.ratio.text(3), p.pairs, p.verdict(),
                    Page.others(p.others));
        }
        page.end();
    }

    /**
     * Rates by contestant and batch, pooled where one is in several pairs: the median of its medians, and the least and
     * largest quartile. Disturbed pairs only where there are no others.
     */
    static Map<String, Map<String, Spread>> byContestant(List<Paired> pairs, boolean pipelines) {
        Map<String, Map<String, List<Spread>>> rates = new LinkedHashMap<>();
        boolean quiet = pairs.stream().anyMatch(p -> !p.disturbed());
        List<Paired> sorted = pairs.stream().sorted(Comparator.comparing(Paired::pair).thenComparingInt(Paired::batch))
                .toList();
        for (Paired p : sorted) {
            boolean step = p.pair.name().startsWith("EXTRACTOR_STEP");
            if (p.before == 0 && p.pair.fromFiles() == pipelines && !(quiet && p.disturbed())) {
                String batch = "batch " + p.batch + (p.threads.equals("all") ? "" : ", threads " + p.threads);
                add(rates, p.pair.first, batch, p.first);
                if (!step) {
                    add(rates, p.pair.second, batch, p.second);
                }
            }
        }
        Map<String, Map<String, Spread>> pooled = new LinkedHashMap<>();
        rates.forEach((name, byBatch) -> {
            Map<String, Spread> row = new LinkedHashMap<>();
            byBatch.forEach((batch, spreads) -> row.put(batch, Spread.pool(spreads)));
            pooled.put(name, row);
        });
        return pooled;
    }

    private static void add(Map<String, Map<String, List<Spread>>> rates, String contestant, String batch,
            Spread rate) {
        rates.computeIfAbsent(contestant, k -> new LinkedHashMap<>()).computeIfAbsent(batch, k -> new ArrayList<>())
                .add(rate);
    }
}
