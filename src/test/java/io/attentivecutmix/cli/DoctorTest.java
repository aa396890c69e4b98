package io.attentivecutmix.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.natives.NativeLibraries;
import java.io.File;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** What doctor says of this machine, and of class paths that lack something. */
class DoctorTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return Main.run(new Console(new PrintWriter(out), new PrintWriter(err), false), args);
    }

    private static void assertNoTrace(String text) {
        for (String bad : List.of("\tat ", "Exception in thread", "please report", "ExceptionInInitializerError")) {
            assertFalse(text.contains(bad), text);
        }
    }

    @Test
    void thisMachinesProcessorIsFit() {
        assertEquals(ExitStatus.OK, run("doctor", "--device", "cpu"), out + "" + err);
        assertTrue(out.toString().endsWith("cpu can be used" + System.lineSeparator()), out.toString());
        for (String topic : List.of("java", "system", "C library", "processor", "heap", "native folder",
                "temporary files", "JavaCPP", "encoding", "weights cache", "oneDNN", "CPU precisions", "OpenMP",
                "JavaCPP limits", "loaded", "CUDA kernels", "NVIDIA driver", "CUDA libraries", "decoders", "OpenCV")) {
            assertTrue(out.toString().lines().anyMatch(l -> l.matches("(ok|note) +" + topic + " .*")),
                    topic + " is not in " + out);
        }
        if (Loader.getPlatform().startsWith("linux")) {
            String cached = NativeLibraries.folder().orElseThrow().toString();
            for (String library : List.of("libdnnl.so.3", "libgomp.so.1", "libOpenCL.so.1", "libjnijavacpp.so")) {
                assertTrue(out.toString().lines().anyMatch(l -> l.contains(" " + cached) && l.endsWith("/" + library)),
                        "the path of " + library + " is not in " + out);
            }
        }
        assertEquals("", err.toString());
        assertNoTrace(out.toString());
    }

    @Test
    void aMissingGpuFailsWithARemedyForEachThing() {
        assertEquals(ExitStatus.FAILED, run("doctor", "--device", "cuda:7", "--json"), err.toString());
        JsonTree tree = JsonTree.parse("doctor", out.toString(), "checks");
        assertEquals("cuda:7", tree.string("device"));
        assertFalse(tree.truth("usable"));
        assertTrue(tree.string("checks").contains("\"topic\":\"CUDA kernels\",\"state\":\"missing\""), out.toString());
        assertFalse(tree.string("checks").matches(
                ".*\"state\":\"(missing|note)\",\"found\":\"[^\"]*\",\"remedy\":\"\".*"),
                "something is wrong and nothing is advised: " + out);
        assertTrue(tree.string("checks").contains("\"topic\":\"oneDNN\",\"state\":\"ok\""), out.toString());
        assertNoTrace(out.toString());
        assertEquals(ExitStatus.USAGE, run("doctor", "--device", "gpu"));
        assertTrue(err.toString().contains("allowed: best, cpu, cuda, cuda:N"), err.toString());
    }

    /** Where libraries, or all of JavaCPP, are missing: in JVMs of their own, as what fails to load stays failed. */
    @Test
    void whatTheClassPathLacksIsSaidWithoutATrace() throws Exception {
        String dnnl = child("(dnnl|opencv|openblas)-.*" + Loader.getPlatform() + "\\.jar", List.of());
        assertTrue(dnnl.lines().anyMatch(l -> l.startsWith("missing oneDNN           oneDNN's native libraries for ")),
                dnnl);
        assertTrue(dnnl.contains("→ <dependency>"), dnnl);
        String all = child("(javacpp|dnnl|opencl|opencv|openblas|cuda)-.*\\.jar", List.of());
        assertTrue(all.contains("missing JavaCPP          its classes are not on the class path"), all);
        assertTrue(all.endsWith("cpu cannot be used\n"), all);
    }

    @Test
    void anUnfitFolderIsSaidWithWhatToDo() throws Exception {
        Assumptions.assumeTrue(Loader.getPlatform().startsWith("linux"), "folders have modes there");
        Path folder = Files.createTempDirectory("doctor");
        try {
            Files.setPosixFilePermissions(folder, java.nio.file.attribute.PosixFilePermissions.fromString("rwxrwxrwx"));
            String text = child("(opencv|openblas)-.*",
                    List.of("-Dorg.bytedeco.javacpp.cachedir=" + folder, "-Xmx64m"));
            assertTrue(text.contains("missing native folder    " + folder.toRealPath()
                    + " may be written to by others (mode 777)"), text);
            assertTrue(text.lines().anyMatch(l -> l.startsWith("missing oneDNN           no folder for native")), text);
            assertTrue(text.contains("note    heap             6"), text);
        } finally {
            Files.delete(folder);
        }
    }

    private static String child(String without, List<String> options) throws Exception {
        String classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(e -> !Path.of(e).getFileName().toString().matches(without))
                .collect(Collectors.joining(File.pathSeparator));
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin",
                "java").toString(), "-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8"));
        command.addAll(options);
        command.addAll(List.of("-cp", classPath, Main.class.getName(), "doctor", "--device", "cpu"));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertEquals(ExitStatus.FAILED, process.exitValue(), text);
        assertNoTrace(text);
        return text;
    }
}
