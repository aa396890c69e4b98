// Where one image of a batch lies, for kernels.
#pragma once
#include "launch.cuh"

namespace acm {
struct Size {
  int h, w;
};
__device__ __forceinline__ Size size_at(const acm_images &b, int64_t i) {
  if (b.sizes == nullptr) return {b.height, b.width};
  return {__ldg(b.sizes + 2 * i), __ldg(b.sizes + 2 * i + 1)};
}
__device__ __forceinline__ unsigned char *image_at(const acm_images &b, int64_t i) {
  unsigned char *base = static_cast<unsigned char *>(b.pixels);
  if (b.offsets != nullptr) return base + b.offsets[i];
  return base + i * (static_cast<int64_t>(b.height) * b.width * b.channels * size_of(b.type));
}

// The raw bits of one value.
__device__ __forceinline__ uint32_t load_bits(const unsigned char *image, int64_t index, int bytes) {
  switch (bytes) {
    case 1: return image[index];
    case 2: return reinterpret_cast<const uint16_t *>(image)[index];
    default: return reinterpret_cast<const uint32_t *>(image)[index];
  }
}
__device__ __forceinline__ void store_bits(unsigned char *image, int64_t index, int bytes, uint32_t bits) {
  switch (bytes) {
    case 1: image[index] = static_cast<unsigned char>(bits); break;
    case 2: reinterpret_cast<uint16_t *>(image)[index] = static_cast<uint16_t>(bits); break;
    default: reinterpret_cast<uint32_t *>(image)[index] = bits; break;
  }
}

// One pixel's three values as raw bits of the form's type; channels above 3 become 0.
__device__ __forceinline__ void store_pixel(const acm_images &form, unsigned char *image, int64_t pixel, int64_t count,
                                            const uint32_t (&v)[3]) {
  const int bytes = size_of(form.type);
  if (form.layout == ACM_NCHW) {
    ACM_UNROLL
    for (int c = 0; c < 3; c++) store_bits(image, c * count + pixel, bytes, v[c]);
    return;
  }
  if (form.channels == 4 && bytes == 2 && reinterpret_cast<uintptr_t>(image) % 8 == 0) {
    reinterpret_cast<uint2 *>(image)[pixel] = make_uint2(v[0] | v[1] << 16, v[2]);
    return;
  }
  if (form.channels == 8 && bytes == 2 && reinterpret_cast<uintptr_t>(image) % 16 == 0) {
    store16(image + pixel * 16, make_uint4(v[0] | v[1] << 16, v[2], 0, 0));
    return;
  }
  ACM_NO_UNROLL
  for (int c = 0; c < form.channels; c++) {
    store_bits(image, pixel * form.channels + c, bytes, c == 0 ? v[0] : c == 1 ? v[1] : c == 2 ? v[2] : 0);
  }
}
}  // namespace acm
