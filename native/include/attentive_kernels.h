/*
 * Attentive CutMix on an NVIDIA GPU: every kernel launcher of the library.
 *
 * Letters: N images, H and W height and width of an image in pixels, S side of the extractor's input, G cells along one
 * side of the grid, C channels of the last feature map, k cells to select.
 *
 * Rules for every function:
 * - It returns ACM_OK, a code of ours below 0, or a CUDA error code above 0. Arguments are checked before anything is
 *   launched; what lies in device memory (tables of sizes, offsets, partners, labels) is not, and is the caller's care.
 * - It launches on the given stream (null: the default stream) and returns at once; it allocates nothing and never
 *   synchronises. An error of the kernel itself is reported by a later call.
 * - Pointers lead to device memory unless "host" is said. Inputs and outputs must not overlap unless said. That is
 *   checked for every pointer; but where a batch has a table of offsets, which lies in device memory, only the same
 *   pixels with the same table are found, and the rest is the caller's care.
 * - Results do not depend on the grid, the card or the run. Sums run in a fixed order, without atomics; multiplications
 *   and additions are contracted only where a formula says fma.
 * - Sizes that can pass 2^31 are 64 bits wide. One image has at most 2^29 - 1 pixels.
 */
#ifndef ATTENTIVE_KERNELS_H
#define ATTENTIVE_KERNELS_H

#include <stdint.h>

#if defined(_WIN32)
#define ACM_API __declspec(dllexport)
#else
#define ACM_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** A CUDA stream: cudaStream_t, CUstream. */
typedef struct CUstream_st *acm_stream;

/** Codes of ours; CUDA's are above 0. */
enum {
  ACM_OK = 0,
  /** A pointer that is needed is null. */
  ACM_NULL_POINTER = -1,
  /** A size is below 1 (N below 0), or does not fit another one. */
  ACM_BAD_SIZE = -2,
  /** A type, layout, filter, reduction, number of channels or of patches is not one that is allowed. */
  ACM_BAD_VALUE = -3,
  /** Input and output share memory. */
  ACM_OVERLAP = -4,
  /** A pointer is not aligned as the function asks. */
  ACM_MISALIGNED = -5,
  /** A size, or a product of sizes, is above what is allowed. */
  ACM_TOO_LARGE = -6,
  /** Values are allowed one by one, but not together. */
  ACM_UNSUPPORTED = -7,
  /** The workspace is smaller than the function asks for. */
  ACM_WORKSPACE_TOO_SMALL = -8
};

/** Types of a value; multi-byte types in the machine's byte order. The order is that of Java's ElementType. */
enum { ACM_UINT8 = 0, ACM_FLOAT16 = 1, ACM_BFLOAT16 = 2, ACM_FLOAT32 = 3 };

/** Layouts of an image. */
enum { ACM_NHWC = 0, ACM_NCHW = 1 };

/** Resize filters, all as Pillow computes them. */
enum { ACM_BICUBIC = 0, ACM_BILINEAR = 1, ACM_NEAREST = 2 };

/** Channel reductions. */
enum { ACM_MEAN = 0, ACM_LAST = 1, ACM_MAX = 2, ACM_L2 = 3, ACM_CLASS = 4 };

/** A batch of N images in device memory; the struct itself lies in host memory and is read during the call only. */
typedef struct acm_images {
  /** (N, H, W, channels) or (N, channels, H, W). Any alignment that the type allows; 16 bytes are fastest. */
  void *pixels;
  /**
   * (N) bytes from `pixels` to each image, a multiple of the type's size; null: one behind the other. They may be
   * negative and may lead into another allocation: `pixels` is only what they count from. Images may repeat; of outputs
   * none may share a byte.
   */
  const int64_t *offsets;
  /** (N, 2) height and width of each image; null: all have the size below. Needs `offsets`. */
  const int32_t *sizes;
  /** N; 0 makes every function return at once. */
  int64_t count;
  /** H of every image; of the highest when `sizes` is given. */
  int32_t height;
  /** W of every image; of the widest when `sizes` is given. */
  int32_t width;
  /**
   * 3 (R, G, B); 4 or 8 in NHWC outputs and stem inputs (R, G, B and zeros); 1 for masks: elements of the type's size.
   */
  int32_t channels;
  /** ACM_UINT8, ACM_FLOAT16, ACM_BFLOAT16 or ACM_FLOAT32. */
  int32_t type;
  /** ACM_NHWC or ACM_NCHW. */
  int32_t layout;
} acm_images;

