/**
 * The extractor on cuDNN 9's graph API: convolution, residual, bias and ReLU of a layer in one kernel.
 *
 * <p>{@link io.attentivecutmix.cuda.cudnn.CudnnLibraries} finds and loads the libraries; {@link
 * io.attentivecutmix.cuda.cudnn.CudnnExtractorFactory} makes extractors. Everything else is written against {@code
 * Cudnn}, a seam that tests replace.
 */
package io.attentivecutmix.cuda.cudnn;
