package io.attentivecutmix.cli;

import io.attentivecutmix.Fingerprint;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * plan.json: all that decides what a run writes. It is written before anything else, so that a run that was killed can
 * be told from another one.
 */
final class Plan {
    static final String FILE = "plan.json";
    private static final int SHOWN = 60;

    private final Map<String, String> members = new LinkedHashMap<>();

    /** @param value in a form that is the same in every process */
    Plan with(String name, Object value) {
        members.put(name, String.valueOf(value));
        return this;
    }

    /** The images by name, length and time of change, and their classes by number and name. */
    Plan with(ImageList list, ClassLabels classes) {
        MessageDigest files = sha256();
        MessageDigest labels = sha256();
        for (int i = 0; i < list.size(); i++) {
            update(files, list.name(i), list.path(i));
            labels.update((classes.present() ? classes.id(i) + " " : "").getBytes(StandardCharsets.UTF_8));
        }
        for (String name : classes.classes()) {
            labels.update((name + "\0").getBytes(StandardCharsets.UTF_8));
        }
        return with("images", list.root()).with("listed", list.size()).with("image_files", hex(files))
                .with("labels", classes.origin()).with("classes", hex(labels));
    }

    /**
     * Files by name, length and time of change.
     *
     * @param path of the file of a name
     */
    Plan withFiles(String name, Iterable<String> names, Function<String, Path> path) {
        MessageDigest files = sha256();
        names.forEach(n -> update(files, n, path.apply(n)));
        return with(name, hex(files));
    }

    /** What may decide a heat map's last bits beside the options: what the extractor runs on. */
    Plan with(Fingerprint fingerprint) {
        Map<String, String> hardware = new TreeMap<>(fingerprint.hardware());
        hardware.remove("uuid"); // another card of the same kind will do
        return with("hardware", hardware);
    }

    private static void update(MessageDigest files, String name, Path file) {
        String state;
        try {
            BasicFileAttributes a = Files.readAttributes(file, BasicFileAttributes.class);
            state = a.size() + " " + a.lastModifiedTime().toMillis();
        } catch (IOException e) {
            state = "unreadable"; // rejected when its turn comes
        }
        files.update((name + "\0" + state + "\0").getBytes(StandardCharsets.UTF_8));
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    /** SHA-256 of a file. */
    static String sha256(Path file) throws IOException {
        MessageDigest digest = sha256();
        byte[] buffer = new byte[1 << 16];
        try (InputStream in = Files.newInputStream(file)) {
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                digest.update(buffer, 0, n);
            }
        }
        return hex(digest);
    }

    private static String hex(MessageDigest digest) {
        return HexFormat.of().formatHex(digest.digest());
    }

    void write(OutputFolder folder) throws IOException {
        String json = Json.pretty(g -> members.forEach(g::writeStringProperty));
        AtomicFile.write(folder.file(FILE), true, s -> s.write(json.getBytes(StandardCharsets.UTF_8)));
    }

    /** Refuses a folder of a run with another plan; says what differs. */
    void requireSame(OutputFolder folder) throws IOException {
        Path file = folder.file(FILE);
        JsonTree earlier;
        try {
            earlier = JsonTree.parse(file.toString(), Files.readString(file), "");
        } catch (NoSuchFileException e) {
            throw CommandException.usage("--resume: " + folder.root() + " has no " + FILE
                    + "; allowed: the output folder of a run that was stopped", e);
        }
        List<String> differing = new ArrayList<>();
        members.forEach((name, now) -> {
            String then = earlier.has(name) ? earlier.string(name) : "not said";
            if (!then.equals(now)) {
                differing.add(name + " (" + brief(then) + " then, " + brief(now) + " now)");
            }
        });
        if (!differing.isEmpty()) {
            throw CommandException.usage("--resume: the run in " + folder.root() + " had other " + String.join(", ",
                    differing) + "; allowed: the same arguments and images, or another --out");
        }
    }

    private static String brief(String value) {
        return value.length() <= SHOWN ? value : value.substring(0, SHOWN) + "…";
    }
}
