// x + residual + bias, then ReLU, NHWC: the epilogue of a convolution whose engine has none.
//
// Bound by memory: rows·C·t bytes read for x and for the residual, as many written. 16-byte vectors of one row's
// channels; the bias stays in the first-level cache. In place is safe: a thread reads a vector before it writes the
// same one.
#include "launch.cuh"

namespace acm {
// dynamic shared bytes: 0
template <typename T, int V>
__global__ void __launch_bounds__(256, 4)
    bias_residual_relu_kernel(const T *x, const float *__restrict__ bias, const T *residual, T *y, int64_t total,
                              int64_t c, int activate) {
  for (int64_t at = (int64_t(blockIdx.x) * 256 + threadIdx.x) * V; at < total; at += int64_t(gridDim.x) * 256 * V) {
    const int64_t channel = total <= 0xffffffff ? static_cast<uint32_t>(at) % static_cast<uint32_t>(c) : at % c;
    if (V == 1) {
      float v = to_float(x[at]);
      if (residual != nullptr) v += to_float(residual[at]);
      v += __ldg(bias + channel);
      y[at] = from_float<T>(activate ? relu(v) : v);
    } else {
      Vector<T> v, r;
      v.raw = *reinterpret_cast<const uint4 *>(x + at);
      r.raw = make_uint4(0, 0, 0, 0);
      if (residual != nullptr) r.raw = *reinterpret_cast<const uint4 *>(residual + at);
      ACM_UNROLL
      for (int i = 0; i < V; i++) {
        float f = to_float(v.values[i]);
        if (residual != nullptr) f += to_float(r.values[i]);
        f += __ldg(bias + channel + i);
        v.values[i] = from_float<T>(activate ? relu(f) : f);
      }
      store16(y + at, v.raw);
    }
  }
}

template <typename T>
int bias_residual_relu(const void *x, const float *bias, const void *residual, void *y, int64_t total, int64_t c,
                       int activate, acm_stream stream) {
  constexpr int V = Vector<T>::length;
  const bool vectors = c % V == 0 && aligned(x, 16) && aligned(y, 16) && aligned(residual, 16);
  int blocks = 0;
  const int status = stride_blocks(vectors ? total / V : total, 256, 8, &blocks);
  if (status != ACM_OK) return status;
  return launch(vectors ? bias_residual_relu_kernel<T, V> : bias_residual_relu_kernel<T, 1>, dim3(blocks), 256, 0,
                stream, static_cast<const T *>(x), bias, static_cast<const T *>(residual), static_cast<T *>(y), total,
                c, activate);
}
}  // namespace acm

extern "C" int acm_bias_residual_relu(const void *x, const float *bias, const void *residual, void *y, int32_t type,
                                      int64_t rows, int64_t c, int32_t relu, acm_stream stream) {
  using namespace acm;
  if (!float_type(type)) return ACM_BAD_VALUE;
  if (rows < 0 || c < 1) return ACM_BAD_SIZE;
  const int64_t total = product(rows, c), bytes = product(total, size_of(type));
  if (bytes < 0 || c > 0x7fffffff) return ACM_TOO_LARGE;
  if (rows == 0) return ACM_OK;
  if (x == nullptr || bias == nullptr || y == nullptr) return ACM_NULL_POINTER;
  const int size = size_of(type);
  if (!aligned(x, size) || !aligned(y, size) || !aligned(residual, size) || !aligned(bias, 4)) return ACM_MISALIGNED;
  if ((x != y && overlap(x, bytes, y, bytes)) || overlap(bias, c * 4, y, bytes)) return ACM_OVERLAP;
  if (residual != nullptr && residual != y && overlap(residual, bytes, y, bytes)) return ACM_OVERLAP;
  switch (type) {
    case ACM_FLOAT16: return bias_residual_relu<Half>(x, bias, residual, y, total, c, relu, stream);
    case ACM_BFLOAT16: return bias_residual_relu<Brain>(x, bias, residual, y, total, c, relu, stream);
    default: return bias_residual_relu<float>(x, bias, residual, y, total, c, relu, stream);
  }
}
