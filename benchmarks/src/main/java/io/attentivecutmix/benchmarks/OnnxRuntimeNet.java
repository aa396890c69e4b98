package io.attentivecutmix.benchmarks;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.attentivecutmix.image.Layout;
import io.attentivecutmix.weights.Weights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.Set;

/**
 * ONNX Runtime's own CPU provider in float, at its best documented settings: all graph optimisations (which change activations
 * to its blocked layout and fuse convolution, sum and ReLU), intra-op threads as many as the rival has, no parallel execution
 * of branches, arenas and memory patterns on (the defaults), input and output bound to direct buffers, so that nothing is
 * copied to the heap.
 *
 * <p>{@code session.force_spinning_stop}: its idle threads spin within a run, as by default, but not after it, when they would
 * take time from whatever runs next.
 */
final class OnnxRuntimeNet implements Net {
    private final OrtSession session;
    private final OnnxTensor input;
    private final OnnxTensor output;
    private final FloatBuffer values;
    private final Map<String, OnnxTensor> inputs;
    private final Map<String, OnnxTensor> outputs;

    OnnxRuntimeNet(Weights weights, int n, int side, int threads) {
        int grid = side / 32;
        int channels = weights.network().channels();
        try {
            session = session(weights, threads);
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

    static OrtSession session(Weights weights, int threads) throws OrtException {
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
            options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
            options.setIntraOpNumThreads(threads);
            options.setInterOpNumThreads(1);
            options.addConfigEntry("session.force_spinning_stop", "1");
            return OrtEnvironment.getEnvironment().createSession(OnnxModel.of(weights.network(), weights), options);
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
