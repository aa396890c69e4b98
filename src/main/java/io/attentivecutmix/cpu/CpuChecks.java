package io.attentivecutmix.cpu;

import io.attentivecutmix.environment.Check;
import io.attentivecutmix.natives.CLibrary;
import io.attentivecutmix.natives.MemoryLimits;
import io.attentivecutmix.natives.NativeLibraries;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.regex.Pattern;

/** What the CPU's extractor needs: oneDNN and what it brings along. */
final class CpuChecks {
    private static final Pattern OURS = Pattern.compile(
            "lib(dnnl|jnidnnl|OpenCL|jniOpenCL|jnijavacpp\\d*|[gi]?omp5?|tbb)\\.so.*");

    private CpuChecks() {}

    static List<Check> run() {
        List<Check> all = new ArrayList<>();
        String reason = CpuDevice.unavailableReason().orElse(null);
        if (reason != null) {
            // the reason's first line says what, the rest is a block to paste
            int line = reason.indexOf('\n');
            all.add(Check.missing("oneDNN", line < 0 ? reason : reason.substring(0, line),
                    line < 0 ? "see native folder and C library above; mixing without an extractor works as it is"
                            : reason.substring(line + 1)));
            return all;
        }
        all.add(Check.ok("oneDNN", CpuDevice.versions() + (CpuDevice.isa().isEmpty() ? "" : ", " + CpuDevice.isa())));
        all.add(Check.ok("CPU precisions", CpuDevice.precisions().stream().map(Enum::name).sorted().toList()
                + (CpuDevice.nativeBf16() ? ", BF16 in hardware" : ", no BF16 in hardware")));
        // on a thread of its own: the count is the thread's
        boolean openMp;
        try {
            openMp = CompletableFuture.supplyAsync(() -> OpenMpThreads.set(1),
                    task -> new Thread(task, "attentive-cutmix-openmp-check").start()).join();
        } catch (CompletionException e) {
            openMp = false;
        }
        all.add(openMp ? Check.ok("OpenMP", "takes the number of threads that it is given")
                : Check.note("OpenMP", "takes a number of threads of its own",
                        "set OMP_NUM_THREADS=1 in the environment before Java starts"));
        MemoryLimits limits = MemoryLimits.ofProcess();
        all.add(limits.reached()
                ? Check.missing("JavaCPP limits", limits.toString(), "give the process more with"
                        + " -Dorg.bytedeco.javacpp.maxPhysicalBytes=0 (no limit): JavaCPP refuses to allocate")
                : Check.ok("JavaCPP limits", limits.toString()));
        all.add(loaded());
        return all;
    }

    /** Where the code that runs came from, whatever was asked for. */
    private static Check loaded() {
        List<String> files = CLibrary.mappedFiles().stream().filter(f -> OURS.matcher(CLibrary.name(f)).matches())
                .sorted().toList();
        if (files.isEmpty()) {
            files = NativeLibraries.loaded().values().stream().distinct().sorted().toList();
        }
        return Check.ok("loaded", String.join("\n", files));
    }
}
