package io.attentivecutmix.cpu;

import static org.bytedeco.dnnl.global.dnnl.*;

import io.attentivecutmix.cpu.NetworkSteps.Operand;
import io.attentivecutmix.cpu.NetworkSteps.Output;
import io.attentivecutmix.cpu.NetworkSteps.Place;
import io.attentivecutmix.cpu.NetworkSteps.Slot;
import io.attentivecutmix.cpu.NetworkSteps.Stage;
import io.attentivecutmix.cpu.NetworkSteps.Step;
import io.attentivecutmix.method.BatchNorm;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.quantisation.ActivationObserver;
import io.attentivecutmix.quantisation.Activations;
import io.attentivecutmix.quantisation.Calibration;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.List;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.javacpp.Pointer;

/**
 * The network for one image, as a list of oneDNN primitives that one thread runs in order: what {@link NetworkSteps}
 * describes, over memory of its own.
 *
 * <p>One image and not several: oneDNN chooses kernels and weight layouts by the whole shape, so that an image's
 * features could depend on how many others it came with, and a second set of primitives for the rest of a batch would
 * need the weights a second time. Several images at a time would read layer4's weights less often.
 *
 * <p>It is made, run and closed by one thread at a time; the thread that makes it must have set OpenMP's thread count
 * before.
 */
final class Extractor implements AutoCloseable {
    private final NativeScope scope = new NativeScope();
    private final OneDnn oneDnn;
    // the primitives refer to its memory
    private final SharedWeights weights;
    private final NetworkSteps network;
    private final ByteBuffer[] views = new ByteBuffer[Slot.values().length];
    private final FloatBuffer[] floats = new FloatBuffer[Slot.values().length];

    private final dnnl_stream stream;
    private final dnnl_primitive[] primitives;
    private final dnnl_exec_arg_t[] arguments;
    private final int[] argumentCounts;
    private final Place[] measured;
    private final FloatBuffer input;
    private final FloatBuffer output;
    private final ImageStatistics statistics;

    /** @param calibration for INT8, else null */
    Extractor(OneDnn oneDnn, SharedWeights weights, ResNet network, int side, Precision precision,
            BatchNorm batchNorm, Calibration calibration) {
        this.oneDnn = oneDnn;
        this.weights = weights;
        try {
            stream = oneDnn.stream(scope);
            this.network = new NetworkSteps(scope, oneDnn, weights, network, side, precision, batchNorm, calibration);
            int count = this.network.steps().size();
            primitives = new dnnl_primitive[count];
            arguments = new dnnl_exec_arg_t[count];
            argumentCounts = new int[count];
            measured = new Place[count];
            statistics = batchNorm == BatchNorm.PER_IMAGE ? new ImageStatistics(network.channels()) : null;
            bind();
            input = floats[Slot.INPUT.ordinal()];
            output = floats[this.network.output().slot().ordinal()];
        } catch (RuntimeException | Error e) {
            scope.close();
            throw e;
        }
    }

    /** Allocates the arena, now that every tensor's size is known, and makes the primitives over it. */
    private void bind() {
        Pointer[] memory = new Pointer[Slot.values().length];
        for (Slot slot : Slot.values()) {
            int s = slot.ordinal();
            if (network.bytes(slot) > 0) {
                memory[s] = scope.allocate(network.bytes(slot), "activations");
                views[s] = OneDnn.view(memory[s]);
                floats[s] = views[s].asFloatBuffer();
            }
        }
        for (int i = 0; i < primitives.length; i++) {
            Step step = network.steps().get(i);
            int n = step.operands().size();
            int[] numbers = new int[n];
            dnnl_memory[] memories = new dnnl_memory[n];
            for (int j = 0; j < n; j++) {
                Operand o = step.operands().get(j);
                numbers[j] = o.argument();
                memories[j] = o.slot() == null ? o.memory()
                        : oneDnn.memory(scope, o.description(), memory[o.slot().ordinal()]);
            }
            primitives[i] = oneDnn.primitive(scope, step.description());
            arguments[i] = OneDnn.arguments(scope, numbers, memories);
            argumentCounts[i] = n;
            measured[i] = step.measured();
        }
    }

    /** (S, S, 3) the normalised image, written before a run. */
    FloatBuffer input() {
        return input;
    }

    /** (G, G, C) the last feature map, to be read after a run and before the next. */
    FloatBuffer output() {
        return output;
    }

    /** G·G·C, elements of the feature map. */
    int featureSize() {
        return network.output().size();
    }

    /** Every layer and the implementation that oneDNN chose for it. */
    List<String> implementations() {
        return network.implementations();
    }

    /** Bytes of native memory for activations, without the weights. */
    long arenaBytes() {
        long sum = 0;
        for (Slot slot : Slot.values()) {
            sum += network.bytes(slot);
        }
        return sum;
    }

    /** Extracts the image of {@link #input()}. */
    void run() {
        run(primitives.length, null);
    }

    /**
     * Extracts the image of {@link #input()} in FP32 and shows every tensor of {@link Activations} on the way, and what
     * the max-pool makes of the first.
     */
    void run(ActivationObserver observer) {
        Place image = network.stage(Stage.STEM).place();
        int side = 4 * image.side();
        observer.observe(Activations.INPUT, input, side * side, 3);
        run(primitives.length, observer);
    }

    private void run(int count, ActivationObserver observer) {
        try {
            for (int i = 0; i < count; i++) {
                if (measured[i] != null) {
                    OneDnn.await(stream);
                    measure(measured[i]);
                }
                OneDnn.execute(primitives[i], stream, argumentCounts[i], arguments[i]);
                if (observer != null) {
                    show(network.steps().get(i), observer);
                }
            }
            OneDnn.await(stream);
        } finally {
            Reference.reachabilityFence(this);
        }
    }

    private void show(Step step, ActivationObserver observer) {
        Place written = step.written();
        if (written != null) {
            OneDnn.await(stream);
            observer.observe(step.observedAs(), floats[written.slot().ordinal()], written.side() * written.side(),
                    written.channels());
        }
    }

    private void measure(Place p) {
        statistics.compute(floats[p.slot().ordinal()], p.side() * p.side(), p.channels(),
                floats[Slot.MEAN.ordinal()], floats[Slot.VARIANCE.ordinal()]);
    }

    /**
     * Runs the network up to a stage, for tests and comparisons.
     *
     * @return (side, side, channels) as float
     */
    float[] stage(Stage stage) {
        Output o = network.stage(stage);
        return values(o.steps(), o.place());
    }

    /**
     * Runs the network up to a tensor of {@link Activations}, for tests.
     *
     * @return (side, side, channels) as float
     */
    float[] tensor(String name) {
        for (int i = 0; i < primitives.length; i++) {
            Place written = network.steps().get(i).written();
            if (written != null && written.tensor().equals(name)) {
                return values(i + 1, written);
            }
        }
        throw new IllegalArgumentException("tensor is " + name + "; allowed: what a convolution of the network writes");
    }

    private float[] values(int steps, Place place) {
        run(steps, null);
        float[] values = new float[place.size()];
        ByteBuffer view = views[place.slot().ordinal()];
        float step = network.stepOf(place);
        int type = place.type();
        for (int i = 0; i < values.length; i++) {
            values[i] = type == dnnl_f32 ? view.getFloat(4 * i)
                    : type == dnnl_bf16 ? Float.intBitsToFloat(view.getShort(2 * i) << 16)
                    : type == dnnl_u8 ? step * (view.get(i) & 0xff) : step * view.get(i);
        }
        return values;
    }

    @Override
    public void close() {
        scope.close();
    }
}
