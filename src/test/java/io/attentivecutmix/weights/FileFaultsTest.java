package io.attentivecutmix.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.FaultyFiles;
import io.attentivecutmix.network.ResNet;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every operation on a weights file and on the cache fails in turn: typed, nothing open, the old file whole. */
class FileFaultsTest {
    /** {@code -Dfaults=all}: every operation of loading a file; by default every so many. */
    private static final int STRIDE = "all".equals(System.getProperty("faults")) ? 1 : 61;
    private static final URI URL = URI.create("https://hub.example/model");

    @TempDir
    static Path folder;
    private static Path file;

    @BeforeAll
    static void write() throws IOException {
        Map<String, RawTensor> tensors = new LinkedHashMap<>();
        ResNet.RESNET18.tensors().forEach((name, shape) -> {
            int count = 1;
            for (int side : shape) {
                count *= side;
            }
            tensors.put(name, new RawTensor(DType.F16, shape,
                    ByteBuffer.allocate(2 * count).order(ByteOrder.LITTLE_ENDIAN)));
        });
        file = TestFiles.safetensors(folder.resolve("resnet18.safetensors"), tensors);
    }

    @Test
    void everyOperationOfLoadingFails() {
        FaultyFiles files = new FaultyFiles();
        Path path = files.path(file);
        String hash = Weights.load(path).sha256();
        int n = 1;
        while (true) {
            files.failAt(n);
            WeightsException thrown = null;
            try {
                assertEquals(hash, Weights.load(path).sha256());
            } catch (WeightsException e) {
                thrown = e;
            }
            String where = "operation " + n + ", " + files.failed();
            assertEquals(0, files.open(), where);
            if (files.failed().isEmpty()) {
                break;
            }
            assertNotNull(thrown, where + " went unnoticed");
            assertTrue(thrown.getMessage().startsWith(file.toString()), thrown.getMessage());
            // without its attributes a file counts as absent
            if (!files.failed().equals("readAttributes")) {
                assertInstanceOf(IOException.class, thrown.getCause(), where);
            }
            n += n < 30 ? 1 : STRIDE;
        }
        assertTrue(n > 90, "only " + n + " operations");
    }

    @Test
    void everyOperationOfReadingAnArchiveFails() throws Exception {
        FaultyFiles files = new FaultyFiles();
        Path path = files.path(Path.of(FileFaultsTest.class.getResource("/golden/weights/plain.pth").toURI()));
        int n = 0;
        do {
            files.failAt(++n);
            try (FileChannel channel = FileChannel.open(path)) {
                TorchReader reader = new TorchReader(channel, "file");
                reader.load(reader.tensors().keySet());
                assertTrue(files.failed().isEmpty(), files.failed());
            } catch (IOException e) {
                assertTrue(e.getMessage().startsWith("injected"), e.toString());
            }
            assertEquals(0, files.open(), "operation " + n);
        } while (!files.failed().isEmpty());
        assertTrue(n > 20, "only " + n + " operations");
    }

    @Test
    void shortReadsAreNoEnd() throws Exception {
        FaultyFiles files = new FaultyFiles();
        files.mostPerRead(7);
        Path real = Path.of(FileFaultsTest.class.getResource("/golden/weights/plain.pth").toURI());
        Map<String, RawTensor> expected;
        try (FileChannel channel = FileChannel.open(real)) {
            TorchReader reader = new TorchReader(channel, "file");
            expected = reader.load(reader.tensors().keySet());
        }
        try (FileChannel channel = FileChannel.open(files.path(real))) {
            TorchReader reader = new TorchReader(channel, "file");
            Map<String, RawTensor> actual = reader.load(reader.tensors().keySet());
            assertEquals(expected.keySet(), actual.keySet());
            expected.forEach((name, t) -> assertEquals(t.data(), actual.get(name).data(), name));
        }
    }

    /** Between an old model and a new one there may be none, but never a wrong one, and never rubbish. */
    @Test
    void everyOperationOfTheCacheFails() throws Exception {
        byte[] before = {1, 2, 3};
        byte[] after = {4, 5, 6, 7};
        int n = 0;
        FaultyFiles files = new FaultyFiles();
        do {
            n++;
            Path real = folder.resolve("cache" + n);
            HubCache plain = new HubCache(real, URL);
            plain.open().close();
            store(plain, before);
            HubCache cache = new HubCache(files.path(real), URL);
            files.failAt(n);
            try {
                update(cache, after);
                // where a file cannot be looked at, it counts as absent; a folder that is there need not be made
                assertTrue(Set.of("", "readAttributes", "checkAccess", "createDirectory").contains(files.failed()),
                        files.failed() + " went unnoticed");
            } catch (IOException e) {
                // a folder that is there and cannot be looked at is no folder
                assertTrue(e.getMessage().startsWith("injected") || e instanceof FileAlreadyExistsException,
                        e.toString());
            }
            String where = "operation " + n + ", " + files.failed();
            assertEquals(0, files.open(), where);
            Optional<HubCache.Verified> found = plain.read();
            if (found.isPresent()) {
                byte[] bytes = Files.readAllBytes(found.get().file());
                assertArrayEquals(bytes.length == 3 ? before : after, bytes, where);
            }
            try (Stream<Path> all = Files.list(real)) {
                List<String> left = all.map(p -> p.getFileName().toString()).filter(p -> p.endsWith(".tmp")).toList();
                assertEquals(List.of(), left, where);
            }
            // and the next attempt succeeds
            update(plain, after);
            assertArrayEquals(after, Files.readAllBytes(plain.read().orElseThrow().file()), where);
        } while (!files.failed().isEmpty());
        assertTrue(n > 15, "only " + n + " operations");
    }

    @SuppressWarnings("try") // the lock is held, not used
    private static void update(HubCache cache, byte[] content) throws Exception {
        try (FileChannel channel = cache.open(); FileLock lock = HubCache.lock(channel)) {
            cache.read();
            store(cache, content);
        }
    }

    private static void store(HubCache cache, byte[] content) throws IOException {
        try (FileChannel channel = FileChannel.open(cache.partial(), java.nio.file.StandardOpenOption.CREATE,
                java.nio.file.StandardOpenOption.TRUNCATE_EXISTING, java.nio.file.StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(content));
        }
        cache.store(Weights.sha256Of(cache.partial()), "etag");
    }
}
