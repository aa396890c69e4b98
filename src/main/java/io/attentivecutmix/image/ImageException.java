package io.attentivecutmix.image;

/** An image file that is refused. The message reads {@code file: place: fault}. */
public class ImageException extends RuntimeException {
    private final String file;
    private final String place;
    private final String fault;

    /**
     * A fault of a file.
     *
     * @param file name of the file, as the caller gave it
     * @param place where in the file, e.g. {@code JPEG header}
     * @param fault what is wrong, and what is allowed
     */
    public ImageException(String file, String place, String fault) {
        this(file, place, fault, null);
    }

    /** A fault of a file that another exception told of. */
    public ImageException(String file, String place, String fault, Throwable cause) {
        super(file + ": " + place + ": " + fault, cause);
        this.file = file;
        this.place = place;
        this.fault = fault;
    }

    /** Name of the file, as the caller gave it. */
    public String file() {
        return file;
    }

    /** Where in the file. */
    public String place() {
        return place;
    }

    /** What is wrong, and what is allowed. */
    public String fault() {
        return fault;
    }
}
