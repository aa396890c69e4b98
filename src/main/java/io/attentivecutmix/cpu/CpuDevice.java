package io.attentivecutmix.cpu;

import io.attentivecutmix.engine.DeviceException;
import io.attentivecutmix.engine.DeviceUnavailableException;
import io.attentivecutmix.engine.Engine;
import io.attentivecutmix.engine.EngineConfig;
import io.attentivecutmix.environment.Check;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.natives.NativeLibraries;
import io.attentivecutmix.natives.NativeLibraryException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.bytedeco.javacpp.BytePointer;

/**
 * The CPU as a device: what it can do, and its engines. The extractor runs on oneDNN through its JavaCPP preset; an
 * engine without an extractor needs no native library.
 */
public final class CpuDevice {
    private static final System.Logger LOG = System.getLogger(CpuDevice.class.getName());

    static final String JAVACPP_VERSION = "1.5.13";
    static final String DNNL_VERSION = "3.11-1.5.13";
    static final String OPENCL_VERSION = "3.0-1.5.13";

    /** A native library that must be on the class path: its artifact, and a file of it by its name without ending. */
    private record Artifact(String name, String version, String folder, String library) {}

    private static final List<Artifact> ARTIFACTS = List.of(
            new Artifact("javacpp", JAVACPP_VERSION, "javacpp", "jnijavacpp"),
            new Artifact("dnnl", DNNL_VERSION, "dnnl", "jnidnnl"),
            new Artifact("opencl", OPENCL_VERSION, "opencl", "jniOpenCL"));

    private CpuDevice() {}

    /**
     * Loads oneDNN once, and keeps what went wrong: a second attempt would only say that a class could not be
     * initialised.
     */
    private static final class Natives {
        static final String REASON;
        static final Throwable CAUSE;
        static final Set<Precision> PRECISIONS;
        static final boolean NATIVE_BF16;
        static final boolean NATIVE_INT8;

        static {
            String reason = null;
            Throwable cause = null;
            Set<Precision> precisions = EnumSet.noneOf(Precision.class);
            boolean bf16 = false;
            boolean int8 = false;
            try {
                NativeLibraries.load(org.bytedeco.dnnl.global.dnnl.class);
                precisions.add(Precision.FP32);
                if (probed(Precision.BF16, Bf16::convolutionsRun)) {
                    precisions.add(Precision.BF16);
                    bf16 = Bf16.isNative();
                }
                int8 = probed(Precision.INT8, Int8::isNative);
                if (int8) {
                    precisions.add(Precision.INT8);
                }
            } catch (LinkageError | RuntimeException e) {
                cause = e;
                reason = explain(e);
                precisions.clear();
            }
            REASON = reason;
            CAUSE = cause;
            PRECISIONS = Collections.unmodifiableSet(precisions);
            NATIVE_BF16 = bf16;
            NATIVE_INT8 = int8;
        }
    }

    /** What a probe says; one that fails costs its precision only. */
    private static boolean probed(Precision precision, BooleanSupplier probe) {
        try {
            return probe.getAsBoolean();
        } catch (DeviceException e) {
            LOG.log(Level.WARNING, precision + " is not offered: trying it failed", e);
            return false;
        }
    }

    private static String explain(Throwable e) {
        if (e instanceof NativeLibraryException) {
            return e.getMessage();
        }
        String platform = NativeLibraries.platform();
        List<Artifact> missing = new ArrayList<>();
        for (Artifact a : ARTIFACTS) {
            if (!present(a, platform)) {
                missing.add(a);
            }
        }
        if (missing.isEmpty()) {
            return "oneDNN's native libraries do not load on this machine (" + platform + "): " + chain(e);
        }
        StringBuilder s = new StringBuilder("oneDNN's native libraries for ").append(platform)
                .append(" are not on the class path. Add to the project:\n");
        for (Artifact a : missing) {
            s.append("<dependency>\n  <groupId>org.bytedeco</groupId>\n  <artifactId>").append(a.name())
                    .append("</artifactId>\n  <version>").append(a.version())
                    .append("</version>\n  <classifier>").append(platform)
                    .append("</classifier>\n</dependency>\n");
        }
        return s.append("(").append(chain(e)).append(")").toString();
    }

    private static boolean present(Artifact a, String platform) {
        String path = "org/bytedeco/" + a.folder() + "/" + platform + "/";
        ClassLoader loader = CpuDevice.class.getClassLoader();
        return loader.getResource(path + "lib" + a.library() + ".so") != null
                || loader.getResource(path + "lib" + a.library() + ".dylib") != null
                || loader.getResource(path + a.library() + ".dll") != null;
    }

