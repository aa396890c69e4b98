package io.attentivecutmix.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.function.Function;
import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_post_ops;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * The calls of oneDNN's C interface that this package needs, each checked and each object handed to a {@link
 * NativeScope}.
 *
 * <p>One instance is one oneDNN CPU engine, which any thread may use; streams and primitives belong to the thread
 * that makes them. It is the only class, with {@link OpenMpThreads} and {@link NativeScope}, that knows how JavaCPP
 * passes things.
 */
final class OneDnn implements AutoCloseable {
    private final NativeScope scope = new NativeScope();
    private final dnnl_engine engine;

    OneDnn() {
        try {
            dnnl_engine e = new dnnl_engine();
            check(dnnl_engine_create(e, dnnl_cpu, 0), "dnnl_engine_create");
            engine = scope.own(e, org.bytedeco.dnnl.global.dnnl::dnnl_engine_destroy, "dnnl_engine_destroy");
        } catch (RuntimeException | Error e) {
            scope.close();
            throw e;
        }
    }

    static void check(int status, String call) {
        if (status != dnnl_success) {
            throw OneDnnException.of(call, status);
        }
        if (NativeScope.fails(call)) {
            throw OneDnnException.of(call, dnnl_runtime_error);
        }
    }

    /** oneDNN's version, for example 3.11.0. */
    static String version() {
        var v = dnnl_version();
        return v.major() + "." + v.minor() + "." + v.patch();
    }

    /** The instruction sets that oneDNN uses on this CPU, by oneDNN's names without their prefix. */
    static String isa() {
        int isa = dnnl_get_effective_cpu_isa();
        return ISA_NAMES.getOrDefault(isa, isa == 0 ? System.getProperty("os.arch") : "isa " + isa);
    }

    private static final Map<Integer, String> ISA_NAMES = Map.ofEntries(
            Map.entry(dnnl_cpu_isa_sse41, "sse41"),
            Map.entry(dnnl_cpu_isa_avx, "avx"),
            Map.entry(dnnl_cpu_isa_avx2, "avx2"),
            Map.entry(dnnl_cpu_isa_avx2_vnni, "avx2_vnni"),
            Map.entry(dnnl_cpu_isa_avx2_vnni_2, "avx2_vnni_2"),
            Map.entry(dnnl_cpu_isa_avx512_core, "avx512_core"),
            Map.entry(dnnl_cpu_isa_avx512_core_vnni, "avx512_core_vnni"),
            Map.entry(dnnl_cpu_isa_avx512_core_bf16, "avx512_core_bf16"),
            Map.entry(dnnl_cpu_isa_avx512_core_fp16, "avx512_core_fp16"),
            Map.entry(dnnl_cpu_isa_avx512_core_amx, "avx512_core_amx"),
            Map.entry(dnnl_cpu_isa_avx512_core_amx_fp16, "avx512_core_amx_fp16"),
            Map.entry(dnnl_cpu_isa_avx10_2_512, "avx10_2_512"),
            Map.entry(dnnl_cpu_isa_avx10_2_512_amx_2, "avx10_2_512_amx_2"));

    /** An in-order stream: what is executed on it has finished, on a CPU, when the call returns. */
    dnnl_stream stream(NativeScope owner) {
        dnnl_stream s = new dnnl_stream();
        check(dnnl_stream_create(s, engine, dnnl_stream_default_flags), "dnnl_stream_create");
        return owner.own(s, org.bytedeco.dnnl.global.dnnl::dnnl_stream_destroy, "dnnl_stream_destroy");
    }

    /**
     * A memory descriptor of these dimensions; {@code tag} is a {@code dnnl_format_tag}, {@code any} to let oneDNN
     * choose.
     */
    dnnl_memory_desc describe(NativeScope owner, int type, int tag, long... dimensions) {
        dnnl_memory_desc d = new dnnl_memory_desc();
        check(dnnl_memory_desc_create_with_tag(d, dimensions.length, dimensions, type, tag),
                "dnnl_memory_desc_create_with_tag");
        return owner.own(d, org.bytedeco.dnnl.global.dnnl::dnnl_memory_desc_destroy, "dnnl_memory_desc_destroy");
    }

    /** A copy of a descriptor that belongs to something else. */
    static dnnl_memory_desc copy(NativeScope owner, dnnl_memory_desc original) {
        dnnl_memory_desc d = new dnnl_memory_desc();
        check(dnnl_memory_desc_clone(d, original), "dnnl_memory_desc_clone");
        return owner.own(d, org.bytedeco.dnnl.global.dnnl::dnnl_memory_desc_destroy, "dnnl_memory_desc_destroy");
    }

    /**
     * A sum with what the destination holds.
     *
     * @param scale that the latter is multiplied with; 0 for no sum
     * @param type as which it is read, a {@code dnnl_data_type} of the destination's size
     */
    record Sum(float scale, int type) {
        static final Sum NONE = new Sum(0, dnnl_data_type_undef);
        private static final Sum PLAIN = new Sum(1, dnnl_data_type_undef);
    }

