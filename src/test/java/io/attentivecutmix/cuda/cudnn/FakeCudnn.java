package io.attentivecutmix.cuda.cudnn;

import static org.bytedeco.cuda.global.cudnn.*;

import io.attentivecutmix.cuda.Address;
import io.attentivecutmix.image.HalfFloats;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * cuDNN for tests: records descriptors, refuses what cuDNN would refuse of them, and computes a plan in plain loops
 * from nothing but what the descriptors say, over strides. Keeps a ledger, and can fail the n-th call.
 */
final class FakeCudnn implements Cudnn {
    /**
     * An engine that the heuristics name.
     *
     * @param notes bit i: numerical note i
     * @param finalising status of finalising its plan
     * @param executing status of running it
     * @param millis what it takes by the runtime's clock
     */
    record Engine(long index, long knob, int notes, boolean compiles, long workspace, int finalising, int executing,
            double millis) {
        static Engine of(long index, double millis) {
            return new Engine(index, 0, 0, false, 1024, 0, 0, millis);
        }

        Engine noted(int note) {
            return new Engine(index, knob, notes | 1 << note, compiles, workspace, finalising, executing, millis);
        }

        Engine compiling() {
            return new Engine(index, knob, notes, true, workspace, finalising, executing, millis);
        }

        Engine finalising(int status) {
            return new Engine(index, knob, notes, compiles, workspace, status, executing, millis);
        }

        Engine executing(int status) {
            return new Engine(index, knob, notes, compiles, workspace, finalising, status, millis);
        }

        Engine wanting(long bytes) {
            return new Engine(index, knob, notes, compiles, bytes, finalising, executing, millis);
        }

        Engine set(long value) {
            return new Engine(index, value, notes, compiles, workspace, finalising, executing, millis);
        }
    }

    /** Number of the one knob that engines have here. */
    static final int KNOB = 17;

    private record Attribute(int type, long count, ByteBuffer bytes) {
        long number(int i) {
            return bytes.getLong(8 * i);
        }

        int constant() {
            return bytes.getInt(0);
        }
    }

    private static final class Entry {
        private final int type;
        private final Map<Integer, Attribute> attributes = new HashMap<>();
        private boolean finished;
        /** Of an engine configuration that the heuristics filled in. */
        private Engine engine;

        Entry(int type) {
            this.type = type;
        }
    }

    private record Tensor(long[] size, long[] strides, int type, boolean virtual, long name) {
        long last() {
            long last = 0;
            for (int i = 0; i < 4; i++) {
                last += (size[i] - 1) * strides[i];
            }
            return last;
        }
    }

    private final PlainRuntime runtime;
    private final Map<Long, Entry> ledger = new LinkedHashMap<>();
    private final Map<Long, Boolean> handles = new HashMap<>();
    private BiFunction<Form, Integer, List<Engine>> engines = (form, mode) -> List.of(Engine.of(7, 1));
    private long next = 1;
    private long calls;
    private long failing = -1;
    private int failure;
    private Runnable onFailure = () -> { };
    private int from = Integer.MAX_VALUE;
    private boolean computing = true;
    private int refusedKernel;
    private int executions;
    private Pointer stream;
    private int created;

    FakeCudnn(PlainRuntime runtime) {
        this.runtime = runtime;
    }

    /** Which engines there are for a form and a heuristic mode. */
    void engines(BiFunction<Form, Integer, List<Engine>> wanted) {
        engines = wanted;
    }

    /** Takes all engines from convolutions with a kernel of this side. */
    void refuseKernel(int side) {
        refusedKernel = side;
    }

    long calls() {
        return calls;
    }

    /** Fails one call, counted from now; -1 none. */
    void fail(long call, int status) {
        calls = 0;
        failing = call;
        failure = status;
        from = Integer.MAX_VALUE;
    }

    /** Fails every call from one on, counted from now. */
    void failFrom(int call, int status) {
        fail(-1, status);
        from = call;
    }

    /** Whether plans are computed; without that {@link #execute} allocates nothing. */
    void computing(boolean wanted) {
        computing = wanted;
    }

    int executions() {
        return executions;
    }

    int created() {
        return created;
    }

    /** Descriptors and handles that nobody has destroyed. */
    int live() {
        return ledger.size() + handles.size();
    }

    /** The pointer given to the last setStream. */
    Pointer stream() {
        return stream;
    }

    /** What happens when a call first fails by order. */
    void onFailure(Runnable action) {
        onFailure = action;
    }

