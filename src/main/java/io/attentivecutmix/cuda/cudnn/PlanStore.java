package io.attentivecutmix.cuda.cudnn;

import java.io.IOException;
import java.io.InputStream;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Keeps choices from one process to the next, where there is a folder for it. Nothing that is wrong with the file or
 * the folder is an error: it is logged, and engines are chosen anew.
 */
final class PlanStore {
    private static final System.Logger LOG = System.getLogger(PlanStore.class.getName());

    private static final AtomicLong COUNTER = new AtomicLong();

    private final Optional<Path> file;
    private final PlanKey key;
    private final Choices choices;

    /** Reads what the folder has for the key. */
    PlanStore(Optional<Path> folder, PlanKey key) {
        this.key = key;
        this.file = folder.map(f -> f.resolve(key.fileName()));
        this.choices = file.map(this::read).orElseGet(Choices::new);
    }

    /** What is known; may be added to. */
    Choices choices() {
        return choices;
    }

    private Choices read(Path path) {
        if (!Files.exists(path)) {
            return new Choices();
        }
        try {
            if (!Files.isRegularFile(path)) {
                throw new IOException("it is no regular file");
            }
            byte[] bytes;
            try (InputStream in = Files.newInputStream(path)) {
                bytes = in.readNBytes(PlanFile.MAX_BYTES + 1);
            }
            if (bytes.length > PlanFile.MAX_BYTES) {
                throw new IOException("it has more than " + PlanFile.MAX_BYTES + " bytes");
            }
            return PlanFile.read(StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString(), key);
        } catch (CharacterCodingException e) {
            LOG.log(Level.WARNING, "plan file {0} is not used, since it is not UTF-8", path);
        } catch (IOException | IllegalArgumentException e) {
            LOG.log(Level.WARNING, "plan file {0} is not used: {1}", path, e.getMessage());
        }
        return new Choices();
    }

    /** Writes what is known, and what another process has written meanwhile. */
    void save() {
        file.ifPresent(this::write);
    }

    private void write(Path path) {
        Path temporary = null;
        try {
            Path folder = path.toAbsolutePath().getParent();
            Files.createDirectories(folder);
            Choices all = new Choices();
            all.fill(choices);
            all.fill(read(path));
            // a name of our own before there is a file: whatever fails from here on, it is removed
            temporary = folder.resolve(".plans-" + ProcessHandle.current().pid() + "-" + COUNTER.incrementAndGet()
                    + ".tmp");
            Files.writeString(temporary, PlanFile.write(key, all));
            move(temporary, path);
            temporary = null;
        } catch (IOException e) {
            LOG.log(Level.WARNING, "plan file {0} is not written: {1}", path, e);
        } finally {
            remove(temporary);
        }
    }

    private static void move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static void remove(Path temporary) {
        if (temporary != null) {
            try {
                Files.deleteIfExists(temporary);
            } catch (IOException e) {
                LOG.log(Level.WARNING, "temporary file {0} stays: {1}", temporary, e);
            }
        }
    }
}
