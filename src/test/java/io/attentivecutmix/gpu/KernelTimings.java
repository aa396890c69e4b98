package io.attentivecutmix.gpu;

import static io.attentivecutmix.cuda.kernels.AttentiveKernels.*;

import io.attentivecutmix.cuda.kernels.KernelAttention;
import io.attentivecutmix.cuda.kernels.KernelImages;
import io.attentivecutmix.cuda.kernels.KernelRegions;
import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.HalfFloats;
import io.attentivecutmix.image.Layout;
import java.util.Locale;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.ShortPointer;

/**
 * Each kernel alone, on the shapes it has in a step of ResNet-50 at 224: {@code KernelTimings [batch…]}, 1, 8, 64 and
 * 256 by default. Prints one JSON object for each kernel, batch and type: median microseconds of a launch between
 * others of its kind, GB/s of the minimal traffic that attentive_kernels.h states, and that as part of the copy rate
 * measured in the same run. Small batches stay in the L2 cache, so their part may exceed 1.
 */
public final class KernelTimings {
    private static final int SIDE = 224;
    private static final int GRID = 7;
    private static final int CHANNELS = 2048;
    private static final int CLASSES = 1000;
    private static final long SEED = 5;
    private static final ElementType[] FLOATING = {ElementType.FLOAT16, ElementType.BFLOAT16, ElementType.FLOAT32};

    private final GpuMemory memory;
    private final double copyRate;
    private final int n;
    private final FloatPointer normalisation = new FloatPointer(0.485f, 0.456f, 0.406f, 0.229f, 0.224f, 0.225f);
    private int lines;

    private KernelTimings(GpuMemory memory, double copyRate, int n) {
        this.memory = memory;
        this.copyRate = copyRate;
        this.n = n;
    }

    public static void main(String[] args) {
        int[] batches = {1, 8, 64, 256};
        if (args.length > 0) {
            batches = new int[args.length];
            for (int i = 0; i < args.length; i++) {
                batches[i] = Integer.parseInt(args[i]);
            }
        }
        double copyRate;
        try (GpuMemory memory = GpuMemory.open()) {
            copyRate = copyRate(memory, memory instanceof HostMemory ? 1 << 24 : 1 << 30);
        }
        for (int n : batches) {
            run(n, copyRate);
        }
    }

    private static double copyRate(GpuMemory memory, long bytes) {
        BytePointer from = memory.allocate(bytes);
        BytePointer to = memory.allocate(bytes);
        double millis = Timing.medianMillis(memory, () -> memory.enqueueCopy(to, from, bytes));
        return Timing.gigabytesPerSecond(2.0 * bytes, millis);
    }

    /** All kernels for one batch; gives the number of lines printed. */
    static int run(int n, double copyRate) {
        try (GpuMemory memory = GpuMemory.open()) {
            KernelTimings timings = new KernelTimings(memory, copyRate, n);
            timings.all();
            return timings.lines;
        }
    }

    private void all() {
        KernelImages photos = images(ElementType.UINT8, Layout.NHWC, 375, 500, 3, true);
        KernelImages inputs = images(ElementType.UINT8, Layout.NHWC, SIDE, SIDE, 3, true);
        for (ElementType type : FLOATING) {
            KernelImages prepared = images(type, Layout.NHWC, SIDE, SIDE, 4, false);
            preprocess("preprocess 375x500", photos, prepared, type, 375 * 500);
            preprocess("preprocess 224x224", inputs, prepared, type, SIDE * SIDE);
        }
        stem(inputs, ElementType.FLOAT16);
        stem(inputs, ElementType.BFLOAT16);
        for (ElementType type : FLOATING) {
            pool(type);
            residual(type);
            attendAndMix(inputs, type);
        }
        labels();
    }

    private void report(String kernel, ElementType type, double bytes, Runnable launch) {
        double millis = Timing.medianMillis(memory, launch);
        double rate = Timing.gigabytesPerSecond(bytes, millis);
        System.out.printf(Locale.ROOT, "{\"kernel\": \"%s\", \"batch\": %d, \"type\": \"%s\", \"micros\": %.2f,"
                + " \"GB/s\": %.1f, \"ofCopyRate\": %.3f}%n", kernel, n, type, millis * 1e3, rate, rate / copyRate);
        lines++;
    }

    /** A batch of one size in the card's memory; with seeded bytes, or undefined where it is only written. */
    private KernelImages images(ElementType type, Layout layout, int height, int width, int channels, boolean filled) {
        long bytes = (long) n * height * width * channels * type.bytes();
        KernelImages images = new KernelImages();
        images.pixels(filled ? random(bytes) : memory.allocate(bytes));
        images.count(n);
        images.height(height);
        images.width(width);
        images.channels(channels);
        images.type(type.ordinal());
        images.layout(layout.ordinal());
        return images;
    }

    private BytePointer random(long bytes) {
        try (LongPointer host = new LongPointer((bytes + 7) / 8)) {
            SplittableRandom random = new SplittableRandom(SEED);
            for (long i = 0; i < host.limit(); i++) {
                host.put(i, random.nextLong());
            }
            return memory.upload(host, bytes);
        }
    }

    /** Values from 0 to 1: any bits would hold NaNs. */
    private BytePointer values(long count, ElementType type) {
        SplittableRandom random = new SplittableRandom(SEED);
        try (BytePointer host = new BytePointer(count * type.bytes())) {
            for (long i = 0; i < count; i++) {
                float v = (float) random.nextDouble();
                switch (type) {
                    case FLOAT16 -> host.putShort(2 * i, HalfFloats.toFloat16(v));
                    case BFLOAT16 -> host.putShort(2 * i, HalfFloats.toBfloat16(v));
                    default -> host.putFloat(4 * i, v);
                }
            }
            return memory.upload(host, count * type.bytes());
        }
    }

