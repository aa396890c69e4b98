package io.attentivecutmix.gpu;

import static io.attentivecutmix.gpu.CardMemory.check;
import static org.bytedeco.cuda.global.cublas.*;
import static org.bytedeco.cuda.global.cudart.*;

import io.attentivecutmix.image.HalfFloats;
import java.util.Locale;
import java.util.SplittableRandom;
import org.bytedeco.cuda.cublas.cublasContext;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.ShortPointer;

/**
 * What the card itself can do: copy rate of its memory (read and written bytes counted), of the bus from and to
 * page-locked memory, and rate of an 8192³ matrix product through cuBLAS on random values (zeros would draw less power
 * and run at a higher clock). Prints one JSON object for each.
 */
public final class Ceilings {
    private static final long COPY = 1L << 30;
    private static final int SIDE = 8192;
    private static final long SEED = 11;

    private Ceilings() {}

    public static void main(String[] args) {
        copies();
        for (int type : new int[] {CUDA_R_16BF, CUDA_R_16F, CUDA_R_32F}) {
            product(type);
        }
    }

    private static void print(String what, double value, String unit) {
        System.out.printf(Locale.ROOT, "{\"ceiling\": \"%s\", \"value\": %.1f, \"unit\": \"%s\"}%n", what, value, unit);
    }

    private static void copies() {
        try (CardMemory memory = new CardMemory()) {
            BytePointer from = memory.allocate(COPY);
            BytePointer to = memory.allocate(COPY);
            check(cudaMemset(from, 1, COPY), "cudaMemset");
            double device = Timing.medianMillis(memory, () -> memory.enqueueCopy(to, from, COPY));
            print("device copy", Timing.gigabytesPerSecond(2.0 * COPY, device), "GB/s");
            BytePointer host = new BytePointer();
            check(cudaHostAlloc(host, COPY, cudaHostAllocPortable), "cudaHostAlloc");
            host.capacity(COPY);
            double up = Timing.medianMillis(memory, () -> memory.enqueueCopy(to, host, COPY));
            print("host to device, page-locked", Timing.gigabytesPerSecond(COPY, up), "GB/s");
            double down = Timing.medianMillis(memory, () -> memory.enqueueCopy(host, from, COPY));
            print("device to host, page-locked", Timing.gigabytesPerSecond(COPY, down), "GB/s");
            check(cudaFreeHost(host), "cudaFreeHost");
        }
    }

    /** A random matrix: uploaded once, from values that are made once. */
    private static BytePointer matrix(CardMemory memory, int type, long seed) {
        int count = SIDE * SIDE;
        SplittableRandom random = new SplittableRandom(seed);
        if (type == CUDA_R_32F) {
            try (FloatPointer values = new FloatPointer((long) count)) {
                for (int i = 0; i < count; i++) {
                    values.put(i, (float) random.nextDouble(-1, 1));
                }
                return memory.upload(values, 4L * count);
            }
        }
        try (ShortPointer values = new ShortPointer((long) count)) {
            for (int i = 0; i < count; i++) {
                float v = (float) random.nextDouble(-1, 1);
                values.put(i, type == CUDA_R_16F ? HalfFloats.toFloat16(v) : HalfFloats.toBfloat16(v));
            }
            return memory.upload(values, 2L * count);
        }
    }

    private static void product(int type) {
        String name = type == CUDA_R_16BF ? "bf16" : type == CUDA_R_16F ? "fp16" : "tf32";
        cublasContext cublas = new cublasContext();
        try (CardMemory memory = new CardMemory();
                FloatPointer one = new FloatPointer(1f);
                FloatPointer zero = new FloatPointer(0f)) {
            status(cublasCreate_v2(cublas), "cublasCreate");
            BytePointer a = matrix(memory, type, SEED);
            BytePointer b = matrix(memory, type, SEED + 1);
            BytePointer c = memory.allocate((type == CUDA_R_32F ? 4L : 2L) * SIDE * SIDE);
            int compute = type == CUDA_R_32F ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
            double millis = Timing.medianMillis(memory, () -> status(
                    cublasGemmEx(cublas, CUBLAS_OP_N, CUBLAS_OP_N, SIDE, SIDE, SIDE, one, a, type, SIDE, b, type, SIDE,
                            zero, c, type, SIDE, compute, CUBLAS_GEMM_DEFAULT), "cublasGemmEx"));
            print("matrix product " + SIDE + ", " + name, 2.0 * SIDE * SIDE * SIDE / millis / 1e9, "TFLOP/s");
            status(cublasDestroy_v2(cublas), "cublasDestroy");
        }
    }

    private static void status(int status, String call) {
        if (status != CUBLAS_STATUS_SUCCESS) {
            throw new IllegalStateException(call + ": status " + status);
        }
    }
}
