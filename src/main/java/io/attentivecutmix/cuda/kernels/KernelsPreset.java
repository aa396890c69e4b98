package io.attentivecutmix.cuda.kernels;

import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/**
 * How JavaCPP binds {@code native/include/attentive_kernels.h}: the build generates {@link AttentiveKernels} and the
 * structs beside it from that header.
 *
 * <p>Pointers lead to device memory, so only pointer overloads exist: arrays and buffers would be copied to host memory
 * behind the caller's back. A {@code void*} parameter takes a pointer whose position JavaCPP would count in bytes: pass
 * {@code pointer.getPointer(i)} there, never {@code pointer.position(i)}. A stream is any pointer to CUDA's own handle,
 * null the default stream.
 */
@Properties(
        value = @Platform(include = "attentive_kernels.h", link = "attentive_kernels"),
        target = "io.attentivecutmix.cuda.kernels",
        global = "io.attentivecutmix.cuda.kernels.AttentiveKernels")
public class KernelsPreset implements InfoMapper {
    /** For JavaCPP's generated class, which extends this one. */
    public KernelsPreset() {}

    @Override
    public void map(InfoMap info) {
        info.put(new Info("ACM_API").cppTypes().annotations())
                .put(new Info("CUstream_st").skip())
                .put(new Info("acm_stream").cast().valueTypes("org.bytedeco.javacpp.Pointer"))
                .put(new Info("const uint8_t", "uint8_t").cast().valueTypes("byte")
                        .pointerTypes("org.bytedeco.javacpp.BytePointer"))
                .put(new Info("const uint16_t", "uint16_t").cast().valueTypes("short")
                        .pointerTypes("org.bytedeco.javacpp.ShortPointer"))
                .put(new Info("const int32_t", "int32_t").cast().valueTypes("int")
                        .pointerTypes("org.bytedeco.javacpp.IntPointer"))
                .put(new Info("const uint32_t", "uint32_t").cast().valueTypes("int")
                        .pointerTypes("org.bytedeco.javacpp.IntPointer"))
                .put(new Info("const int64_t", "int64_t").cast().valueTypes("long")
                        .pointerTypes("org.bytedeco.javacpp.LongPointer"))
                .put(new Info("const uint64_t", "uint64_t").cast().valueTypes("long")
                        .pointerTypes("org.bytedeco.javacpp.LongPointer"))
                .put(new Info("const float", "float").cast().valueTypes("float")
                        .pointerTypes("org.bytedeco.javacpp.FloatPointer"))
                .put(new Info("acm_images").pointerTypes("KernelImages"))
                .put(new Info("acm_attention").pointerTypes("KernelAttention"))
                .put(new Info("acm_regions").pointerTypes("KernelRegions"));
    }
}
