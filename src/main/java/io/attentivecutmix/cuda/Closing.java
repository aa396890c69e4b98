package io.attentivecutmix.cuda;

import java.util.List;

/**
 * Closes several things although some of them fail: the first failure is thrown at the end and has the others with it.
 */
public final class Closing {
    private Closing() {}

    /** Closes from the last to the first and empties the list. */
    public static void reversed(List<? extends AutoCloseable> all) {
        RuntimeException failure = null;
        for (int i = all.size() - 1; i >= 0; i--) {
            try {
                all.get(i).close();
            } catch (RuntimeException e) {
                failure = joined(failure, e);
            } catch (Exception e) {
                failure = joined(failure, new IllegalStateException(e));
            }
        }
        all.clear();
        if (failure != null) {
            throw failure;
        }
    }

    /** Closes after a failure, which keeps what goes wrong meanwhile. */
    public static void after(Throwable failure, AutoCloseable closeable) {
        try {
            closeable.close();
        } catch (Exception e) {
            joined(failure, e);
        }
    }

    /** Both: the second is kept with the first, which may be null. */
    public static <T extends Throwable> T joined(T first, T next) {
        if (first == null) {
            return next;
        }
        if (first != next) {
            first.addSuppressed(next);
        }
        return first;
    }
}