    /** Attributes with a caller's scratchpad and, in this order, a sum with what the destination holds, and a ReLU. */
    dnnl_primitive_attr attributes(NativeScope owner, boolean sum, boolean relu) {
        return attributes(owner, sum ? Sum.PLAIN : Sum.NONE, relu, false);
    }

    /**
     * Attributes for tensors of 8 bits, whose real value is integer · scale; the scales are arguments at run time.
     *
     * @param weightScales whether the weights have a scale for each output channel
     * @param scaled arguments that have one scale
     */
    dnnl_primitive_attr attributes(NativeScope owner, Sum sum, boolean relu, boolean weightScales, int... scaled) {
        dnnl_primitive_attr a = new dnnl_primitive_attr();
        check(dnnl_primitive_attr_create(a), "dnnl_primitive_attr_create");
        owner.own(a, org.bytedeco.dnnl.global.dnnl::dnnl_primitive_attr_destroy, "dnnl_primitive_attr_destroy");
        check(dnnl_primitive_attr_set_scratchpad_mode(a, dnnl_scratchpad_mode_user),
                "dnnl_primitive_attr_set_scratchpad_mode");
        for (int argument : scaled) {
            check(dnnl_primitive_attr_set_scales_mask(a, argument, 0), "dnnl_primitive_attr_set_scales_mask");
        }
        if (weightScales) {
            check(dnnl_primitive_attr_set_scales_mask(a, DNNL_ARG_WEIGHTS, 1), "dnnl_primitive_attr_set_scales_mask");
        }
        if (sum.scale() != 0 || relu) {
            dnnl_post_ops p = new dnnl_post_ops();
            check(dnnl_post_ops_create(p), "dnnl_post_ops_create");
            owner.own(p, org.bytedeco.dnnl.global.dnnl::dnnl_post_ops_destroy, "dnnl_post_ops_destroy");
            if (sum.scale() != 0) {
                check(dnnl_post_ops_append_sum(p, sum.scale(), 0, sum.type()), "dnnl_post_ops_append_sum");
            }
            if (relu) {
                check(dnnl_post_ops_append_eltwise(p, dnnl_eltwise_relu, 0, 0), "dnnl_post_ops_append_eltwise");
            }
            check(dnnl_primitive_attr_set_post_ops(a, p), "dnnl_primitive_attr_set_post_ops");
        }
        return a;
    }

    /** A convolution for inference with a square kernel; {@code bias} null for none. */
    dnnl_primitive_desc convolution(NativeScope owner, String layer, dnnl_memory_desc source, dnnl_memory_desc weights,
            dnnl_memory_desc bias, dnnl_memory_desc destination, int stride, int padding,
            dnnl_primitive_attr attributes) {
        long[] strides = {stride, stride};
        long[] dense = {0, 0};
        long[] pad = {padding, padding};
        return primitiveDesc(owner, "convolution " + layer, d -> dnnl_convolution_forward_primitive_desc_create(d,
                engine, dnnl_forward_inference, dnnl_convolution_direct, source, weights, bias, destination, strides,
                dense, pad, pad, attributes));
    }

    /** A max-pool for inference with a square window. */
    dnnl_primitive_desc maxPool(NativeScope owner, String layer, dnnl_memory_desc source, dnnl_memory_desc destination,
            int window, int stride, int padding, dnnl_primitive_attr attributes) {
        long[] kernel = {window, window};
        long[] strides = {stride, stride};
        long[] dense = {0, 0};
        long[] pad = {padding, padding};
        return primitiveDesc(owner, "max-pool " + layer, d -> dnnl_pooling_forward_primitive_desc_create(d, engine,
                dnnl_forward_inference, dnnl_pooling_max, source, destination, strides, kernel, dense, pad, pad,
                attributes));
    }

    /** A batch norm with scale and shift, and with mean and variance that are given as arguments. */
    dnnl_primitive_desc batchNorm(NativeScope owner, String layer, dnnl_memory_desc data, double epsilon,
            dnnl_primitive_attr attributes) {
        int flags = dnnl_use_global_stats | dnnl_use_scale | dnnl_use_shift;
        return primitiveDesc(owner, "batch norm " + layer,
                d -> dnnl_batch_normalization_forward_primitive_desc_create(d, engine, dnnl_forward_inference, data,
                        data, (float) epsilon, flags, attributes));
    }

    /**
     * Size of the scratchpad of a batch norm that is described on this thread and takes its own statistics. It holds
     * partial sums of every thread that would take part, so that it tells how many oneDNN means to use.
     */
    long bytesForPartialSums() {
        try (NativeScope temporary = new NativeScope()) {
            dnnl_memory_desc data = describe(temporary, dnnl_f32, dnnl_acdb, 1, 64, 56, 56);
            dnnl_primitive_attr attributes = attributes(temporary, false, false);
            return scratchpad(primitiveDesc(temporary, "batch norm for training",
                    d -> dnnl_batch_normalization_forward_primitive_desc_create(d, engine, dnnl_forward_training, data,
                            data, 1e-5f, 0, attributes)));
        }
    }

