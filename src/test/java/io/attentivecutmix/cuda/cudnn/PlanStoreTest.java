package io.attentivecutmix.cuda.cudnn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.cuda.cudnn.Choices.StemKind;
import io.attentivecutmix.cuda.cudnn.Choices.StemShape;
import io.attentivecutmix.cuda.cudnn.Choices.Timed;
import io.attentivecutmix.cuda.cudnn.EngineChoice.Knob;
import io.attentivecutmix.method.Precision;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The folder of plan files, with everything that can be wrong in it: never an error, and whole again after a save. */
class PlanStoreTest {
    private static final PlanKey KEY = new PlanKey(91900, "GPU", "sm_90", Precision.FP16);

    @TempDir
    Path folder;
    private final List<String> warnings = new ArrayList<>();
    private final Logger logger = Logger.getLogger(PlanStore.class.getName());
    private final Handler handler = new Handler() {
        @Override
        public synchronized void publish(LogRecord record) {
            warnings.add(new java.util.logging.SimpleFormatter().formatMessage(record));
        }

        @Override
        public void flush() {
        }

        @Override
        public void close() {
        }
    };

    @BeforeEach
    void listen() {
        logger.setUseParentHandlers(false);
        logger.addHandler(handler);
    }

    @AfterEach
    void listenNoMore() {
        logger.removeHandler(handler);
        logger.setUseParentHandlers(true);
    }

    private PlanStore open() {
        return new PlanStore(Optional.of(folder), KEY);
    }

    private Path file() {
        return folder.resolve(KEY.fileName());
    }

    private static ConvolutionShape shape(int n) {
        return new ConvolutionShape(n, 56, 64, 256, 1, 1, 0, true, true);
    }

    private static Timed timed(int engine) {
        return new Timed(new EngineChoice(Form.BIAS_FIRST, engine, List.of(new Knob(2, 4), new Knob(13, -1))), 12.25);
    }

    private static void fill(Choices choices, int from, int to) {
        for (int n = from; n < to; n++) {
            choices.engines().put(shape(n), timed(n));
            choices.stems().put(new StemShape(n, 224), StemKind.CUDNN);
        }
    }

    private String saved() throws IOException {
        PlanStore store = open();
        fill(store.choices(), 1, 3);
        store.save();
        return Files.readString(file());
    }

    private void empty(String why) {
        assertTrue(open().choices().engines().isEmpty() && open().choices().stems().isEmpty(), why);
    }

