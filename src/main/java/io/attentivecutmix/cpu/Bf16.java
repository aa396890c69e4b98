package io.attentivecutmix.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.bytedeco.dnnl.dnnl_memory_desc;

/** What this CPU can do in bfloat16, by oneDNN's own account. oneDNN must be loaded. */
final class Bf16 {
    private Bf16() {}

    /** Whether oneDNN has more than its reference implementation for a typical convolution. */
    static boolean convolutionsRun() {
        try (OneDnn oneDnn = new OneDnn(); NativeScope scope = new NativeScope()) {
            dnnl_memory_desc data = oneDnn.describe(scope, dnnl_bf16, dnnl_acdb, 1, 64, 56, 56);
            dnnl_memory_desc weights = oneDnn.describe(scope, dnnl_bf16, dnnl_format_tag_any, 64, 64, 3, 3);
            dnnl_memory_desc bias = oneDnn.describe(scope, dnnl_f32, dnnl_a, 64);
            return !OneDnn.implementation(oneDnn.convolution(scope, "probe", data, weights, bias, data, 1, 1,
                    oneDnn.attributes(scope, true, true))).startsWith("ref");
        } catch (OneDnnException e) {
            if (e.status() == dnnl_unimplemented) {
                return false;
            }
            throw e;
        }
    }

    /** Whether the CPU has instructions that multiply bfloat16 (x86: AVX512_BF16 or AMX; ARM: BF16). */
    static boolean isNative() {
        int isa = dnnl_get_effective_cpu_isa();
        if (isa != dnnl_cpu_isa_default) {
            // Every x86 set with such instructions has all the bits of this one.
            return (isa & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
        }
        // Outside x86 oneDNN does not say. Linux does.
        Path info = Path.of("/proc/cpuinfo");
        if (!Files.isReadable(info)) {
            return false;
        }
        try (Stream<String> lines = Files.lines(info, StandardCharsets.ISO_8859_1)) {
            return armFeatures(lines);
        } catch (IOException | UncheckedIOException e) {
            return false;
        }
    }

    /** Whether the feature line of an ARM {@code /proc/cpuinfo} names bf16. */
    static boolean armFeatures(Stream<String> lines) {
        return lines.filter(l -> l.startsWith("Features")).findFirst()
                .map(l -> Arrays.asList(l.substring(l.indexOf(':') + 1).trim().split("\\s+")).contains("bf16"))
                .orElse(false);
    }
}