    /** An element-wise sum of two equal shapes. */
    dnnl_primitive_desc add(NativeScope owner, String layer, dnnl_memory_desc data, dnnl_primitive_attr attributes) {
        return primitiveDesc(owner, "sum " + layer, d -> dnnl_binary_primitive_desc_create(d, engine, dnnl_binary_add,
                data, data, data, attributes));
    }

    /** A copy into another layout or type. */
    dnnl_primitive_desc reorder(NativeScope owner, String what, dnnl_memory_desc source, dnnl_memory_desc destination,
            dnnl_primitive_attr attributes) {
        return primitiveDesc(owner, "reorder " + what, d -> dnnl_reorder_primitive_desc_create(d, source, engine,
                destination, engine, attributes));
    }

    /** Copies one memory into another of another layout or type, once, on the calling thread. */
    void reorderNow(NativeScope temporary, String what, dnnl_memory_desc from, dnnl_memory source, dnnl_memory_desc to,
            dnnl_memory destination) {
        dnnl_primitive_desc d = reorder(temporary, what, from, to, null);
        dnnl_exec_arg_t arguments = arguments(temporary, new int[] {DNNL_ARG_FROM, DNNL_ARG_TO},
                new dnnl_memory[] {source, destination});
        dnnl_stream stream = stream(temporary);
        execute(primitive(temporary, d), stream, 2, arguments);
        await(stream);
    }

    private static dnnl_primitive_desc primitiveDesc(NativeScope owner, String what,
            Function<dnnl_primitive_desc, Integer> create) {
        dnnl_primitive_desc d = new dnnl_primitive_desc();
        check(create.apply(d), "primitive descriptor of " + what);
        return owner.own(d, org.bytedeco.dnnl.global.dnnl::dnnl_primitive_desc_destroy, "dnnl_primitive_desc_destroy");
    }

    /** The executable form; compiles the kernel unless oneDNN has it in its cache. */
    dnnl_primitive primitive(NativeScope owner, dnnl_primitive_desc d) {
        dnnl_primitive p = new dnnl_primitive();
        check(dnnl_primitive_create(p, d), "dnnl_primitive_create");
        return owner.own(p, org.bytedeco.dnnl.global.dnnl::dnnl_primitive_destroy, "dnnl_primitive_destroy");
    }

    /** Name of the implementation that oneDNN chose, for example {@code brg_conv_fwd:avx512_core}. */
    static String implementation(dnnl_primitive_desc d) {
        // The call writes the address of a string that belongs to the descriptor.
        try (NativeScope scope = new NativeScope()) {
            Pointer slot = scope.allocate(Long.BYTES, "an answer");
            check(dnnl_primitive_desc_query(d, dnnl_query_impl_info_str, 0, slot), "dnnl_primitive_desc_query");
            return new PointerPointer<BytePointer>(slot).get(BytePointer.class, 0).getString();
        }
    }

    /** A descriptor that belongs to a primitive descriptor; {@code what} is a {@code dnnl_query}. */
    static dnnl_memory_desc queried(dnnl_primitive_desc d, int what) {
        return dnnl_primitive_desc_query_md(d, what, 0);
    }

    /** Size in bytes of the scratchpad that a primitive needs, 0 for none. */
    static long scratchpad(dnnl_primitive_desc d) {
        return bytes(queried(d, dnnl_query_scratchpad_md));
    }

    static long bytes(dnnl_memory_desc d) {
        return dnnl_memory_desc_get_size(d);
    }

    /** A memory object over memory that somebody else owns and keeps for as long. */
    dnnl_memory memory(NativeScope owner, dnnl_memory_desc d, Pointer data) {
        dnnl_memory m = new dnnl_memory();
        check(dnnl_memory_create(m, d, engine, data), "dnnl_memory_create");
        return owner.own(m, org.bytedeco.dnnl.global.dnnl::dnnl_memory_destroy, "dnnl_memory_destroy");
    }

    /** Pairs of argument number and memory as the execute call wants them. */
    static dnnl_exec_arg_t arguments(NativeScope owner, int[] numbers, dnnl_memory[] memories) {
        int size = new dnnl_exec_arg_t((Pointer) null).sizeof();
        dnnl_exec_arg_t all = new dnnl_exec_arg_t(owner.allocate((long) size * numbers.length, "arguments"));
        for (int i = 0; i < numbers.length; i++) {
            all.position(i).arg(numbers[i]).memory(memories[i]);
        }
        return all.position(0);
    }

    /** Runs a primitive on this thread. */
    static void execute(dnnl_primitive p, dnnl_stream stream, int count, dnnl_exec_arg_t arguments) {
        check(dnnl_primitive_execute(p, stream, count, arguments), "dnnl_primitive_execute");
    }

    /** Waits until everything executed on the stream before has finished. */
    static void await(dnnl_stream stream) {
        check(dnnl_stream_wait(stream), "dnnl_stream_wait");
    }

    /** A view of native memory in native byte order; valid while its owner is open. */
    static ByteBuffer view(Pointer memory) {
        return new BytePointer(memory).asByteBuffer();
    }

    @Override
    public void close() {
        scope.close();
    }
}