    private int status() {
        long call = calls++;
        if (call == failing || call >= from) {
            onFailure.run();
            return failure;
        }
        return 0;
    }

    @Override
    public long version() {
        return 91900;
    }

    @Override
    public String lastError() {
        return "said by the test";
    }

    @Override
    public int createHandle(Pointer[] handle) {
        int status = status();
        if (status == 0) {
            handles.put(next, true);
            handle[0] = new Address(next++);
        }
        return status;
    }

    @Override
    public int destroyHandle(Pointer handle) {
        if (handles.remove(handle.address()) == null) {
            throw new AssertionError("handle destroyed twice");
        }
        return status();
    }

    @Override
    public int setStream(Pointer handle, Pointer wanted) {
        requireHandle(handle);
        stream = wanted;
        return status();
    }

    private void requireHandle(Pointer handle) {
        if (!handles.containsKey(handle.address())) {
            throw new AssertionError("a handle is used after its end");
        }
    }

    @Override
    public int createDescriptor(int type, Pointer[] descriptor) {
        int status = status();
        if (status == 0) {
            created++;
            ledger.put(next, new Entry(type));
            descriptor[0] = new Address(next++);
        }
        return status;
    }

    private Entry entry(Pointer descriptor) {
        return entry(descriptor.address());
    }

    private Entry entry(long descriptor) {
        Entry e = ledger.get(descriptor);
        if (e == null) {
            throw new AssertionError("a descriptor is used after its end");
        }
        return e;
    }

    @Override
    public int destroyDescriptor(Pointer descriptor) {
        entry(descriptor);
        ledger.remove(descriptor.address());
        return status();
    }

