package io.attentivecutmix.natives;

/** Native libraries cannot be extracted or loaded here; the message is one line that names cause and remedy. */
public final class NativeLibraryException extends RuntimeException {
    NativeLibraryException(String message) {
        super(message);
    }

    NativeLibraryException(String message, Throwable cause) {
        super(message, cause);
    }
}
