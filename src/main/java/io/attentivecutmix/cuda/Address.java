package io.attentivecutmix.cuda;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/** A pointer to memory that somebody else owns, by its address; JavaCPP offers no constructor for that. */
public final class Address extends BytePointer {
    /** Leads to this address. */
    public Address(long address) {
        super((Pointer) null);
        this.address = address;
    }

    /** Leads to another address from now on; for hot loops that must not allocate. */
    Address at(long newAddress) {
        address = newAddress;
        return this;
    }
}
