package io.attentivecutmix.weights;

import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.network.Tensors;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * The weights of a ResNet-18, 34, 50, 101 or 152, checked; immutable.
 *
 * <p>Files are safetensors or PyTorch zip archives with torchvision's or timm's names. A file is read as data: nothing
 * in it is ever run. Tensors keep the file's own bytes and are converted when asked for.
 */
public final class Weights implements Tensors {
    private final ResNet network;
    private final Map<String, RawTensor> tensors;
    private final String source;
    private final String sha256;
    private final boolean synthetic;
    private String tensorsSha256;

    private Weights(ResNet network, Map<String, RawTensor> tensors, String source, String sha256, boolean synthetic) {
        this.network = network;
        this.tensors = tensors;
        this.source = source;
        this.sha256 = sha256;
        this.synthetic = synthetic;
    }

    /**
     * Reads a safetensors file or a PyTorch archive ({@code torch.save} of a state dict, also nested under state_dict,
     * model or model_state, with module., backbone. or encoder. before the names). What a file is, its content says,
     * not its name.
     *
     * <p>A network that has the same tensors and computes something else cannot be told apart: the original ResNet,
     * which strides in the first 1×1 convolution of a block, and timm's resnetaa50, resnetblur18 and resnetblur50,
     * which blur before they stride.
     *
     * @throws WeightsException naming the file, the place and the fault, whatever is wrong with the file
     */
    public static Weights load(Path file) {
        return load(file, file.toString());
    }

