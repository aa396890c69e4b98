package io.attentivecutmix.benchmarks;

import io.attentivecutmix.Device;
import io.attentivecutmix.method.Precision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * Entry of benchmarks.jar.
 * <pre>
 * benchmarks.jar [JMH arguments]
 *         runs benchmarks as JMH does, with both profilers; a wrong result ends the run
 * benchmarks.jar record FOLDER [--python PYTHON] [JMH arguments]
 *         the same, and leaves raw-N.json, output-N.txt and environment-N.json in FOLDER; with a Python that has torch,
 *         torchvision, Pillow and safetensors its per-sample pipeline is compared too
 * benchmarks.jar report FOLDER
 *         turns all of FOLDER into FOLDER/README.md and charts
 * benchmarks.jar folders FOLDER N... [-- MIX ARGUMENTS]
 *         runs the command line on folders of N images; FOLDER/folders.json
 * benchmarks.jar quality PHOTOGRAPHS [target:OVERLAP] WEIGHTS...
 *         how well INT8 finds FP32's cells on crops of the images in a folder; WEIGHTS is a file or
 *         synthetic:DEPTH:SEED; prints
 * </pre>
 */
public final class Main {
    /**
     * glibc gives memory of 128 KiB and more back to the system at once, so that PyTorch's activations cost page faults
     * in every layer: kept, it is up to three times as fast. Read when a process starts, and inherited by JMH's forks.
     * No contestant of ours or of ONNX Runtime allocates in a batch, so theirs do not change.
     */
    private static final Map<String, String> ENVIRONMENT = Map.of(
            "MALLOC_MMAP_THRESHOLD_", "1073741824",
            "MALLOC_TRIM_THRESHOLD_", "4294967296",
            "MALLOC_TOP_PAD_", "67108864");

    private Main() {}

    public static void main(String[] args) throws Exception {
        if (args.length > 0 && args[0].equals("report")) {
            if (args.length != 2) {
                fail("report needs one folder");
            }
            Report.write(Path.of(args[1]));
            return;
        }
        if (args.length > 0 && args[0].equals("quality")) {
            if (args.length < 3) {
                fail("quality needs a folder of photographs and weights");
            }
            Quality.measure(Path.of(args[1]), List.of(args).subList(2, args.length), System.out);
            return;
        }
        int python = List.of(args).indexOf("--python");
        if (python >= 0 && python + 1 == args.length) {
            fail("--python needs the path of a Python");
        }
        if (python >= 0 || !System.getenv().keySet().containsAll(ENVIRONMENT.keySet())) {
            Map<String, String> environment = new HashMap<>(ENVIRONMENT);
            List<String> rest = new ArrayList<>(List.of(args));
            if (python >= 0) {
                environment.put(PerSamplePython.PYTHON, args[python + 1]);
                rest.subList(python, python + 2).clear();
            }
            System.exit(again(rest, environment));
        }
        if (args.length > 0 && args[0].equals("folders")) {
            if (args.length < 3) {
                fail("folders needs a folder for the result and sizes");
            }
            Folders.measure(Path.of(args[1]), List.of(args).subList(2, args.length));
            return;
        }
        if (args.length > 0 && args[0].equals("record")) {
            if (args.length < 2) {
                fail("record needs a folder");
            }
            record(Path.of(args[1]), Arrays.copyOfRange(args, 2, args.length));
            return;
        }
        boolean question = List.of(args).stream().anyMatch(a -> a.matches("-(h|l|lp|lprof|lrf)"));
        if (question) {
            org.openjdk.jmh.Main.main(args);
        } else {
            new Runner(options(args).build()).run();
        }
    }

    private static void fail(String message) {
        System.err.println(message);
        System.exit(2);
    }

    /** Runs this program once more in another environment. */
    private static int again(List<String> args, Map<String, String> environment)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
                System.getProperty("java.class.path"), Main.class.getName()));
        command.addAll(args);
        ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
        builder.environment().putAll(environment);
        Process process = builder.start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
        return process.waitFor();
    }

    private static OptionsBuilder options(String... args) throws Exception {
        CommandLineOptions line = new CommandLineOptions(args);
        OptionsBuilder options = new OptionsBuilder();
        options.parent(line);
        // In this order, since profilers are ended in reverse: what LoadProfiler allocates is not counted
        options.shouldFailOnError(true).addProfiler(LoadProfiler.class).addProfiler(GCProfiler.class);
        // What is not there is left out rather than failed, unless it was asked for.
        Set<Precision> precisions = Device.cpu().precisions();
        if (!line.getParameter("precision").hasValue()) {
            options.param("precision", precisions.stream().map(Precision::name).toArray(String[]::new));
        }
        boolean python = System.getenv(PerSamplePython.PYTHON) != null;
        if (!line.getParameter("pair").hasValue()) {
            options.param("pair", Arrays.stream(Pair.values()).filter(p -> p.runsWith(precisions))
                    .filter(p -> python || !p.needsPython()).map(Pair::name).toArray(String[]::new));
        }
        return options;
    }

    private static void record(Path folder, String[] args) throws Exception {
        Files.createDirectories(folder);
        int n = 1;
        while (Files.exists(folder.resolve("environment-" + n + ".json"))) {
            n++;
        }
        OptionsBuilder options = options(args);
        options.resultFormat(org.openjdk.jmh.results.format.ResultFormatType.JSON)
                .result(folder.resolve("raw-" + n + ".json").toString());
        if (!List.of(args).contains("-o")) {
            options.output(folder.resolve("output-" + n + ".txt").toString());
        }
        Environment before = Environment.now(args);
        new Runner(options.build()).run();
        before.write(folder.resolve("environment-" + n + ".json"));
    }
}
