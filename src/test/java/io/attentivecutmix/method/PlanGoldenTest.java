package io.attentivecutmix.method;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.attentivecutmix.image.ElementType;
import io.attentivecutmix.image.Layout;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Whole plans are frozen: the same seed gives the same plan in every version with the same {@link Draws#VERSION}, on
 * every machine. See golden/draws/README.txt.
 */
class PlanGoldenTest {
    private static final int N = 37;

    private static List<MixOptions> options() {
        List<MixOptions> all = new ArrayList<>();
        for (Mode mode : Mode.values()) {
            for (Patches patches : List.of(new Patches.Fixed(6), new Patches.Beta(1, true), new Patches.Beta(0.3, true),
                    new Patches.Beta(2.5, false))) {
                for (double probability : new double[] {1, 0.4}) {
                    all.add(MixOptions.paper().withMode(mode).withPatches(patches).withProbability(probability)
                            .withInputSide(mode == Mode.RANDOM_CELLS ? 320 : 224));
                }
            }
        }
        return all;
    }

    private static String hash(MixPlan plan) throws Exception {
        ByteBuffer bytes = ByteBuffer.allocate(plan.count * (4 + 1 + 4 + 8 + 8 * plan.words + 16));
        for (int i = 0; i < plan.count; i++) {
            bytes.putInt(plan.partner[i]).put((byte) (plan.mixed[i] ? 1 : 0)).putInt(plan.patches[i])
                    .putDouble(plan.lambda[i]);
            for (int w = 0; w < plan.words; w++) {
                bytes.putLong(plan.cells[i * plan.words + w]);
            }
            for (int side = 0; side < 4; side++) {
                bytes.putInt(plan.box[4 * i + side]);
            }
        }
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes.array()));
    }

    @Test
    void plansAreFrozen() throws Exception {
        int[][] sizes = new int[N][];
        for (int i = 0; i < N; i++) {
            sizes[i] = new int[] {20 + i, 60 - i};
        }
        HostImages images = new HostImages(sizes, ElementType.UINT8, Layout.NHWC, 0);
        StringBuilder actual = new StringBuilder();
        List<MixOptions> options = options();
        for (int at = 0; at < options.size(); at++) {
            MixOptions o = options.get(at);
            Pairing pairing = (at % 2 == 0 ? Pairing.shuffled(at, 3, 1L << 35) : Pairing.permuted(-at, 0, at))
                    .firstSample(1000L * at);
            Planner planner = new Planner(o);
            MixPlan plan = planner.newPlan();
            planner.plan(pairing, N, plan);
            planner.boxes(pairing, images, plan);
            actual.append(o.mode()).append(' ').append(o.patches()).append(' ').append(o.probability()).append(' ')
                    .append(pairing.kind()).append(' ').append(pairing.seed()).append(' ').append(pairing.epoch())
                    .append(' ').append(pairing.step()).append(' ').append(pairing.firstSample()).append(' ')
                    .append(hash(plan)).append('\n');
        }
        assertEquals(golden(), actual.toString());
    }

    private static String golden() throws IOException {
        try (InputStream in = PlanGoldenTest.class.getResourceAsStream("/golden/draws/plans.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
