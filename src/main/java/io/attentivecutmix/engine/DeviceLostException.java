package io.attentivecutmix.engine;

/** The device failed in a way that this process cannot recover from: every later call fails too; end the process. */
public final class DeviceLostException extends DeviceException {
    public DeviceLostException(String message) {
        super(message, null);
    }

    public DeviceLostException(String message, Throwable cause) {
        super(message, cause);
    }
}
