package io.attentivecutmix.weights;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Writes weights files for tests. */
final class TestFiles {
    private TestFiles() {}

    /** The tensors as a safetensors file; the names must need no escaping. */
    static Path safetensors(Path file, Map<String, RawTensor> tensors) throws IOException {
        StringBuilder header = new StringBuilder("{");
        long at = 0;
        for (Map.Entry<String, RawTensor> e : tensors.entrySet()) {
            RawTensor t = e.getValue();
            header.append(header.length() == 1 ? "" : ",")
                    .append('"').append(e.getKey()).append("\":{\"dtype\":\"").append(t.type())
                    .append("\",\"shape\":").append(Arrays.toString(t.shape())).append(",\"data_offsets\":[").append(at)
                    .append(',')
                    .append(at += t.data().limit()).append("]}");
        }
        byte[] json = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
        try (OutputStream out = Files.newOutputStream(file)) {
            out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).array());
            out.write(json);
            for (RawTensor t : tensors.values()) {
                out.write(t.data().array(), t.data().arrayOffset(), t.data().limit());
            }
        }
        return file;
    }

    /** The tensors as a file that holds them would give them. */
    static TensorFile inMemory(Map<String, RawTensor> tensors) {
        return new TensorFile() {
            @Override
            public Map<String, Info> tensors() {
                Map<String, Info> all = new LinkedHashMap<>();
                tensors.forEach((name, t) -> all.put(name, new Info(t.type(), t.shape())));
                return all;
            }

            @Override
            public Map<String, RawTensor> load(Set<String> names) {
                Map<String, RawTensor> some = new LinkedHashMap<>(tensors);
                some.keySet().retainAll(names);
                return some;
            }
        };
    }

    /** The same tensors with something before every name. */
    static Map<String, RawTensor> prefixed(String prefix, Map<String, RawTensor> tensors) {
        Map<String, RawTensor> renamed = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> renamed.put(prefix + name, tensor));
        return renamed;
    }

    static RawTensor floats(int[] shape, float... values) {
        ByteBuffer data = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        data.asFloatBuffer().put(values);
        return new RawTensor(DType.F32, shape, data);
    }
}
