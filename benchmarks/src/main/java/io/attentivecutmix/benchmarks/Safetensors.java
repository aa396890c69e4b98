package io.attentivecutmix.benchmarks;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.attentivecutmix.weights.Weights;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes weights as a safetensors file, so that another program runs the same network. */
final class Safetensors {
    private Safetensors() {}

    /** All tensors of the extractor and the classifier, F32, by PyTorch's names. */
    static void write(Path file, Weights weights) throws IOException {
        Map<String, int[]> shapes = new LinkedHashMap<>(weights.network().tensors());
        shapes.put("fc.weight", new int[] {weights.classes(), weights.network().channels()});
        shapes.put("fc.bias", new int[] {weights.classes()});
        JsonObject header = new JsonObject();
        long at = 0;
        for (Map.Entry<String, int[]> e : shapes.entrySet()) {
            JsonArray shape = new JsonArray();
            long bytes = Float.BYTES;
            for (int side : e.getValue()) {
                shape.add(side);
                bytes *= side;
            }
            JsonArray offsets = new JsonArray();
            offsets.add(at);
            offsets.add(at + bytes);
            at += bytes;
            JsonObject tensor = new JsonObject();
            tensor.addProperty("dtype", "F32");
            tensor.add("shape", shape);
            tensor.add("data_offsets", offsets);
            header.add(e.getKey(), tensor);
        }
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        try (FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            write(out, ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).flip());
            write(out, ByteBuffer.wrap(json));
            for (String name : shapes.keySet()) {
                float[] values = weights.tensor(name);
                ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
                bytes.asFloatBuffer().put(values);
                write(out, bytes);
            }
        }
    }

    private static void write(FileChannel out, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }
}
