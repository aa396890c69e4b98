package io.attentivecutmix.cuda.cudnn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.engine.DeviceUnavailableException;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * cuDNN itself finalises a plan for every fused graph of ResNet-50 in all precisions, for an H100 and an A100 that are
 * not there.
 *
 * <p>Runs where CUDA's libraries and cuDNN 9.8 or later are found ({@link CudnnLibraries}; the system property {@code
 * cudnn.folders} names more folders). The preset needs libcuda.so.1 to load: where there is no driver, an empty library
 * takes its name. That is why it happens in a process of its own; no engine that compiles at run time can be built
 * there. Fails instead of being skipped when the environment says {@code ATTENTIVE_CUTMIX_CUDNN=required}.
 */
class PlansWithoutGpuTest {
    /** Distinct convolutions of ResNet-50, counted with what follows them. */
    private static final int SHAPES = 24;

    @Test
    void everyLayerHasAnEngine(@TempDir Path folder) throws IOException, InterruptedException {
        try {
            CudnnLibraries.find();
        } catch (DeviceUnavailableException e) {
            skip("Skipped: " + e.getMessage());
        }
        Path out = folder.resolve("out");
        Path errors = folder.resolve("errors");
        Process process = command(folder).redirectOutput(out.toFile()).redirectError(errors.toFile()).start();
        try {
            assertTrue(process.waitFor(120, TimeUnit.SECONDS), "finalising plans takes longer than two minutes");
        } finally {
            process.destroyForcibly();
        }
        List<String> lines = Files.readAllLines(out, StandardCharsets.UTF_8);
        assertEquals(0, process.exitValue(), () -> "the process said " + tail(errors));
        String version = lines.get(0);
        if (!version.matches("cuDNN (9\\.([89]|\\d\\d)|[1-9]\\d)\\..*")) {
            skip("Skipped: " + version + " cannot plan for a GPU that is not there; needed: 9.8 or later");
        }
        check(lines.subList(1, lines.size()), version);
    }

    private static void check(List<String> lines, String version) {
        Map<String, Set<String>> shapes = new HashMap<>();
        for (String line : lines) {
            String[] part = line.split("\t");
            String where = version + " " + line;
            shapes.computeIfAbsent(part[0] + part[1] + part[2], k -> new LinkedHashSet<>()).add(part[7]);
            int allowed = Integer.parseInt(part[4]);
            int finalised = Integer.parseInt(part[5]);
            assertTrue(finalised >= 1, where + ": no engine");
            // an engine that is built from its number and knobs is the one that the heuristics named
            assertEquals(finalised, Integer.parseInt(part[6]), where);
            assertTrue(finalised * 2 >= allowed, where + ": most candidates fail");
        }
        assertEquals(DeviceDescriptions.values().length * PlansWithoutGpu.PRECISIONS.size() * 2, shapes.size(),
                shapes.toString());
        shapes.forEach((key, set) -> assertEquals(SHAPES, set.size(), key));
    }

    /** This test's class path in another process, with a folder of its own first on the library path. */
    private static ProcessBuilder command(Path folder) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java")
                .toString(), "-Xmx256m"));
        String folders = System.getProperty(CudnnLibraries.FOLDERS_PROPERTY, "");
        command.add("-D" + CudnnLibraries.FOLDERS_PROPERTY + "=" + folders);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), PlansWithoutGpu.class.getName()));
        ProcessBuilder builder = new ProcessBuilder(command);
        String path = builder.environment().getOrDefault("LD_LIBRARY_PATH", "");
        if (!hasDriver(path)) {
            standIn(folder);
            builder.environment().put("LD_LIBRARY_PATH", path.isEmpty() ? folder.toString() : folder
                    + File.pathSeparator + path);
        }
        return builder;
    }

    private static boolean hasDriver(String libraryPath) {
        List<String> folders = new ArrayList<>(List.of("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"));
        folders.addAll(List.of(libraryPath.split(File.pathSeparator)));
        return folders.stream().anyMatch(f -> !f.isEmpty() && Files.exists(Path.of(f, "libcuda.so.1")));
    }

    private static void standIn(Path folder) throws IOException, InterruptedException {
        Path source = Files.writeString(folder.resolve("empty.c"), "");
        ProcessBuilder compiler = new ProcessBuilder("gcc", "-shared", "-Wl,-soname,libcuda.so.1", "-o",
                folder.resolve("libcuda.so.1").toString(), source.toString()).redirectErrorStream(true)
                .redirectOutput(folder.resolve("gcc").toFile());
        try {
            assertEquals(0, compiler.start().waitFor(), () -> tail(folder.resolve("gcc")));
        } catch (IOException e) {
            skip("Skipped: there is no NVIDIA driver, and no gcc to make an empty libcuda.so.1: " + e.getMessage());
        }
    }

    private static void skip(String reason) {
        assertTrue(!"required".equals(System.getenv("ATTENTIVE_CUTMIX_CUDNN")), reason);
        Assumptions.abort(reason);
    }

    private static String tail(Path file) {
        try {
            String text = Files.readString(file);
            return text.substring(Math.max(0, text.length() - 4000));
        } catch (IOException e) {
            return "nothing that can be read: " + e;
        }
    }
}
