package io.attentivecutmix.cuda;

import io.attentivecutmix.engine.DeviceLostException;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;

/**
 * Owns what a device made and gives it back in reverse order, once. One failure does not keep the rest from being given
 * back. Where the device is lost, or CUDA ended before us at the end of the process, nothing can be given back and
 * nothing is reported: the driver frees it with the process. Not thread-safe.
 */
final class Scope implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Scope.class.getName());

    private final List<AutoCloseable> owned = new ArrayList<>();

    /** Takes over an object. */
    <T extends AutoCloseable> T own(T object) {
        owned.add(object);
        return object;
    }

    @Override
    public void close() {
        RuntimeException failure = null;
        while (!owned.isEmpty()) {
            try {
                owned.remove(owned.size() - 1).close();
            } catch (Exception e) {
                if (gone(e)) {
                    LOG.log(Level.DEBUG, "the device is gone and took this with it: {0}", e.getMessage());
                } else {
                    failure = Closing.joined(failure,
                            e instanceof RuntimeException r ? r : new IllegalStateException(e));
                }
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    /** Whether a failure only says that the device is no more. */
    static boolean gone(Exception e) {
        return e instanceof DeviceLostException
                || e instanceof CudaStatus.Failure f && f.kind() == CudaStatus.Kind.ENDING;
    }
}