    /** As {@link #load(Path)}, with another name for messages and {@link #source()}. */
    public static Weights load(Path file, String source) {
        try {
            // never opened: a pipe would wait for ever, a device has no end
            if (!Files.readAttributes(file, BasicFileAttributes.class).isRegularFile()) {
                throw new WeightsException(source, "file", "is not a regular file");
            }
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
                StateDict dict = new StateDict(source, open(channel, source));
                return new Weights(dict.network(), dict.load(), source, digest(channel), false);
            }
        } catch (ClosedByInterruptException e) {
            throw new WeightsException(source, "file", "was not read to its end: the thread was interrupted", e);
        } catch (NoSuchFileException e) {
            throw new WeightsException(source, "file", "does not exist", e);
        } catch (IOException e) {
            throw new WeightsException(source, "file", "cannot be read: " + e, e);
        }
    }

    /**
     * A safetensors file has the first character of JSON where its header starts; everything else is for the other
     * reader to name. A space there is JSON's only if the length before it can be one: many kinds of file have a space.
     */
    private static TensorFile open(FileChannel channel, String source) throws IOException {
        ByteBuffer head = ByteBuffer.allocate(9);
        Slab.fill(channel, head, 0);
        boolean zip = head.limit() >= 4 && head.getInt(0) == 0x504B0304;
        boolean json = head.limit() == 9
                && (head.get(8) == '{' || " \t\r\n".indexOf(head.get(8)) >= 0 && head.getInt(4) == 0);
        return json && !zip ? new SafetensorsReader(channel, source) : new TorchReader(channel, source);
    }

    private static String digest(FileChannel channel) throws IOException {
        MessageDigest digest = sha256Digest();
        ByteBuffer buffer = ByteBuffer.allocate(1 << 18);
        long position = 0;
        for (int n = channel.read(buffer, 0); n >= 0; n = channel.read(buffer, position)) {
            position += n;
            digest.update(buffer.flip());
            buffer.clear();
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    /** Lower-case hex SHA-256 of a file. */
    static String sha256Of(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return digest(channel);
        }
    }

    private static MessageDigest sha256Digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    /**
     * Weights that no training made: hot cells mean nothing, but every stage can be run and compared.
     *
     * <p>They are defined exactly, for any language to repeat. Tensors are numbered t = 0, 1, … in the order of
     * {@link ResNet#tensors()}, then fc.weight (1000, C), fc.bias (1000). With wrapping 64-bit arithmetic, g =
     * 0x9E3779B97F4A7C15 and mix the finaliser of SplitMix64, element i of tensor t is drawn as
     * {@code u = (mix(mix(seed + g·(t+1)) + g·(i+1)) >>> 40) · 2⁻²³ − 1}: a multiple of 2⁻²³ in −1..1, exact in float.
     * In float, every operation rounded, {@code value = u·spread + centre}:
     * <ul>
     * <li>convolutions and fc.weight: spread (float) √(3/fan), fan = the row's number of elements; centre 0
     * <li>batch-norm weight: spread 0.25; centre 0.5 for the last convolution of a block's path, 1 for a downsample,
     *     else 1.5
     * <li>batch-norm bias, running_mean, and fc.bias: spread 0.25, centre 0
     * <li>running_var: spread 0.5, centre 1, then times the second moment expected of the convolution's input: 1, but
     *     for a convolution that reads a block's input m, where m starts at 1, becomes 1 after a block with a
     *     downsample, and then grows by 0.125 with every block
     * </ul>
     *
     * @param depth 18, 34, 50, 101 or 152
     * @param seed any
     */
    public static Weights synthetic(int depth, long seed) {
        ResNet network = ResNet.ofDepth(depth);
        Map<String, RawTensor> tensors = SyntheticWeights.make(network, seed);
        MessageDigest digest = sha256Digest();
        tensors.values().forEach(t -> digest.update(t.data().duplicate()));
        return new Weights(network, tensors, "synthetic(resnet" + depth + ", seed " + seed + ")",
                HexFormat.of().formatHex(digest.digest()), true);
    }

    /** Which network they are for. */
    public ResNet network() {
        return network;
    }

    @Override
    public float[] tensor(String name) {
        return raw(name).toFloats();
    }

    private RawTensor raw(String name) {
        RawTensor tensor = tensors.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException("tensor is " + name
                    + "; allowed: the names of ResNet.tensors(), and fc.weight"
                    + " and fc.bias if there is a classifier");
        }
        return tensor;
    }

    /** Whether there is a classifier, which {@code Reduction.CLASS} needs. */
    public boolean hasClassifier() {
        return tensors.containsKey("fc.weight");
    }

    /** Classes of the classifier; 0 if there is none. */
    public int classes() {
        return hasClassifier() ? tensors.get("fc.weight").shape()[0] : 0;
    }

    /**
     * The classifier's rows, (classes, C); a new array.
     *
     * @throws IllegalStateException if there is none
     */
    public float[][] classifier() {
        if (!hasClassifier()) {
            throw new IllegalStateException(source + " has no classifier (fc.weight)");
        }
        float[] values = tensor("fc.weight");
        int channels = network.channels();
        float[][] rows = new float[classes()][];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = Arrays.copyOfRange(values, i * channels, (i + 1) * channels);
        }
        return rows;
    }

    /** SHA-256 of the file, or of all tensors' little-endian bytes in order for synthetic weights; lower-case hex. */
    public String sha256() {
        return sha256;
    }

    /**
     * SHA-256 of what the file means rather than of how it is stored: the same for every container, prefix, order of
     * tensors and float type that gives the same values. Lower-case hex.
     *
     * <p>Hashed are the tensors in the order of {@link ResNet#tensors()}, then fc.weight and fc.bias where they are;
     * each as the UTF-8 line {@code name F32 [64, 3, 7, 7]\n}, with torchvision's name, followed by its elements as
     * little-endian binary32, row-major. Computed by the first caller's thread, which reads every value once (about
     * 0.1 s for a ResNet-50 where the processor has SHA instructions, 0.5 s where not), then kept.
     */
    public synchronized String tensorsSha256() {
        if (tensorsSha256 == null) {
            MessageDigest digest = sha256Digest();
            List<String> names = new ArrayList<>(network.tensors().keySet());
            names.addAll(List.of("fc.weight", "fc.bias"));
            names.stream().filter(tensors::containsKey).forEach(name -> {
                RawTensor tensor = tensors.get(name);
                String line = name + " F32 " + Arrays.toString(tensor.shape()) + "\n";
                digest.update(line.getBytes(StandardCharsets.UTF_8));
                tensor.digestFloats(digest);
            });
            tensorsSha256 = HexFormat.of().formatHex(digest.digest());
        }
        return tensorsSha256;
    }

    /** Where they come from, for people: a file name, or {@code synthetic(resnet50, seed 0)}. */
    public String source() {
        return source;
    }

    /** Whether they are synthetic, so that hot cells mean nothing. */
    public boolean isSynthetic() {
        return synthetic;
    }

    @Override
    public String toString() {
        return network + " from " + source;
    }
}