    private static String chain(Throwable e) {
        StringBuilder s = new StringBuilder(e.toString());
        for (Throwable c = e.getCause(); c != null && c != c.getCause(); c = c.getCause()) {
            s.append("; caused by ").append(c);
        }
        return s.toString();
    }

    /** Why the extractor cannot run here, with the dependencies to add if that is it; empty if it can. */
    public static Optional<String> unavailableReason() {
        return Optional.ofNullable(Natives.REASON);
    }

    /** Whether the CPU multiplies bfloat16 itself, so that BF16 is faster than FP32; false if unavailable. */
    public static boolean nativeBf16() {
        return Natives.NATIVE_BF16;
    }

    /** Whether the CPU sums products of bytes in 32 bits (x86: VNNI), which INT8 asks for; false if unavailable. */
    public static boolean nativeInt8() {
        return Natives.NATIVE_INT8;
    }

    /** The precisions that an engine can be opened with here; empty if unavailable. */
    public static Set<Precision> precisions() {
        return Natives.PRECISIONS;
    }

    /**
     * BF16 where the CPU has it natively, else FP32; always FP32 with statistics per image, which knows nothing else.
     */
    public static Precision defaultPrecision(MixOptions options) {
        return nativeBf16() && options.batchNorm() == BatchNorm.RUNNING ? Precision.BF16 : Precision.FP32;
    }

    /**
     * The instruction sets that oneDNN uses here, by its names, for example {@code avx512_core_amx}; empty if
     * unavailable.
     */
    public static String isa() {
        return Natives.REASON == null ? OneDnn.isa() : "";
    }

    /**
     * The libraries' versions, for example {@code oneDNN 3.11.0, JavaCPP presets 3.11-1.5.13}; without oneDNN's own
     * if unavailable.
     */
    public static String versions() {
        return (Natives.REASON == null ? "oneDNN " + OneDnn.version() + ", " : "") + "JavaCPP presets " + DNNL_VERSION;
    }

    /** What the extractor needs of this machine, each thing with what was found and a remedy; fails never. */
    public static List<Check> checks() {
        return CpuChecks.run();
    }

    /** What decides the bits of the extractor's results besides its input: see {@link Engine#provenance}. */
    static Map<String, String> provenance() {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("processor", Processor.NAME);
        if (Natives.REASON == null) {
            facts.put("isa", OneDnn.isa());
            facts.put("oneDNN", OneDnn.version());
            facts.put("dnnlPreset", DNNL_VERSION);
        }
        return facts;
    }

    /** The processor's own name where the system tells it, else its architecture. */
    private static final class Processor {
        static final String NAME = name();

        private static String name() {
            try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
                return lines.filter(l -> l.startsWith("model name") && l.contains(": "))
                        .map(l -> l.substring(l.indexOf(": ") + 2).strip()).findFirst()
                        .orElse(System.getProperty("os.arch"));
            } catch (IOException | UncheckedIOException e) {
                return System.getProperty("os.arch");
            }
        }
    }

    /** Address of a direct buffer's first byte, as JavaCPP tells it; 0 without its native library. */
    public static long address(ByteBuffer buffer) {
        return Natives.REASON == null ? new BytePointer(buffer).address() : 0;
    }

    /**
     * Builds an engine. Its weights are read during this call.
     *
     * @throws IllegalArgumentException if the configuration is not allowed, or a tensor is missing or of the wrong size
     * @throws DeviceUnavailableException if the extractor cannot run here ({@link #unavailableReason()}) and one is
     *     asked for
     * @throws ReferenceImplementationException if oneDNN has no fast implementation of a layer on this CPU
     * @throws OneDnnException if oneDNN fails otherwise
     */
    public static Engine open(EngineConfig config) {
        if (config.network() != null && Natives.REASON != null) {
            throw new DeviceUnavailableException("the CPU extractor is not available: " + Natives.REASON,
                    Natives.CAUSE);
        }
        return new CpuEngine(config);
    }

    /**
     * Opens what a calibration needs.
     *
     * @throws DeviceUnavailableException if the extractor cannot run here, or not in 8 bits
     * @throws IllegalArgumentException if a tensor is missing or of the wrong size
     */
    public static CpuCalibration calibrate(EngineConfig config) {
        if (Natives.REASON != null) {
            throw new DeviceUnavailableException("the CPU extractor is not available: " + Natives.REASON,
                    Natives.CAUSE);
        }
        requireInt8();
        return new CpuCalibration(config);
    }

    /** Refuses INT8 where the CPU does not have it, and says what there is. */
    static void requireInt8() {
        if (!nativeInt8()) {
            throw new DeviceUnavailableException("precision is INT8, but this CPU (" + isa()
                    + ") has no instructions that add products of bytes in 32 bits (x86: VNNI); allowed: "
                    + precisions());
        }
    }
}
