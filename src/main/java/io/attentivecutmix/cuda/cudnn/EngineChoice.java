package io.attentivecutmix.cuda.cudnn;

import java.util.List;

/**
 * A way to run a shape that means the same in another process with the same cuDNN on the same kind of GPU.
 *
 * @param engine cuDNN's global index
 * @param knobs its settings, in cuDNN's order
 */
record EngineChoice(Form form, long engine, List<Knob> knobs) {
    EngineChoice {
        knobs = List.copyOf(knobs);
    }

    /** One setting: cuDNN's number of the knob, and its value. */
    record Knob(int type, long value) {}
}
