package io.attentivecutmix.cpu;

import java.lang.System.Logger.Level;
import java.util.Optional;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.opencl.Pfn_notify__cl_mem_Pointer;
import org.bytedeco.opencl._cl_mem;

/**
 * Sets how many threads OpenMP uses for parallel regions that the calling thread enters, which is the number that
 * oneDNN fixes in a primitive when that thread creates it.
 *
 * <p>oneDNN's preset is built on OpenMP and has no call for this, and {@code OMP_NUM_THREADS} would have to be set
 * before the JVM starts. So {@code omp_set_num_threads(int)} is looked up by name and called through a function
 * pointer that the OpenCL preset, which oneDNN's preset cannot load without, brings along: a function of two
 * pointers. In the C calling conventions of x86-64 (System V and Windows) and AArch64 the first integer and the first
 * pointer argument travel in the same register, and a further argument in another register is ignored; the "pointer"
 * passed here is the number.
 *
 * <p>The count is a per-thread setting of OpenMP, so other users of OpenMP in the same process keep theirs.
 */
final class OpenMpThreads {
    private static final System.Logger LOG = System.getLogger(OpenMpThreads.class.getName());
    private static final String ADVICE = "every worker thread lets oneDNN use as many threads as OpenMP wants,"
            + " which is slow; set OMP_NUM_THREADS=1 in the environment before the JVM starts";

    private OpenMpThreads() {}

    /**
     * The function, or empty if there is none to use; null until that is known. Found and proved once per process, but
     * not in a class's initialisation: where memory ends in between, the next call tries again.
     */
    static Optional<Pointer> found;

    private static synchronized Optional<Pointer> function() {
        if (found == null) {
            found = find();
        }
        return found;
    }

    private static Optional<Pointer> find() {
        Pointer function = Loader.addressof("omp_set_num_threads");
        if (function == null || function.isNull()) {
            LOG.log(Level.WARNING, "omp_set_num_threads was not found: " + ADVICE);
            return Optional.empty();
        }
        // Another OpenMP library of the process could have answered to the name, so look whether oneDNN notices.
        try (OneDnn oneDnn = new OneDnn()) {
            call(function, 2);
            long two = oneDnn.bytesForPartialSums();
            call(function, 1);
            long one = oneDnn.bytesForPartialSums();
            if (one >= two) {
                LOG.log(Level.WARNING, "omp_set_num_threads had no effect on oneDNN: " + ADVICE);
                return Optional.empty();
            }
        }
        return Optional.of(function);
    }

    /**
     * Sets the count for the calling thread. oneDNN must be loaded.
     *
     * @return false if that is not possible: OpenMP's function was not found or is not the one that oneDNN uses. This
     *     is logged once, and oneDNN then takes OpenMP's own count (one thread per core unless OMP_NUM_THREADS says
     *     otherwise).
     */
    static boolean set(int count) {
        Optional<Pointer> function = function();
        function.ifPresent(f -> call(f, count));
        return function.isPresent();
    }

    private static void call(Pointer function, int count) {
        // JavaCPP's form of a function pointer: the function, and a reference to a Java object (none).
        try (NativeScope scope = new NativeScope()) {
            Pointer struct = scope.allocate(2 * Long.BYTES, "a function pointer");
            new PointerPointer<Pointer>(struct).put(0, function).put(1, (Pointer) null);
            new Pfn_notify__cl_mem_Pointer(struct).call(new _cl_mem(new NativeScope.Address(count)), null);
        }
    }
}
