package io.attentivecutmix.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import io.attentivecutmix.network.ResNet;
import io.attentivecutmix.weights.TensorFile.Info;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class WeightsTest {
    @TempDir
    static Path folder;
    private static Map<String, RawTensor> resnet18;

    @BeforeAll
    static void make() {
        resnet18 = SyntheticWeights.make(ResNet.RESNET18, 0);
    }

    private static Map<String, RawTensor> load(Map<String, RawTensor> tensors) throws IOException {
        return new StateDict("file", TestFiles.inMemory(tensors)).load();
    }

    private static String fault(Map<String, RawTensor> tensors) {
        return assertThrows(WeightsException.class, () -> load(tensors)).getMessage();
    }

    @Test
    void aFileIsReadWholeWithItsHash() throws Exception {
        Path file = TestFiles.safetensors(folder.resolve("resnet18.safetensors"), resnet18);
        Weights weights = Weights.load(file);
        assertEquals(ResNet.RESNET18, weights.network());
        assertEquals(file.toString(), weights.source());
        assertFalse(weights.isSynthetic());
        assertEquals(HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file))),
                weights.sha256());
        for (String name : resnet18.keySet()) {
            assertArrayEquals(resnet18.get(name).toFloats(), weights.tensor(name), name);
        }
    }

    /** The expected hash is hashlib's over the arrays that src/test/python/synthetic_weights.py makes. */
    @Test
    void theTensorsHaveTheHashThatPythonGivesWhateverHoldsThem() throws Exception {
        String expected = "b0078c71f5eee9bd761050c426c0012d143777b2600659b4cab15116f43a30b0";
        assertEquals(expected, Weights.synthetic(18, 0).tensorsSha256());
        Map<String, RawTensor> wide = new LinkedHashMap<>();
        List<String> names = new ArrayList<>(resnet18.keySet());
        Collections.reverse(names);
        for (String name : names) {
            float[] values = resnet18.get(name).toFloats();
            ByteBuffer doubles = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
            for (float v : values) {
                doubles.putDouble(v);
            }
            wide.put("module." + name, new RawTensor(DType.F64, resnet18.get(name).shape(), doubles.rewind()));
        }
        Weights loaded = Weights.load(TestFiles.safetensors(folder.resolve("wide.safetensors"), wide));
        assertEquals(expected, loaded.tensorsSha256());
        assertSame(loaded.tensorsSha256(), loaded.tensorsSha256(), "kept");
        ByteBuffer last = wide.get("module.bn1.bias").data();
        last.putDouble(last.limit() - 8, Math.nextUp(last.getDouble(last.limit() - 8)));
        assertEquals(expected, Weights.load(TestFiles.safetensors(folder.resolve("wide.safetensors"), wide))
                .tensorsSha256(), "less than half a unit of the float's last place");
        last.putDouble(last.limit() - 8, Math.nextUp((float) last.getDouble(last.limit() - 8)));
        assertNotEquals(expected, Weights.load(TestFiles.safetensors(folder.resolve("wide.safetensors"), wide))
                .tensorsSha256());
    }

    @Test
    void theNameOfTheFileDecidesNothing() throws Exception {
        Path file = TestFiles.safetensors(folder.resolve("misnamed.pth"), resnet18);
        assertEquals(ResNet.RESNET18, Weights.load(file).network());
    }

    @ParameterizedTest
    @EnumSource(ResNet.class)
    void everyDepthIsRecognised(ResNet network) throws IOException {
        Map<String, RawTensor> tensors = new LinkedHashMap<>();
        network.tensors().forEach((name, shape) -> {
            int count = 1;
            for (int side : shape) {
                count *= side;
            }
            tensors.put(name, new RawTensor(DType.F16, shape, ByteBuffer.allocate(2 * count)
                    .order(ByteOrder.LITTLE_ENDIAN)));
        });
        StateDict dict = new StateDict("file", TestFiles.inMemory(tensors));
        assertEquals(network, dict.network());
        assertEquals(tensors.keySet(), dict.load().keySet());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "module.", "backbone.", "encoder.", "state_dict.", "model.", "model_state.",
            "state_dict.module.", "model.backbone.", "state_dict.model.module.encoder."})
    void prefixesAreStripped(String prefix) throws IOException {
        Map<String, RawTensor> tensors = TestFiles.prefixed(prefix, resnet18);
        if (!prefix.isEmpty()) {
            tensors.put("optimizer.conv1.weight", TestFiles.floats(new int[] {1}, 0));
            tensors.put("epoch", TestFiles.floats(new int[] {}, 3));
        }
        assertEquals(resnet18.keySet(), load(tensors).keySet());
    }

    @Test
    void classifierMayBeAbsentOrOfAnyNumberOfClasses() throws IOException {
        Map<String, RawTensor> tensors = new LinkedHashMap<>(resnet18);
        tensors.remove("fc.weight");
        tensors.remove("fc.bias");
        assertFalse(load(tensors).containsKey("fc.weight"));
        tensors.put("fc.weight", TestFiles.floats(new int[] {3, 512}, new float[3 * 512]));
        assertTrue(load(tensors).containsKey("fc.weight"));
        tensors.put("fc.weight", TestFiles.floats(new int[] {512}, new float[512]));
        assertTrue(fault(tensors).contains("fc.weight is [512]"));
    }

    @Test
    void batchesTrackedAndIntegersOutsideTheNetworkDoNotMatter() throws IOException {
        Map<String, RawTensor> tensors = new LinkedHashMap<>(resnet18);
        tensors.put("bn1.num_batches_tracked", new RawTensor(DType.I64, new int[0], ByteBuffer.allocate(8)));
        assertEquals(resnet18.keySet(), load(tensors).keySet());
    }

    @Test
    void everythingWrongIsReportedAtOnce() {
        Map<String, RawTensor> tensors = new LinkedHashMap<>(resnet18);
        tensors.remove("bn1.bias");
        tensors.remove("layer4.1.bn2.running_mean");
        tensors.put("layer1.0.se.weight", TestFiles.floats(new int[] {1}, 1));
        tensors.put("layer2.0.conv2.weight", TestFiles.floats(new int[] {2, 2}, 1, 2, 3, 4));
        tensors.put("layer3.1.bn1.weight", new RawTensor(DType.I32, new int[] {256}, ByteBuffer.allocate(1024)));
        String message = fault(tensors);
        for (String part : new String[] {"file: ", "2 missing: bn1.bias, layer4.1.bn2.running_mean",
            "1 unexpected: layer1.0.se.weight", "layer2.0.conv2.weight is [2, 2], needed [128, 128, 3, 3]",
            "layer3.1.bn1.weight is I32"}) {
            assertTrue(message.contains(part), message);
        }
    }

    @Test
    void longListsAreCut() {
        Map<String, RawTensor> tensors = new LinkedHashMap<>(resnet18);
        tensors.keySet().removeIf(name -> name.contains("bn") || name.contains("downsample.1"));
        String message = fault(tensors);
        assertTrue(message.contains("80 missing: ") && message.contains("and 60 more"), message);
    }

    @Test
    void otherNetworksAreNamedAsSuch() {
        Map<String, RawTensor> deepStem = new LinkedHashMap<>(resnet18);
        deepStem.put("conv1.0.weight", deepStem.remove("conv1.weight"));
        assertTrue(fault(deepStem).contains("conv1.weight"), fault(deepStem));
        Map<String, RawTensor> shallow = new LinkedHashMap<>(resnet18);
        shallow.keySet().removeIf(name -> name.startsWith("layer4.1."));
        assertTrue(fault(shallow).contains("[2, 2, 2, 1]"), fault(shallow));
        Map<String, RawTensor> two = TestFiles.prefixed("model.", resnet18);
        two.putAll(TestFiles.prefixed("backbone.", resnet18));
        assertTrue(fault(two).contains("2 times"), fault(two));
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void valuesThatAreNotFiniteAreRefused(float value) {
        Map<String, RawTensor> tensors = new LinkedHashMap<>(resnet18);
        float[] bias = tensors.get("bn1.bias").toFloats();
        bias[5] = value;
        tensors.put("bn1.bias", TestFiles.floats(new int[] {64}, bias));
        assertTrue(fault(tensors).contains("bn1.bias: element 5 is " + value), fault(tensors));
    }

    @Test
    void negativeVarianceIsRefused() {
        Map<String, RawTensor> tensors = new LinkedHashMap<>(resnet18);
        float[] variance = tensors.get("bn1.running_var").toFloats();
        variance[63] = -1e-9f;
        tensors.put("bn1.running_var", TestFiles.floats(new int[] {64}, variance));
        assertTrue(fault(tensors).contains("bn1.running_var: element 63"), fault(tensors));
    }

    @Test
    void whatIsNoFileIsSaidSo() throws IOException {
        assertTrue(assertThrows(WeightsException.class, () -> Weights.load(folder.resolve("absent"))).getMessage()
                .contains("does not exist"));
        assertTrue(assertThrows(WeightsException.class, () -> Weights.load(folder)).getMessage()
                .contains("not a regular file"));
        Path empty = Files.createFile(folder.resolve("empty.pth"));
        assertTrue(assertThrows(WeightsException.class, () -> Weights.load(empty)).getMessage().contains("empty.pth"));
    }

    /** A pipe without a writer would block who opens it. */
    @Test
    @Timeout(20)
    @DisabledOnOs(OS.WINDOWS)
    void pipesDevicesAndLoopsAreRefusedUnopened() throws Exception {
        Path loop = Files.createSymbolicLink(folder.resolve("loop"), folder.resolve("loop"));
        assertTrue(refused(loop).contains("cannot be read") && refused(loop).contains("symbolic link"), refused(loop));
        Path nowhere = Files.createSymbolicLink(folder.resolve("nowhere"), folder.resolve("missing"));
        assertTrue(refused(nowhere).contains("nowhere: file: does not exist"), refused(nowhere));
        Path pipe = folder.resolve("pipe");
        assumeTrue(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor() == 0, "no mkfifo here");
        assertTrue(refused(pipe).contains("pipe: file: is not a regular file"), refused(pipe));
        assertTrue(refused(Path.of("/dev/zero")).contains("not a regular file"));
    }

    @Test
    void anInterruptedThreadIsToldSoAndStaysInterrupted() throws IOException {
        Path file = TestFiles.safetensors(folder.resolve("interrupted.safetensors"), resnet18);
        Thread.currentThread().interrupt();
        String message = refused(file);
        assertTrue(Thread.interrupted() && message.contains("interrupted.safetensors: file: ")
                && message.contains("interrupted"),
                message);
    }

    private static String refused(Path file) {
        return assertThrows(WeightsException.class, () -> Weights.load(file)).getMessage();
    }

    /** What a file is, its content says: a wrong name leads to no wrong advice. */
    @ParameterizedTest
    @CsvSource({"legacy.pth, before version 1.6", "module.pth, torch.save(model.state_dict()",
            "script.pt, TorchScript"})
    void misnamedFilesAreToldForWhatTheyAre(String golden, String expected) throws IOException {
        Path file = folder.resolve(golden + ".safetensors");
        try (InputStream in = WeightsTest.class.getResourceAsStream("/golden/weights/" + golden)) {
            Files.copy(in, file);
        }
        assertTrue(refused(file).contains(expected), refused(file));
    }

    /** A file of 6 GiB (sparse) does not fit into this test's heap; its names are enough to refuse it. */
    @Test
    void anotherNetworkIsRefusedByItsNamesHoweverLarge() throws IOException {
        int tensor = 1 << 30;
        StringBuilder header = new StringBuilder("{");
        for (long i = 0; i < 6; i++) {
            header.append(i == 0 ? "" : ",").append("\"model.layers.").append(i)
                    .append(".weight\":{\"dtype\":\"BF16\",\"shape\":[")
                    .append(tensor / 2).append("],\"data_offsets\":[").append(i * tensor).append(',').append((i
                    + 1) * tensor)
                    .append("]}");
        }
        byte[] json = header.append('}').toString().getBytes(StandardCharsets.US_ASCII);
        Path file = folder.resolve("language.safetensors");
        try (FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
                StandardOpenOption.SPARSE)) {
            out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).flip());
            out.write(ByteBuffer.wrap(json));
            out.write(ByteBuffer.allocate(1), 8 + json.length + 6L * tensor - 1);
        }
        long before = allocated();
        String message = refused(file);
        assertTrue(message.contains("conv1.weight: is missing") && message.contains("model.layers.5.weight"), message);
        assertTrue(allocated() - before < 8 << 20, allocated() - before + " bytes");
        Files.delete(file);
    }

    /** At most 1.5 times the file's size: it is the tensors' bytes once, and nothing else that grows with them. */
    @Test
    void loadingTakesTheFilesSizeOnce() throws IOException {
        Map<String, RawTensor> checkpoint = TestFiles.prefixed("state_dict.", resnet18);
        Path file = TestFiles.safetensors(folder.resolve("plain.safetensors"), checkpoint);
        Weights.load(file);
        long before = allocated();
        Weights weights = Weights.load(file);
        long used = allocated() - before;
        assertTrue(used < 1.05 * Files.size(file), used + " bytes for a file of " + Files.size(file));
        checkpoint.putAll(TestFiles.prefixed("optimizer.", resnet18));
        Path twice = TestFiles.safetensors(folder.resolve("checkpoint.safetensors"), checkpoint);
        before = allocated();
        assertArrayEquals(weights.tensor("conv1.weight"), Weights.load(twice).tensor("conv1.weight"));
        used = allocated() - before;
        assertTrue(used < 0.55 * Files.size(twice), "what is not needed is not kept: " + used + " of "
                + Files.size(twice));
    }

    private static long allocated() {
        return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getCurrentThreadAllocatedBytes();
    }

    /**
     * The start of the names is found, and the rest reported, also when a block, the stem or both ends of a layer are
     * missing.
     */
    @ParameterizedTest
    @ValueSource(strings = {"conv1.weight", "layer1.0.conv1.weight", "layer4.1.conv1.weight", "layer4.1.bn2.bias",
            "bn1.weight"})
    void oneMissingTensorIsNamed(String name) {
        Map<String, RawTensor> tensors = TestFiles.prefixed("model.module.", resnet18);
        tensors.remove("model.module." + name);
        assertTrue(fault(tensors).contains("tensors of RESNET18: 1 missing: " + name), fault(tensors));
    }

    static List<String> timmVariants() throws IOException {
        try (InputStream in = WeightsTest.class.getResourceAsStream("/golden/weights/timm_variants.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII).lines().toList();
        }
    }

    /**
     * The names and shapes of timm's own networks: the plain ones are read, all others refused with the names that
     * differ.
     */
    @ParameterizedTest
    @MethodSource("timmVariants")
    void timmNetworksAreReadOrRefusedByName(String line) {
        String[] words = line.split(" ");
        Map<String, Info> tensors = new LinkedHashMap<>();
        ResNet network = ResNet.ofDepth(Integer.parseInt(words[1]));
        network.tensors().forEach((name, shape) -> tensors.put(name, new Info(DType.F32, shape)));
        tensors.put("fc.weight", new Info(DType.F32, new int[] {1000, network.channels()}));
        tensors.put("fc.bias", new Info(DType.F32, new int[] {1000}));
        List<String> differences = Arrays.asList(words).subList(2, words.length);
        for (String difference : differences) {
            String[] parts = difference.substring(1).split("=");
            if (difference.charAt(0) == '-') {
                tensors.remove(parts[0]);
            } else {
                int[] shape = Arrays.stream(parts[1].split(",")).mapToInt(Integer::parseInt).toArray();
                tensors.put(parts[0], new Info(DType.F32, shape));
            }
        }
        TensorFile file = new TensorFile() {
            @Override
            public Map<String, Info> tensors() {
                return tensors;
            }

            @Override
            public Map<String, RawTensor> load(Set<String> names) {
                throw new AssertionError("not needed");
            }
        };
        if (differences.isEmpty()) {
            assertEquals(network, new StateDict(words[0], file).network());
            return;
        }
        String message = assertThrows(WeightsException.class, () -> new StateDict(words[0], file)).getMessage();
        boolean named = differences.stream().anyMatch(d -> message.contains(d.substring(1).split("=")[0]));
        assertTrue(message.startsWith(words[0] + ": ") && (named || message.contains(": blocks: are [")), message);
    }
}
