// Max-pool 3×3, stride 2, padding 1, NHWC: the fallback beside the fused stem, and the pool of float extractors.
//
// Bound by memory: N·H·W·C·t bytes read, a quarter written. A thread makes one 16-byte vector of channels of one output
// pixel; the up to nine reads of a vector meet in the first- and second-level caches. NaN wins over every number.
#include "launch.cuh"

namespace acm {
template <typename T> __device__ __forceinline__ float larger(float a, T v) {
  const float b = to_float(v);
  return a != a || a >= b ? a : b;  // b when it is greater or NaN
}

// dynamic shared bytes: 0
template <typename T, int V>
__global__ void __launch_bounds__(256, 4)
    max_pool_kernel(const T *__restrict__ x, T *__restrict__ y, int64_t total, int64_t h, int64_t w, int64_t c) {
  const int64_t oh = (h + 1) / 2, ow = (w + 1) / 2, groups = c / V;
  for (int64_t at = int64_t(blockIdx.x) * 256 + threadIdx.x; at < total; at += int64_t(gridDim.x) * 256) {
    const int64_t pixel = at / groups, channel = (at - pixel * groups) * V;
    const int64_t row = pixel / ow, ox = pixel - row * ow, n = row / oh, oy = row - n * oh;
    float most[V];
    ACM_UNROLL
    for (int i = 0; i < V; i++) most[i] = __uint_as_float(0xff800000u);
    for (int64_t iy = max(2 * oy - 1, int64_t{0}); iy < min(2 * oy + 2, h); iy++) {
      for (int64_t ix = max(2 * ox - 1, int64_t{0}); ix < min(2 * ox + 2, w); ix++) {
        const T *from = x + ((n * h + iy) * w + ix) * c + channel;
        if (V == 1) {
          most[0] = larger(most[0], *from);
        } else {
          Vector<T> v;
          v.raw = load16(from);
          ACM_UNROLL
          for (int i = 0; i < V; i++) most[i] = larger(most[i], v.values[i]);
        }
      }
    }
    T *to = y + pixel * c + channel;
    if (V == 1) {
      *to = from_float<T>(most[0]);
    } else {
      Vector<T> v;
      ACM_UNROLL
      for (int i = 0; i < V; i++) v.values[i] = from_float<T>(most[i]);
      store16(to, v.raw);
    }
  }
}

template <typename T>
int max_pool(const void *x, void *y, int64_t n, int64_t h, int64_t w, int64_t c, acm_stream stream) {
  constexpr int V = Vector<T>::length;
  const bool vectors = c % V == 0 && aligned(x, 16) && aligned(y, 16);
  const int64_t total = n * ((h + 1) / 2) * ((w + 1) / 2) * (vectors ? c / V : c);
  int blocks = 0;
  const int status = stride_blocks(total, 256, 8, &blocks);
  if (status != ACM_OK) return status;
  return launch(vectors ? max_pool_kernel<T, V> : max_pool_kernel<T, 1>, dim3(blocks), 256, 0, stream,
                static_cast<const T *>(x), static_cast<T *>(y), total, h, w, c);
}
}  // namespace acm

extern "C" int acm_max_pool(const void *x, void *y, int32_t type, int64_t n, int64_t h, int64_t w, int64_t c,
                            acm_stream stream) {
  using namespace acm;
  if (!float_type(type)) return ACM_BAD_VALUE;
  if (n < 0 || h < 1 || w < 1 || c < 1) return ACM_BAD_SIZE;
  const int64_t in = product(product(product(n, h), product(w, c)), size_of(type));
  if (in < 0 || h > kMostPixels || w > kMostPixels) return ACM_TOO_LARGE;
  if (n == 0) return ACM_OK;
  if (x == nullptr || y == nullptr) return ACM_NULL_POINTER;
  if (!aligned(x, size_of(type)) || !aligned(y, size_of(type))) return ACM_MISALIGNED;
  if (overlap(x, in, y, n * ((h + 1) / 2) * ((w + 1) / 2) * c * size_of(type))) return ACM_OVERLAP;
  switch (type) {
    case ACM_FLOAT16: return max_pool<Half>(x, y, n, h, w, c, stream);
    case ACM_BFLOAT16: return max_pool<Brain>(x, y, n, h, w, c, stream);
    default: return max_pool<float>(x, y, n, h, w, c, stream);
  }
}
