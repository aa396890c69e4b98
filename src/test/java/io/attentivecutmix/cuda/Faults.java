package io.attentivecutmix.cuda;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Set;
import org.bytedeco.javacpp.Pointer;

/**
 * Makes calls of the seams fail: the n-th one, as soon as it is made, a few calls later as CUDA reports faults of
 * running work, and from then on for ever where the status says that the device is lost or CUDA has ended. What gives
 * something back, or waits, does so before it fails, as otherwise a ledger could never be empty. A status of the
 * CAPTURE kind breaks what is being recorded.
 */
final class Faults {
    /** What only asks or describes and has no status of its own to return. */
    private static final Set<String> NEVER = Set.of("currentDevice", "foreignStream", "freeBytes", "requireAlive");

    private final HostRuntime host;
    private final int failAt;
    private final int status;
    private final int delay;
    private int calls;
    private int touched;
    private String failed;

    /**
     * @param host whose work ends when the device is lost
     * @param failAt number of the call that fails, from 1; 0: none
     * @param status of the CUDA runtime
     * @param delay how many calls later it is reported
     */
    Faults(HostRuntime host, int failAt, int status, int delay) {
        this.host = host;
        this.failAt = failAt;
        this.status = status;
        this.delay = delay;
    }

    /** The method that failed, or null if there were fewer calls. */
    String failed() {
        return failed;
    }

    int calls() {
        return calls;
    }

    /** Every call that reached CUDA's runtime, also those that cannot fail. */
    int touched() {
        return touched;
    }

    /** The seam, with its calls counted. */
    <T> T over(Class<T> seam, T real) {
        return seam.cast(Proxy.newProxyInstance(seam.getClassLoader(), new Class<?>[] {seam},
                (proxy, method, arguments) -> call(real, method, arguments)));
    }

    private Object call(Object real, Method method, Object[] arguments) throws Throwable {
        String name = method.getName();
        touched++;
        boolean fails = !NEVER.contains(name) && fails();
        if (!fails) {
            try {
                return method.invoke(real, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        }
        failed = failed == null ? name : failed;
        RuntimeException failure = CudaStatus.failure(name, status, "injected");
        switch (CudaStatus.kind(status)) {
            case LOST -> {
                host.abandon();
                throw failure;
            }
            case CAPTURE -> host.invalidate();
            default -> { }
        }
        boolean givesBack = name.startsWith("free") || name.startsWith("destroy") || name.startsWith("synchronize")
                || name.equals("endCapture");
        if (givesBack) {
            try {
                Object result = method.invoke(real, arguments);
                if (name.equals("endCapture")) {
                    host.destroyGraph((Pointer) result);
                }
            } catch (InvocationTargetException e) {
                if (!(e.getCause() instanceof RuntimeException)) {
                    throw e.getCause();
                }
                // its own failure, of a broken recording for one, gives way to the injected one
            }
        }
        throw failure;
    }

    private boolean fails() {
        calls++;
        if (failAt == 0) {
            return false;
        }
        int when = failAt + delay;
        CudaStatus.Kind kind = CudaStatus.kind(status);
        boolean sticky = kind == CudaStatus.Kind.LOST || kind == CudaStatus.Kind.ENDING;
        return calls == when || calls > when && sticky;
    }
}
