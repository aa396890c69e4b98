package io.attentivecutmix.cuda.cudnn;

import static org.bytedeco.cuda.global.cudnn.*;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.cuda.Address;
import io.attentivecutmix.cuda.cudnn.FakeCudnn.Engine;
import io.attentivecutmix.engine.DeviceLostException;
import io.attentivecutmix.engine.DeviceUnavailableException;
import io.attentivecutmix.engine.OutOfDeviceMemoryException;
import io.attentivecutmix.engine.Tuning;
import io.attentivecutmix.method.Precision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which engine is chosen, by the clock of a runtime that knows what each takes. */
class TunerTest {
    private static final ConvolutionShape SHAPE = new ConvolutionShape(2, 4, 16, 8, 1, 1, 0, true, true);
    private static final Tuning MEASURE = Tuning.DEFAULT;
    private static final Tuning FIRST = new Tuning(false, false, Optional.empty());

    private final PlainRuntime runtime = new PlainRuntime();
    private final FakeCudnn cudnn = new FakeCudnn(runtime);

    private static Tuning in(Path folder, boolean measure, boolean deterministic) {
        return new Tuning(measure, deterministic, Optional.of(folder));
    }

    /** What is chosen for {@link #SHAPE}; checks that nothing is left over. */
    private EngineChoice choose(Precision precision, Tuning tuning) {
        Numerics numerics = new Numerics(precision, tuning.deterministic());
        try (CudnnSession session = CudnnSession.open(cudnn, runtime);
                Planner planner = new Planner(session, numerics.type());
                DeviceBuffer data = new DeviceBuffer(runtime);
                DeviceBuffer workspace = new DeviceBuffer(runtime)) {
            data.ensure(1 << 16);
            Launches launches = new Launches(session, new LoopKernels(runtime), numerics.type());
            Tuner tuner = new Tuner(session, planner, numerics, tuning, runtime, launches, new Address(0x100),
                    new PlanStore(tuning.planFolder(), new PlanKey(cudnn.version(), PlainRuntime.DEVICE, precision)));
            long a = data.address();
            tuner.begin();
            try (Plan plan = tuner.choose(SHAPE, new Operands(a, a, a, a, a, a), workspace)) {
                tuner.end(2, 0);
                return plan.choice();
            }
        } finally {
            assertEquals(0, cudnn.live(), "descriptors");
            assertEquals(0, runtime.live(), "memory, events, graphs");
        }
    }

    private long engine(Precision precision, Tuning tuning) {
        return choose(precision, tuning).engine();
    }

    private void engines(Engine... all) {
        cudnn.engines((form, mode) -> form == Form.RESIDUAL_FIRST && mode == CUDNN_HEUR_MODE_A ? List.of(all)
                : List.of());
    }

    @Test
    void theFastestIsMeasuredAndTheFirstIsTrusted() {
        engines(Engine.of(1, 3), Engine.of(2, 1), Engine.of(3, 2));
        assertEquals(2, engine(Precision.FP16, MEASURE));
        assertEquals(1, engine(Precision.FP16, FIRST));
        assertEquals(1, engine(Precision.FP16, new Tuning(true, true,
                Optional.empty())), "no clock decides in a deterministic run");
    }

    @Test
    void knobsMakeDifferentCandidates() {
        engines(Engine.of(1, 3), Engine.of(1, 2).set(5), Engine.of(1, 4).set(6));
        assertEquals(List.of(new EngineChoice.Knob(FakeCudnn.KNOB, 5)), choose(Precision.FP16, MEASURE).knobs());
    }

    @Test
    void allHeuristicsAreAskedAndEachEngineIsTriedOnce() {
        cudnn.engines((form, mode) -> form != Form.RESIDUAL_FIRST ? List.of() : switch (mode) {
            case CUDNN_HEUR_MODE_A -> List.of(Engine.of(1, 3));
            case CUDNN_HEUR_MODE_B -> List.of(Engine.of(1, 3), Engine.of(2, 2));
            default -> List.of(Engine.of(2, 2), Engine.of(3, 1));
        });
        assertEquals(3, engine(Precision.FP16, MEASURE));
        // each of three engines ran once, and 8 times in a recording
        assertEquals(3 * 9, cudnn.executions());
    }

    @Test
    void whatFailsIsLeftOut() {
        engines(Engine.of(1, 1).finalising(CUDNN_STATUS_NOT_SUPPORTED_SHAPE), Engine.of(2,
                1).finalising(CUDNN_STATUS_BAD_PARAM),
                Engine.of(3, 1).finalising(CUDNN_STATUS_INTERNAL_ERROR_COMPILATION_FAILED), Engine.of(4, 9),
                Engine.of(5, 1).executing(CUDNN_STATUS_EXECUTION_FAILED), Engine.of(6, 8),
                Engine.of(7, 1).wanting(Tuner.MAX_WORKSPACE + 1));
        assertEquals(6, engine(Precision.FP16, MEASURE));
        assertEquals(4, engine(Precision.FP16, FIRST));
    }

