package io.attentivecutmix.benchmarks;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.attentivecutmix.benchmarks.Results.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Turns a folder of {@code record} and {@code folders} into one page and its charts. Figures are medians with their
 * spread beside them; nothing is left out.
 */
final class Report {
    private final Path folder;
    private final Page page = new Page();
    private final List<JsonObject> environments = new ArrayList<>();
    private final List<Result> results = new ArrayList<>();

    private Report(Path folder) throws IOException {
        this.folder = folder;
        for (int n = 1; Files.exists(folder.resolve("environment-" + n + ".json")); n++) {
            environments.add(JsonParser.parseString(Files.readString(folder.resolve("environment-" + n + ".json")))
                    .getAsJsonObject());
            results.addAll(Results.read(folder.resolve("raw-" + n + ".json")));
        }
        if (environments.isEmpty()) {
            throw new IllegalArgumentException("folder is " + folder
                    + "; allowed: one that record wrote (environment-1.json)");
        }
    }

    static void write(Path folder) throws IOException {
        Report report = new Report(folder);
        report.head();
        List<Paired> pairs = Paired.of(report.results);
        Bars.write(report.page, pairs, report.results);
        report.rates("extractors", "Extractors, ResNet-50 at 224×224", Paired.byContestant(pairs, false));
        report.rates("pipelines", "From JPEG files to mixed images", Paired.byContestant(pairs, true));
        Paired.write(report.page, pairs);
        Throughput.write(report.page, folder, report.results);
        FileRates.arrangements(report.page, folder, report.results);
        FileRates.folders(report.page, folder);
        Stages.write(report.page, folder, report.results);
        Path part = folder.resolve("README.md.part");
        Files.writeString(part, report.page.toString());
        Files.move(part, folder.resolve("README.md"), StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
        System.out.println("wrote " + folder.resolve("README.md"));
    }

    private void head() {
        JsonObject first = environments.get(0);
        page.paragraph("# Results: %s, %s processors, %s", text(first, "cpu"), text(first, "processors"),
                text(first, "date").substring(0, 10));
        page.paragraph("Made by `report` from the raw files in this folder. *Others* is how many processors other"
                + " processes kept busy meanwhile, as a median: where it is bold (above %.1f), the row says little.",
                Page.QUIET);
        page.head("", "");
        for (String key : List.of("cpu flags", "os", "java", "device", "onnxruntime", "pytorch", "python",
                "environment")) {
            Set<String> values = new LinkedHashSet<>();
            environments.forEach(e -> values.add(text(e, key)));
            values.remove("");
            if (!values.isEmpty()) {
                page.row(key, String.join("; ", values));
            }
        }
        page.end();
        page.head("run", "began", "ended", "commit, changed files", "command", "load before", "load after");
        for (int i = 0; i < environments.size(); i++) {
            JsonObject e = environments.get(i);
            page.row(i + 1, text(e, "date"), text(e, "finished"), text(e, "commit").substring(0, 7) + ", "
                    + text(e, "changed files"),
                    "`" + text(e, "command") + "`", load(e, "load average before"), load(e, "load average after"));
        }
        page.end();
    }

    /** The average over one minute. */
    private static String load(JsonObject environment, String key) {
        return text(environment, key).split(" ")[0];
    }

    private static String text(JsonObject object, String key) {
        JsonElement value = object.get(key);
        if (value == null) {
            return "";
        }
        return value.isJsonPrimitive() ? value.getAsString() : value.toString().replaceAll("[\"\\[\\]{}]", "")
                .replaceAll(", *", ", ");
    }

    private void rates(String file, String title, Map<String, Map<String, Spread>> byContestant) throws IOException {
        if (!byContestant.isEmpty()) {
            Charts.groups(folder, file, title, "images/s", byContestant);
            page.chart(file, "images per second of each contestant");
        }
    }
}
