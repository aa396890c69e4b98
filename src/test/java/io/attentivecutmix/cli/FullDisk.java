package io.attentivecutmix.cli;

import io.attentivecutmix.cli.Json.Members;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * A process whose files may only grow to so many bytes, as on a disk that becomes full there: for every length of a
 * file up to its whole, writes it, and looks at what is left. A process of its own, since the limit is the process's.
 */
final class FullDisk {
    private static final int SIZE = 200_000;

    private FullDisk() {}

    /** @param args the folder to write in */
    public static void main(String[] args) throws Exception {
        Path folder = Path.of(args[0]);
        Path file = folder.resolve("file");
        Path lines = folder.resolve("lines.jsonl");
        byte[] old = {1, 2, 3};
        byte[] bytes = new byte[SIZE];
        Arrays.fill(bytes, (byte) 7);
        int refused = 0;
        for (long limit : new long[] {0, 1, 4095, 4096, 65535, 65536, 65537, 131072, SIZE - 1, SIZE}) {
            Files.write(file, old);
            limit(String.valueOf(limit));
            boolean thrown = false;
            try {
                AtomicFile.write(file, true, out -> {
                    for (int i = 0; i < SIZE; i += 1000) {
                        out.write(bytes, i, 1000);
                    }
                });
            } catch (IOException e) {
                thrown = true;
                refused++;
            }
            boolean partial = partialLines(lines);
            limit("unlimited");
            check(thrown == (limit < SIZE), "limit " + limit + ": thrown " + thrown);
            check(Arrays.equals(Files.readAllBytes(file), thrown ? old : bytes), "limit " + limit + ": content");
            check(partial == (limit < SIZE), "limit " + limit + ": lines");
            check(Files.exists(lines) != partial, "limit " + limit + ": lines under their name");
            Files.deleteIfExists(lines);
            Files.deleteIfExists(lines.resolveSibling("lines.jsonl.partial"));
            try (Stream<Path> all = Files.list(folder)) {
                List<String> names = all.map(p -> p.getFileName().toString()).toList();
                check(names.equals(List.of("file")), "limit " + limit + ": left " + names);
            }
        }
        check(refused == 9, refused + " limits were met");
        System.out.println("all lengths were tried");
    }

    /** Whether the lines did not all get onto the disk. */
    private static boolean partialLines(Path target) throws IOException {
        Members line = g -> g.writeStringProperty("x", "y".repeat(991)); // with braces and a line end 1000 bytes
        try (JsonLinesFile lines = new JsonLinesFile(target, false)) {
            for (int i = 0; i < SIZE / 1000; i++) {
                lines.add(line);
            }
            lines.finish();
            return false;
        } catch (IOException e) {
            return true;
        }
    }

    private static void check(boolean right, String what) {
        if (!right) {
            throw new AssertionError(what);
        }
    }

    /** The soft limit only, so that it can be lifted again. */
    private static void limit(String bytes) throws Exception {
        int status = new ProcessBuilder("prlimit", "--pid", String.valueOf(ProcessHandle.current().pid()),
                "--fsize=" + bytes + ":").inheritIO().start().waitFor();
        check(status == 0, "prlimit failed");
    }
}
