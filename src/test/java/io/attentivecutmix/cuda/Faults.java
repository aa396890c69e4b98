package io.attentivecutmix.cuda;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Set;
import org.bytedeco.javacpp.Pointer;

/**
 * Makes calls of the seams fail: the n-th one, as soon as it is made, a few calls later as CUDA reports faults of
 * running work, and from then on for ever where the status says that the device is lost. What gives something back, or
 * waits, does so before it fails, as otherwise a ledger could never be empty.
 */
final class Faults {
    /** What only asks or describes and has no status of its own to return. */
    private static final Set<String> NEVER = Set.of("currentDevice", "foreignStream", "freeBytes");

    private final HostRuntime host;
    private final int failAt;
    private final int status;
    private final int delay;
    private int calls;
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

    /** The seam, with its calls counted. */
    <T> T over(Class<T> seam, T real) {
        return seam.cast(Proxy.newProxyInstance(seam.getClassLoader(), new Class<?>[] {seam},
                (proxy, method, arguments) -> {
            String name = method.getName();
            boolean fails = !NEVER.contains(name) && fails();
            boolean givesBack = name.startsWith("free") || name.startsWith("destroy") || name.startsWith("synchronize")
                    || name.equals("endCapture");
            if (fails && CudaStatus.kind(status) == CudaStatus.Kind.LOST) {
                host.abandon();
            }
            if (fails && !givesBack) {
                failed = failed == null ? name : failed;
                throw CudaStatus.failure(name, status, "injected");
            }
            Object result;
            try {
                result = method.invoke(real, arguments);
            } catch (InvocationTargetException e) {
                if (fails && e.getCause() instanceof RuntimeException) {
                    // a device that is lost has nothing to give back
                    failed = failed == null ? name : failed;
                    throw CudaStatus.failure(name, status, "injected");
                }
                throw e.getCause();
            }
            if (fails) {
                failed = failed == null ? name : failed;
                if (name.equals("endCapture")) {
                    ((CudaRuntime) real).destroyGraph((Pointer) result);
                }
                throw CudaStatus.failure(name, status, "injected");
            }
            return result;
        }));
    }

    private boolean fails() {
        calls++;
        if (failAt == 0) {
            return false;
        }
        int when = failAt + delay;
        return calls == when || calls > when && CudaStatus.kind(status) == CudaStatus.Kind.LOST;
    }
}
