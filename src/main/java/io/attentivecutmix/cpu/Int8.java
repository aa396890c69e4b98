package io.attentivecutmix.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import org.bytedeco.dnnl.dnnl_memory_desc;

/** What this CPU can do in 8 bits, by oneDNN's own account. oneDNN must be loaded. */
final class Int8 {
    private Int8() {}

    /**
     * Whether the CPU multiplies bytes and adds them up in 32 bits, so that INT8 is exact up to rounding and fast. x86
     * without VNNI adds pairs of products in 16 bits, which can overflow.
     */
    static boolean isNative() {
        return adds32(dnnl_get_effective_cpu_isa()) && convolutionsRun();
    }

    /** Whether an instruction set, a {@code dnnl_cpu_isa_t}, adds products of bytes in 32 bits. */
    static boolean adds32(int isa) {
        // outside x86 oneDNN does not say, and has no other way
        return isa == dnnl_cpu_isa_default
                || (isa & dnnl_cpu_isa_avx512_core_vnni) == dnnl_cpu_isa_avx512_core_vnni
                || (isa & dnnl_cpu_isa_avx2_vnni) == dnnl_cpu_isa_avx2_vnni;
    }

    private static boolean convolutionsRun() {
        try (OneDnn oneDnn = new OneDnn(); NativeScope scope = new NativeScope()) {
            dnnl_memory_desc data = oneDnn.describe(scope, dnnl_u8, dnnl_acdb, 1, 64, 56, 56);
            dnnl_memory_desc weights = oneDnn.describe(scope, dnnl_s8, dnnl_format_tag_any, 64, 64, 3, 3);
            dnnl_memory_desc bias = oneDnn.describe(scope, dnnl_f32, dnnl_a, 64);
            return !OneDnn.implementation(oneDnn.convolution(scope, "probe", data, weights, bias, data, 1, 1,
                    oneDnn.attributes(scope, new OneDnn.Sum(1, dnnl_u8), true, true, DNNL_ARG_SRC, DNNL_ARG_DST)))
                    .startsWith("ref");
        } catch (OneDnnException e) {
            if (e.status() == dnnl_unimplemented) {
                return false;
            }
            throw e;
        }
    }
}
