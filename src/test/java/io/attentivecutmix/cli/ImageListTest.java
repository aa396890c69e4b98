package io.attentivecutmix.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which files a run takes, what they are called, and of which class they are. */
class ImageListTest {
    @TempDir
    Path folder;

    private void touch(String... names) throws IOException {
        for (String name : names) {
            Path file = folder.resolve(name);
            Files.createDirectories(file.getParent());
            Files.write(file, new byte[0]);
        }
    }

    private static List<String> names(ImageList list) {
        return IntStream.range(0, list.size()).mapToObj(list::name).toList();
    }

    private static void refused(String message, org.junit.jupiter.api.function.Executable call) {
        CommandException e = assertThrows(CommandException.class, call);
        assertTrue(e.getMessage().contains(message), e.getMessage() + " lacks " + message);
    }

    @Test
    void aFolderIsSearchedInSortedOrder() throws IOException {
        touch("b/2.png", "b/10.JPG", "a/x.webp", "a/deep/er/y.gif", ".hidden/z.png", "a/.z.png", "a/readme.txt",
                "a/none");
        ImageList list = ImageList.of(folder);
        assertEquals(List.of("a/deep/er/y.gif", "a/x.webp", "b/10.JPG", "b/2.png"), names(list));
        assertEquals(2, list.otherFiles());
        ClassLabels classes = ClassLabels.ofFolders(list);
        assertEquals(List.of("a", "b"), classes.classes());
        assertEquals(List.of(0, 0, 1, 1), IntStream.range(0, 4).map(classes::id).boxed().toList());
    }

    @Test
    void imagesWithAndWithoutAFolderAreRefusedAsLabels() throws IOException {
        touch("b/2.png", "1.png");
        refused("lies directly in", () -> ClassLabels.ofFolders(ImageList.of(folder)));
    }

    @Test
    void imagesWithoutFoldersHaveNoClass() throws IOException {
        touch("2.png", "1.png");
        ClassLabels classes = ClassLabels.ofFolders(ImageList.of(folder));
        assertFalse(classes.present());
        assertEquals("none", classes.origin());
    }

    @Test
    void linksAreFollowedAndLoopsRefused() throws IOException {
        touch("a/1.png");
        Files.createSymbolicLink(folder.resolve("a/2.png"), folder.resolve("a/1.png"));
        Files.createSymbolicLink(folder.resolve("a/gone.png"), folder.resolve("nothing.png"));
        assertEquals(List.of("a/1.png", "a/2.png", "a/gone.png"), names(ImageList.of(folder)),
                "a dangling link is told of when read");
        Files.createSymbolicLink(folder.resolve("a/loop"), folder);
        refused("symbolic link to a folder that it lies in", () -> ImageList.of(folder));
    }

    @Test
    void aListFileNamesFilesFromItsOwnFolder() throws IOException {
        Path list = folder.resolve("l.txt");
        Files.writeString(list, "\uFEFFtrain/dog/1.png\r\n\n" + folder.resolve("train/cat/2.jpg")
                + "\ntrain/../train/cat/1.dat");
        ImageList images = ImageList.of(list);
        assertEquals(folder.resolve("train").toAbsolutePath().normalize(), images.root());
        assertEquals(List.of("cat/1.dat", "cat/2.jpg", "dog/1.png"), names(images));
        ClassLabels classes = ClassLabels.ofFolders(images);
        assertEquals(List.of("cat", "dog"), classes.classes());
        Files.writeString(list, "one/1.png\none/2.png\n");
        assertEquals(List.of("one"), ClassLabels.ofFolders(ImageList.of(list)).classes(),
                "the folder, though it is the root");
    }

    @Test
    void unusableListsAreRefused() throws IOException {
        Path list = folder.resolve("l.txt");
        Files.writeString(list, "a.png\nb.png\n./a.png\n");
        refused("line 3 repeats line 1", () -> ImageList.of(list));
        Files.writeString(list, "\n\n");
        refused("names no image", () -> ImageList.of(list));
        Files.writeString(list, "a\0.png");
        refused("NUL", () -> ImageList.of(list));
        refused("names no image", () -> ImageList.of(Files.createDirectory(folder.resolve("empty"))));
        refused("does not exist", () -> ImageList.of(folder.resolve("nothing")));
    }

    @Test
    void outputNamesNeverClash() throws IOException {
        ImageList list = ImageList.ofNames(folder,
                List.of("a.jpg", "a.png", "b/A.jpg", "b/a.JPG", "c/x.jpg", "c/x.jpg.gif", "c/x.bmp", "d/.e",
                "f.tar.png", "g"));
        OutputNames names = new OutputNames(list, ".png");
        List<String> outputs = IntStream.range(0, list.size()).mapToObj(names::get).toList();
        assertEquals(List.of("a.jpg.png", "a.png.png", "b/A.jpg.png", "b/a.JPG~2.png", "c/x.bmp.png", "c/x.jpg~2.png",
                "c/x.jpg.png",
                "d/.e.png", "f.tar.png", "g.png"), outputs);
        assertEquals(outputs.size(), outputs.stream().map(String::toLowerCase).distinct().count(), outputs.toString());
    }
}