/** How cells are selected; in host memory, read during the call only. */
typedef struct acm_attention {
  /** (N, G, G, C) last feature maps. */
  const void *features;
  /** ACM_FLOAT16, ACM_BFLOAT16 or ACM_FLOAT32. */
  int32_t type;
  /** G, 1 to 32. */
  int32_t grid;
  /** N. */
  int64_t count;
  /** C, 1 or more. */
  int64_t channels;
  /** ACM_MEAN, ACM_LAST, ACM_MAX, ACM_L2 or ACM_CLASS. */
  int32_t reduction;
  /** k of every image, 0 to G*G; unused when `patches` is given. */
  int32_t k;
  /** (N) k of each image, 0 to G*G, or null. An image with k = 0 is not read and gets an empty mask. */
  const int32_t *patches;
  /** (classes, C) rows of the classifier; read for ACM_CLASS only. */
  const float *classifier;
  /** Number of rows of the classifier. */
  int64_t classes;
  /** (N) row of each image, 0 to classes - 1; read for ACM_CLASS only. */
  const int32_t *labels;
  /**
   * (N) 1: the network's input had a NaN or an infinity, as acm_preprocess notes it; such an image's heat map is NaN in
   * every cell whatever its features are (a convolution's ReLU may have hidden it), and they are not read. Or null:
   * none.
   */
  const uint8_t *spoiled;
  /** (N, words) written: bit c of word c/64 is cell c, words = ceil(G*G/64). Null where a function allows it. */
  uint64_t *cells;
  /** (N) written: 1 when the image's heat map has a NaN or an infinity, else 0; or null. */
  uint8_t *non_finite;
  /** (N, G*G) written: how many cells sort before each cell; or null. Not written for k = 0. */
  int32_t *ranks;
  /** (N, G*G) written: the heat map; or null, and then it never reaches memory. Not written for k = 0. */
  float *heat;
} acm_attention;

/** Which pixels come from where; in host memory, read during the call only. */
typedef struct acm_regions {
  /** G, 1 to 32. */
  int32_t grid;
  /** (N, words) selected cells as in acm_attention; ignored where `boxes` is given. */
  const uint64_t *cells;
  /**
   * (N, 4) left, top, right, bottom in pixels, right and bottom exclusive, inside the image: one box instead of cells;
   * or null.
   */
  const int32_t *boxes;
  /** (N) background image of each image, 0 to the number of backgrounds - 1. */
  const int32_t *partner;
  /** (N) 0: the image passes unchanged; or null: all are mixed. */
  const uint8_t *mixed;
  /**
   * Host, (6): mean R, G, B, standard deviation R, G, B, applied where uint8 becomes a floating type: (v/255 -
   * mean)/std. Null: v/255.
   */
  const float *normalisation;
} acm_regions;

/** How many CUDA devices there are. Host. Returns 35 or 100 where there is no driver or no device: "no device" both. */
ACM_API int acm_device_count(int32_t *count);

/** 1 when this library is the kernels' build for the CPU that tests use, 0 when it is the real one. */
ACM_API int acm_is_emulated(void);

/** A status in words; never null, of static storage. */
ACM_API const char *acm_status_text(int status);

/**
 * Bytes of workspace that acm_preprocess needs for these batches. Host.
 *
 * @param bytes host, written: 0 when nothing is resized by a filter
 */
ACM_API int acm_preprocess_workspace(const acm_images *in, const acm_images *out, int32_t filter, int64_t *bytes);

/**
 * Resizes every image to the size of its output, normalises and writes it in the output's type, layout and channels.
 *
 * uint8 input is resized as Pillow resizes mode "RGB" (two passes of 22-bit fixed point, each rounded to uint8),
 * floating input as Pillow resizes mode "F" (sums in double, each pass rounded to float); a direction of equal size is
 * skipped. Then uint8 becomes (v/255 - mean)/std in float, floating values (v - mean)/std, and the result is rounded to
 * the output type. A uint8 output takes uint8 input and is not normalised. One channel (a mask): ACM_NEAREST only,
 * bytes as they are. Where neither batch has a table of sizes and both are of one size, this is one pass of 16-byte
 * accesses.
 *
 * Minimal traffic: N*H*W*3*t bytes read, N*OH*OW*channels*u bytes written (t, u bytes of a value).
 *
 * @param in (N, H, W, 3) or (N, 3, H, W)
 * @param out (N, OH, OW, 3, 4 or 8) or (N, 3, OH, OW), any sizes; channels 3 and up are 0
 * @param filter ACM_BICUBIC, ACM_BILINEAR or ACM_NEAREST
 * @param normalise 0: uint8 becomes v/255 and floating values stay; 1: with `normalisation`
 * @param normalisation host, (6): mean R, G, B, std R, G, B; may be null when normalise is 0
 * @param spoiled (N) set to 1 for each image of floating type with a value that, resized and normalised but not yet
 *     rounded to the output's type, is a NaN or an infinity; never cleared, so zero it first; not written for uint8 and
 *     masks; or null
 * @param workspace of acm_preprocess_workspace bytes, on 16 bytes; may be null when that is 0
 */
