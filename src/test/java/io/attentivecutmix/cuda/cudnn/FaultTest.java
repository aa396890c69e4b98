package io.attentivecutmix.cuda.cudnn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.cuda.cudnn.FakeCudnn.Engine;
import io.attentivecutmix.engine.DeviceLostException;
import io.attentivecutmix.engine.DeviceUnavailableException;
import io.attentivecutmix.engine.OutOfDeviceMemoryException;
import io.attentivecutmix.engine.Tuning;
import io.attentivecutmix.method.Precision;
import io.attentivecutmix.network.ResNet;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Calls of cuDNN and of the runtime fail in turn: the exception's type says what the caller can do, what was prepared
 * before stays usable, and nothing is left behind.
 */
@Timeout(120)
class FaultTest {
    /** {@code -Dfaults=all}: every call rather than a sample. */
    private static final boolean ALL = "all".equals(System.getProperty("faults"));
    private static final Tuning FIRST = new Tuning(false, false, Optional.empty());
    private static final Tuning MEASURE = Tuning.DEFAULT;

    /** Arenas for so many images: preparing fewer moves nothing. */
    private static final int CAPACITY = 60;

    private enum RuntimeFault {
        MEMORY(() -> new OutOfDeviceMemoryException("2: for the test")),
        LOST(() -> new DeviceLostException("700: for the test")),
        INTERNAL(() -> new IllegalStateException("1: for the test"));

        private final Supplier<RuntimeException> failure;

        RuntimeFault(Supplier<RuntimeException> failure) {
            this.failure = failure;
        }
    }

    /** One engine for each shape, and launches that do nothing. */
    private static Rig rig() {
        Rig rig = new Rig();
        rig.computing(false);
        rig.cudnn.engines((form, mode) -> form == Form.RESIDUAL_FIRST ? List.of(Engine.of(1, 2)) : List.of());
        return rig;
    }

    private static RuntimeException caught(Runnable action) {
        try {
            action.run();
            return null;
        } catch (RuntimeException e) {
            return e;
        }
    }

    /** Wrong values and failed runs of the only engine leave a shape without one, which has its own type. */
    private static void assertTold(int status, RuntimeException e, long call) {
        Class<? extends RuntimeException> type = switch (status) {
            case 4004 -> OutOfDeviceMemoryException.class;
            case 1008 -> DeviceUnavailableException.class;
            default -> e instanceof DeviceUnavailableException ? DeviceUnavailableException.class
                    : IllegalStateException.class;
        };
        assertInstanceOf(type, e, () -> "call " + call + ": " + e);
        assertTrue(e.getMessage().contains("returned " + status) || e.getMessage().contains("has no engine"),
                e.getMessage());
    }

    @ParameterizedTest
    @CsvSource({"1008, 2", "4004, 7", "5000, 29", "2000, 29", "3000, 29"})
    void callsOfCudnnWhilePreparingFailInTurn(int status, int step) {
        Rig rig = rig();
        try (CudnnExtractor extractor = rig.open(ResNet.RESNET18, Precision.FP32, FIRST)) {
            extractor.prepare(CAPACITY);
            rig.cudnn.fail(-1, 0);
            extractor.prepare(1);
            long calls = rig.cudnn.calls();
            assertTrue(calls > 1000, calls + " calls");
            int size = 2;
            int thrown = 0;
            for (long n = 0; n < calls; n += ALL ? 1 : step) {
                int live = rig.live();
                int next = size;
                rig.cudnn.fail(n, status);
                RuntimeException e = caught(() -> extractor.prepare(next));
                rig.cudnn.fail(-1, 0);
                if (e == null) {
                    // a candidate that fails is tried once more when no other is left
                    assertTrue(status != 1008 && status != 4004, "the failure of call " + n + " was overlooked");
                    size++;
                    continue;
                }
                thrown++;
                if (status != 3000) {
                    assertTold(status, e, n);
                }
                assertEquals(live, rig.live(), "left behind after call " + n);
                assertThrows(IllegalStateException.class, () -> extractor.enqueue(next, rig.stream));
                extractor.enqueue(1, rig.stream);
            }
            assertTrue(thrown > 1, thrown + " of " + calls + " calls threw");
        }
        assertEquals(0, rig.live());
    }

