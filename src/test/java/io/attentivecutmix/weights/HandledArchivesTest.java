package io.attentivecutmix.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Archives that are sound though unusual: every byte of every tensor as torch reads it; handled_goldens.py. */
class HandledArchivesTest {
    private record Expected(String name, DType type, int[] shape, byte[] data) {}

    private record Archive(String name, byte[] file, List<Expected> tensors) {
        @Override
        public String toString() {
            return name;
        }
    }

    static List<Archive> archives() throws IOException {
        List<Archive> all = new ArrayList<>();
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(
                HandledArchivesTest.class.getResourceAsStream("/golden/weights/handled.txt"),
                StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] words = line.split(" ");
                if (words[0].equals("file")) {
                    all.add(new Archive(words[1].replace('_', ' '), Base64.getDecoder().decode(words[2]),
                            new ArrayList<>()));
                } else {
                    int[] shape = words[3].equals("-") ? new int[0]
                            : Arrays.stream(words[3].split(",")).mapToInt(Integer::parseInt).toArray();
                    all.get(all.size() - 1).tensors.add(new Expected(words[1], type(words[2]), shape,
                            HexFormat.of().parseHex(words[4].equals("-") ? "" : words[4])));
                }
            }
        }
        return all;
    }

    private static DType type(String torch) {
        return torch.equals("bfloat16") ? DType.BF16 : torch.equals("bool") ? DType.BOOL
                : DType.valueOf(torch.replace("uint", "U").replace("int", "I").replace("float", "F")
                        .toUpperCase(Locale.ROOT));
    }

    @ParameterizedTest
    @MethodSource("archives")
    void hasTheTensorsThatTorchReads(Archive archive) throws IOException {
        Map<String, RawTensor> tensors = TorchReader.read(new MemoryChannel(archive.file), "t.pth");
        assertEquals(archive.tensors.stream().map(Expected::name).toList(), List.copyOf(tensors.keySet()));
        for (Expected expected : archive.tensors) {
            String name = expected.name;
            RawTensor tensor = tensors.get(name);
            assertEquals(expected.type, tensor.type(), name);
            assertArrayEquals(expected.shape, tensor.shape(), name);
            byte[] data = new byte[tensor.data().limit()];
            tensor.data().get(0, data);
            assertArrayEquals(expected.data, data, name);
        }
    }
}