ACM_API int acm_preprocess(const acm_images *in, const acm_images *out, int32_t filter, int32_t normalise,
                           const float *normalisation, uint8_t *spoiled, void *workspace, int64_t workspace_bytes,
                           acm_stream stream);

/**
 * Writes the stem's weights in the order in which tensor cores take them. Host, no GPU needed.
 *
 * @param weights host, (64, 3, 7, 7) with the batch norm folded in
 * @param type ACM_FLOAT16 or ACM_BFLOAT16: each weight is rounded to it once
 * @param packed host, (14336) 16-bit values written: 14 steps of 16 k, 4 groups of 16 channels, 32 lanes, 8 values
 */
ACM_API int acm_stem_pack(const float *weights, int32_t type, uint16_t *packed);

/**
 * The stem in one kernel: convolution 7x7, stride 2, padding 3, 3 to 64 channels; + bias; ReLU; rounded to the type;
 * max-pool 3x3, stride 2, padding 1. The map between never reaches memory. A NaN stays a NaN;
 * where the packed input has values that are not finite, they also reach the window that begins one pixel to their
 * right. For half and bf16 only: in FP32 and TF32 the convolution is a library's, with acm_bias_residual_relu and
 * acm_max_pool after it.
 *
 * Minimal traffic: N*H*W*3 bytes (uint8) or N*H*W*8 bytes (packed) read, N*PH*PW*64*2 bytes written.
 *
 * @param in one size: uint8 (N, H, W, 3), normalised and rounded to `type` on the way; or of the type itself (N, H, W,
 *     4) with W even, pixels on 16 bytes, fourth channel finite (its weights are 0)
 * @param normalisation host, (6), for uint8 input; null: v/255
 * @param weights (14336) from acm_stem_pack, on 16 bytes
 * @param bias (64)
 * @param type ACM_FLOAT16 or ACM_BFLOAT16; sums are float
 * @param out (N, PH, PW, 64), on 16 bytes; CH = (H + 1)/2, PH = (CH + 1)/2 rounded down, PW likewise
 */
ACM_API int acm_stem(const acm_images *in, const float *normalisation, const uint16_t *weights, const float *bias,
                     int32_t type, void *out, acm_stream stream);

/**
 * Max-pool 3x3, stride 2, padding 1. A NaN in a window gives a NaN.
 *
 * Minimal traffic: N*H*W*C*t bytes read, N*OH*OW*C*t written, OH = (H + 1)/2, OW = (W + 1)/2 rounded down.
 *
 * @param x (N, H, W, C)
 * @param y (N, OH, OW, C)
 * @param type ACM_FLOAT16, ACM_BFLOAT16 or ACM_FLOAT32
 */
ACM_API int acm_max_pool(const void *x, void *y, int32_t type, int64_t n, int64_t h, int64_t w, int64_t c,
                         acm_stream stream);

/**
 * y = x + residual + bias in float, in that order, then ReLU if asked, rounded once: what a convolution without an
 * epilogue leaves to do. A NaN stays a NaN.
 *
 * Minimal traffic: rows*C*t bytes read for x and as many for residual, rows*C*t written.
 *
 * @param x (rows, C), rows = N*H*W
 * @param bias (C)
 * @param residual (rows, C), or null
 * @param y (rows, C); may be x or residual itself, must not overlap them otherwise
 * @param type ACM_FLOAT16, ACM_BFLOAT16 or ACM_FLOAT32
 */
ACM_API int acm_bias_residual_relu(const void *x, const float *bias, const void *residual, void *y, int32_t type,
                                   int64_t rows, int64_t c, int32_t relu, acm_stream stream);

