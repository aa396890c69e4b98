package io.attentivecutmix.cuda.cudnn;

/** How a convolution and what follows it are said to cuDNN, in the order in which they are tried. */
enum Form {
    /** One fused graph: convolution, + residual, + bias, ReLU. */
    RESIDUAL_FIRST,
    /** One fused graph: convolution, + bias, + residual, ReLU. The same as the first where there is no residual. */
    BIAS_FIRST,
    /** The convolution alone; our kernel does the rest in a second pass over the output. */
    UNFUSED
}
