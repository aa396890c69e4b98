package io.attentivecutmix.cuda.cudnn;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/** A pointer to memory that somebody else owns, by its address; JavaCPP offers no constructor for that. */
final class DeviceAddress extends BytePointer {
    DeviceAddress(long address) {
        super((Pointer) null);
        this.address = address;
    }
}
