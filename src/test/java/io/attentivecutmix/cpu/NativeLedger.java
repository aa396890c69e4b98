package io.attentivecutmix.cpu;

/** What the CPU device holds natively, for tests of other packages. */
public final class NativeLedger {
    private NativeLedger() {}

    /** Native objects of the process. */
    public static long objects() {
        return NativeScope.live();
    }

    /** Bytes of native memory of the process. */
    public static long bytes() {
        return NativeScope.bytes();
    }
}
