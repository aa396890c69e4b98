package io.attentivecutmix.cli;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** Writes numpy's array files. */
final class Npy {
    private Npy() {}

    /**
     * Writes an array in version 1.0 of the format: magic, header length, a Python dictionary padded so that the data
     * begin at a multiple of 64.
     *
     * @param type numpy's name, such as {@code |u1} or {@code <f4}
     * @param shape as a Python tuple
     * @param data the elements, row-major
     */
    static void write(OutputStream out, String type, String shape, byte[] data) throws IOException {
        String header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
        int padding = 63 - (10 + header.length()) % 64;
        byte[] text = (header + " ".repeat(padding) + "\n").getBytes(StandardCharsets.US_ASCII);
        out.write(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (byte) text.length,
                (byte) (text.length >> 8)});
        out.write(text);
        out.write(data);
    }
}
