package io.attentivecutmix.weights;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Map;

/**
 * What must hold for any file whatsoever: it is read or refused by a WeightsException that names it, within memory in
 * proportion to its size; and of what is read every byte is the file's, in the amount that shapes and types say.
 */
final class WeightsFuzzTarget {
    static final String FILE = "f.weights";
    /** Longest message: the parts that {@link WeightsException} allows, every character escaped. */
    private static final int LONGEST_MESSAGE = 6 * (1024 + 1024 + 8192) + 16;
    /** Whatever the file: buffers of the JSON parser, the text of a message. */
    private static final long LEAST = 2 << 20;
    /** Of the memory taken in turn per byte of the file: a value of one byte of pickle makes a few objects. */
    private static final long PER_BYTE = 600;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private WeightsFuzzTarget() {}

    /** A reader that is given the whole file. */
    private interface Reader {
        TensorFile open(MemoryChannel channel) throws IOException;
    }

    /** @return whether it was accepted */
    static boolean safetensors(byte[] file) {
        Map<String, RawTensor> tensors = read(file, channel -> new SafetensorsReader(channel, FILE));
        if (tensors == null) {
            return false;
        }
        long header = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
        long data = tensors.values().stream().mapToLong(t -> t.data().limit()).sum();
        require(8 + header + data == file.length, "tensors of " + data + " bytes after a header of " + header
                + " in a file of " + file.length);
        // no gap and no overlap, so the tensors are the data in some order; sums of bytes do not see the order
        long[] counts = new long[256];
        tensors.values().forEach(t -> count(t.data(), counts, 1));
        count(ByteBuffer.wrap(file, (int) (8 + header), (int) data).slice(), counts, -1);
        require(Arrays.stream(counts).allMatch(c -> c == 0), "tensors hold other bytes than the file");
        return true;
    }

    private static void count(ByteBuffer data, long[] counts, int sign) {
        for (int i = 0; i < data.limit(); i++) {
            counts[data.get(i) & 0xFF] += sign;
        }
    }

    /** @return whether it was accepted */
    static boolean archive(byte[] file) {
        return read(file, channel -> new TorchReader(channel, FILE)) != null;
    }

    /** A stream in a sound archive of one storage of eight bytes, so that checksums do not hide the interpreter. */
    static boolean stream(byte[] pickle) {
        return archive(TorchFile.of(pickle).bytes());
    }

    private record Outcome(Map<String, TensorFile.Info> promised, Map<String, RawTensor> tensors,
            WeightsException refusal, long taken) {}

    /** @return the tensors, or null of a file that is refused */
    private static Map<String, RawTensor> read(byte[] file, Reader reader) {
        Outcome outcome = attempt(file, reader);
        long most = LEAST + PER_BYTE * file.length;
        if (outcome.taken > most) {
            // a class that this file was the first to need, and its instrumentation, are not the file's
            outcome = attempt(file, reader);
            require(outcome.taken <= most, outcome.taken + " bytes taken for a file of " + file.length
                    + ", " + (outcome.refusal == null ? outcome.tensors.keySet() : outcome.refusal.getMessage()));
        }
        if (outcome.refusal != null) {
            WeightsException e = outcome.refusal;
            // a tensor's name may be empty, and it is the place in the message
            require(e.getMessage().startsWith(FILE + ": ") && e.getMessage().length() <= LONGEST_MESSAGE
                    && !e.fault().isEmpty(), "message is " + e.getMessage());
            return null;
        }
        require(outcome.promised.keySet().equals(outcome.tensors.keySet()), "promised " + outcome.promised.keySet()
                + ", gave " + outcome.tensors.keySet());
        for (Map.Entry<String, RawTensor> e : outcome.tensors.entrySet()) {
            check(e.getKey(), e.getValue(), outcome.promised.get(e.getKey()));
        }
        return outcome.tensors;
    }

    private static Outcome attempt(byte[] file, Reader reader) {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        Map<String, TensorFile.Info> promised = Map.of();
        Map<String, RawTensor> tensors = Map.of();
        WeightsException refusal = null;
        try {
            TensorFile opened = reader.open(new MemoryChannel(file));
            promised = opened.tensors();
            tensors = opened.loadAll();
        } catch (WeightsException e) {
            refusal = e;
        } catch (IOException e) {
            throw new AssertionError("memory has no input errors", e);
        }
        return new Outcome(promised, tensors, refusal, THREADS.getCurrentThreadAllocatedBytes() - before);
    }

    private static void check(String name, RawTensor tensor, TensorFile.Info promised) {
        long elements = 1;
        for (int side : tensor.shape()) {
            require(side >= 0, name + " has a side of " + side);
            elements *= side;
        }
        require(tensor.type() == promised.type() && Arrays.equals(tensor.shape(), promised.shape()), name
                + " is another tensor than promised");
        require(tensor.data().limit() == elements * tensor.type().bytes() && tensor.elements() == elements, name
                + " has " + tensor.data().limit() + " bytes for " + elements + " elements of " + tensor.type());
        require(tensor.data().isReadOnly() && tensor.data().order() == ByteOrder.LITTLE_ENDIAN, name
                + " can be written to, or is big-endian");
    }

    private static void require(boolean condition, String otherwise) {
        if (!condition) {
            throw new AssertionError(otherwise);
        }
    }
}