    @Test
    void whatIsSavedIsThereAgain() throws IOException {
        saved();
        Choices wanted = new Choices();
        fill(wanted, 1, 3);
        assertEquals(wanted.engines(), open().choices().engines());
        assertEquals(wanted.stems(), open().choices().stems());
        assertEquals(List.of(), warnings);
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(1, files.count(), "no temporary file stays");
        }
    }

    /** Whatever lies there: it is told of once a reading, not used, and replaced by the next save. */
    @Test
    void whatIsNoPlanFileIsReplaced() throws IOException {
        String text = saved();
        List<byte[]> files = new ArrayList<>();
        for (String bad : List.of("", " ", "{}", "[]", "null", "\0", text + text, text.substring(1), text.trim() + ",",
                text.replace("sm_90", "sm_80"), text.replace("91900", "91901"), text.replace("\"GPU\"", "\"CPU\""),
                text.replace("FP16", "BF16"), text.replace("NHWC", "NCHW"),
                text.replace("\"format\":1", "\"format\":9"),
                "[".repeat(100_000), "{\"format\":" + "9".repeat(10_000) + "}", "\u001b[31mred")) {
            files.add(bad.getBytes(StandardCharsets.UTF_8));
        }
        files.add(new byte[] {(byte) 0xff, (byte) 0xfe, '{', 0});
        files.add(text.getBytes(StandardCharsets.UTF_16));
        files.add(new byte[PlanFile.MAX_BYTES + 1]);
        for (byte[] file : files) {
            String what = new String(file, 0, Math.min(file.length, 60), StandardCharsets.ISO_8859_1);
            Files.write(file(), file);
            warnings.clear();
            PlanStore store = open();
            assertTrue(store.choices().engines().isEmpty(), what);
            assertEquals(1, warnings.size(), what);
            assertTrue(warnings.get(0).startsWith("plan file " + file() + " is not used"), warnings.get(0));
            assertTrue(warnings.get(0).chars().noneMatch(c -> c < ' '), warnings.get(0));
            fill(store.choices(), 1, 3);
            store.save();
            assertEquals(text, Files.readString(file()), what);
        }
    }

    @Test
    void everyTruncationIsNotUsedAndNoError() throws IOException {
        byte[] text = saved().getBytes(StandardCharsets.UTF_8);
        // The last byte is the end of the line
        for (int length = 0; length < text.length - 1; length++) {
            Files.write(file(), java.util.Arrays.copyOf(text, length));
            empty("cut to " + length);
        }
    }

    /** Bits of every number and place: a file that still reads as one, or nothing. */
    @Test
    void flippedBitsAreNoError() throws IOException {
        byte[] text = saved().getBytes(StandardCharsets.UTF_8);
        int used = 0;
        for (int bit = 0; bit < 8 * text.length; bit += 7) {
            byte[] flipped = text.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            Files.write(file(), flipped);
            Choices choices = open().choices();
            assertTrue(choices.engines().size() <= 2 && choices.stems().size() <= 2, "bit " + bit);
            used += choices.engines().isEmpty() ? 0 : 1;
        }
        assertTrue(used > 0 && used < text.length, used + " used");
    }

    @Test
    void aFolderThatCannotBeUsedIsNoError() throws IOException {
        Files.createDirectory(file());
        empty("a folder");
        PlanStore store = open();
        fill(store.choices(), 1, 2);
        Files.writeString(file().resolve("x"), "not empty");
        store.save();
        assertTrue(warnings.stream().anyMatch(w -> w.contains("is no regular file")), warnings.toString());
        assertTrue(warnings.stream().anyMatch(w -> w.contains("is not written")), warnings.toString());
        Path text = Files.writeString(folder.resolve("text"), "no folder");
        PlanStore nowhere = new PlanStore(Optional.of(text), KEY);
        nowhere.save();
        assertTrue(warnings.get(warnings.size() - 1).contains("is not written"), warnings.toString());
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(2, files.count(), "no temporary file stays");
        }
        try (RandomAccessFile sparse = new RandomAccessFile(folder.resolve("big").toFile(), "rw")) {
            sparse.setLength(1L << 33);
        }
        Files.delete(file().resolve("x"));
        Files.delete(file());
        Files.move(folder.resolve("big"), file());
        empty("8 GiB of zeros");
    }

    /** Writers at once may overwrite each other's additions, but what lies there is whole at any moment. */
    @Test
    void writersAtOnceLeaveAWholeFile() throws Exception {
        int writers = 4;
        int rounds = 15;
        saved();
        AtomicBoolean done = new AtomicBoolean();
        ExecutorService pool = Executors.newFixedThreadPool(writers + 1);
        List<Future<?>> all = new ArrayList<>();
        for (int w = 0; w < writers; w++) {
            int from = 100 * (w + 1);
            all.add(pool.submit(() -> {
                for (int round = 0; round < rounds; round++) {
                    PlanStore store = open();
                    fill(store.choices(), from + round, from + round + 1);
                    store.save();
                }
            }));
        }
        Future<Integer> reader = pool.submit((Callable<Integer>) () -> {
            int reads = 0;
            while (!done.get()) {
                assertTrue(PlanFile.read(Files.readString(file()), KEY).engines().containsKey(shape(1)));
                reads++;
            }
            return reads;
        });
        for (Future<?> writer : all) {
            writer.get(60, TimeUnit.SECONDS);
        }
        done.set(true);
        assertTrue(reader.get(60, TimeUnit.SECONDS) > 0);
        pool.shutdown();
        Choices choices = open().choices();
        assertTrue(choices.engines().size() > rounds, choices.engines().size() + " engines");
        choices.engines().forEach((shape, timed) -> assertEquals(timed(shape.n()), timed, shape.toString()));
        assertEquals(List.of(), warnings);
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(1, files.count(), "no temporary file stays");
        }
    }
}
