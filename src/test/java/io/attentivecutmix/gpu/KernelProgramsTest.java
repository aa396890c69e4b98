package io.attentivecutmix.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.cuda.kernels.AttentiveKernels;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * The programs that a GPU host runs, here on the kernels' build for the CPU: their calls are accepted and their checks
 * can fail.
 */
class KernelProgramsTest {
    @BeforeAll
    static void emulated() {
        String resource = "/io/attentivecutmix/cuda/kernels/linux-x86_64/libattentive_kernels.so";
        Assumptions.assumeTrue(KernelProgramsTest.class.getResource(resource) != null,
                "Skipped: the kernels' build for the CPU is not there (no g++ or CMake on this machine)");
        assertEquals(1, AttentiveKernels.acm_is_emulated(), "tests run on the CPU build of the kernels");
    }

    @Test
    void selfTestAgreesWithTheTables() {
        assertEquals("", SelfTest.differences());
    }

    @Test
    void selfTestNamesWhatDiffers() {
        int[] words = SelfTestWords.expected();
        words[3 * 20 + 6] ^= 1;
        words[5 * 20 + 19] = 0;
        String text = SelfTest.compare(SelfTestWords.expected(), words);
        assertTrue(text.startsWith("mma f16: 1 words differ; lane 3 word 2 is "), text);
        words[16 * 20 + 18] = 0x7fc00000;
        assertEquals(text, SelfTest.compare(SelfTestWords.expected(), words), "another NaN is as good");
        assertTrue(text.contains("conversions: 1 words differ; lane 5 word 3 is 00000000"), text);
    }
}
