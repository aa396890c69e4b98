package io.attentivecutmix.cuda;

import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.bytedeco.javacpp.Pointer;

/**
 * Steps that were seen before, as CUDA graphs: one call replays what took dozens of launches.
 *
 * <p>The first run of a step is an ordinary one: libraries load kernels and take memory then, which may not be
 * recorded. The second is recorded on a stream of its own and launched; later ones are launched. A step that cannot be
 * recorded runs in the ordinary way for ever. Not thread-safe.
 */
final class Graphs implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Graphs.class.getName());
    /** Beyond this the one that was used longest ago goes. */
    private static final int MOST = 64;

    /**
     * All that a recorded step has fixed: sizes, forms and addresses.
     *
     * @param work which work it is
     * @param slot which tables it works on
     * @param n images
     * @param height H of every image, 0 where it does not matter
     * @param width W of every image, 0 where it does not matter
     * @param extract whether the network runs
     * @param heat whether the heat map is written
     * @param weights whether the source weights are written
     * @param maskBytes 0 without masks
     * @param in address of the first image
     * @param out address of the first mixed image, 0 where nothing is mixed
     * @param maskIn address of the first mask, 0 without masks
     * @param maskOut address of the first mixed mask, 0 without masks
     */
    record Key(String work, int slot, int n, int height, int width, boolean extract, boolean heat, boolean weights,
            int maskBytes, ElementType type, Layout layout, ElementType outType, Layout outLayout, long in, long out,
            long maskIn, long maskOut) {}

    private static final class Seen {
        final Key key;
        Pointer executable;
        boolean refused;

        Seen(Key key) {
            this.key = key;
        }
    }

    private final CudaRuntime runtime;
    private final Pointer stream;
    private final Runnable waitForAll;
    /** Used longest ago first. */
    private final List<Seen> seen = new ArrayList<>();
    private boolean recording;

    /**
     * @param stream of the engine's own, on which work is recorded; what is launched goes to the caller's
     * @param waitForAll waits until nothing is under way
     */
    Graphs(CudaRuntime runtime, Pointer stream, Runnable waitForAll) {
        this.runtime = runtime;
        this.stream = stream;
        this.waitForAll = waitForAll;
    }

    /**
     * Enqueues a step.
     *
     * @param work enqueues it on the stream it is given; nothing in it may wait or allocate
     * @param target where the step runs
     */
    void run(Key key, Consumer<Pointer> work, Pointer target) {
        if (recording) {
            work.accept(stream);
            return;
        }
        Seen step = find(key);
        if (step == null) {
            work.accept(target);
            add(new Seen(key));
        } else if (step.refused) {
            work.accept(target);
        } else {
            if (step.executable == null) {
                record(step, work);
            }
            if (step.executable == null) {
                work.accept(target);
            } else {
                runtime.launch(step.executable, target);
            }
        }
    }

    private Seen find(Key key) {
        for (int i = seen.size() - 1; i >= 0; i--) {
            Seen s = seen.get(i);
            if (s.key.equals(key)) {
                if (i < seen.size() - 1) {
                    seen.remove(i);
                    seen.add(s);
                }
                return s;
            }
        }
        return null;
    }

    private void add(Seen step) {
        if (seen.size() == MOST) {
            waitForAll.run();
            destroy(seen.remove(0));
        }
        seen.add(step);
    }

    private void record(Seen step, Consumer<Pointer> work) {
        Pointer graph = null;
        try {
            runtime.beginCapture(stream);
            recording = true;
            try {
                work.accept(stream);
            } catch (RuntimeException | Error e) {
                abandon(e);
                throw e;
            } finally {
                recording = false;
            }
            graph = runtime.endCapture(stream);
            step.executable = runtime.instantiate(graph);
        } catch (CudaStatus.Failure e) {
            if (e.kind() != CudaStatus.Kind.CAPTURE) {
                throw e;
            }
            step.refused = true;
            LOG.log(Level.WARNING, "this step cannot be recorded and is launched piece by piece: {0}", e.getMessage());
        } finally {
            if (graph != null) {
                runtime.destroyGraph(graph);
            }
        }
    }

    /** Ends a recording that failed half-way; the stream stays in that state otherwise. */
    private void abandon(Throwable why) {
        try {
            runtime.destroyGraph(runtime.endCapture(stream));
        } catch (RuntimeException e) {
            // a broken recording has no graph: the call's own failure says why
            why.addSuppressed(e);
        }
    }

    private void destroy(Seen step) {
        if (step.executable != null) {
            Pointer executable = step.executable;
            step.executable = null;
            runtime.destroyExecutable(executable);
        }
    }

    /** Forgets all steps, whose addresses are void; none may be under way. */
    void clear() {
        RuntimeException failure = null;
        while (!seen.isEmpty()) {
            try {
                destroy(seen.remove(seen.size() - 1));
            } catch (RuntimeException e) {
                failure = Closing.joined(failure, e);
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    public void close() {
        clear();
    }
}
