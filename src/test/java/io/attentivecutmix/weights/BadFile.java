package io.attentivecutmix.weights;

import java.util.function.Supplier;

/**
 * A weights file that must be refused.
 *
 * @param what is wrong with it
 * @param bytes makes it; some are large
 * @param fault a part of the message
 */
record BadFile(String what, Supplier<byte[]> bytes, String fault) {
    static BadFile of(String what, byte[] bytes, String fault) {
        return new BadFile(what, () -> bytes, fault);
    }

    @Override
    public String toString() {
        return what;
    }
}
