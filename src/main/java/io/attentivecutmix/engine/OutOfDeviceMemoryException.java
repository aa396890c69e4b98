package io.attentivecutmix.engine;

/** The device's memory does not suffice; a smaller batch or input side may. The mixer stays usable. */
public final class OutOfDeviceMemoryException extends DeviceException {
    public OutOfDeviceMemoryException(String message) {
        super(message, null);
    }

    public OutOfDeviceMemoryException(String message, Throwable cause) {
        super(message, cause);
    }
}
