package io.attentivecutmix.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.method.Precision;
import java.io.File;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** The device's account of itself; what depends on the process is asked in JVMs of their own. */
class CpuDeviceTest {
    private static final String CLASS_PATH = System.getProperty("java.class.path");
    /** The heap is resident from the start, so that what grows is not heap. */
    private static final List<String> STEADY_HEAP =
            List.of("-XX:+UseSerialGC", "-Xms128m", "-Xmx128m", "-XX:+AlwaysPreTouch");

    @Test
    void theDeviceSaysWhatItCanDo() {
        assertEquals("", CpuDevice.unavailableReason().orElse(""));
        Set<Precision> precisions = CpuDevice.precisions();
        assertTrue(precisions.contains(Precision.FP32));
        assertTrue(EnumSet.of(Precision.FP32, Precision.BF16, Precision.INT8).containsAll(precisions));
        assertFalse(CpuDevice.isa().isEmpty());
        assertTrue(CpuDevice.versions().matches("oneDNN \\d+\\.\\d+\\.\\d+, JavaCPP presets .*"), CpuDevice.versions());
    }

    /** The dependency block that users paste must name what this build was tested with. */
    @Test
    void versionsAreThoseOfTheClassPath() throws IOException {
        assertEquals(CpuDevice.JAVACPP_VERSION, Loader.getVersion("org.bytedeco", "javacpp"));
        assertEquals(CpuDevice.DNNL_VERSION, Loader.getVersion("org.bytedeco", "dnnl"));
        assertEquals(CpuDevice.OPENCL_VERSION, Loader.getVersion("org.bytedeco", "opencl"));
    }

    @Test
    void aMissingNativeLibraryIsNamedAsADependency() throws Exception {
        String platform = Loader.getPlatform();
        Map<String, String> versions = Map.of("javacpp", CpuDevice.JAVACPP_VERSION, "dnnl", CpuDevice.DNNL_VERSION,
                "opencl", CpuDevice.OPENCL_VERSION);
        for (List<String> missing : List.of(List.of("dnnl"), List.of("opencl"), List.of("javacpp", "dnnl", "opencl"))) {
            String classPath = CLASS_PATH;
            StringBuilder block = new StringBuilder();
            for (String artifact : missing) {
                classPath = without(classPath, artifact + "-" + versions.get(artifact) + "-" + platform + ".jar");
                block.append("<dependency>\n  <groupId>org.bytedeco</groupId>\n  <artifactId>").append(artifact)
                        .append("</artifactId>\n  <version>").append(versions.get(artifact))
                        .append("</version>\n  <classifier>").append(platform).append("</classifier>\n</dependency>\n");
            }
            Child child = run(classPath, Map.of(), List.of(), "open");
            assertEquals(0, child.exit(), child.output());
            assertTrue(child.output().contains("reason=oneDNN's native libraries for " + platform
                    + " are not on the class path. Add to the project:\n" + block + "("), child.output());
            assertEquals("[]", child.value("precisions"));
            assertEquals("FP32", child.value("default"));
            assertEquals("", child.value("isa"));
            assertTrue(child.value("refused").startsWith("the CPU extractor is not available: "), child.output());
            assertFalse(child.value("refused").endsWith("cause null"), child.output());
            assertTrue(child.value("mixes").contains("no extractor"), child.output());
        }
    }

    @Test
    void precisionsFollowTheInstructionSets() throws Exception {
        Assumptions.assumeTrue(CpuDevice.isa().startsWith("avx512"), "needs AVX-512 to take from: " + CpuDevice.isa());
        Map<String, String> heat = new HashMap<>();
        for (String isa : List.of("AVX2", "AVX512_CORE")) {
            Child child = run(CLASS_PATH, Map.of("ONEDNN_MAX_CPU_ISA", isa), List.of(),
                    "extract", "RESNET18", "96", "FP32", "1", "1");
            assertEquals(0, child.exit(), child.output());
            assertEquals("false", child.value("nativeBf16"), isa);
            assertEquals("FP32", child.value("default"), isa);
            assertEquals(isa.equals("AVX2") ? "[FP32]" : "[FP32, BF16]", child.value("precisions"), isa);
            assertEquals(isa.toLowerCase(), child.value("isa"));
            heat.put(isa, child.value("heat"));
        }
        float[] narrow = floats(heat.get("AVX2"));
        float[] wide = floats(heat.get("AVX512_CORE"));
        for (int i = 0; i < narrow.length; i++) {
            assertEquals(wide[i], narrow[i], 1e-5 * Math.abs(wide[i]), "cell " + i);
        }
    }

