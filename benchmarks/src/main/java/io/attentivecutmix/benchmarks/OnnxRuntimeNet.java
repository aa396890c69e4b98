package io.attentivecutmix.benchmarks;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.attentivecutmix.benchmarks.OnnxModel.Range;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.weights.Weights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * ONNX Runtime's own CPU provider, at its best documented settings: all graph optimisations (which change activations
 * to its blocked layout and fuse convolution, sum and ReLU, or make integer operators of the QDQ form), intra-op
 * threads as many as the rival has, no parallel execution of branches, arenas and memory patterns on (the defaults),
 * input and output bound to direct buffers, so that nothing is copied to the heap.
 *
 * <p>{@code session.force_spinning_stop}: its idle threads spin within a run, as by default, but not after it, when
 * they would take time from whatever runs next.
 */
final class OnnxRuntimeNet implements Net {
    /** Images that INT8's ranges come from; not those that are measured, but of their kind. */
    private static final int CALIBRATION_FIRST = 10_000;
    private static final int CALIBRATION_IMAGES = 8;

    private final OrtSession session;
    private final OnnxTensor input;
    private final OnnxTensor output;
    private final FloatBuffer values;
    private final Map<String, OnnxTensor> inputs;
    private final Map<String, OnnxTensor> outputs;

    /**
     * With a model of {@link OnnxModel}.
     *
     * @param channels of its output
     */
    OnnxRuntimeNet(byte[] model, int channels, int n, int side, int threads) {
        int grid = side / 32;
        try {
            session = session(model, threads);
            OrtEnvironment environment = OrtEnvironment.getEnvironment();
            input = OnnxTensor.createTensor(environment, Samples.tensor(n, side, Layout.NCHW).asFloatBuffer(),
                    new long[] {n, 3, side, side});
            values = ByteBuffer.allocateDirect(4 * n * channels * grid * grid).order(ByteOrder.nativeOrder())
                    .asFloatBuffer();
            output = OnnxTensor.createTensor(environment, values, new long[] {n, channels, grid, grid});
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
        inputs = Map.of("x", input);
        outputs = Map.of("features", output);
    }

    static OnnxRuntimeNet fp32(Weights weights, int n, int side, int threads) {
        return new OnnxRuntimeNet(OnnxModel.of(weights.network(), weights), weights.network().channels(), n, side,
                threads);
    }

    /**
     * Static quantisation as ONNX Runtime's documentation advises for x86-64 with VNNI: QDQ, uint8 and int8, per
     * channel.
     */
    static OnnxRuntimeNet int8(Weights weights, int n, int side, int threads) {
        byte[] model = OnnxModel.int8(weights.network(), weights, ranges(weights, side, threads));
        return new OnnxRuntimeNet(model, weights.network().channels(), n, side, threads);
    }

    /** Least and largest of every value over some images: what ONNX Runtime's tool calls MinMax, its default. */
    private static Map<String, Range> ranges(Weights weights, int side, int threads) {
        Map<String, Range> ranges = new HashMap<>();
        try (OrtSession observed = session(OnnxModel.observed(weights.network(), weights), threads)) {
            for (int i = 0; i < CALIBRATION_IMAGES; i++) {
                FloatBuffer x = Samples.tensor(CALIBRATION_FIRST + i, 1, side, Layout.NCHW).asFloatBuffer();
                widen(ranges, "x", x);
                try (OnnxTensor tensor = OnnxTensor.createTensor(OrtEnvironment.getEnvironment(), x,
                        new long[] {1, 3, side, side}); OrtSession.Result result = observed.run(Map.of("x", tensor))) {
                    result.forEach(e -> widen(ranges, e.getKey(), ((OnnxTensor) e.getValue()).getFloatBuffer()));
                }
            }
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
        return ranges;
    }

    private static void widen(Map<String, Range> ranges, String name, FloatBuffer values) {
        float low = Float.POSITIVE_INFINITY;
        float high = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < values.limit(); i++) {
            low = Math.min(low, values.get(i));
            high = Math.max(high, values.get(i));
        }
        ranges.merge(name, new Range(low, high),
                (a, b) -> new Range(Math.min(a.low(), b.low()), Math.max(a.high(), b.high())));
    }

    static OrtSession session(byte[] model, int threads) throws OrtException {
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
            options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
            options.setIntraOpNumThreads(threads);
            options.setInterOpNumThreads(1);
            options.addConfigEntry("session.force_spinning_stop", "1");
            return OrtEnvironment.getEnvironment().createSession(model, options);
        }
    }

    @Override
    public void run() {
        try (OrtSession.Result result = session.run(inputs, Set.of(), outputs)) {
            Samples.require(result.size() == 1, "ONNX Runtime gave " + result.size() + " outputs");
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public float[] features() {
        float[] copy = new float[values.capacity()];
        values.get(0, copy);
        return copy;
    }

    @Override
    public float feature(int index) {
        return values.get(index);
    }

    @Override
    public void close() {
        input.close();
        output.close();
        try {
            session.close();
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }
}
