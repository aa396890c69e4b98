package io.attentivecutmix.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.attentivecutmix.network.ResNet;
import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

class SyntheticWeightsTest {
    /** Every key of the golden file, its path joined with slashes, to its value. */
    private static Map<String, String> golden() throws IOException {
        Map<String, String> values = new HashMap<>();
        try (InputStream in = SyntheticWeightsTest.class.getResourceAsStream("/golden/weights/synthetic_hashes.json");
                JsonParser parser = new JsonFactory().createParser(ObjectReadContext.empty(), in)) {
            StringBuilder path = new StringBuilder();
            for (JsonToken t = parser.nextToken(); t != null; t = parser.nextToken()) {
                if (t == JsonToken.PROPERTY_NAME) {
                    path.append('/').append(parser.currentName());
                } else if (t == JsonToken.VALUE_STRING) {
                    values.put(path.substring(1), parser.getString());
                    path.setLength(path.lastIndexOf("/"));
                } else if (t == JsonToken.END_OBJECT && path.length() > 0) {
                    path.setLength(path.lastIndexOf("/"));
                }
            }
        }
        return values;
    }

    @ParameterizedTest
    @CsvSource({"18, 0", "34, 0", "50, 0", "101, 0", "152, 0", "18, -7"})
    void everyTensorHasTheBitsThatNumpyMakes(int depth, long seed) throws Exception {
        Map<String, String> golden = golden();
        Map<String, RawTensor> tensors = SyntheticWeights.make(ResNet.ofDepth(depth), seed);
        String key = "resnet" + depth + " seed " + seed;
        for (Map.Entry<String, RawTensor> e : tensors.entrySet()) {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update(e.getValue().data().duplicate());
            assertEquals(golden.get(key + "/tensors/" + e.getKey()), HexFormat.of().formatHex(digest.digest())
                    .substring(0, 16),
                    e.getKey());
        }
        assertEquals(golden.keySet().stream().filter(k -> k.startsWith(key + "/tensors/")).count(), tensors.size());
        Weights weights = Weights.synthetic(depth, seed);
        assertEquals(golden.get(key + "/all"), weights.sha256());
        assertEquals("synthetic(resnet" + depth + ", seed " + seed + ")", weights.source());
        assertTrue(weights.isSynthetic());
        assertEquals(1000, weights.classes());
        assertEquals(weights.network().channels(), weights.classifier()[999].length);
    }

    @Test
    void seedsDiffer() {
        assertNotEquals(Weights.synthetic(18, 1).sha256(), Weights.synthetic(18, 2).sha256());
    }

    @Test
    void refusals() {
        assertEquals("depth is 20; allowed: 18, 34, 50, 101, 152",
                assertThrows(IllegalArgumentException.class, () -> Weights.synthetic(20, 0)).getMessage());
        Weights weights = Weights.synthetic(18, 0);
        assertThrows(IllegalArgumentException.class, () -> weights.tensor("layer5.0.conv1.weight"));
    }
}
