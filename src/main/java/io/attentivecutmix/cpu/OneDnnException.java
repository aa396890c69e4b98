package io.attentivecutmix.cpu;

import io.attentivecutmix.engine.OutOfDeviceMemoryException;

/** A oneDNN call failed. The message names the call, what it was for, and oneDNN's status. */
public final class OneDnnException extends RuntimeException {
    private static final String[] STATUS = {"success", "out of memory", "invalid arguments", "unimplemented",
        "last implementation reached", "runtime error", "not required", "invalid graph", "invalid graph operation",
        "invalid shape", "invalid data type"};

    static final int OUT_OF_MEMORY = 1;

    private final int status;

    /** The exception for a status: running out of memory is the device's fault, everything else is this one. */
    static RuntimeException of(String call, int status) {
        OneDnnException e = new OneDnnException(call, status);
        return status == OUT_OF_MEMORY ? new OutOfDeviceMemoryException(e.getMessage()
                + "; fewer threads or a smaller inputSide need less", e) : e;
    }

    private OneDnnException(String call, int status) {
        super(call + " failed: " + name(status) + " (status " + status
                + "); run with ONEDNN_VERBOSE=all in the environment to see why");
        this.status = status;
    }

    /** oneDNN's status code, {@code dnnl_status_t}. */
    public int status() {
        return status;
    }

    private static String name(int status) {
        return status >= 0 && status < STATUS.length ? STATUS[status] : "unknown";
    }
}