/**
 * Selects the k hottest cells of every image: value descending, then index ascending; NaN below every number, -0 equal
 * to +0.
 *
 * Heat of a cell: mean of its channels, channel C - 1, largest channel (NaN if one is), root of the sum of squares
 * (fma), or dot product with the classifier's row (fma). Sums are float: 32 partial sums over interleaved runs of
 * channels, added in the order of a butterfly.
 *
 * Minimal traffic: N*G*G*C*t bytes read (N*G*G*t for ACM_LAST), N*words*8 + N written.
 */
ACM_API int acm_attend(const acm_attention *attention, acm_stream stream);

/**
 * Writes mixed images: pixels of `source` i inside its cells (or box), of `background` partner[i] elsewhere; or all of
 * source i where it is not mixed. Cell (r, c) has the rows floor(r*H/G) to floor((r + 1)*H/G) and columns likewise, of
 * the output image. Every output byte is written once, every byte taken is read once.
 *
 * All three images have the same size for each i, and H, W at least G; but a source that is not mixed has its own
 * output size. The type and layout of out may differ from the inputs': uint8 becomes (v/255 - mean)/std in float,
 * rounded to the type; floating values are rounded to the type. uint8 out takes uint8 in.
 *
 * Minimal traffic: N*H*W*3*t bytes read, N*H*W*3*u written.
 *
 * @param source (N, H, W, 3) or (N, 3, H, W), or masks with 1 channel
 * @param background M images, 1 or more, of the same type, layout and channels: partners are 0 to M - 1; may be the
 *     same memory as `source`
 * @param out of as many channels; masks keep their type
 */
ACM_API int acm_mix(const acm_images *source, const acm_images *background, const acm_images *out,
                    const acm_regions *regions, acm_stream stream);

/**
 * acm_attend and acm_mix in one launch: from feature maps and images to mixed images; the heat map and the mask live in
 * shared memory, and the mask is written only if `attention->cells` is given.
 *
 * Minimal traffic: N*G*G*C*t + N*H*W*3*t bytes read, N*H*W*3*u written.
 *
 * @param regions its cells are not read, its boxes must be null, its grid must be the attention's
 */
ACM_API int acm_attend_mix(const acm_attention *attention, const acm_images *source, const acm_images *background,
                           const acm_images *out, const acm_regions *regions, acm_stream stream);

/**
 * Image i's share of the label: pixels taken from it / H*W, or selected cells / G*G; 1 where it is not mixed. A box
 * always counts pixels. Exact, rounded to float once.
 *
 * Minimal traffic: N*words*8 bytes read, N*12 written.
 *
 * @param canvas sizes of the mixed images: count, height, width and sizes are read, pixels is not
 * @param nominal 1: selected cells / G*G
 * @param pixels (N) written: pixels taken from image i, H*W where it is not mixed; or null
 * @param weights (N) written
 */
ACM_API int acm_source_weights(const acm_images *canvas, const acm_regions *regions, int32_t nominal, int64_t *pixels,
                               float *weights, acm_stream stream);

/**
 * Mixed label rows: v = w*y_i + (1 - w)*y_b, then (1 - smoothing)*v + smoothing/classes, in float, in that order.
 *
 * Minimal traffic: N*12 bytes (ids) or 2*N*classes*4 (rows) read, N*classes*4 written.
 *
 * @param ids (N) class of each image before mixing, 0 to classes - 1; or null
 * @param rows (N, classes) class values of each image before mixing; or null; exactly one of the two is given
 * @param partner (N)
 * @param weights (N) w, the share of image i
 * @param smoothing 0 to 1
 * @param out (N, classes)
 */
ACM_API int acm_soft_labels(const int32_t *ids, const float *rows, const int32_t *partner, const float *weights,
                            int64_t n, int64_t classes, float smoothing, float *out, acm_stream stream);

/**
 * Runs every inline-PTX wrapper on one warp with inputs whose results show each lane's place, so that a real GPU can be
 * compared with the lane maps that the CPU build of the kernels follows.
 *
 * @param results (ACM_SELF_TEST_WORDS) written: per lane 4 words of ldmatrix, 4 of mma f16, 4 of mma bf16, 4 of an
 *     asynchronous copy, 4 of conversions
 */
ACM_API int acm_self_test(uint32_t *results, acm_stream stream);
enum { ACM_SELF_TEST_WORDS = 640 };

#ifdef __cplusplus
}
#endif
#endif