    @Test
    void muchWorkspaceIsTakenWhereNothingElseIsLeft() {
        engines(Engine.of(7, 1).wanting(Tuner.MAX_WORKSPACE + 1));
        assertEquals(7, engine(Precision.FP16, MEASURE));
        assertEquals(7, engine(Precision.FP16, FIRST));
    }

    @Test
    void aLostDeviceIsNotAnEngineThatFails() {
        cudnn.engines((form, mode) -> {
            // from here on every call says so, the engine's own run too
            runtime.lose();
            return List.of(Engine.of(1, 1));
        });
        assertThrows(DeviceLostException.class, () -> choose(Precision.FP16, MEASURE));
    }

    @ParameterizedTest
    @CsvSource({
        "FP32, false, " + CUDNN_NUMERICAL_NOTE_TENSOR_CORE + ", false",
        "FP32, false, " + CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS + ", false",
        "FP32, false, " + CUDNN_NUMERICAL_NOTE_WINOGRAD + ", true",
        "TF32, false, " + CUDNN_NUMERICAL_NOTE_TENSOR_CORE + ", true",
        "FP16, false, " + CUDNN_NUMERICAL_NOTE_TENSOR_CORE + ", true",
        "FP16, false, " + CUDNN_NUMERICAL_NOTE_WINOGRAD + ", false",
        "BF16, false, " + CUDNN_NUMERICAL_NOTE_FFT + ", false",
        "TF32, false, " + CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION + ", false",
        "FP16, false, " + CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC + ", true",
        "FP16, true, " + CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC + ", false"})
    void notesKeepAPrecisionsPromise(Precision precision, boolean deterministic, int note, boolean allowed) {
        engines(Engine.of(1, 1).noted(note), Engine.of(2, 2));
        assertEquals(allowed ? 1 : 2, engine(precision, new Tuning(true, deterministic, Optional.empty())));
    }

    @Test
    void whatCompilesMustWinByATenth() {
        engines(Engine.of(1, 10), Engine.of(2, 9.5).compiling());
        assertEquals(1, engine(Precision.FP16, MEASURE));
        engines(Engine.of(1, 10), Engine.of(2, 8.5).compiling());
        assertEquals(2, engine(Precision.FP16, MEASURE));
        assertEquals(1, engine(Precision.FP16, FIRST));
        engines(Engine.of(2, 9).compiling(), Engine.of(3, 8.9).compiling());
        assertEquals(3, engine(Precision.FP16, MEASURE), "between themselves every gain counts");
        assertEquals(2, engine(Precision.FP16, FIRST), "nothing else is left");
    }

