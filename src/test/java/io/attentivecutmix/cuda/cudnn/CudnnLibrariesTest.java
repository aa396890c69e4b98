package io.attentivecutmix.cuda.cudnn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.engine.DeviceUnavailableException;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Searching, with empty files: nothing is loaded. */
class CudnnLibrariesTest {
    private static final List<String> CUDA = List.of("libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13");
    private static final List<String> CUDNN = List.of("libcudnn.so.9", "libcudnn_graph.so.9", "libcudnn_ops.so.9",
            "libcudnn_cnn.so.9", "libcudnn_adv.so.9", "libcudnn_heuristic.so.9", "libcudnn_engines_precompiled.so.9",
            "libcudnn_engines_runtime_compiled.so.9");

    @TempDir
    private Path root;

    private Path folder(String name, List<String> files) throws IOException {
        Path folder = Files.createDirectories(root.resolve(name));
        for (String f : files) {
            Files.createFile(folder.resolve(f));
        }
        return folder;
    }

    private static String refused(List<Path> folders) {
        return assertThrows(DeviceUnavailableException.class, () -> CudnnLibraries.find(folders)).getMessage();
    }

    @Test
    void aLibraryThatIsMissingIsNamedWithTheFoldersSearched() throws IOException {
        Path empty = folder("empty", List.of());
        Path cuda = folder("cuda", CUDA);
        assertEquals("the CUDA runtime 13 (libcudart.so.13) was not found; install it, for example with pip install"
                + " nvidia-cuda-runtime, and name its folder in LD_LIBRARY_PATH or the system property cudnn.folders;"
                + " searched: "
                + empty, refused(List.of(empty)));
        assertEquals("cuDNN 9 (libcudnn.so.9) was not found; install it, for example with pip install"
                + " nvidia-cudnn-cu13, and name"
                + " its folder in LD_LIBRARY_PATH or the system property cudnn.folders; searched: " + empty + ", "
                + cuda,
                refused(List.of(empty, cuda)));
        Files.delete(cuda.resolve("libcublasLt.so.13"));
        assertTrue(refused(List.of(cuda)).startsWith("cuBLAS 13 (libcublasLt.so.13) was not found"));
        assertTrue(refused(List.of()).endsWith("searched: no folder exists"));
    }

    @Test
    void cudnnIsTakenWholeFromOneFolder() throws IOException {
        Path cuda = folder("cuda", CUDA);
        Path old = folder("old", List.of("libcudnn.so.8"));
        Path part = folder("part", CUDNN.subList(0, 6));
        Path whole = folder("whole", CUDNN);
        Files.createFile(whole.resolve("libcudnn_engines_tensor_ir.so.9"));
        Files.createFile(whole.resolve("libcudnn_notes.so.9.1"));
        CudnnLibraries found = CudnnLibraries.find(List.of(old, part, cuda, whole));
        assertEquals(whole, found.cudnnFolder());
        assertEquals(List.of("cudart@.13", "cublasLt@.13", "cublas@.13", "cudnn_graph@.9", "cudnn_ops@.9",
                "cudnn_cnn@.9", "cudnn_adv@.9", "cudnn_heuristic@.9", "cudnn_engines_precompiled@.9",
                "cudnn_engines_runtime_compiled@.9",
                "cudnn_engines_tensor_ir@.9", "cudnn@.9"),
                        found.files().stream().map(CudnnLibraries.Library::name).toList());
        for (CudnnLibraries.Library l : found.files()) {
            assertTrue(Files.exists(l.file()), l.toString());
        }
        String said = refused(List.of(old, part, cuda));
        assertTrue(said.startsWith("cuDNN 9 (libcudnn.so.9) was not found; there is cuDNN 8 in " + old + "; cuDNN in "
                + part
                + " lacks libcudnn_engines_precompiled.so.9, libcudnn_engines_runtime_compiled.so.9; install it"),
                said);
    }

    @Test
    void linksToFilesOfTwoVersionsAreRefused() throws IOException {
        Path cuda = folder("cuda", CUDA);
        Path mixed = folder("mixed", List.of());
        for (String f : CUDNN) {
            Path file = Files.createFile(mixed.resolve(f + (f.contains("ops") ? ".18.1" : ".19.0")));
            Files.createSymbolicLink(mixed.resolve(f), file);
        }
        String said = refused(List.of(cuda, mixed));
        assertEquals("cuDNN in " + mixed + " is mixed of the versions 9.18.1, 9.19.0; install it anew", said);
    }

    @Test
    void foldersComeInTheirOrder() throws IOException {
        Path mine = folder("mine", List.of());
        Path loader = folder("loader", List.of());
        Path java = folder("java", List.of());
        Path system = folder("usr/lib/x86_64-linux-gnu", List.of());
        Path cuda = folder("usr/local/cuda-13.1/lib64", List.of());
        Path older = folder("usr/local/cuda-13.0/lib64", List.of());
        Path environment = folder("venv/lib/python3.11/site-packages/nvidia/cudnn/lib", List.of());
        Path bin = folder("conda/bin", List.of());
        Files.createFile(bin.resolve("python3"));
        assertTrue(bin.resolve("python3").toFile().setExecutable(true));
        Path named = folder("conda/lib/python3.12/site-packages/nvidia/cu13/lib", List.of());
        Path user = folder("home/.local/lib/python3.10/site-packages/nvidia/cudnn/lib", List.of());
        Path debian = folder("usr/lib/python3/dist-packages/nvidia/cudnn/lib", List.of());
        Set<Path> folders = CudnnLibraries.folders(mine.toString(), Map.of(
                "LD_LIBRARY_PATH", loader + File.pathSeparator + root.resolve("absent") + File.pathSeparator,
                "VIRTUAL_ENV", root.resolve("venv").toString(), "PATH", bin + File.pathSeparator + "\0bad"),
                java.toString(), root, root.resolve("home"));
        List<Path> wanted = List.of(mine, loader, java, system, cuda, older, environment, named, user, debian);
        assertEquals(wanted, folders.stream().filter(wanted::contains).toList());
        assertTrue(folders.stream().allMatch(Files::isDirectory));
        assertTrue(CudnnLibraries.folders("", Map.of(), "", root.resolve("absent"), root.resolve("absent")).isEmpty());
    }
}
