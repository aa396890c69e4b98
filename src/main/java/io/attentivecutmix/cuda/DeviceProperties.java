package io.attentivecutmix.cuda;

/**
 * What CUDA says of a GPU.
 *
 * @param ordinal its number in the runtime's order
 * @param name for example {@code NVIDIA H100 80GB HBM3}
 * @param uuid {@code GPU-} and the identifier, as the driver's tools print it
 * @param pciBusId for example {@code 0000:17:00.0}: the kernel log names a fault by it
 * @param major compute capability before the dot
 * @param minor compute capability behind the dot
 * @param multiprocessors number of SMs
 * @param memoryBytes all of its memory
 * @param driverVersion the newest CUDA version that the driver runs, 1000·major + 10·minor
 * @param runtimeVersion version of the CUDA runtime in use, 1000·major + 10·minor
 */
public record DeviceProperties(
        int ordinal,
        String name,
        String uuid,
        String pciBusId,
        int major,
        int minor,
        int multiprocessors,
        long memoryBytes,
        int driverVersion,
        int runtimeVersion) {

    /** The least compute capability the kernels are built for. */
    static final int LEAST_MAJOR = 8;

    /** {@code sm_90} and the like. */
    public String architecture() {
        return "sm_" + major + minor;
    }

    /** A CUDA version as people write it, for example 13.0. */
    static String version(int version) {
        return version / 1000 + "." + version % 1000 / 10;
    }
}
