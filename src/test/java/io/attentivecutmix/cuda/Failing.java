package io.attentivecutmix.cuda;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.function.Supplier;
import org.bytedeco.javacpp.Pointer;

/** Makes one call of a seam fail by its name. */
final class Failing {
    private Failing() {}

    /** Throws something in the place of a call. */
    static <T> T with(Class<T> seam, T real, String method, int at, Supplier<Throwable> failure, int[] seen) {
        return seam.cast(Proxy.newProxyInstance(seam.getClassLoader(), new Class<?>[] {seam},
                (proxy, called, arguments) -> {
            if (called.getName().equals(method) && ++seen[0] == at) {
                throw failure.get();
            }
            try {
                return called.invoke(real, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        }));
    }

    /**
     * @param method that fails
     * @param at which of its calls, from 1
     * @param status of the CUDA runtime
     * @param seen (1) counts its calls
     * @param host whose recording ends when endCapture fails, as CUDA's does
     */
    static <T> T on(Class<T> seam, T real, String method, int at, int status, int[] seen, HostRuntime host) {
        return seam.cast(Proxy.newProxyInstance(seam.getClassLoader(), new Class<?>[] {seam},
                (proxy, called, arguments) -> {
            boolean fails = called.getName().equals(method) && ++seen[0] == at;
            if (fails && !method.equals("endCapture")) {
                throw CudaStatus.failure(method, status, "injected");
            }
            try {
                Object result = called.invoke(real, arguments);
                if (fails) {
                    host.destroyGraph((Pointer) result);
                    throw CudaStatus.failure(method, status, "injected");
                }
                return result;
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        }));
    }
}
