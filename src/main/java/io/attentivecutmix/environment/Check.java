package io.attentivecutmix.environment;

import java.util.Objects;

/**
 * One thing that was looked at.
 *
 * @param topic a few words, the same on every machine
 * @param found what is there, or what is wrong; may have several lines
 * @param remedy what to do, one line or a block to paste; empty if nothing needs to be done
 */
public record Check(String topic, State state, String found, String remedy) {
    /** Whether it is good enough. */
    public enum State {
        /** As it should be. */
        OK,
        /** Works, but something is slower, missing or unusual. */
        NOTE,
        /** Something that is needed is missing. */
        MISSING
    }

    public Check {
        Objects.requireNonNull(topic, "topic");
        Objects.requireNonNull(state, "state");
        Objects.requireNonNull(found, "found");
        Objects.requireNonNull(remedy, "remedy");
    }

    /** A check that found things as they should be. */
    public static Check ok(String topic, String found) {
        return new Check(topic, State.OK, found, "");
    }

    /** A check that found something worth knowing. */
    public static Check note(String topic, String found, String remedy) {
        return new Check(topic, State.NOTE, found, remedy);
    }

    /** A check that found something missing. */
    public static Check missing(String topic, String found, String remedy) {
        return new Check(topic, State.MISSING, found, remedy);
    }

    /** The same, but not missed: for what another device would need. */
    public Check asNote() {
        return state == State.MISSING ? new Check(topic, State.NOTE, found, remedy) : this;
    }
}
