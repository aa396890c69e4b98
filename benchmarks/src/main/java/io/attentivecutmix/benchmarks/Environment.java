package io.attentivecutmix.benchmarks;

import ai.djl.util.Platform;
import ai.onnxruntime.OrtEnvironment;
import com.google.gson.GsonBuilder;
import io.attentivecutmix.Device;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a figure depends on besides the code: machine, versions, command, and how busy the machine was. */
final class Environment {
    private static final Path CPUINFO = Path.of("/proc/cpuinfo");
    private static final Path LOAD = Path.of("/proc/loadavg");
    /** Of some hundred flags those that decide which code runs. */
    private static final String FLAGS = "avx.*|amx.*|fma|f16c|sve.*|bf16|i8mm|asimd.*";

    private final Map<String, Object> values = new LinkedHashMap<>();

    private Environment() {}

    static Environment now(String[] args) throws IOException {
        Environment e = new Environment();
        e.values.put("date", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        e.values.put("command", "java -jar benchmarks/target/benchmarks.jar record FOLDER "
                + (System.getenv(PerSamplePython.PYTHON) == null ? "" : "--python PYTHON ") + String.join(" ", args));
        e.values.put("commit", output("git", "rev-parse", "HEAD"));
        e.values.put("changed files", output("git", "status", "--porcelain", "--untracked-files=no").lines().count());
        e.values.put("cpu", cpu("model name"));
        e.values.put("cpu flags", List.of(cpu("flags").split(" ")).stream().filter(f -> f.matches(FLAGS)).toList());
        e.values.put("processors", Runtime.getRuntime().availableProcessors());
        e.values.put("os", System.getProperty("os.name") + " " + System.getProperty("os.version").replaceAll("-.*", "")
                + " " + System.getProperty("os.arch"));
        e.values.put("java", System.getProperty("java.vm.name") + " " + System.getProperty("java.runtime.version"));
        e.values.put("device", Device.cpu().details());
        e.values.put("onnxruntime", OrtEnvironment.getEnvironment().getVersion());
        e.values.put("pytorch", Platform.detectPlatform("pytorch").getVersion() + " through DJL "
                + ai.djl.engine.Engine.getDjlVersion());
        e.values.putAll(PerSamplePython.versions());
        Map<String, String> malloc = new LinkedHashMap<>();
        System.getenv().forEach((k, v) -> {
            if (k.startsWith("MALLOC_") || k.startsWith("OMP_") || k.startsWith("LD_PRELOAD")) {
                malloc.put(k, v);
            }
        });
        e.values.put("environment", malloc);
        e.values.put("load average before", load());
        return e;
    }

    /** Writes it, completed by how the run ended. */
    void write(Path file) throws IOException {
        values.put("load average after", load());
        values.put("finished", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        Path part = file.resolveSibling(file.getFileName() + ".part");
        Files.writeString(part, new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(values)
                + "\n");
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private static String load() throws IOException {
        return Files.isReadable(LOAD) ? Files.readString(LOAD).trim() : "unknown";
    }

    private static String cpu(String key) throws IOException {
        if (!Files.isReadable(CPUINFO)) {
            return System.getProperty("os.arch");
        }
        return Files.readString(CPUINFO).lines().filter(l -> l.startsWith(key + "\t")).findFirst()
                .map(l -> l.substring(l.indexOf(':') + 1).trim()).orElse("unknown");
    }

    /** What a command writes; "unknown" if it fails. */
    static String output(String... command) throws IOException {
        try {
            Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim();
            return process.waitFor() == 0 ? text : "unknown";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "unknown";
        }
    }
}
