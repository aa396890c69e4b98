package io.attentivecutmix.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.attentivecutmix.image.Draw;
import io.attentivecutmix.image.ImageDecoder;
import io.attentivecutmix.image.ImageException;
import io.attentivecutmix.image.RgbImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What must hold whatever a text file's bytes are: it is read as it was meant, or refused with a message that names it;
 * what was read is within its bounds.
 */
final class TextCheck {
    static final List<byte[]> SEEDS = List.of("path,label\na.png,7\nb.png,0\n".getBytes(UTF_8),
            "\uFEFFlabel,path\r\n\"d,o\"\"g\",a.png\rcat,\"./b.png\"\n\n".getBytes(UTF_8),
            "a.png\nb.png\r\nsub/../c.jpg\n".getBytes(UTF_8), RecordLinesTest.LINE.getBytes(UTF_8),
            "{\"options\":{\"inputSide\":64},\"images\":\"in\",\"list\":[\"x\",\"y\"],\"written\":3}".getBytes(UTF_8),
            mask());

    private final Path folder;
    private final Path file;
    private final ImageList images;
    private final OutputFolder out;

    TextCheck(Path folder) throws IOException {
        this.folder = folder.toAbsolutePath().normalize();
        file = folder.resolve("file");
        images = ImageList.ofNames(this.folder, List.of("a.png", "b.png"));
        out = OutputFolder.check(folder.resolve("out"), false);
    }