    private void preprocess(String kernel, KernelImages in, KernelImages out, ElementType type, int pixels) {
        try (LongPointer size = new LongPointer(1)) {
            GpuMemory.ok(acm_preprocess_workspace(in, out, ACM_BICUBIC, size), "acm_preprocess_workspace");
            long bytes = size.get();
            Pointer workspace = bytes == 0 ? null : memory.allocate(bytes);
            report(kernel, type, n * (3.0 * pixels + 4.0 * SIDE * SIDE * type.bytes()), () -> GpuMemory.ok(
                    acm_preprocess(in, out, ACM_BICUBIC, 1, normalisation, null, workspace, bytes, null),
                    "acm_preprocess"));
        }
    }

    private void stem(KernelImages in, ElementType type) {
        int weights = 64 * 3 * 7 * 7;
        int packedSize = 14336;
        try (FloatPointer w = new FloatPointer((long) weights);
                ShortPointer packed = new ShortPointer((long) packedSize)) {
            SplittableRandom random = new SplittableRandom(SEED);
            for (int i = 0; i < weights; i++) {
                w.put(i, (float) random.nextDouble(-0.1, 0.1));
            }
            GpuMemory.ok(acm_stem_pack(w, type.ordinal(), packed), "acm_stem_pack");
            ShortPointer onCard = new ShortPointer(memory.upload(packed, 2L * packedSize));
            FloatPointer bias = new FloatPointer(values(64, ElementType.FLOAT32));
            int side = SIDE / 4;
            BytePointer out = memory.allocate((long) n * side * side * 64 * 2);
            report("stem", type, n * (3.0 * SIDE * SIDE + 2.0 * 64 * side * side), () -> GpuMemory.ok(
                    acm_stem(in, normalisation, onCard, bias, type.ordinal(), out, null), "acm_stem"));
        }
    }

    private void pool(ElementType type) {
        long in = (long) n * 112 * 112 * 64;
        long out = in / 4;
        BytePointer x = values(in, type);
        BytePointer y = memory.allocate(out * type.bytes());
        report("max_pool", type, (double) (in + out) * type.bytes(),
                () -> GpuMemory.ok(acm_max_pool(x, y, type.ordinal(), n, 112, 112, 64, null), "acm_max_pool"));
    }

    private void residual(ElementType type) {
        long rows = (long) n * 56 * 56;
        int channels = 256;
        BytePointer x = values(rows * channels, type);
        BytePointer y = memory.allocate(rows * channels * type.bytes());
        FloatPointer bias = new FloatPointer(values(channels, ElementType.FLOAT32));
        report("bias_residual_relu", type, 3.0 * rows * channels * type.bytes(), () -> GpuMemory.ok(
                acm_bias_residual_relu(x, bias, x, y, type.ordinal(), rows, channels, 1, null),
                "acm_bias_residual_relu"));
    }

    private void attendAndMix(KernelImages inputs, ElementType type) {
        KernelAttention attention = new KernelAttention();
        attention.features(values((long) n * GRID * GRID * CHANNELS, type));
        attention.type(type.ordinal());
        attention.grid(GRID);
        attention.count(n);
        attention.channels(CHANNELS);
        attention.reduction(ACM_MEAN);
        attention.k(6);
        LongPointer cells = new LongPointer(memory.allocate(8L * n));
        attention.cells(cells);
        double features = (double) n * GRID * GRID * CHANNELS * type.bytes();
        report("attend", type, features + 8.0 * n, () -> GpuMemory.ok(acm_attend(attention, null), "acm_attend"));

        KernelRegions regions = new KernelRegions();
        regions.grid(GRID);
        regions.cells(cells);
        regions.partner(partners());
        regions.normalisation(normalisation);
        KernelImages bytes = images(ElementType.UINT8, Layout.NHWC, SIDE, SIDE, 3, false);
        KernelImages tensors = images(type, Layout.NCHW, SIDE, SIDE, 3, false);
        double values = 3.0 * n * SIDE * SIDE;
        report("mix to uint8", type, 2 * values,
                () -> GpuMemory.ok(acm_mix(inputs, inputs, bytes, regions, null), "acm_mix"));
        report("mix to NCHW", type, values * (1 + type.bytes()),
                () -> GpuMemory.ok(acm_mix(inputs, inputs, tensors, regions, null), "acm_mix"));
        report("attend_mix to uint8", type, features + 2 * values, () -> GpuMemory.ok(
                acm_attend_mix(attention, inputs, inputs, bytes, regions, null), "acm_attend_mix"));
    }

    private IntPointer partners() {
        try (IntPointer host = new IntPointer((long) n)) {
            for (int i = 0; i < n; i++) {
                host.put(i, (i + 1) % n);
            }
            return new IntPointer(memory.upload(host, 4L * n));
        }
    }

    private void labels() {
        FloatPointer weights = new FloatPointer(values(n, ElementType.FLOAT32));
        IntPointer partner = partners();
        FloatPointer out = new FloatPointer(memory.allocate(4L * n * CLASSES));
        report("soft_labels 1000", ElementType.FLOAT32, 12.0 * n + 4.0 * n * CLASSES, () -> GpuMemory.ok(
                acm_soft_labels(partner, null, partner, weights, n, CLASSES, 0.1f, out, null), "acm_soft_labels"));
    }
}
