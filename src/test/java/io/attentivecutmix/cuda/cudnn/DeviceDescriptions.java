package io.attentivecutmix.cuda.cudnn;

/**
 * GPUs as cuDNN serialises them (CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION). NVIDIA does not publish the fields' names;
 * these are the ones cuDNN 9.26 asks for, one after the other, when they are missing. The values are the published
 * attributes of the cards.
 */
enum DeviceDescriptions {
    /** H100 SXM, 80 GB. */
    H100("NVIDIA H100 80GB HBM3", 900, 132, 232448, 85029158912L, 1980000, 2619000, 52428800),
    /** A100 SXM, 80 GB. */
    A100("NVIDIA A100-SXM4-80GB", 800, 108, 166912, 85028896768L, 1410000, 1593000, 41943040);

    private final String json;

    DeviceDescriptions(String name, int capability, int multiprocessors, int sharedMemory, long memory, int clock,
            int memoryClock, int l2) {
        json = "{\"deviceName\":\"" + name + "\",\"cudaDeviceId\":0,\"deviceVer\":" + capability
                + ",\"driverVer\":13000,\"multiProcessorCount\":" + multiprocessors + ",\"smCountOrigin\":0"
                + ",\"maxGridSize\":[2147483647,65535,65535],\"maxBlockSize\":[1024,1024,64],\"regsPerBlock\":65536"
                + ",\"warpSize\":32,\"maxSharedMemoryPerBlock\":49152,\"maxSharedMemoryPerBlockOptin\":" + sharedMemory
                + ",\"oversizedSharedMemoryPerBlock\":0,\"reservedSharedMemoryPerBlock\":1024"
                + ",\"maxRegistersPerSM\":65536"
                + ",\"maxCtasPerSM\":32,\"maxThreadsPerBlock\":1024,\"maxThreadsPerSM\":2048,\"pciDeviceId\":0"
                + ",\"isTccDriver\":0,\"supportCoopLaunch\":1,\"totalGlobalMem\":" + memory + ",\"smClockRateKHz\":"
                + clock
                + ",\"memClockRateKHz\":" + memoryClock + ",\"l2CacheSize\":" + l2 + "}";
    }

    String json() {
        return json;
    }
}
