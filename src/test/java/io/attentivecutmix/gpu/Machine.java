package io.attentivecutmix.gpu;

import io.attentivecutmix.AttentiveCutMix;
import io.attentivecutmix.Device;
import io.attentivecutmix.cuda.kernels.AttentiveKernels;
import io.attentivecutmix.weights.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.cuda.global.cudnn;
import org.bytedeco.javacpp.IntPointer;

/**
 * What the library sees of this machine: {@code Machine} prints devices, versions and the libraries that were mapped
 * for them, {@code Machine reasons} two lines: why the device under test cannot be used, and why no kernel can run on a
 * card; empty if it can.
 */
public final class Machine {
    private static final Pattern OURS_OR_CUDAS =
            Pattern.compile(".*/lib(cuda|cudnn|cublas|nvrtc|nvidia|jni|dnnl|attentive)[^/]*");

    private Machine() {}

    public static void main(String[] args) throws IOException {
        Device device = DeviceUnderTest.DEVICE;
        if (args.length > 0 && args[0].equals("reasons")) {
            System.out.println(device.unavailableReason().orElse(""));
            System.out.println(noCard());
            return;
        }
        for (Device each : Stream.of(Device.cpu(), device).distinct().toList()) {
            String usable = each.unavailableReason().map(reason -> "cannot be used: " + reason).orElse("can be used");
            System.out.println(each + ": " + usable);
            each.details().forEach((key, value) -> System.out.println("  " + key + ": " + value));
        }
        versions();
        if (device.available()) {
            Weights weights = Weights.synthetic(18, 1);
            try (AttentiveCutMix mixer = AttentiveCutMix.builder().device(device).weights(weights).build()) {
                mixer.attend(Compare.uniform(0, 2, 224, 224));
                System.out.println("a mixer: " + mixer.description());
            }
        }
        mapped();
    }

    /** Kernels need a card, but no cuDNN: why they cannot run, or nothing. */
    private static String noCard() {
        try (IntPointer count = new IntPointer(1)) {
            if (AttentiveKernels.acm_is_emulated() != 0) {
                return "the class path has the kernels' build for the CPU";
            }
            int status = AttentiveKernels.acm_device_count(count);
            return status == 0 && count.get() > 0 ? "" : "no GPU that the kernels can use: "
                    + AttentiveKernels.acm_status_text(status).getString() + " (status " + status + ")";
        } catch (LinkageError e) {
            return "the kernels' library does not load: " + e.getMessage();
        }
    }

    /** Versions, or why there are none: a preset whose library cannot load says in its cause what is missing. */
    private static void versions() {
        try {
            int[] version = new int[1];
            CardMemory.check(cudart.cudaDriverGetVersion(version), "cudaDriverGetVersion");
            System.out.println("CUDA of the driver: " + version[0]);
            CardMemory.check(cudart.cudaRuntimeGetVersion(version), "cudaRuntimeGetVersion");
            System.out.println("CUDA runtime: " + version[0]);
            int[] parts = new int[3];
            for (int i = 0; i < 3; i++) {
                cublas.cublasGetProperty(i, version);
                parts[i] = version[0];
            }
            System.out.println("cuBLAS: " + parts[0] + "." + parts[1] + "." + parts[2]);
            System.out.println("cuDNN: " + cudnn.cudnnGetVersion() + ", built for CUDA "
                    + cudnn.cudnnGetCudartVersion());
        } catch (LinkageError | IllegalStateException e) {
            Throwable cause = e;
            while (cause.getCause() != null) {
                cause = cause.getCause();
            }
            System.out.println("versions of CUDA's libraries: unknown beyond here, "
                    + cause.getMessage().lines().findFirst().orElse(""));
        }
    }

    /** Files of this process's memory map that are CUDA's or ours. */
    private static void mapped() throws IOException {
        Path maps = Path.of("/proc/self/maps");
        if (!Files.isReadable(maps)) {
            return;
        }
        TreeSet<String> files = new TreeSet<>();
        for (String line : Files.readAllLines(maps)) {
            int slash = line.indexOf('/');
            if (slash >= 0 && OURS_OR_CUDAS.matcher(line.substring(slash)).matches()) {
                files.add(line.substring(slash));
            }
        }
        System.out.println("mapped:");
        files.forEach(file -> System.out.println("  " + file));
    }
}
