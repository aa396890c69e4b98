package io.attentivecutmix.cuda.cudnn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.engine.DeviceLostException;
import io.attentivecutmix.engine.DeviceUnavailableException;
import io.attentivecutmix.engine.OutOfDeviceMemoryException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import org.bytedeco.cuda.global.cudnn;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CudnnStatusTest {
    @ParameterizedTest
    @CsvSource({
        "1001, UNAVAILABLE, NOT_INITIALIZED", "1002, UNAVAILABLE, SUBLIBRARY_VERSION_MISMATCH",
        "1008, UNAVAILABLE, SUBLIBRARY_LOADING_FAILED", "2000, INTERNAL, BAD_PARAM",
        "2012, INTERNAL, BAD_PARAM_DESCRIPTOR_TYPE",
        "3000, NOT_SUPPORTED, NOT_SUPPORTED", "3014, NOT_SUPPORTED, NOT_SUPPORTED_INVALID_DYNAMIC_SHAPE",
        "4000, INTERNAL, INTERNAL_ERROR", "4003, OUT_OF_MEMORY, INTERNAL_ERROR_HOST_ALLOCATION_FAILED",
        "4004, OUT_OF_MEMORY, INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "4005, INTERNAL, INTERNAL_ERROR_BAD_LAUNCH_PARAM",
        "5000, EXECUTION, EXECUTION_FAILED", "5004, EXECUTION, EXECUTION_FAILED_CURAND", "7777, INTERNAL, unknown"})
    void statusesAreGroupedAsCudnnGroupsThem(int status, CudnnStatus.Kind kind, String name) {
        assertEquals(kind, CudnnStatus.kind(status));
        assertEquals(name, CudnnStatus.name(status));
    }

    /** Every status from 1000 to 5999, by what the caller can do. */
    @Test
    void everyStatusHasItsKindAndItsException() {
        for (int status = 1000; status < 6000; status++) {
            boolean memory = status == 4003 || status == 4004;
            CudnnStatus.Kind kind = switch (status / 1000) {
                case 1 -> CudnnStatus.Kind.UNAVAILABLE;
                case 3 -> CudnnStatus.Kind.NOT_SUPPORTED;
                case 5 -> CudnnStatus.Kind.EXECUTION;
                default -> memory ? CudnnStatus.Kind.OUT_OF_MEMORY : CudnnStatus.Kind.INTERNAL;
            };
            assertEquals(kind, CudnnStatus.kind(status), "status " + status);
            Class<?> type = switch (kind) {
                case UNAVAILABLE -> DeviceUnavailableException.class;
                case OUT_OF_MEMORY -> OutOfDeviceMemoryException.class;
                default -> IllegalStateException.class;
            };
            assertEquals(type, CudnnStatus.failure("x", status, "").getClass(), "status " + status);
        }
    }

    /** Of the preset's version; the class's constants are read without loading its library. */
    @Test
    void everyStatusHasItsName() throws ReflectiveOperationException {
        int count = 0;
        for (Field f : Class.forName("org.bytedeco.cuda.global.cudnn", false,
                getClass().getClassLoader()).getDeclaredFields()) {
            if (f.getName().startsWith("CUDNN_STATUS_") && Modifier.isStatic(f.getModifiers())) {
                count++;
            }
        }
        assertEquals(cudnn.CUDNN_STATUS_EXECUTION_FAILED_CURAND, 5004);
        // 46 statuses and 5 older names of some of them
        assertTrue(count >= 46, "the preset has " + count + " statuses");
        for (int status : new int[] {1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 2000, 2001, 2002, 2003, 2004,
                2005, 2006, 2007,
            2008, 2009, 2010, 2011, 2012, 3000, 3001, 3002, 3003, 3004, 3005, 3006, 3007, 3008, 3009, 3010, 3011,
                    3012, 3013, 3014,
            4000, 4001, 4002, 4003, 4004, 4005, 4006, 5000, 5001, 5002, 5003, 5004}) {
            assertNotEquals("unknown", CudnnStatus.name(status), String.valueOf(status));
        }
    }

    @Test
    void whatTheCallerCanDoDecidesTheType() {
        assertEquals("cudnnCreate returned 1002 (SUBLIBRARY_VERSION_MISMATCH: why); parts of two cuDNN versions were"
                + " loaded into this process: take all cuDNN folders but one off the library path",
                assertInstanceOf(DeviceUnavailableException.class, CudnnStatus.failure("cudnnCreate",
                        1002, "why\n")).getMessage());
        assertTrue(assertInstanceOf(DeviceUnavailableException.class, CudnnStatus.failure("x", 1008, "")).getMessage()
                .startsWith("x returned 1008 (SUBLIBRARY_LOADING_FAILED); a part of cuDNN"));
        assertInstanceOf(OutOfDeviceMemoryException.class, CudnnStatus.failure("x", 4004, ""));
        assertEquals("x returned 4000 (INTERNAL_ERROR: why)",
                assertInstanceOf(IllegalStateException.class, CudnnStatus.failure("x", 4000, "why")).getMessage());
        assertInstanceOf(IllegalStateException.class, CudnnStatus.failure("x", 3000, ""));
        assertInstanceOf(IllegalStateException.class, CudnnStatus.failure("x", 5000, ""));
    }

    @Test
    void onlyCudaKnowsWhetherTheDeviceIsLost() {
        PlainRuntime runtime = new PlainRuntime();
        FakeCudnn cudnn = new FakeCudnn(runtime);
        try (CudnnSession session = CudnnSession.open(cudnn, runtime)) {
            assertInstanceOf(IllegalStateException.class, session.failure(5000, "cudnnBackendExecute"));
            runtime.fail(0, () -> new OutOfDeviceMemoryException("2"));
            assertInstanceOf(OutOfDeviceMemoryException.class, session.failure(5003, "cudnnBackendExecute"));
            runtime.lose();
            DeviceLostException e = assertInstanceOf(DeviceLostException.class,
                    session.failure(5000, "cudnnBackendExecute"));
            assertEquals("cudnnBackendExecute returned 5000 (EXECUTION_FAILED: said by the test);"
                    + " 700: lost for the test",
                    e.getMessage());
            assertInstanceOf(IllegalStateException.class, session.failure(2000, "x"), "not a question for CUDA");
        }
    }

    @Test
    void versionsBefore9AreRefused() {
        PresetCudnn.requireVersion(90000);
        assertEquals("cuDNN is version 8.9.7; needed: 9.0 or later",
                assertThrows(DeviceUnavailableException.class, () -> PresetCudnn.requireVersion(8907)).getMessage());
        assertEquals("9.19.0", PresetCudnn.text(91900));
    }
}
