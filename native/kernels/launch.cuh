// What launchers share: argument checks and the launch itself.
#pragma once
#include <initializer_list>

#include "attentive_kernels.h"
#include "numbers.cuh"

namespace acm {
constexpr int64_t kMostPixels = (int64_t{1} << 29) - 1;
constexpr int64_t kMostBytes = int64_t{1} << 62;

// a·b, or -1 when it is above 2^62; both 0 or more.
inline int64_t product(int64_t a, int64_t b) {
  if (a < 0 || b < 0) return -1;
  if (a != 0 && b > kMostBytes / a) return -1;
  return a * b;
}

inline bool aligned(const void *p, int bytes) { return reinterpret_cast<uintptr_t>(p) % bytes == 0; }

// Whether two ranges of memory share a byte.
inline bool overlap(const void *a, int64_t aBytes, const void *b, int64_t bBytes) {
  const uintptr_t x = reinterpret_cast<uintptr_t>(a), y = reinterpret_cast<uintptr_t>(b);
  return x < y + static_cast<uint64_t>(bBytes) && y < x + static_cast<uint64_t>(aBytes);
}

// Whether an output shares a byte with an input or with another output; null pointers take no part.
struct Range {
  const void *start;
  int64_t bytes;
};
inline bool any_overlap(std::initializer_list<Range> inputs, std::initializer_list<Range> outputs) {
  for (const Range *out = outputs.begin(); out != outputs.end(); out++) {
    if (out->start == nullptr) continue;
    for (const Range &in : inputs) {
      if (in.start != nullptr && overlap(in.start, in.bytes, out->start, out->bytes)) return true;
    }
    for (const Range *other = outputs.begin(); other != out; other++) {
      if (other->start != nullptr && overlap(other->start, other->bytes, out->start, out->bytes)) return true;
    }
  }
  return false;
}

inline bool float_type(int type) { return type == ACM_FLOAT16 || type == ACM_BFLOAT16 || type == ACM_FLOAT32; }

// Bytes of all images when they lie one behind the other.
inline int64_t bytes_of(const acm_images &b) {
  return product(b.count, static_cast<int64_t>(b.height) * b.width * b.channels * size_of(b.type));
}

// `memory`: whether pixels are read or written.
inline int check_images(const acm_images *b, bool memory = true) {
  if (b == nullptr) return ACM_NULL_POINTER;
  if (b->type < ACM_UINT8 || b->type > ACM_FLOAT32 || (b->layout != ACM_NHWC && b->layout != ACM_NCHW)) {
    return ACM_BAD_VALUE;
  }
  if (b->channels != 1 && b->channels != 3 && b->channels != 4 && b->channels != 8) return ACM_BAD_VALUE;
  if (b->channels > 3 && b->layout != ACM_NHWC) return ACM_UNSUPPORTED;
  if (b->count < 0 || b->height < 1 || b->width < 1) return ACM_BAD_SIZE;
  if (static_cast<int64_t>(b->height) * b->width > kMostPixels || b->count > 0x7fffffff || bytes_of(*b) < 0) {
    return ACM_TOO_LARGE;
  }
  if (!memory || b->count == 0) return ACM_OK;
  if (b->pixels == nullptr || (b->sizes != nullptr && b->offsets == nullptr)) return ACM_NULL_POINTER;
  return aligned(b->pixels, size_of(b->type)) ? ACM_OK : ACM_MISALIGNED;
}

// Ranges are known only where images lie one behind the other.
inline bool images_overlap(const acm_images &a, const acm_images &b) {
  if (a.offsets != nullptr || b.offsets != nullptr) return a.pixels == b.pixels && a.offsets == b.offsets;
  return overlap(a.pixels, bytes_of(a), b.pixels, bytes_of(b));
}

// Whether a range shares a byte with a batch, as far as the host can know; null does not.
inline bool range_overlaps(const acm_images &b, const void *start, int64_t bytes) {
  return start != nullptr && b.offsets == nullptr && b.pixels != nullptr &&
         overlap(b.pixels, bytes_of(b), start, bytes);
}

inline int read_normalisation(const float *values, Normalisation *n) {
  for (int c = 0; c < 3; c++) {
    n->mean[c] = values == nullptr ? 0.f : values[c];
    n->std[c] = values == nullptr ? 1.f : values[3 + c];
    if (!(n->std[c] > 0.f && n->std[c] - n->std[c] == 0.f && n->mean[c] - n->mean[c] == 0.f)) return ACM_BAD_VALUE;
  }
  return ACM_OK;
}

inline int multiprocessors(int *count) {
  int device = 0;
  const cudaError_t status = cudaGetDevice(&device);
  return status != cudaSuccess ? status : cudaDeviceGetAttribute(count, cudaDevAttrMultiProcessorCount, device);
}

// Blocks for a loop over `items` with a stride of the whole grid: `perMultiprocessor` blocks on each at most.
inline int stride_blocks(int64_t items, int perBlock, int perMultiprocessor, int *blocks) {
  int count = 0;
  const int status = multiprocessors(&count);
  const int64_t wanted = (items + perBlock - 1) / perBlock, most = static_cast<int64_t>(count) * perMultiprocessor;
  *blocks = static_cast<int>(wanted < most ? wanted : most);
  return status;
}

template <typename... P, typename... A>
int launch(void (*kernel)(P...), dim3 grid, int threads, size_t shared, acm_stream stream, A... arguments) {
  if (shared > (48u << 10)) {
    const int status =
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared));
    if (status != cudaSuccess) return status;
  }
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = dim3(threads);
  config.dynamicSmemBytes = shared;
  config.stream = stream;
  return cudaLaunchKernelEx(&config, kernel, static_cast<P>(arguments)...);
}
}  // namespace acm
