package io.attentivecutmix.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class WeightsExceptionTest {
    @Test
    void namesFilePlaceAndFault() {
        Exception cause = new IllegalStateException("x");
        WeightsException e = new WeightsException("a.pth", "conv1.weight", "is missing", cause);
        assertEquals("a.pth: conv1.weight: is missing", e.getMessage());
        assertEquals("a.pth", e.file());
        assertEquals("conv1.weight", e.where());
        assertEquals("is missing", e.fault());
        assertSame(cause, e.getCause());
    }

    /** Escape sequences, new lines of every kind, and marks that turn the writing direction. */
    @Test
    void nothingInANameSteersATerminal() {
        WeightsException e = new WeightsException("f", "a\u001b[2J\n\u0085\u2028\u2029\u202e\u007fgr\u00f6\u00dfe",
                "x");
        assertEquals("f: a\\u001b[2J\\u000a\\u0085\\u2028\\u2029\\u202e\\u007fgr\u00f6\u00dfe: x", e.getMessage());
    }

    @Test
    void cutsNamesAt1024CharactersAndFaultsAt8192() {
        String message = new WeightsException("f".repeat(5000), "w".repeat(5000), "x".repeat(20_000)).getMessage();
        assertEquals("f".repeat(1024) + "\u2026: " + "w".repeat(1024) + "\u2026: " + "x".repeat(8192) + "\u2026",
                message);
        String list = "layer4.2.bn3.running_mean is [2048], needed [2047], ".repeat(60);
        assertTrue(new WeightsException("f", "w", list).getMessage().endsWith(list), "three lists of 20 fit");
    }
}
