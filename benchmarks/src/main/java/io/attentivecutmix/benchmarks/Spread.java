package io.attentivecutmix.benchmarks;

import java.util.List;

/** Median and middle half of some figures. */
record Spread(double low, double median, double high) {
    static Spread of(double[] values) {
        return new Spread(Results.quantile(values, 0.25), Results.quantile(values, 0.5),
                Results.quantile(values, 0.75));
    }

    static Spread pool(List<Spread> spreads) {
        return new Spread(spreads.stream().mapToDouble(Spread::low).min().orElseThrow(),
                Results.quantile(spreads.stream().mapToDouble(Spread::median).toArray(), 0.5),
                spreads.stream().mapToDouble(Spread::high).max().orElseThrow());
    }

    String text(int digits) {
        String one = "%." + digits + "f";
        return Page.format(one + " (" + one + "–" + one + ")", median, low, high);
    }
}
