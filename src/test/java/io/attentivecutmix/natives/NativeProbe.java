package io.attentivecutmix.natives;

import java.nio.file.Path;

/** What {@link NativeEnvironmentTest} runs in a JVM of its own: loads the smallest preset and says from where. */
public final class NativeProbe {
    private NativeProbe() {}

    /** @param args none */
    public static void main(String[] args) throws Exception {
        try {
            NativeLibraries.load(Class.forName("org.bytedeco.opencl.global.OpenCL", false,
                    NativeProbe.class.getClassLoader()));
        } catch (NativeLibraryException e) {
            System.out.println("refused=" + e.getMessage());
            return;
        }
        Path folder = NativeLibraries.folder().orElseThrow();
        System.out.println("folder=" + folder);
        System.out.println("mapped=" + CLibrary.mappedFiles().stream().filter(f -> f.startsWith(folder + "/"))
                .map(CLibrary::name).sorted().toList());
    }
}
