// Mixed label rows. Both labels accumulate, so that two images of one class give exactly one.
//
// Bound by memory: N·classes·4 bytes written (and 2·N·classes·4 read where labels are rows).
#include "launch.cuh"

namespace acm {
// dynamic shared bytes: 0
__global__ void __launch_bounds__(256, 4)
    soft_labels_kernel(const int32_t *ids, const float *rows, const int32_t *partner, const float *weights,
                       int64_t total, int64_t classes, float smoothing, float *out) {
  const float keep = 1.f - smoothing, spread = smoothing / static_cast<float>(classes);
  for (int64_t at = int64_t(blockIdx.x) * 256 + threadIdx.x; at < total; at += int64_t(gridDim.x) * 256) {
    const int64_t i = at / classes, c = at - i * classes, b = __ldg(partner + i);
    const float w = __ldg(weights + i), rest = 1.f - w;
    float v;
    if (rows != nullptr) {
      v = w * __ldg(rows + at) + rest * __ldg(rows + b * classes + c);
    } else {
      const bool source = __ldg(ids + i) == c, background = __ldg(ids + b) == c;
      v = source && background ? w + rest : source ? w : background ? rest : 0.f;
    }
    out[at] = keep * v + spread;
  }
}
}  // namespace acm

extern "C" int acm_soft_labels(const int32_t *ids, const float *rows, const int32_t *partner, const float *weights,
                               int64_t n, int64_t classes, float smoothing, float *out, acm_stream stream) {
  using namespace acm;
  if (n < 0 || classes < 1) return ACM_BAD_SIZE;
  if (!(smoothing >= 0.f && smoothing <= 1.f)) return ACM_BAD_VALUE;
  const int64_t total = product(n, classes), bytes = product(total, 4);
  if (bytes < 0 || n > 0x7fffffff) return ACM_TOO_LARGE;
  if (n == 0) return ACM_OK;
  if ((ids == nullptr) == (rows == nullptr)) return ids == nullptr ? ACM_NULL_POINTER : ACM_UNSUPPORTED;
  if (partner == nullptr || weights == nullptr || out == nullptr) return ACM_NULL_POINTER;
  if (!aligned(ids, 4) || !aligned(rows, 4) || !aligned(partner, 4) || !aligned(weights, 4) || !aligned(out, 4)) {
    return ACM_MISALIGNED;
  }
  if ((rows != nullptr && overlap(rows, bytes, out, bytes)) || (ids != nullptr && overlap(ids, n * 4, out, bytes)) ||
      overlap(weights, n * 4, out, bytes) || overlap(partner, n * 4, out, bytes)) {
    return ACM_OVERLAP;
  }
  int blocks = 0;
  const int status = stride_blocks(total, 256, 8, &blocks);
  if (status != ACM_OK) return status;
  return launch(soft_labels_kernel, dim3(blocks), 256, 0, stream, ids, rows, partner, weights, total, classes,
                smoothing, out);
}
