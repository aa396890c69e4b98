package io.attentivecutmix.gpu;

import io.attentivecutmix.cuda.kernels.AttentiveKernels;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;

/** Runs acm_self_test once and says which words are not what the PTX ISA's tables give. */
public final class SelfTest {
    private SelfTest() {}

    public static void main(String[] args) {
        String wrong = differences();
        if (!wrong.isEmpty()) {
            throw new IllegalStateException(wrong);
        }
        System.out.println("all " + AttentiveKernels.ACM_SELF_TEST_WORDS + " words are as the PTX ISA says"
                + (AttentiveKernels.acm_is_emulated() != 0 ? " (the kernels' build for the CPU)" : ""));
    }

    /** One line for each group of words that differs, with the first lane that does; empty if none. */
    static String differences() {
        int[] expected = SelfTestWords.expected();
        int[] words = new int[AttentiveKernels.ACM_SELF_TEST_WORDS];
        long bytes = 4L * words.length;
        try (GpuMemory memory = GpuMemory.open(); IntPointer host = new IntPointer((long) words.length)) {
            BytePointer device = memory.allocate(bytes);
            GpuMemory.ok(AttentiveKernels.acm_self_test(new IntPointer(device), null), "acm_self_test");
            memory.copy(host, device, bytes);
            host.get(words);
        }
        return compare(expected, words);
    }

    static String compare(int[] expected, int[] words) {
        StringBuilder text = new StringBuilder();
        for (int group = 0; group < SelfTestWords.GROUPS.length; group++) {
            int wrong = 0;
            String first = "";
            for (int i = 0; i < expected.length; i++) {
                if (i % SelfTestWords.WORDS_PER_LANE / 4 == group && !SelfTestWords.same(i, expected[i], words[i])) {
                    if (wrong++ == 0) {
                        first = String.format("lane %d word %d is %08x, not %08x",
                                i / SelfTestWords.WORDS_PER_LANE, i % 4, words[i], expected[i]);
                    }
                }
            }
            if (wrong > 0) {
                text.append(SelfTestWords.GROUPS[group] + ": " + wrong + " words differ; " + first)
                        .append(System.lineSeparator());
            }
        }
        return text.toString();
    }
}
