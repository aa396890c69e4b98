// Weights of Pillow's resize (Pillow 13, precompute_coeffs and normalize_coeffs_8bpc of Resample.c), in double and
// without contraction, so that they are Java's to the last bit.
#pragma once
#include "images.cuh"

namespace acm {
constexpr int kWeightBits = 32 - 8 - 2;

__host__ __device__ inline double support_of(int in, int out, int filter) {
  const double scale = static_cast<double>(in) / out;
  return (filter == ACM_BICUBIC ? 2.0 : 1.0) * (scale > 1.0 ? scale : 1.0);
}
// Weights of one output position take this much room.
__host__ __device__ inline int stride_of(int in, int out, int filter) {
  const int64_t stride = static_cast<int64_t>(ceil(support_of(in, out, filter))) * 2 + 1;
  return static_cast<int>(stride < in ? stride : in);
}

// The tables of one direction of one image: first (room), taps (room), weights. Whatever the ratio, out positions times
// stride are at most 4·in + 5·out.
struct Tables {
  unsigned char *base;
  int64_t axisBytes;
  int room;      // most output positions
  int perImage;  // 0: one set for all images
};
inline int64_t axis_bytes(int mostIn, int mostOut, int weightBytes) {
  const int64_t weights = 4 * static_cast<int64_t>(mostIn) + 5 * static_cast<int64_t>(mostOut);
  return (8 * static_cast<int64_t>(mostOut) + weights * weightBytes + 15) / 16 * 16;
}
struct Axis {
  int32_t *first, *taps;
  void *weights;
};
__device__ __forceinline__ Axis axis_of(const Tables &t, int64_t image, int direction) {
  unsigned char *at = t.base + (t.perImage * image * 2 + direction) * t.axisBytes;
  int32_t *first = reinterpret_cast<int32_t *>(at);
  return {first, first + t.room, first + 2 * static_cast<int64_t>(t.room)};
}

__device__ __forceinline__ double filter_weight(double x, int filter) {
  const double d = x < 0 ? -x : x;
  if (filter == ACM_BILINEAR) return d < 1 ? 1 - d : 0;
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? (((d - 5) * d + 8) * d - 4) * -0.5 : 0;
}

// One output position: W is int32_t for uint8 images, double for floating ones.
template <typename W>
__device__ __forceinline__ void fill_position(const Axis &axis, int in, int out, int position, int filter) {
  const double scale = static_cast<double>(in) / out, filterScale = scale > 1.0 ? scale : 1.0;
  const double support = (filter == ACM_BICUBIC ? 2.0 : 1.0) * filterScale, inverse = 1.0 / filterScale;
  const double centre = (position + 0.5) * scale;
  const int low = static_cast<int>(centre - support + 0.5), high = static_cast<int>(centre + support + 0.5);
  const int from = low > 0 ? low : 0, count = (high < in ? high : in) - from;
  double sum = 0;
  for (int i = 0; i < count; i++) sum += filter_weight((i + from - centre + 0.5) * inverse, filter);
  W *weights = static_cast<W *>(axis.weights) + static_cast<int64_t>(position) * stride_of(in, out, filter);
  for (int i = 0; i < count; i++) {
    double weight = filter_weight((i + from - centre + 0.5) * inverse, filter);
    if (sum != 0) weight /= sum;
    if (sizeof(W) == 4) {
      const double scaled = weight * (1 << kWeightBits);
      weights[i] = static_cast<W>(scaled < 0 ? -0.5 + scaled : 0.5 + scaled);
    } else {
      weights[i] = static_cast<W>(weight);
    }
  }
  axis.first[position] = from;
  axis.taps[position] = count;
}

// Pillow goes down the columns first when the height shrinks by more than twice what the width does.
__device__ __forceinline__ bool columns_first(Size in, Size out) {
  return in.h > out.h && in.h - out.h > (in.w - out.w) * int64_t{2};
}
}  // namespace acm