    static TextCheck inTemporaryFolder() {
        try {
            return new TextCheck(Files.createTempDirectory("text-fuzz"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static byte[] mask() {
        var png = new ByteArrayOutputStream();
        try {
            MaskFolder.write(png, ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5, 6}), 2, 3);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return png.toByteArray();
    }

    private interface Reading {
        void run() throws IOException;
    }

    /** Whether the file was accepted. */
    private boolean accepts(byte[] bytes, Reading reading) throws IOException {
        Files.write(file, bytes);
        try {
            reading.run();
            return true;
        } catch (CommandException e) {
            if (e.status() != ExitStatus.USAGE || !e.getMessage().contains(folder.toString())) {
                throw new AssertionError("names no file: " + e.getMessage(), e);
            }
            String shown = Printable.escapeLines(e.getMessage());
            if (shown.length() > 4000 || shown.chars().anyMatch(c -> c < ' ' && c != '\n')) {
                throw new AssertionError("not fit for a terminal: " + shown, e);
            }
            return false;
        }
    }

    boolean labels(byte[] bytes) throws IOException {
        return accepts(bytes, () -> {
            ClassLabels labels = ClassLabels.ofCsv(file, images);
            for (int i = 0; i < images.size(); i++) {
                check(labels.id(i) >= 0, "a negative id");
                check(labels.classes().isEmpty() || labels.id(i) < labels.classes().size(), "an id without name");
            }
        });
    }

    boolean list(byte[] bytes) throws IOException {
        return accepts(bytes, () -> {
            ImageList list = ImageList.of(file);
            for (int i = 0; i < list.size(); i++) {
                check(list.path(i).startsWith(list.root()) && list.index(list.name(i)) == i, list.name(i));
            }
        });
    }

    boolean records(byte[] bytes) throws IOException {
        return accepts(bytes, () -> {
            try (RecordLines lines = new RecordLines(file, folder, out, ".png")) {
                while (lines.hasNext()) {
                    for (Item item : lines.next().items()) {
                        check(item.path().normalize().startsWith(folder), "reads " + item.path());
                        check(folder.resolve(item.output()).normalize().startsWith(folder), "writes " + item.output());
                    }
                }
            }
        });
    }

    boolean manifest(byte[] bytes) throws IOException {
        return accepts(bytes, () -> {
            JsonTree tree = JsonTree.read(file, "options");
            tree.string("options");
            tree.path("images");
            tree.strings("list");
            tree.integer("written");
        });
    }

    /** The mask of an image of its own size, or else of 3 by 2. */
    boolean mask(byte[] png) throws IOException {
        Path path = folder.resolve("mask.png");
        Files.write(path, png);
        ImageDecoder decoder = ImageDecoder.jdk();
        try {
            RgbImage image;
            try {
                image = decoder.decode(png, "image");
            } catch (ImageException e) {
                image = new RgbImage(2, 3, new byte[18]);
            }
            ByteBuffer mask = new MaskFolder(folder, decoder).read(new Item("mask.jpg", path, "", 0), image);
            check(mask.capacity() == image.height() * image.width(), "a mask of another size");
            return true;
        } catch (ImageException e) {
            check(e.getMessage().contains("mask.png"), e.getMessage());
            return false;
        }
    }

    /** A file of any kind, drawn. */
    boolean any(Draw draw) throws IOException {
        return switch (draw.below(6)) {
            case 0 -> labels(draw.oneIn(2) ? csv(draw) : draw.mutate(SEEDS.get(draw.below(2))));
            case 1 -> list(draw.oneIn(2) ? csv(draw) : draw.mutate(SEEDS.get(2)));
            case 2 -> records(draw.mutate(SEEDS.get(3)));
            case 3 -> manifest(draw.oneIn(2) ? json(draw, 3).getBytes(UTF_8) : draw.mutate(SEEDS.get(4)));
            case 4 -> records(withValue(draw).getBytes(UTF_8));
            default -> mask(draw.mutate(SEEDS.get(5)));
        };
    }

    /** A sound record in which one value is any other. */
    private static String withValue(Draw draw) {
        String line = RecordLinesTest.LINE;
        int at = line.indexOf(':', draw.below(line.length()));
        int end = at < 0 ? -1 : line.indexOf(',', at);
        return end < 0 ? line : line.substring(0, at + 1) + json(draw, 2) + line.substring(end);
    }

    private static byte[] csv(Draw draw) {
        StringBuilder text = new StringBuilder(draw.any("path,label\n", "path,label\r\n", "\uFEFFpath,label\n", ""));
        for (int rows = draw.below(6); rows > 0; rows--) {
            for (int fields = draw.oneIn(8) ? draw.below(70) : 2; fields > 0; fields--) {
                String field = draw.any("a.png", "b.png", "./a.png", "", "7", "-1", "dog", " 7", "７", "a,b", "x\ny",
                        "\"", "../a.png", "\0", "\uFEFF", "=1+1", "\u001b[1m", "/", ".", "𝔘", "2147483648");
                boolean quoted = draw.oneIn(3);
                text.append(quoted ? "\"" + field.replace("\"", "\"\"") + "\"" : field)
                        .append(fields > 1 ? draw.oneIn(20) ? ";" : "," : "");
            }
            text.append(draw.any("\n", "\r\n", "\r", "\n\n", ""));
        }
        return text.toString().getBytes(UTF_8);
    }

    private static String json(Draw draw, int depth) {
        return switch (draw.below(depth > 0 ? 12 : 10)) {
            case 0 -> "null";
            case 1 -> "true";
            case 2 -> String.valueOf(draw.below(10) - 2);
            case 3 -> draw.any("1e999", "-0", "0.1", "1E-400", "9223372036854775808", "00", "+1", "NaN",
                    "1" + "0".repeat(200));
            case 4 -> draw.any("\"\"", "\"a.png\"", "\"\\u0000\"", "\"\\ud800\"", "\"../x\"",
                    "\"" + "x".repeat(300) + "\"");
            case 5 -> "[]";
            case 6 -> "{}";
            case 7 -> "[".repeat(draw.below(1200));
            case 8 -> draw.any("", "\"", "{", "]", ",", ":", "//", "\u001b");
            case 9 -> "0.25";
            case 10 -> "[" + json(draw, depth - 1) + "," + json(draw, depth - 1) + "]";
            default -> "{\"" + draw.any("options", "images", "list", "written", "a") + "\":" + json(draw, depth - 1)
                    + ",\"" + draw.any("options", "images", "list", "written", "b") + "\":" + json(draw, depth - 1)
                    + "}";
        };
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
