package io.attentivecutmix.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.engine.OutOfDeviceMemoryException;
import org.junit.jupiter.api.Test;

class OneDnnExceptionTest {
    @Test
    void runningOutOfMemoryIsTold() {
        RuntimeException memory = OneDnnException.of("dnnl_memory_create", 1);
        assertInstanceOf(OutOfDeviceMemoryException.class, memory);
        assertTrue(memory.getMessage().startsWith("dnnl_memory_create failed: out of memory (status 1)"),
                memory.getMessage());
        RuntimeException shape = OneDnnException.of("dnnl_primitive_create", 9);
        assertEquals(9, assertInstanceOf(OneDnnException.class, shape).status());
        CpuDevice.unavailableReason(); // loads JavaCPP's natives
        try (NativeScope scope = new NativeScope()) {
            assertThrows(OutOfDeviceMemoryException.class, () -> scope.allocate(1L << 60, "a test"));
        }
    }
}
