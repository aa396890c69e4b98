package io.attentivecutmix.weights;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.util.Collection;

/** Tells what a file is that is no archive of torch.save, so that the message can say what to do. */
final class Containers {
    private static final int HEAD = 512;
    private static final String ADVICE = "save with torch.save(model.state_dict(), file)";

    private Containers() {}

    /** Refuses a file that does not start as a zip archive does, naming what it looks like. */
    static void requireZip(FileChannel channel, String file) throws IOException {
        ByteBuffer head = ByteBuffer.allocate(HEAD);
        while (head.hasRemaining() && channel.read(head, head.position()) >= 0) { }
        byte[] bytes = new byte[head.flip().remaining()];
        head.get(bytes);
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        if (!text.startsWith("PK\3\4")) {
            throw new WeightsException(file, "file", "is " + kind(text)
                    + "; allowed: safetensors, and the zip archives of torch.save");
        }
    }

    /** Refuses a zip archive of something else, by the names of its entries (unchecked, as the archive has them). */
    static void refuseOtherZip(Collection<String> names, String file) {
        for (String name : names) {
            String kind = zipKind(name);
            if (kind != null) {
                throw new WeightsException(file, name, "belongs to " + kind);
            }
        }
    }

    private static String zipKind(String name) {
        String inner = name.substring(name.indexOf('/') + 1);
        if (inner.equals("constants.pkl") || inner.startsWith("code/") || inner.equals("model.json")
                || inner.equals("attributes.pkl")) {
            return "TorchScript, which is a program; " + ADVICE;
        }
        if (inner.equals("archive_format")) {
            return "a model of torch.export, which is a program; " + ADVICE;
        }
        if (name.startsWith("MAR-INF/")) {
            return "a TorchServe model archive (MAR); give the weights file in it";
        }
        if (name.startsWith("META-INF/")) {
            return "a Java archive";
        }
        if (name.endsWith(".npy")) {
            return "a NumPy archive (npz)";
        }
        if (name.equals("model.weights.h5")) {
            return "a Keras model";
        }
        if (name.equals("[Content_Types].xml") || name.equals("mimetype")) {
            return "an office document";
        }
        return null;
    }

    private static String kind(String head) {
        if (head.isEmpty()) {
            return "empty";
        }
        if (head.startsWith("\u0080\2\u008a\n") || head.startsWith("\u0080\2l\u00fc\u009cF\u00f9 j\u00a8P\u0019.")) {
            return "a PyTorch file of before version 1.6 (a sequence of pickles); load it with torch and save it again";
        }
        if (head.startsWith("\u0080")) {
            return "a bare pickle stream; " + ADVICE;
        }
        if (head.startsWith("PYTORCH1")) {
            return "a preview format of PyTorch; load it with torch and save it again";
        }
        if (head.startsWith("\u0089HDF\r\n\u001a\n")) {
            return "an HDF5 file (Keras?)";
        }
        if (head.startsWith("\u001f\u008b")) {
            return "gzip-compressed; unpack it first";
        }
        if (head.startsWith("BZh") || head.startsWith("\u00fd7zXZ") || head.startsWith("(\u00b5/\u00fd")) {
            return "compressed; unpack it first";
        }
        if (head.startsWith("%PDF")) {
            return "a PDF";
        }
        if (head.startsWith("PK")) {
            return "an empty or split zip archive";
        }
        if (head.startsWith("\u0093NUMPY")) {
            return "a NumPy array";
        }
        if (head.startsWith("TFL3", 4)) {
            return "a TensorFlow Lite model";
        }
        if (head.startsWith("GGUF")) {
            return "a GGUF file";
        }
        if (head.startsWith("version https://git-lfs")) {
            return "a Git LFS pointer, not the file itself; fetch it with git lfs pull";
        }
        if (head.stripLeading().startsWith("<")) {
            return "an HTML or XML page: a download that went wrong?";
        }
        if (head.length() > 262 && head.startsWith("ustar", 257)) {
            return "a tar archive (PyTorch's oldest format?); load it with torch and save it again";
        }
        if (head.startsWith("\b") && head.contains("pytorch") || head.startsWith("\b") && head.contains("onnx")) {
            return "an ONNX model; export the state dict instead";
        }
        if (head.length() > 8 && head.charAt(8) == '{') {
            return "a damaged safetensors file";
        }
        return "of no known kind";
    }
}
