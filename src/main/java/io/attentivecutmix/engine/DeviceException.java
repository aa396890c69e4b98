package io.attentivecutmix.engine;

/** A fault of a device rather than of a call; its subclasses say what the caller can do. */
public abstract sealed class DeviceException extends RuntimeException
        permits DeviceUnavailableException, OutOfDeviceMemoryException, DeviceLostException {
    DeviceException(String message, Throwable cause) {
        super(message, cause);
    }
}