    @Test
    void formsAreTriedInTheirOrder() {
        cudnn.engines((form, mode) -> List.of(Engine.of(10 + form.ordinal(), form == Form.RESIDUAL_FIRST ? 5 : 1)));
        assertEquals(Form.RESIDUAL_FIRST, choose(Precision.FP16, MEASURE).form());
        // strict FP32 may be faster in parts: 1 for the convolution and 0.5 for our kernel against 5
        assertEquals(Form.UNFUSED, choose(Precision.FP32, MEASURE).form());
        cudnn.engines((form, mode) -> form == Form.RESIDUAL_FIRST ? List.of() : List.of(Engine.of(1, 1)));
        assertEquals(Form.BIAS_FIRST, choose(Precision.FP16, MEASURE).form());
        cudnn.engines((form, mode) -> form == Form.UNFUSED ? List.of(Engine.of(1, 1)) : List.of());
        assertEquals(Form.UNFUSED, choose(Precision.FP16, MEASURE).form());
        assertEquals(Form.UNFUSED, choose(Precision.FP16, FIRST).form());
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void noEngineAtAllIsTheDevicesFault(boolean measure) {
        cudnn.engines((form, mode) -> List.of());
        String said = assertThrows(DeviceUnavailableException.class,
                () -> choose(Precision.FP16, new Tuning(measure, false, Optional.empty()))).getMessage();
        assertTrue(said.startsWith("cuDNN 9.19.0 has no engine for 2×4×4×16 → 8, 1×1 stride 1 + residual + bias"
                + " + ReLU in FP16"),
                said);
    }

    @Test
    void aSecondProcessMeasuresNothing(@TempDir Path folder) throws IOException {
        engines(Engine.of(1, 3), Engine.of(2, 1).set(4));
        assertEquals(2, engine(Precision.FP16, in(folder, true, false)));
        Path file = folder.resolve("cudnn-9.19.0-Test-Card-sm_90-fp16.json");
        String text = Files.readString(file);
        assertTrue(text.contains("\"form\":\"RESIDUAL_FIRST\",\"engine\":2,\"knobs\":[[17,4]],\"micros\":1000.0"),
                text);
        int executions = cudnn.executions();
        assertEquals(2, engine(Precision.FP16, in(folder, true, false)));
        assertEquals(2, engine(Precision.FP16, in(folder, false,
                true)), "a deterministic run may use what another measured");
        assertEquals(executions, cudnn.executions());
        assertEquals(1, engine(Precision.BF16, in(folder, false, false)), "the file of another precision says nothing");
        try (var files = Files.list(folder)) {
            assertEquals(List.of(file), files.toList(), "no temporary file stays");
        }
    }

    @Test
    void aFileThatDoesNotFitIsMeasuredAnew(@TempDir Path folder) throws IOException {
        engines(Engine.of(1, 3), Engine.of(2, 1));
        assertEquals(2, engine(Precision.FP16, in(folder, true, false)));
        engines(Engine.of(1, 3), Engine.of(3, 2));
        assertEquals(3, engine(Precision.FP16, in(folder, true, false)), "engine 2 is no more");
        engines(Engine.of(1, 3), Engine.of(3, 2).noted(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC));
        assertEquals(1, engine(Precision.FP16, in(folder, false, true)), "a file's engine must keep the promises too");
        Path file = folder.resolve("cudnn-9.19.0-Test-Card-sm_90-fp16.json");
        Files.writeString(file, "{");
        assertEquals(3, engine(Precision.FP16, in(folder, true, false)));
        assertTrue(Files.readString(file).contains("\"engine\":3"), "the broken file is replaced");
    }

    @Test
    void aFolderThatCannotBeWrittenOnlyCostsTime(@TempDir Path folder) throws IOException {
        engines(Engine.of(1, 3), Engine.of(2, 1));
        Path file = Files.writeString(folder.resolve("file"), "");
        assertEquals(2, engine(Precision.FP16, in(file.resolve("below"), true, false)));
        Files.createDirectories(folder.resolve("cudnn-9.19.0-Test-Card-sm_90-fp16.json/child"));
        assertEquals(2, engine(Precision.FP16, in(folder, true, false)));
    }

    /** From opening cuDNN over plans and measuring to closing; {@link #choose} looks for what is left. */
    @ParameterizedTest
    @ValueSource(ints = {1002, 2000, 3000, 4004, 5000})
    void everyCallOfCudnnFailsInTurn(int status) {
        engines(Engine.of(1, 2), Engine.of(2, 1));
        choose(Precision.FP16, MEASURE);
        long calls = cudnn.calls();
        int thrown = 0;
        for (long n = 0; n < calls; n++) {
            TunerTest test = new TunerTest();
            test.engines(Engine.of(1, 2), Engine.of(2, 1));
            test.cudnn.fail(n, status);
            try {
                test.choose(Precision.FP16, MEASURE);
                assertTrue(status != 1002, "call " + n + " was overlooked");
            } catch (DeviceUnavailableException e) {
                // heuristics that do not support the graph name no engine
                assertTrue(status == 1002 || status == 3000, "call " + n + ": " + e);
                thrown++;
            } catch (OutOfDeviceMemoryException e) {
                assertEquals(4004, status, "call " + n + ": " + e);
                thrown++;
            } catch (IllegalStateException e) {
                assertTrue(status == 2000 || status == 3000 || status == 5000, "call " + n + ": " + e);
                thrown++;
            }
        }
        assertTrue(calls > 300 && thrown > 100, thrown + " of " + calls + " calls threw");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void everyCallOfTheRuntimeFailsInTurn(boolean lost) {
        engines(Engine.of(1, 2), Engine.of(2, 1));
        choose(Precision.FP16, MEASURE);
        long calls = runtime.calls();
        assertTrue(calls > 40, calls + " calls");
        for (long n = 0; n < calls; n++) {
            TunerTest test = new TunerTest();
            test.engines(Engine.of(1, 2), Engine.of(2, 1));
            test.runtime.fail(n, () -> lost ? new DeviceLostException("700") : new OutOfDeviceMemoryException("2"));
            try {
                test.choose(Precision.FP16, MEASURE);
                assertTrue(!lost, "call " + n + ": a lost device was overlooked");
            } catch (DeviceLostException e) {
                assertTrue(lost, "call " + n + ": " + e);
            } catch (OutOfDeviceMemoryException e) {
                assertTrue(!lost, "call " + n + ": " + e);
            }
        }
    }
}
