package io.attentivecutmix.benchmarks;

import io.attentivecutmix.Device;
import io.attentivecutmix.method.MixOptions;
import io.attentivecutmix.method.Patches;
import io.attentivecutmix.method.Precision;

/** What the annotations of several benchmarks share, and the reading of their parameters. */
final class Settings {
    /**
     * The largest batch (256 images of 224×224 as float tensors, in and out) fits three times; equal bounds, since a
     * heap that grows makes the first iterations slower.
     */
    static final String HEAP_MIN = "-Xms2g";
    static final String HEAP_MAX = "-Xmx2g";
    /** JavaCPP otherwise counts the process's memory, the rivals' included, against the heap's bound. */
    static final String NO_NATIVE_LIMIT = "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0";
    static final String HEADLESS = "-Djava.awt.headless=true";
    /**
     * For a network: two forks and more show what differs between JVMs (memory layout), which is more than within one.
     */
    static final int FORKS = 3;

    private Settings() {}

    /** Worker threads; the parameter 0 means all processors. */
    static int threads(int parameter) {
        return parameter == 0 ? Runtime.getRuntime().availableProcessors() : parameter;
    }

    static Device device(String name) {
        return Device.parse(name);
    }

    static Precision precision(String name) {
        return Precision.valueOf(name);
    }

    static MixOptions options(int side, int k) {
        return MixOptions.paper().withInputSide(side).withPatches(new Patches.Fixed(k));
    }
}