    /**
     * JavaCPP's own limits follow the heap (physical memory of the whole process up to 4 × 64 MiB here) and this
     * network passes them: nothing that it counts may be allocated.
     */
    @Test
    void aSmallHeapIsEnoughForTheLargeNetwork() throws Exception {
        Child child = run(CLASS_PATH, Map.of(), List.of("-Xmx64m"), "extract", "RESNET152", "224", "FP32", "2", "4");
        assertEquals(0, child.exit(), child.output());
        assertEquals("0", child.value("live"));
        if (Loader.getPlatform().startsWith("linux")) {
            assertTrue(Long.parseLong(child.value("residentKib")) > 4 * 64 * 1024,
                    "the limit was not even reached: " + child.output());
        }
    }

    /** Each worker's network runs on that worker alone, whatever OpenMP's default is; and steps do not eat memory. */
    @Test
    void openMpStartsNoThreadsOfItsOwnAndMemoryStaysFlat() throws Exception {
        Assumptions.assumeTrue(Loader.getPlatform().startsWith("linux"), "reads /proc");
        Child child = run(CLASS_PATH, Map.of("OMP_NUM_THREADS", "4"), STEADY_HEAP,
                "extract", "RESNET18", "96", "FP32", "2", "300");
        assertEquals(0, child.exit(), child.output());
        assertEquals("2", child.value("workerTasks"), child.output());
        // Metaspace and compiled code still grow a little; 300 steps × 4 images × one leaked 4 KiB page would be 4.7
        // MiB.
        assertTrue(Long.parseLong(child.value("residentGrowthKib")) < 16 * 1024, child.output());
    }

    @Test
    void enginesThatAreClosedGiveTheirMemoryBack() throws Exception {
        Assumptions.assumeTrue(Loader.getPlatform().startsWith("linux"), "reads /proc");
        Child child = run(CLASS_PATH, Map.of(), STEADY_HEAP, "reopen", "8");
        assertEquals(0, child.exit(), child.output());
        assertEquals("0", child.value("live"));
        // One network's weights are 83 MiB.
        assertTrue(Long.parseLong(child.value("residentGrowthKib")) < 48 * 1024, child.output());
    }

    @Test
    void armFeaturesAreRead() {
        assertTrue(Bf16.armFeatures(Stream.of("processor\t: 0", "Features\t: fp asimd i8mm bf16 dgh")));
        assertFalse(Bf16.armFeatures(Stream.of("processor\t: 0", "Features\t: fp asimd i8mm ebf16 dgh")));
        assertFalse(Bf16.armFeatures(Stream.of("model name\t: x")));
    }

    private static float[] floats(String list) {
        String[] parts = list.substring(1, list.length() - 1).split(", ");
        float[] values = new float[parts.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = Float.parseFloat(parts[i]);
        }
        return values;
    }

    private static String without(String classPath, String jar) {
        String[] entries = classPath.split(File.pathSeparator);
        assertTrue(Arrays.stream(entries).anyMatch(e -> e.endsWith(jar)), jar + " is not on the class path");
        return Arrays.stream(entries).filter(e -> !e.endsWith(jar)).collect(Collectors.joining(File.pathSeparator));
    }

    private record Child(int exit, String output) {
        String value(String key) {
            return output.lines().filter(l -> l.startsWith(key + "=")).findFirst()
                    .map(l -> l.substring(key.length() + 1))
                    .orElseThrow(() -> new AssertionError("no " + key + " in:\n" + output));
        }
    }

    private static Child run(String classPath, Map<String, String> environment, List<String> options, String... args)
            throws Exception {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(options);
        command.addAll(List.of("-cp", classPath, Probe.class.getName()));
        command.addAll(List.of(args));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes());
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        return new Child(process.exitValue(), output);
    }
}
