package io.attentivecutmix.method;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class SourceMaskTest {
    private static final MixOptions OPTIONS = MixOptions.paper().withPatches(new Patches.Fixed(1)).withInputSide(64);

    private static String mask(MixOptions options, MixPlan plan, int height, int width) {
        ByteBuffer out = ByteBuffer.allocate(height * width);
        SourceMask.fill(options, plan, 0, height, width, out);
        StringBuilder text = new StringBuilder();
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                text.append(out.get(y * width + x) == 1 ? '#' : '.');
            }
            text.append('/');
        }
        return text.toString();
    }

    private static MixPlan plan(int... cells) {
        MixPlan plan = new MixPlan(2);
        plan.resize(1);
        plan.mixed[0] = true;
        for (int c : cells) {
            plan.cells[0] |= 1L << c;
        }
        return plan;
    }

    @Test
    void cellsAreCutAtFloors() {
        assertEquals("..###/..###/...../...../...../", mask(OPTIONS, plan(1), 5, 5));
        assertEquals("...../...../##.../##.../##.../", mask(OPTIONS, plan(2), 5, 5));
    }

    @Test
    void resizedCellsAreTheCanvasByNearest() {
        MixOptions resized = OPTIONS.withGeometry(Geometry.RESIZED);
        assertEquals("..###/..###/...../...../...../", mask(resized, plan(1), 5, 5));
        assertEquals("..##/..##/..../..../", mask(resized, plan(1), 4, 4));
    }

    @Test
    void boxesAndUnmixedImages() {
        MixOptions box = OPTIONS.withMode(Mode.CUTMIX);
        MixPlan plan = plan();
        System.arraycopy(new int[] {1, 0, 3, 2}, 0, plan.box, 0, 4);
        assertEquals(".##./.##./..../", mask(box, plan, 3, 4));
        plan.mixed[0] = false;
        assertEquals("####/####/####/", mask(box, plan, 3, 4));
    }

    @Test
    void aSmallBufferIsRefused() {
        byte[] bytes = new byte[8];
        assertEquals("out has room for 8 bytes; needed: 9 (H·W)", assertThrows(IllegalArgumentException.class,
                () -> SourceMask.fill(OPTIONS, plan(0), 0, 3, 3, ByteBuffer.wrap(bytes))).getMessage());
        assertEquals(0, Arrays.hashCode(bytes) - Arrays.hashCode(new byte[8]), "something was written");
    }
}
