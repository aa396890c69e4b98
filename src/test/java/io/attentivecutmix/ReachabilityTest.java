package io.attentivecutmix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaConstructorCall;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import io.attentivecutmix.engine.Engine;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.Pointer;

/**
 * Why no native call needs a reachability fence of its own: the garbage collector can free native memory in two places
 * only, the cleaner of a mixer and that of page-locked batch memory, and whoever works with those is fenced. No JavaCPP
 * object of ours has a deallocator, but for a few that close it themselves.
 */
@AnalyzeClasses(packages = "io.attentivecutmix", importOptions = ImportOption.DoNotIncludeTests.class)
class ReachabilityTest {
    /** Where a JavaCPP object owns memory: each closes it in the method that makes it. */
    private static final Set<String> CLOSED_WHERE_MADE = Set.of(
            "io.attentivecutmix.cuda.CudartRuntime.freeBytes",
            "io.attentivecutmix.cuda.CudartRuntime.properties",
            "io.attentivecutmix.cuda.InstalledGpu.cards",
            "io.attentivecutmix.cuda.InstalledGpu.driverReason",
            "io.attentivecutmix.image.OpenCv.decode");

    @ArchTest
    static void twoThingsAreFreedByTheGarbageCollector(JavaClasses classes) {
        assertEquals(Set.of(AttentiveCutMix.class.getName(), "io.attentivecutmix.cuda.PinnedMemory"),
                callers(classes, Cleaner.class, "register"));
        assertTrue(classes.stream().flatMap(c -> c.getMethods().stream())
                .noneMatch(m -> m.getName().equals("finalize")));
    }

    /** Names of the classes that call a method. */
    private static Set<String> callers(JavaClasses classes, Class<?> owner, String method) {
        return classes.stream().flatMap(c -> c.getMethodCallsFromSelf().stream())
                .filter(call -> call.getTargetOwner().isEquivalentTo(owner) && call.getName().equals(method))
                .map(call -> call.getOriginOwner().getName()).collect(Collectors.toCollection(TreeSet::new));
    }

    /** A pointer that JavaCPP allocated is freed when its object is unreachable; a copy of its address dangles. */
    @ArchTest
    static void noPointerOfOursHasADeallocator(JavaClasses classes) {
        Set<String> makers = new TreeSet<>();
        for (JavaClass c : classes) {
            if (c.getPackageName().endsWith(".cuda.kernels")) {
                continue; // generated bindings
            }
            for (JavaConstructorCall call : c.getConstructorCallsFromSelf()) {
                if (call.getTargetOwner().isAssignableTo(Pointer.class) && allocates(call)) {
                    makers.add(c.getName() + "." + call.getOrigin().getName());
                }
            }
        }
        assertEquals(new TreeSet<>(CLOSED_WHERE_MADE), makers);
    }

    private static boolean allocates(JavaConstructorCall call) {
        List<JavaClass> parameters = call.getTarget().getRawParameterTypes();
        boolean borrows = parameters.size() == 1 && (parameters.get(0).isAssignableTo(Pointer.class)
                || parameters.get(0).isAssignableTo(java.nio.Buffer.class));
        if (borrows || call.getOriginOwner().isAssignableTo(Pointer.class)) {
            return false;
        }
        try {
            Class<?> type = Class.forName(call.getTargetOwner().getName(), false,
                    ReachabilityTest.class.getClassLoader());
            String allocator = parameters.isEmpty() ? "allocate" : "allocateArray";
            return Arrays.stream(type.getDeclaredMethods()).anyMatch(m -> m.getName().equals(allocator));
        } catch (ClassNotFoundException e) {
            throw new AssertionError(e);
        }
    }

    /** A mixer is reachable until its engine has returned: every call of the engine is inside enter and leave. */
    @ArchTest
    static void everyCallOfAnEngineIsFenced(JavaClasses classes) {
        JavaClass mixer = classes.get(AttentiveCutMix.class);
        assertTrue(calls(mixer.getMethod("leave"), Reference.class, "reachabilityFence"));
        Set<String> unguarded = new TreeSet<>();
        int guarded = 0;
        for (JavaMethod m : mixer.getMethods()) {
            boolean works = m.getMethodCallsFromSelf().stream()
                    .anyMatch(call -> call.getTargetOwner().isAssignableTo(Engine.class));
            if (!works) {
                continue;
            }
            if (calls(m, CallGate.class, "enter") && calls(m, AttentiveCutMix.class, "leave")) {
                guarded++;
            } else {
                unguarded.add(m.getName());
            }
        }
        // a string that was made with the engine
        assertEquals(Set.of("description"), unguarded);
        assertTrue(guarded >= 5, guarded + " methods call the engine");
    }

    /** Page-locked memory is reachable until copies from and to it are done. */
    @ArchTest
    static void batchesAreFencedWhileTheyAreCopied(JavaClasses classes) {
        for (String method : List.of("io.attentivecutmix.cuda.CudaEngine.step", "io.attentivecutmix.cuda.Transfer.up",
                "io.attentivecutmix.cuda.Transfer.deliver")) {
            int dot = method.lastIndexOf('.');
            List<JavaMethod> all = classes.get(method.substring(0, dot)).getMethods().stream()
                    .filter(m -> m.getName().equals(method.substring(dot + 1))).toList();
            assertFalse(all.isEmpty(), method);
            assertTrue(all.stream().anyMatch(m -> calls(m, Reference.class, "reachabilityFence")), method);
        }
    }

    private static boolean calls(JavaCodeUnit from, Class<?> owner, String method) {
        return from.getMethodCallsFromSelf().stream().map(JavaAccess::getTarget)
                .anyMatch(t -> t.getOwner().isEquivalentTo(owner) && t.getName().equals(method));
    }
}
