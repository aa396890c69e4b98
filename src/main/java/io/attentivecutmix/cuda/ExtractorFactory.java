package io.attentivecutmix.cuda;

import io.attentivecutmix.engine.EngineConfig;
import org.bytedeco.javacpp.Pointer;

/** Makes the extractor of an engine; the third seam beside {@link CudaRuntime} and {@link Kernels}. */
@FunctionalInterface
public interface ExtractorFactory {
    /**
     * Uploads the weights. Called on the thread whose current device is the engine's.
     *
     * @param config its tensors are read during the call only
     * @param device the engine's
     * @param runtime for memory, events and copies
     * @param kernels for what the library at work does not do
     * @param stream the engine's own, for uploads and measurements
     */
    DeviceExtractor open(EngineConfig config, DeviceProperties device, CudaRuntime runtime, Kernels kernels,
            Pointer stream);
}
