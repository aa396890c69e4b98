package io.attentivecutmix.natives;

import org.bytedeco.javacpp.Pointer;

/**
 * JavaCPP's own limits; 0 is none. It counts what it allocates itself, which this library's large memory is not, and
 * the physical memory of the whole process, whoever took it.
 *
 * @param bytes that it may have allocated
 * @param physicalBytes that the process may have when it allocates
 * @param usedPhysicalBytes that the process has
 */
public record MemoryLimits(long bytes, long physicalBytes, long usedPhysicalBytes) {
    /**
     * Those of this process. JavaCPP's library must have been loaded.
     *
     * @throws LinkageError if it has not
     */
    public static MemoryLimits ofProcess() {
        return new MemoryLimits(limit(Pointer.maxBytes()), limit(Pointer.maxPhysicalBytes()), Pointer.physicalBytes());
    }

    private static long limit(long value) {
        return value == Long.MAX_VALUE ? 0 : value;
    }

    /** Whether JavaCPP would refuse to allocate now. */
    public boolean reached() {
        return physicalBytes > 0 && usedPhysicalBytes >= physicalBytes;
    }

    @Override
    public String toString() {
        return "allocated " + text(bytes) + ", process " + text(physicalBytes) + " (now "
                + usedPhysicalBytes / (1 << 20) + " MiB)";
    }

    private static String text(long limit) {
        return limit <= 0 ? "without limit" : "up to " + limit / (1 << 20) + " MiB";
    }
}
