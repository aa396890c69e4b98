package io.attentivecutmix.benchmarks;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import io.attentivecutmix.Device;
import io.attentivecutmix.method.Precision;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The per-sample pipeline of published PyTorch code: processes of per_sample.py, one thread each and as many as there
 * are threads, as a DataLoader has workers. They have the same JPEG files and weights as our pipeline, and must select
 * the same cells.
 */
final class PerSamplePython implements Contestant {
    /** Environment variable with the Python to run; {@code record --python} sets it. JMH's forks inherit it. */
    static final String PYTHON = "ATTENTIVE_CUTMIX_PYTHON";
    private static final String SCRIPT = "per_sample.py";

    private record Worker(Process process, Writer requests, BufferedReader replies) {}

    private final Path folder;
    private final List<Worker> workers = new ArrayList<>();
    private final int batch;
    private final List<JsonArray> done = new ArrayList<>();

    PerSamplePython(int batch, int threads) {
        this.batch = batch;
        try {
            folder = Files.createTempDirectory("per-sample");
            List<byte[]> files = OurPipeline.files(batch);
            for (int i = 0; i < batch; i++) {
                Files.write(folder.resolve(i + ".jpg"), files.get(i));
            }
            Path weights = folder.resolve("weights.safetensors");
            Safetensors.write(weights, Samples.weights());
            Path script = folder.resolve(SCRIPT);
            try (InputStream in = PerSamplePython.class.getResourceAsStream("/" + SCRIPT)) {
                Files.copy(in, script);
            }
            String python = System.getenv().getOrDefault(PYTHON, "python3");
            for (int i = 0; i < threads; i++) {
                ProcessBuilder builder = new ProcessBuilder(python, script.toString(), folder.toString(),
                        weights.toString(),
                        Integer.toString(i), Integer.toString(threads));
                Process process = builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
                workers.add(new Worker(process, process.outputWriter(), process.inputReader()));
            }
            for (Worker worker : workers) {
                System.out.println("per-sample worker: " + reply(worker));
            }
            run();
            check(batch, threads);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Cells and label weights of every image must be ours in float. */
    private void check(int batch, int threads) {
        int compared = 0;
        try (OurPipeline ours = new OurPipeline(Device.cpu(), Precision.FP32, batch, threads)) {
            for (JsonArray images : done) {
                for (JsonElement element : images) {
                    JsonArray image = element.getAsJsonArray();
                    int i = image.get(0).getAsInt();
                    List<Integer> cells = image.get(1).getAsJsonArray().asList().stream().map(JsonElement::getAsInt)
                            .toList();
                    List<Integer> expected = IntStream.of(ours.cells(i)).sorted().boxed().toList();
                    Samples.require(cells.equals(expected), "image " + i + " has cells " + cells + ", ours "
                            + expected);
                    Samples.require((float) image.get(2).getAsDouble() == ours.sourceWeight(i),
                            "source weight of image " + i);
                    compared++;
                }
            }
        }
        Samples.require(compared == batch, compared + " images, not " + batch);
    }

    @Override
    public void run() {
        try {
            for (Worker worker : workers) {
                worker.requests.write('\n');
                worker.requests.flush();
            }
            done.clear();
            int images = 0;
            for (Worker worker : workers) {
                JsonArray share = reply(worker).getAsJsonArray();
                images += share.size();
                done.add(share);
            }
            Samples.require(images == batch, "count");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static JsonElement reply(Worker worker) throws IOException {
        String line = worker.replies.readLine();
        if (line == null) {
            throw new IllegalStateException("Python ended; allowed in " + PYTHON
                    + ": one that has torch, torchvision, Pillow and safetensors");
        }
        return JsonParser.parseString(line);
    }

    /** Versions of what is compared; empty if no Python was named. */
    static Map<String, String> versions() throws IOException {
        String python = System.getenv(PYTHON);
        if (python == null) {
            return Map.of();
        }
        String script = "import sys, torch, torchvision, PIL; print(f'{sys.version.split()[0]}, torch"
                + " {torch.__version__}, torchvision {torchvision.__version__}, Pillow {PIL.__version__}')";
        return Map.of("python", Environment.output(python, "-c", script));
    }

    /** Ends the processes and waits for them; deletes their files. */
    @Override
    public void close() {
        workers.forEach(w -> w.process.destroy());
        workers.forEach(w -> w.process.onExit().join());
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
            Files.delete(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
