package io.attentivecutmix.cuda.cudnn;

import io.attentivecutmix.cuda.Closing;
import io.attentivecutmix.cuda.CudaRuntime;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.Pointer;

/**
 * Times launches on the device. They run as they will in the end, replayed from a recorded graph: what cannot be
 * recorded fails here, and short kernels are not hidden behind the time of launching them.
 */
final class StepTimer implements AutoCloseable {
    /** Runs of the steps in one graph: together far above the event clock's half microsecond. */
    private static final int REPEATS = 8;
    private static final int ROUNDS = 5;

    private final CudaRuntime runtime;
    private final CudnnSession session;
    private final Pointer stream;
    private final Pointer from;
    private final Pointer to;
    private final float[] times = new float[ROUNDS];

    StepTimer(CudaRuntime runtime, CudnnSession session, Pointer stream) {
        this.runtime = runtime;
        this.session = session;
        this.stream = stream;
        this.from = runtime.createEvent(true);
        try {
            this.to = runtime.createEvent(true);
        } catch (RuntimeException | Error e) {
            Closing.after(e, () -> runtime.destroyEvent(from));
            throw e;
        }
    }

    /**
     * Microseconds of one run of the steps: the median of several rounds after a warm-up; only one round where that is
     * already far above {@code best}.
     */
    double micros(List<Step> steps, double best) {
        Pointer executable = record(steps);
        try {
            runtime.launch(executable, stream);
            float first = round(executable);
            if (micros(first) > 1.5 * best) {
                return micros(first);
            }
            for (int i = 0; i < ROUNDS; i++) {
                times[i] = round(executable);
            }
            Arrays.sort(times);
            return micros(times[ROUNDS / 2]);
        } finally {
            runtime.destroyExecutable(executable);
        }
    }

    private static double micros(float millis) {
        return millis * 1000.0 / REPEATS;
    }

    private Pointer record(List<Step> steps) {
        session.setStream(stream);
        // what an engine does in its first run only, loading its kernel for one, may not be allowed in a recording
        for (Step s : steps) {
            s.enqueue(stream);
        }
        runtime.synchronizeStream(stream);
        runtime.beginCapture(stream);
        try {
            for (int i = 0; i < REPEATS; i++) {
                for (Step s : steps) {
                    s.enqueue(stream);
                }
            }
        } catch (RuntimeException | Error e) {
            Closing.after(e, () -> runtime.destroyGraph(runtime.endCapture(stream)));
            throw e;
        }
        Pointer graph = runtime.endCapture(stream);
        Pointer executable;
        try {
            executable = runtime.instantiate(graph);
        } catch (RuntimeException | Error e) {
            Closing.after(e, () -> runtime.destroyGraph(graph));
            throw e;
        }
        try {
            runtime.destroyGraph(graph);
            return executable;
        } catch (RuntimeException | Error e) {
            Closing.after(e, () -> runtime.destroyExecutable(executable));
            throw e;
        }
    }

    private float round(Pointer executable) {
        runtime.recordEvent(from, stream);
        runtime.launch(executable, stream);
        runtime.recordEvent(to, stream);
        runtime.synchronizeEvent(to);
        return runtime.elapsedMillis(from, to);
    }

    @Override
    public void close() {
        try {
            runtime.destroyEvent(from);
        } finally {
            runtime.destroyEvent(to);
        }
    }
}
