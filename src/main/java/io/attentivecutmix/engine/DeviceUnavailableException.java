package io.attentivecutmix.engine;

/** The device cannot be used on this machine; the message says why and what to do. Another device may work. */
public final class DeviceUnavailableException extends DeviceException {
    public DeviceUnavailableException(String message) {
        super(message, null);
    }

    public DeviceUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
