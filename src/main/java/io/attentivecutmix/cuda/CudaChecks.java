package io.attentivecutmix.cuda;

import io.attentivecutmix.cuda.cudnn.CudnnExtractorFactory;
import io.attentivecutmix.cuda.cudnn.CudnnLibraries;
import io.attentivecutmix.engine.DeviceException;
import io.attentivecutmix.environment.Check;
import io.attentivecutmix.natives.CLibrary;
import io.attentivecutmix.natives.NativeLibraries;
import io.attentivecutmix.natives.NativeLibraryException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** What a GPU's mixer needs, each thing apart: kernels, driver, CUDA's libraries, cuDNN, cards. */
final class CudaChecks {
    private static final Path DRIVER = Path.of("/proc/driver/nvidia/version");
    private static final Pattern CUDA_FILES = Pattern.compile(
            "lib(cuda|cudart|cublas|cublasLt|nvrtc|cudnn\\w*|jnicud\\w*|attentive_kernels|jniAttentiveKernels)\\.so.*");

    private CudaChecks() {}

    /** @param ordinal the card that is asked for */
    static List<Check> run(int ordinal) {
        List<Check> all = new ArrayList<>();
        Optional<String> kernels = InstalledGpu.kernelsReason();
        all.add(kernels.map(r -> Check.missing("CUDA kernels", r, "add io.attentivecutmix:attentive-cutmix with the"
                        + " classifier " + NativeLibraries.platform() + "-cuda, or build with nvcc"))
                .orElseGet(() -> Check.ok("CUDA kernels", "load")));
        boolean driver = driver(all, kernels.isEmpty());
        Optional<CudnnLibraries> libraries = libraries(all);
        if (driver && libraries.isPresent()) {
            cards(all, ordinal, libraries.get());
        }
        return all;
    }

    private static boolean driver(List<Check> all, boolean kernels) {
        String module = "";
        if (Files.isReadable(DRIVER)) {
            try {
                module = Files.readString(DRIVER, StandardCharsets.ISO_8859_1).lines().findFirst().orElse("");
            } catch (IOException e) {
                module = "";
            }
        }
        String install = "install NVIDIA's driver; in a container start it with --gpus all";
        if (!kernels) {
            all.add(module.isEmpty() ? Check.missing("NVIDIA driver", "no " + DRIVER, install)
                    : Check.note("NVIDIA driver", module, "asked no further without the kernels"));
            return false;
        }
        Optional<String> reason = InstalledGpu.driverReason();
        all.add(reason.map(r -> Check.missing("NVIDIA driver", r, install)).orElse(
                Check.ok("NVIDIA driver", module.isEmpty() ? "answers" : module)));
        return reason.isEmpty();
    }

    private static Optional<CudnnLibraries> libraries(List<Check> all) {
        try {
            CudnnLibraries found = CudnnLibraries.find();
            StringBuilder files = new StringBuilder();
            for (CudnnLibraries.Library library : found.files()) {
                files.append(files.isEmpty() ? "" : "\n").append(real(library.file()));
            }
            all.add(Check.ok("CUDA libraries", files.toString()));
            return Optional.of(found);
        } catch (DeviceException e) {
            all.add(Check.missing("CUDA libraries", e.getMessage(), "pip install nvidia-cuda-runtime nvidia-cublas"
                    + " nvidia-cudnn-cu13, and name their folders in LD_LIBRARY_PATH or -D"
                    + CudnnLibraries.FOLDERS_PROPERTY));
            return Optional.empty();
        }
    }

    /** Its name has the version in most installations. */
    private static Path real(Path file) {
        try {
            return file.toRealPath();
        } catch (IOException e) {
            return file;
        }
    }

    private static void cards(List<Check> all, int ordinal, CudnnLibraries libraries) {
        try {
            libraries.load();
            all.add(Check.ok("cuDNN", CudnnExtractorFactory.version(libraries) + " in " + libraries.cudnnFolder()));
            NativeLibraries.load(org.bytedeco.cuda.global.cudart.class);
            CudartRuntime runtime = new CudartRuntime();
            int count = InstalledGpu.cards();
            for (int i = 0; i < count; i++) {
                DeviceProperties p = runtime.properties(i);
                String text = p.name() + ", " + p.architecture() + ", " + (p.memoryBytes() >> 20) + " MiB, " + p.uuid()
                        + " at " + p.pciBusId() + ", driver for CUDA " + DeviceProperties.version(p.driverVersion())
                        + ", runtime " + DeviceProperties.version(p.runtimeVersion());
                boolean old = p.major() < DeviceProperties.LEAST_MAJOR;
                String remedy = "compute capability " + DeviceProperties.LEAST_MAJOR + ".0 or later is needed";
                all.add(!old ? Check.ok("cuda:" + i, text)
                        : i == ordinal ? Check.missing("cuda:" + i, text, remedy)
                        : Check.note("cuda:" + i, text, remedy));
            }
            if (ordinal >= count) {
                all.add(Check.missing("cuda:" + ordinal, "CUDA sees " + count + " GPUs, numbered from 0",
                        "name another, or look at CUDA_VISIBLE_DEVICES"));
            }
            all.add(Check.ok("loaded for CUDA", String.join("\n", CLibrary.mappedFiles().stream().filter(
                    f -> CUDA_FILES.matcher(CLibrary.name(f)).matches()).sorted().toList())));
        } catch (DeviceException | NativeLibraryException e) {
            all.add(Check.missing("GPU", e.getMessage(), "see the checks above"));
        } catch (LinkageError e) {
            all.add(Check.missing("GPU", "CUDA's bindings do not load: " + e, "add " + InstalledGpu.PRESET
                    + " with the classifier " + NativeLibraries.platform()));
        }
    }
}
