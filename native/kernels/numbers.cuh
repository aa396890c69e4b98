// Value types as raw bits, and conversions that give Java's bits: nearest, ties to even, NaN with sign and payload
// kept.
#pragma once
#include "attentive_kernels.h"
#include "device.cuh"

namespace acm {
struct Half {
  uint16_t bits;
};
struct Brain {
  uint16_t bits;
};

__host__ __device__ constexpr int size_of(int type) { return type == ACM_UINT8 ? 1 : type == ACM_FLOAT32 ? 4 : 2; }

__device__ __forceinline__ float to_float(float v) { return v; }
__device__ __forceinline__ float to_float(Half v) {
  const uint32_t magnitude = v.bits & 0x7fffu;
  if (magnitude > 0x7c00u) return __uint_as_float((v.bits & 0x8000u) << 16 | 0x7f800000u | (magnitude & 0x3ffu) << 13);
  return half_to_float(v.bits);
}
__device__ __forceinline__ float to_float(Brain v) { return __uint_as_float(static_cast<uint32_t>(v.bits) << 16); }

template <typename T> __device__ T from_float(float v);
template <> __device__ __forceinline__ float from_float<float>(float v) { return v; }
template <> __device__ __forceinline__ Half from_float<Half>(float v) {
  if (v != v) {
    const uint32_t u = __float_as_uint(v);
    return {static_cast<uint16_t>((u >> 16 & 0x8000u) | 0x7e00u | (u >> 13 & 0x3ffu))};
  }
  return {float_to_half(v)};
}
template <> __device__ __forceinline__ Brain from_float<Brain>(float v) {
  if (v != v) return {static_cast<uint16_t>(__float_as_uint(v) >> 16 | 0x40u)};
  return {float_to_brain(v)};
}

// The nearest value of `type` as raw bits; uint8 never comes here.
__device__ __forceinline__ uint32_t bits_of(float v, int type) {
  switch (type) {
    case ACM_FLOAT16: return from_float<Half>(v).bits;
    case ACM_BFLOAT16: return from_float<Brain>(v).bits;
    default: return __float_as_uint(v);
  }
}
__device__ __forceinline__ float float_of(uint32_t bits, int type) {
  switch (type) {
    case ACM_FLOAT16: return to_float(Half{static_cast<uint16_t>(bits)});
    case ACM_BFLOAT16: return to_float(Brain{static_cast<uint16_t>(bits)});
    default: return __uint_as_float(bits);
  }
}

// Whether a value is a NaN or an infinity, gathered without a branch: the largest magnitude seen, as bits.
struct Finite {
  uint32_t largest = 0;
  __device__ __forceinline__ void see(float v) { largest = max(largest, __float_as_uint(v) & 0x7fffffffu); }
  __device__ __forceinline__ bool all() const { return largest < 0x7f800000u; }
};

// A 16-byte vector as values of T.
template <typename T> struct Vector {
  static constexpr int length = 16 / sizeof(T);
  union {
    uint4 raw;
    T values[length];
  };
};

// ReLU that keeps NaN, and gives +0 for -0.
__device__ __forceinline__ float relu(float v) { return v > 0.f || v != v ? v : 0.f; }

struct Normalisation {
  float mean[3], std[3];
};
__device__ __forceinline__ float normalise(float v, const Normalisation &n, int channel) {
  return (v - n.mean[channel]) / n.std[channel];
}
// v/255 is a division, as torchvision and Java do it: a product with 1/255 is another float for some v.
__device__ __forceinline__ float normalise_byte(uint32_t v, const Normalisation &n, int channel) {
  return normalise(static_cast<float>(v) / 255.f, n, channel);
}
}  // namespace acm