    @ParameterizedTest
    @EnumSource(RuntimeFault.class)
    void callsOfTheRuntimeWhilePreparingFailInTurn(RuntimeFault fault) {
        Rig rig = rig();
        try (CudnnExtractor extractor = rig.open(ResNet.RESNET18, Precision.FP32, MEASURE)) {
            extractor.prepare(CAPACITY);
            rig.runtime.fail(-1, null);
            extractor.prepare(1);
            long calls = rig.runtime.calls();
            assertTrue(calls > 200, calls + " calls");
            int size = 2;
            for (long n = 0; n < calls; n += ALL ? 1 : 11) {
                int live = rig.live();
                // another size each time: the choices for shapes that were finished before the failure are kept
                int next = size++;
                rig.runtime.fail(n, fault.failure);
                RuntimeException e = caught(() -> extractor.prepare(next));
                rig.runtime.fail(-1, null);
                long call = n;
                if (e == null && fault != RuntimeFault.LOST) {
                    // a candidate that fails is tried once more when no other is left
                    continue;
                }
                if (fault == RuntimeFault.INTERNAL && e instanceof DeviceUnavailableException) {
                    assertEquals(fault.failure.get().getMessage(),
                            e.getCause().getMessage(), "the only engine's failure is kept");
                } else {
                    assertEquals(fault.failure.get().getClass(), e == null ? null : e.getClass(), () -> "call " + call
                            + " of " + calls + " for N = " + next + ": " + e);
                }
                assertEquals(live, rig.live(), "left behind after call " + n);
                extractor.enqueue(1, rig.stream);
            }
        }
        assertEquals(0, rig.live());
    }

    /** Opens, prepares two sizes, of which the second moves the arenas, runs both and closes. */
    private static void scenario(Rig rig, Tuning tuning) {
        try (CudnnExtractor extractor = rig.open(ResNet.RESNET18, Precision.FP32, tuning)) {
            extractor.prepare(1);
            extractor.enqueue(1, rig.stream);
            extractor.prepare(2);
            extractor.enqueue(2, rig.stream);
        }
    }

    /**
     * A whole life takes a tenth of a second, so the calls are sampled: the first ones, the last ones, and some
     * between.
     */
    private static List<Long> sample(long calls) {
        return LongStream.range(0, calls)
                .filter(n -> ALL || n < 2 || n >= calls - 2 || n % (calls / 5) == 5).boxed().toList();
    }

    @ParameterizedTest
    @CsvSource({"1008", "4004"})
    void aCallOfCudnnFailsFromOpeningToClosing(int status) {
        Rig whole = rig();
        scenario(whole, FIRST);
        for (long n : sample(whole.cudnn.calls())) {
            Rig rig = rig();
            rig.cudnn.fail(n, status);
            RuntimeException e = caught(() -> scenario(rig, FIRST));
            assertTold(status, e, n);
            assertEquals(0, rig.live(), "left behind after call " + n);
        }
    }

    @ParameterizedTest
    @EnumSource(RuntimeFault.class)
    void aCallOfTheRuntimeFailsFromOpeningToClosing(RuntimeFault fault) {
        Rig whole = rig();
        scenario(whole, FIRST);
        for (long n : sample(whole.runtime.calls())) {
            Rig rig = rig();
            rig.runtime.fail(n, fault.failure);
            RuntimeException e = caught(() -> scenario(rig, FIRST));
            assertEquals(fault.failure.get().getClass(), e == null ? null : e.getClass(), "call " + n + ": " + e);
            assertEquals(0, rig.live(), "left behind after call " + n);
        }
    }

    @Test
    void aDeviceThatIsLostStaysLostAndEverythingIsGivenBack() {
        Rig whole = rig();
        scenario(whole, MEASURE);
        for (long n : sample(whole.cudnn.calls())) {
            Rig rig = rig();
            rig.cudnn.failFrom((int) n, 5000);
            rig.cudnn.onFailure(rig.runtime::lose);
            RuntimeException e = caught(() -> scenario(rig, MEASURE));
            assertInstanceOf(DeviceLostException.class, e, () -> "from call " + n + ": " + e);
            assertEquals(0, rig.live(), "left behind after a loss at call " + n);
        }
    }

    @Test
    void setUpFaultsAreNamed() {
        Rig rig = rig();
        rig.cudnn.fail(0, 1002);
        assertEquals("cudnnCreate returned 1002 (SUBLIBRARY_VERSION_MISMATCH: said by the test); parts of two cuDNN"
                + " versions were loaded into this process: take all cuDNN folders but one off the library path",
                assertThrows(DeviceUnavailableException.class, () -> scenario(rig, MEASURE)).getMessage());
        assertEquals(0, rig.live());
    }
}
