package io.attentivecutmix.cuda;

import io.attentivecutmix.cuda.kernels.KernelAttention;
import io.attentivecutmix.cuda.kernels.KernelImages;
import io.attentivecutmix.cuda.kernels.KernelRegions;
import io.attentivecutmix.image.ElementType;
import java.util.function.Function;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.ShortPointer;

/**
 * The kernels' build for the CPU behind the queues of a {@link HostRuntime}: a launch runs when its stream gets there.
 * Arguments are copied at the launch, as CUDA copies a kernel's, so what the host does to a struct afterwards does not
 * matter.
 */
public final class QueuedKernels implements Kernels {
    private final HostRuntime runtime;
    private final Kernels kernels;

    public QueuedKernels(HostRuntime runtime, Kernels kernels) {
        this.runtime = runtime;
        this.kernels = kernels;
    }

    /** The kernels' build for the CPU keeps its threads in globals, so two engines take turns. */
    private void submit(Pointer stream, Runnable launch) {
        runtime.submit(stream, () -> {
            synchronized (QueuedKernels.class) {
                launch.run();
            }
        });
    }

    private static <T extends Pointer> T snapshot(T struct, Class<T> type, Function<Pointer, T> make) {
        if (struct == null) {
            return null;
        }
        long bytes = Loader.sizeof(type);
        BytePointer copy = new BytePointer(bytes);
        Pointer.memcpy(copy, struct, bytes);
        return make.apply(copy);
    }

    private static KernelImages snapshot(KernelImages images) {
        return snapshot(images, KernelImages.class, KernelImages::new);
    }

    private static KernelAttention snapshot(KernelAttention attention) {
        return snapshot(attention, KernelAttention.class, KernelAttention::new);
    }

    private static KernelRegions snapshot(KernelRegions regions) {
        return snapshot(regions, KernelRegions.class, KernelRegions::new);
    }

    private static BytePointer at(Pointer p) {
        return p == null || p.isNull() ? null : new Address(p.address());
    }

    @Override
    public long preprocessWorkspace(KernelImages in, KernelImages out, int filter) {
        return kernels.preprocessWorkspace(in, out, filter);
    }

    @Override
    public void preprocess(KernelImages in, KernelImages out, int filter, boolean normalise, FloatPointer normalisation,
            BytePointer spoiled, Pointer workspace, long workspaceBytes, Pointer stream) {
        KernelImages from = snapshot(in);
        KernelImages to = snapshot(out);
        BytePointer room = at(workspace);
        submit(stream, () -> kernels.preprocess(from, to, filter, normalise, normalisation, spoiled, room,
                workspaceBytes, null));
    }

    @Override
    public void stemPack(FloatPointer weights, ElementType type, ShortPointer packed) {
        kernels.stemPack(weights, type, packed);
    }

    @Override
    public void stem(KernelImages in, FloatPointer normalisation, ShortPointer weights, FloatPointer bias,
            ElementType type, Pointer out, Pointer stream) {
        KernelImages from = snapshot(in);
        BytePointer to = at(out);
        submit(stream, () -> kernels.stem(from, normalisation, weights, bias, type, to, null));
    }

    @Override
    public void maxPool(Pointer x, Pointer y, ElementType type, long n, long h, long w, long c, Pointer stream) {
        BytePointer from = at(x);
        BytePointer to = at(y);
        submit(stream, () -> kernels.maxPool(from, to, type, n, h, w, c, null));
    }

    @Override
    public void biasResidualRelu(Pointer x, FloatPointer bias, Pointer residual, Pointer y, ElementType type, long rows,
            long c, boolean relu, Pointer stream) {
        BytePointer from = at(x);
        BytePointer plus = at(residual);
        BytePointer to = at(y);
        submit(stream, () -> kernels.biasResidualRelu(from, bias, plus, to, type, rows, c, relu, null));
    }

    @Override
    public void attend(KernelAttention attention, Pointer stream) {
        KernelAttention a = snapshot(attention);
        submit(stream, () -> kernels.attend(a, null));
    }

    @Override
    public void mix(KernelImages source, KernelImages background, KernelImages out, KernelRegions regions,
            Pointer stream) {
        KernelImages s = snapshot(source);
        KernelImages b = snapshot(background);
        KernelImages o = snapshot(out);
        KernelRegions r = snapshot(regions);
        submit(stream, () -> kernels.mix(s, b, o, r, null));
    }

    @Override
    public void attendMix(KernelAttention attention, KernelImages source, KernelImages background, KernelImages out,
            KernelRegions regions, Pointer stream) {
        KernelAttention a = snapshot(attention);
        KernelImages s = snapshot(source);
        KernelImages b = snapshot(background);
        KernelImages o = snapshot(out);
        KernelRegions r = snapshot(regions);
        submit(stream, () -> kernels.attendMix(a, s, b, o, r, null));
    }

    @Override
    public void sourceWeights(KernelImages canvas, KernelRegions regions, boolean nominal, LongPointer pixels,
            FloatPointer weights, Pointer stream) {
        KernelImages c = snapshot(canvas);
        KernelRegions r = snapshot(regions);
        submit(stream, () -> kernels.sourceWeights(c, r, nominal, pixels, weights, null));
    }

    @Override
    public void softLabels(IntPointer ids, FloatPointer rows, IntPointer partner, FloatPointer weights, long n,
            long classes, float smoothing, FloatPointer out, Pointer stream) {
        submit(stream, () -> kernels.softLabels(ids, rows, partner, weights, n, classes, smoothing, out, null));
    }
}