    @Override
    public int setAttribute(Pointer descriptor, int attribute, int type, long count, Pointer values) {
        int status = status();
        Entry e = entry(descriptor);
        if (status != 0) {
            return status;
        }
        if (e.finished) {
            return CUDNN_STATUS_BAD_PARAM;
        }
        int size = switch (type) {
            case CUDNN_TYPE_INT64, CUDNN_TYPE_VOID_PTR, CUDNN_TYPE_BACKEND_DESCRIPTOR, CUDNN_TYPE_HANDLE -> 8;
            case CUDNN_TYPE_BOOLEAN, CUDNN_TYPE_CHAR -> 1;
            default -> 4;
        };
        byte[] bytes = new byte[(int) count * size];
        new BytePointer(values).get(bytes);
        Attribute a = new Attribute(type, count, ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()));
        if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR) {
            for (int i = 0; i < count; i++) {
                if (!entry(a.number(i)).finished) {
                    return CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED;
                }
            }
        }
        if (type == CUDNN_TYPE_HANDLE) {
            requireHandle(new Address(a.number(0)));
        }
        e.attributes.put(attribute, a);
        return 0;
    }

    @Override
    public int finalizeDescriptor(Pointer descriptor) {
        int status = status();
        Entry e = entry(descriptor);
        if (status != 0) {
            return status;
        }
        if (e.finished) {
            return CUDNN_STATUS_BAD_PARAM;
        }
        if (e.type == CUDNN_BACKEND_ENGINE_DESCRIPTOR && engine(e) == null) {
            return CUDNN_STATUS_NOT_SUPPORTED;
        }
        if (e.type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR) {
            Engine engine = configured(entry(e, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG));
            if (engine == null) {
                return CUDNN_STATUS_NOT_SUPPORTED;
            }
            if (engine.finalising() != 0) {
                return engine.finalising();
            }
            e.engine = engine;
        }
        if (e.type == CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR) {
            Attribute workspace = e.attributes.get(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
            if (workspace == null || e.attributes.get(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS).count()
                    != e.attributes.get(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS).count()) {
                return CUDNN_STATUS_BAD_PARAM;
            }
        }
        e.finished = true;
        return 0;
    }

    private Entry entry(Entry of, int attribute) {
        return entry(of.attributes.get(attribute).number(0));
    }

    /** The engine of an engine descriptor, whatever its knob. */
    private Engine engine(Entry e) {
        if (e.engine != null) {
            return e.engine;
        }
        long index = e.attributes.get(CUDNN_ATTR_ENGINE_GLOBAL_INDEX).number(0);
        return all(entry(e, CUDNN_ATTR_ENGINE_OPERATION_GRAPH)).stream().filter(x -> x.index()
                == index).findFirst().orElse(null);
    }

    private Engine configured(Entry configuration) {
        Entry e = entry(configuration, CUDNN_ATTR_ENGINECFG_ENGINE);
        Attribute knobs = configuration.attributes.get(CUDNN_ATTR_ENGINECFG_KNOB_CHOICES);
        if (knobs == null) {
            return null;
        }
        Entry knob = entry(knobs.number(0));
        if (knob.attributes.get(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE).constant() != KNOB) {
            return null;
        }
        long value = knob.attributes.get(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE).number(0);
        long index = e.attributes.get(CUDNN_ATTR_ENGINE_GLOBAL_INDEX).number(0);
        return all(entry(e, CUDNN_ATTR_ENGINE_OPERATION_GRAPH)).stream()
                .filter(x -> x.index() == index && x.knob() == value).findFirst().orElse(null);
    }

    private List<Engine> all(Entry graph) {
        List<Engine> all = new ArrayList<>();
        for (int mode : new int[] {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_B, CUDNN_HEUR_MODE_FALLBACK}) {
            all.addAll(named(graph, mode));
        }
        return all;
    }

    /** A graph without a residual is both fused forms. */
    private List<Engine> named(Entry graph, int mode) {
        Entry convolution = entry(graph.attributes.get(CUDNN_ATTR_OPERATIONGRAPH_OPS).number(0));
        if (tensor(entry(convolution, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W)).size()[2] == refusedKernel) {
            return List.of();
        }
        List<Engine> named = engines.apply(form(graph), mode);
        boolean plain = form(graph) == Form.RESIDUAL_FIRST && !hasResidual(graph);
        return plain && named.isEmpty() ? engines.apply(Form.BIAS_FIRST, mode) : named;
    }

    private boolean hasResidual(Entry graph) {
        Entry second = entry(graph.attributes.get(CUDNN_ATTR_OPERATIONGRAPH_OPS).number(1));
        return tensor(entry(second, CUDNN_ATTR_OPERATION_POINTWISE_BDESC)).name() == ConvolutionGraph.RESIDUAL;
    }

    private Form form(Entry graph) {
        Attribute operations = graph.attributes.get(CUDNN_ATTR_OPERATIONGRAPH_OPS);
        if (operations.count() == 1) {
            return Form.UNFUSED;
        }
        Entry second = entry(operations.number(1));
        long operand = tensor(entry(second, CUDNN_ATTR_OPERATION_POINTWISE_BDESC)).name();
        if (operand == ConvolutionGraph.RESIDUAL) {
            return Form.RESIDUAL_FIRST;
        }
        Entry third = operations.count() > 2 ? entry(operations.number(2)) : null;
        return third != null && third.attributes.containsKey(CUDNN_ATTR_OPERATION_POINTWISE_BDESC) ? Form.BIAS_FIRST
                : Form.RESIDUAL_FIRST;
    }

    @Override
    public int getAttribute(Pointer descriptor, int attribute, int type, long capacity, long[] count, Pointer values) {
        int status = status();
        Entry e = entry(descriptor);
        if (status != 0) {
            return status;
        }
        List<Engine> named = attribute == CUDNN_ATTR_ENGINEHEUR_RESULTS
                ? named(entry(e, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH),
                        e.attributes.get(CUDNN_ATTR_ENGINEHEUR_MODE).constant()) : List.of();
        if (capacity == 0) {
            count[0] = named.size();
            return 0;
        }
        ByteBuffer room = new BytePointer(values).capacity(8 * capacity).asByteBuffer().order(ByteOrder.nativeOrder());
        count[0] = 1;
        switch (attribute) {
            case CUDNN_ATTR_ENGINEHEUR_RESULTS -> {
                count[0] = Math.min(capacity, named.size());
                for (int i = 0; i < count[0]; i++) {
                    entry(room.getLong(8 * i)).engine = named.get(i);
                }
            }
            case CUDNN_ATTR_ENGINECFG_ENGINE -> entry(room.getLong(0)).engine = e.engine;
            case CUDNN_ATTR_ENGINECFG_KNOB_CHOICES -> entry(room.getLong(0)).engine = e.engine;
            case CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE -> room.putInt(0, KNOB);
            case CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE -> room.putLong(0, e.engine.knob());
            case CUDNN_ATTR_ENGINE_GLOBAL_INDEX -> room.putLong(0, engine(e).index());
            case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE -> {
                int notes = engine(e).notes();
                count[0] = 0;
                for (int i = 0; i < 32; i++) {
                    if ((notes & 1 << i) != 0) {
                        room.putInt(4 * (int) count[0]++, i);
                    }
                }
            }
            case CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE -> {
                count[0] = engine(e).compiles() ? 1 : 0;
                room.putInt(0, CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION);
            }
            case CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE -> room.putLong(0, e.engine.workspace());
            default -> {
                return CUDNN_STATUS_BAD_PARAM;
            }
        }
        return 0;
    }

    @Override
    public int execute(Pointer handle, Pointer plan, Pointer pack) {
        int status = status();
        if (status != 0) {
            return status;
        }
        executions++;
        if (!computing && !runtime.capturing()) {
            return 0;
        }
        requireHandle(handle);
        Entry p = entry(plan);
        Entry v = entry(pack);
        if (!p.finished || !v.finished) {
            return CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED;
        }
        if (p.engine.executing() != 0) {
            return p.engine.executing();
        }
        long workspace = v.attributes.get(CUDNN_ATTR_VARIANT_PACK_WORKSPACE).number(0);
        if (p.engine.workspace() > 0 && !runtime.holds(workspace, p.engine.workspace())) {
            throw new AssertionError("the workspace has less than " + p.engine.workspace() + " bytes");
        }
        runtime.spend(p.engine.millis());
        if (!runtime.capturing()) {
            Entry configuration = entry(p, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);
            Entry engine = entry(configuration, CUDNN_ATTR_ENGINECFG_ENGINE);
            run(entry(engine, CUDNN_ATTR_ENGINE_OPERATION_GRAPH), v);
        }
        return 0;
    }

    private void run(Entry graph, Entry pack) {
        Map<Long, Long> addresses = new HashMap<>();
        Attribute names = pack.attributes.get(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
        Attribute pointers = pack.attributes.get(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
        for (int i = 0; i < names.count(); i++) {
            addresses.put(names.number(i), pointers.number(i));
        }
        Map<Long, float[]> virtual = new HashMap<>();
        Attribute operations = graph.attributes.get(CUDNN_ATTR_OPERATIONGRAPH_OPS);
        for (int i = 0; i < operations.count(); i++) {
            Entry o = entry(operations.number(i));
            if (o.type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR) {
                convolve(o, addresses, virtual);
            } else {
                pointwise(o, addresses, virtual);
            }
        }
    }

    private Tensor tensor(Entry e) {
        Attribute size = e.attributes.get(CUDNN_ATTR_TENSOR_DIMENSIONS);
        Attribute strides = e.attributes.get(CUDNN_ATTR_TENSOR_STRIDES);
        long[] sizes = new long[4];
        long[] steps = new long[4];
        for (int i = 0; i < 4; i++) {
            sizes[i] = size.number(i);
            steps[i] = strides.number(i);
        }
        if (steps[1] != 1 || steps[3] != sizes[1] || steps[2] != sizes[3] * sizes[1]) {
            throw new AssertionError("not NHWC: strides " + Arrays.toString(steps) + " of " + Arrays.toString(sizes));
        }
        return new Tensor(sizes, steps, e.attributes.get(CUDNN_ATTR_TENSOR_DATA_TYPE).constant(),
                e.attributes.get(CUDNN_ATTR_TENSOR_IS_VIRTUAL).bytes().get(0) != 0,
                e.attributes.get(CUDNN_ATTR_TENSOR_UNIQUE_ID).number(0));
    }

    /** A tensor's memory as floats, in the order in which it lies. */
    private float[] read(Tensor t, Map<Long, Long> addresses, Map<Long, float[]> virtual) {
        if (t.virtual()) {
            return virtual.get(t.name());
        }
        int count = (int) t.last() + 1;
        float[] values = new float[count];
        ByteBuffer room = memory(t, addresses);
        for (int i = 0; i < count; i++) {
            values[i] = switch (t.type()) {
                case CUDNN_DATA_FLOAT -> room.getFloat(4 * i);
                case CUDNN_DATA_HALF -> HalfFloats.fromFloat16(room.getShort(2 * i));
                default -> Float.intBitsToFloat(room.getShort(2 * i) << 16);
            };
        }
        return values;
    }

    private void write(Tensor t, float[] values, Map<Long, Long> addresses, Map<Long, float[]> virtual) {
        if (t.virtual()) {
            virtual.put(t.name(), values);
            return;
        }
        ByteBuffer room = memory(t, addresses);
        for (int i = 0; i < values.length; i++) {
            switch (t.type()) {
                case CUDNN_DATA_FLOAT -> room.putFloat(4 * i, values[i]);
                case CUDNN_DATA_HALF -> room.putShort(2 * i, HalfFloats.toFloat16(values[i]));
                default -> room.putShort(2 * i, HalfFloats.toBfloat16(values[i]));
            }
        }
    }

    private ByteBuffer memory(Tensor t, Map<Long, Long> addresses) {
        long bytes = (t.last() + 1) * (t.type() == CUDNN_DATA_FLOAT ? 4 : 2);
        Long address = addresses.get(t.name());
        if (address == null || address % ConvolutionGraph.ALIGNMENT != 0 || !runtime.holds(address, bytes)) {
            throw new AssertionError("tensor " + t.name() + " of " + bytes + " bytes does not lie in device memory: "
                    + address);
        }
        return new Address(address).capacity(bytes).asByteBuffer().order(ByteOrder.nativeOrder());
    }

    private void convolve(Entry o, Map<Long, Long> addresses, Map<Long, float[]> virtual) {
        Tensor x = tensor(entry(o, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X));
        Tensor w = tensor(entry(o, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W));
        Tensor y = tensor(entry(o, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y));
        Entry geometry = entry(o, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC);
        float[] in = read(x, addresses, virtual);
        float[] weights = read(w, addresses, virtual);
        float[] out = new float[(int) y.last() + 1];
        Attribute strides = geometry.attributes.get(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
        Attribute pads = geometry.attributes.get(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
        int channels = (int) x.size()[1];
        for (int n = 0; n < y.size()[0]; n++) {
            for (int oy = 0; oy < y.size()[2]; oy++) {
                for (int ox = 0; ox < y.size()[3]; ox++) {
                    for (int k = 0; k < y.size()[1]; k++) {
                        double sum = 0;
                        for (int r = 0; r < w.size()[2]; r++) {
                            long iy = oy * strides.number(0) + r - pads.number(0);
                            for (int s = 0; iy >= 0 && iy < x.size()[2] && s < w.size()[3]; s++) {
                                long ix = ox * strides.number(1) + s - pads.number(1);
                                if (ix >= 0 && ix < x.size()[3]) {
                                    sum += dot(in, at(x, n, 0, iy, ix), weights, at(w, k, 0, r, s), channels);
                                }
                            }
                        }
                        out[at(y, n, k, oy, ox)] = (float) sum;
                    }
                }
            }
        }
        write(y, out, addresses, virtual);
    }

    private static double dot(float[] a, int i, float[] b, int j, int count) {
        double sum = 0;
        for (int c = 0; c < count; c++) {
            sum += (double) a[i + c] * b[j + c];
        }
        return sum;
    }

    private static int at(Tensor t, long n, long c, long h, long w) {
        return (int) (n * t.strides()[0] + c * t.strides()[1] + h * t.strides()[2] + w * t.strides()[3]);
    }

    private void pointwise(Entry o, Map<Long, Long> addresses, Map<Long, float[]> virtual) {
        Tensor x = tensor(entry(o, CUDNN_ATTR_OPERATION_POINTWISE_XDESC));
        Tensor y = tensor(entry(o, CUDNN_ATTR_OPERATION_POINTWISE_YDESC));
        int mode = entry(o, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR).attributes.get(CUDNN_ATTR_POINTWISE_MODE)
                .constant();
        float[] in = read(x, addresses, virtual);
        float[] out = new float[(int) y.last() + 1];
        Tensor b = null;
        float[] operand = null;
        if (mode == CUDNN_POINTWISE_ADD) {
            b = tensor(entry(o, CUDNN_ATTR_OPERATION_POINTWISE_BDESC));
            operand = read(b, addresses, virtual);
        } else if (mode != CUDNN_POINTWISE_RELU_FWD) {
            throw new AssertionError("pointwise mode " + mode);
        }
        for (int n = 0; n < y.size()[0]; n++) {
            for (int h = 0; h < y.size()[2]; h++) {
                for (int w = 0; w < y.size()[3]; w++) {
                    for (int c = 0; c < y.size()[1]; c++) {
                        float v = in[at(x, n, c, h, w)];
                        out[at(y, n, c, h, w)] = b == null ? Math.max(0, v) : v + operand[at(b, n % b.size()[0],
                                c % b.size()[1], h % b.size()[2], w % b.size()[3])];
                    }
                }
            }
        }
        write(y, out, addresses, virtual);
    }
}
