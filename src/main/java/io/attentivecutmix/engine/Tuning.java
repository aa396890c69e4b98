package io.attentivecutmix.engine;

import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;

/**
 * How a device that has several implementations of a layer chooses among them.
 *
 * @param measure whether to time the candidates; otherwise the first that the library's own heuristics name is taken
 * @param deterministic whether to take only implementations that give the same bits in every run on one kind of card;
 *     the choice itself then comes from the plan file or the heuristics, never from a measurement of this run
 * @param planFolder where choices are kept from one process to the next; empty: nowhere
 */
public record Tuning(boolean measure, boolean deterministic, Optional<Path> planFolder) {
    /** Measure, and keep nothing. */
    public static final Tuning DEFAULT = new Tuning(true, false, Optional.empty());

    public Tuning {
        Objects.requireNonNull(planFolder, "planFolder");
    }
}
