package io.attentivecutmix.natives;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * SHA-256 of what jars hold. To unpack an entry takes four times as long as to read the extracted file, so a digest is
 * kept beside the libraries, in a file that counts only if it is this user's alone, and only for an entry of the length
 * and CRC-32 that the digest was computed for.
 */
final class Digests {
    private static final System.Logger LOG = System.getLogger(Digests.class.getName());
    private static final String FILE = ".sha256";
    private static final Pattern LINE = Pattern.compile("([0-9a-f]{64}) (\\d+) (\\d+) (.+)");

    /** @param crc32 of the entry, as the jar says */
    private record Known(byte[] sha256, long size, long crc32) {}

    private final Path file;
    private final Map<String, Known> known = new ConcurrentHashMap<>();
    private boolean changed;

    Digests(Path folder) {
        file = folder.resolve(FILE);
        try {
            if (Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS) && PrivateFolder.isOwnersAlone(file, folder)) {
                // a power failure may leave any bytes; those that are no text match no line
                read(new String(Files.readAllBytes(file), StandardCharsets.UTF_8));
            }
        } catch (IOException e) {
            LOG.log(Level.DEBUG, file + " is not read; digests are computed again", e);
        }
    }

    private void read(String text) {
        for (String line : text.split("\n")) {
            Matcher m = LINE.matcher(line);
            if (m.matches() && m.group(2).length() < 19 && m.group(3).length() < 19) {
                known.put(m.group(4), new Known(HexFormat.of().parseHex(m.group(1)), Long.parseLong(m.group(2)),
                        Long.parseLong(m.group(3))));
            }
        }
    }

    /** SHA-256 of the entry. */
    byte[] of(BundledLibrary library) throws IOException {
        Known k = known.get(library.place().toString());
        if (k != null && k.size() == library.size() && k.crc32() == library.crc32()) {
            return k.sha256();
        }
        byte[] digest = library.digest();
        learn(library, digest);
        return digest;
    }

    /** Keeps a digest that was computed anyway. */
    synchronized void learn(BundledLibrary library, byte[] digest) {
        String place = library.place().toString();
        // a jar that does not say, or a name that is no line
        if (library.crc32() >= 0 && !place.contains("\n")) {
            known.put(place, new Known(digest, library.size(), library.crc32()));
            changed = true;
        }
    }

    /**
     * Writes what was learnt; the last of several processes wins, which costs the others' digests at worst. What cannot
     * be written, on a full disk, is computed again at the next start.
     */
    synchronized void save() {
        if (!changed) {
            return;
        }
        try {
            write();
            changed = false;
        } catch (IOException e) {
            LOG.log(Level.DEBUG, file + " is not written; the next start computes the digests again", e);
        }
    }

    private void write() throws IOException {
        StringBuilder text = new StringBuilder();
        new TreeMap<>(known).forEach((place, k) -> text.append(HexFormat.of().formatHex(k.sha256())).append(' ')
                .append(k.size()).append(' ').append(k.crc32()).append(' ').append(place).append('\n'));
        Path part = Files.createTempFile(file.getParent(), ".", ".part", PrivateFolder.ownerOnly(file.getParent()));
        try {
            Files.writeString(part, text);
            Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
    }
}
