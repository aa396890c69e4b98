package io.attentivecutmix.cuda.cudnn;

import io.attentivecutmix.cuda.CudaRuntime;
import io.attentivecutmix.cuda.DeviceExtractor;
import io.attentivecutmix.cuda.DeviceProperties;
import io.attentivecutmix.cuda.ExtractorFactory;
import io.attentivecutmix.cuda.Kernels;
import io.attentivecutmix.engine.EngineConfig;
import org.bytedeco.javacpp.Pointer;

/** Makes extractors on this machine's cuDNN. */
public final class CudnnExtractorFactory implements ExtractorFactory {
    private final CudnnLibraries libraries;

    /**
     * On the libraries that {@link CudnnLibraries#find} finds. They are loaded when the first extractor is opened, if
     * not before.
     */
    public CudnnExtractorFactory(CudnnLibraries libraries) {
        this.libraries = libraries;
    }

    /**
     * @throws io.attentivecutmix.engine.DeviceUnavailableException if cuDNN does not load, is too old, or is mixed of
     *     versions
     * @throws IllegalArgumentException if an option runs on the CPU only
     */
    @Override
    public DeviceExtractor open(
            EngineConfig config, DeviceProperties device, CudaRuntime runtime, Kernels kernels, Pointer stream) {
        libraries.load();
        return new CudnnExtractor(config, device, runtime, kernels, stream, PresetCudnn.open(),
                " (" + libraries.cudnnFolder() + ")");
    }

    /**
     * The version of a set of libraries, which are loaded if they have not been.
     *
     * @throws io.attentivecutmix.engine.DeviceUnavailableException as {@link #open}
     */
    public static String version(CudnnLibraries libraries) {
        libraries.load();
        return PresetCudnn.text(PresetCudnn.open().version());
    }
}
