// Groups of 16 neighbouring pixels of three channels, moved by 16-byte accesses and converted in registers.
#pragma once
#include "images.cuh"

namespace acm {
constexpr int kGroup = 16;
// (3, 16) raw bits of the values of a group.
using Group = uint32_t[3][kGroup];

__device__ __forceinline__ uint32_t word_of(const uint4 &v, int i) { return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w; }

// Values of `S` bytes in NHWC with `C` channels: 16·C·S bytes from `at`.
template <int S> __device__ __forceinline__ void load_interleaved(const unsigned char *at, Group &g) {
  constexpr int perVector = 16 / S, perWord = 4 / S;
  ACM_UNROLL
  for (int q = 0; q < 3 * S; q++) {
    const uint4 v = load16(at + 16 * q);
    ACM_UNROLL
    for (int i = 0; i < perVector; i++) {
      const int e = q * perVector + i;
      const uint32_t w = word_of(v, i / perWord) >> (i % perWord * 8 * S % 32);
      g[e % 3][e / 3] = S == 1 ? w & 0xffu : S == 2 ? w & 0xffffu : w;
    }
  }
}
template <int S> __device__ __forceinline__ void load_plane(const unsigned char *at, uint32_t (&values)[kGroup]) {
  constexpr int perVector = 16 / S, perWord = 4 / S;
  ACM_UNROLL
  for (int q = 0; q < S; q++) {
    const uint4 v = load16(at + 16 * q);
    ACM_UNROLL
    for (int i = 0; i < perVector; i++) {
      const uint32_t w = word_of(v, i / perWord) >> (i % perWord * 8 * S % 32);
      values[q * perVector + i] = S == 1 ? w & 0xffu : S == 2 ? w & 0xffffu : w;
    }
  }
}
template <int S, int C> __device__ __forceinline__ void store_interleaved(unsigned char *at, const Group &g) {
  constexpr int perWord = 4 / S;
  ACM_UNROLL
  for (int q = 0; q < C * S; q++) {
    uint32_t words[4];
    ACM_UNROLL
    for (int j = 0; j < 4; j++) {
      words[j] = 0;
      ACM_UNROLL
      for (int i = 0; i < perWord; i++) {
        const int e = (q * 4 + j) * perWord + i;
        if (e % C < 3) words[j] |= g[e % C < 3 ? e % C : 0][e / C] << (i * 8 * S % 32);
      }
    }
    store16(at + 16 * q, make_uint4(words[0], words[1], words[2], words[3]));
  }
}
template <int S> __device__ __forceinline__ void store_plane(unsigned char *at, const uint32_t (&values)[kGroup]) {
  constexpr int perWord = 4 / S;
  ACM_UNROLL
  for (int q = 0; q < S; q++) {
    uint32_t words[4];
    ACM_UNROLL
    for (int j = 0; j < 4; j++) {
      words[j] = 0;
      ACM_UNROLL
      for (int i = 0; i < perWord; i++) words[j] |= values[(q * 4 + j) * perWord + i] << (i * 8 * S % 32);
    }
    store16(at + 16 * q, make_uint4(words[0], words[1], words[2], words[3]));
  }
}

// Whether every group of an image of `count` pixels can be moved by 16-byte accesses.
__device__ __forceinline__ bool grouped(const acm_images &form, const unsigned char *image, int64_t count) {
  const bool planes = form.layout == ACM_NCHW;
  return reinterpret_cast<uintptr_t>(image) % 16 == 0 && (!planes || count * size_of(form.type) % 16 == 0);
}

// Pixels p to p + 15 of an image of `count` pixels.
__device__ __forceinline__ void load_group(const acm_images &form, const unsigned char *image, int64_t count, int64_t p,
                                           Group &g) {
  const int size = size_of(form.type);
  if (form.layout == ACM_NHWC) {
    const unsigned char *at = image + p * 3 * size;
    switch (size) {
      case 1: load_interleaved<1>(at, g); break;
      case 2: load_interleaved<2>(at, g); break;
      default: load_interleaved<4>(at, g); break;
    }
    return;
  }
  ACM_UNROLL
  for (int c = 0; c < 3; c++) {
    const unsigned char *at = image + (c * count + p) * size;
    switch (size) {
      case 1: load_plane<1>(at, g[c]); break;
      case 2: load_plane<2>(at, g[c]); break;
      default: load_plane<4>(at, g[c]); break;
    }
  }
}
__device__ __forceinline__ void store_group(const acm_images &form, unsigned char *image, int64_t count, int64_t p,
                                            const Group &g) {
  const int size = size_of(form.type);
  if (form.layout == ACM_NHWC) {
    unsigned char *at = image + p * form.channels * size;
    switch (size * 16 + form.channels) {
      case 16 + 3: store_interleaved<1, 3>(at, g); break;
      case 32 + 3: store_interleaved<2, 3>(at, g); break;
      case 32 + 4: store_interleaved<2, 4>(at, g); break;
      case 32 + 8: store_interleaved<2, 8>(at, g); break;
      case 64 + 3: store_interleaved<4, 3>(at, g); break;
      case 64 + 4: store_interleaved<4, 4>(at, g); break;
      default: store_interleaved<4, 8>(at, g); break;
    }
    return;
  }
  ACM_UNROLL
  for (int c = 0; c < 3; c++) {
    unsigned char *at = image + (c * count + p) * size;
    switch (size) {
      case 1: store_plane<1>(at, g[c]); break;
      case 2: store_plane<2>(at, g[c]); break;
      default: store_plane<4>(at, g[c]); break;
    }
  }
}

// How raw bits become the output's: a table for uint8, arithmetic for the floating types, nothing between equal types.
struct Conversion {
  int from, to;
  bool normalised;            // floating values only; the table of uint8 holds normalised ones
  const uint32_t *table;      // shared, (3, 256) output bits of every byte
  Normalisation normalisation;
};
constexpr int kTableBytes = 3 * 256 * 4;

// Fills the table with all threads of the block; a barrier must follow.
__device__ __forceinline__ void fill_table(uint32_t *table, int from, int to, const Normalisation &n, int threads) {
  if (from != ACM_UINT8 || to == ACM_UINT8) return;
  for (int v = threadIdx.x; v < 256; v += threads) {
    ACM_UNROLL
    for (int c = 0; c < 3; c++) table[c * 256 + v] = bits_of(normalise_byte(v, n, c), to);
  }
}
// `finite` sees every floating value, before it is rounded to the output's type.
__device__ __forceinline__ uint32_t convert(const Conversion &c, uint32_t bits, int channel, Finite &finite) {
  if (c.from == ACM_UINT8) return c.to == ACM_UINT8 ? bits : c.table[channel * 256 + bits];
  const float v = c.normalised ? normalise(float_of(bits, c.from), c.normalisation, channel) : float_of(bits, c.from);
  finite.see(v);
  return c.from == c.to && !c.normalised ? bits : bits_of(v, c.to);
}
__device__ __forceinline__ void convert_group(const Conversion &conversion, Group &g, Finite &finite) {
  if (conversion.from == ACM_UINT8 && conversion.to == ACM_UINT8) return;
  ACM_UNROLL
  for (int c = 0; c < 3; c++) {
    ACM_UNROLL
    for (int i = 0; i < kGroup; i++) g[c][i] = convert(conversion, g[c][i], c, finite);
  }
}
// One pixel of three values, or of one where images have one channel.
__device__ __forceinline__ void move_pixel(const Conversion &conversion, const acm_images &from, const unsigned char *in,
                                           int64_t inPixel, int64_t inCount, const acm_images &to, unsigned char *out,
                                           int64_t outPixel, int64_t outCount, Finite &finite) {
  const int size = size_of(from.type);
  if (from.channels == 1) {
    store_bits(out, outPixel, size, load_bits(in, inPixel, size));
    return;
  }
  uint32_t v[3];
  ACM_UNROLL
  for (int c = 0; c < 3; c++) {
    const int64_t at = from.layout == ACM_NHWC ? inPixel * 3 + c : c * inCount + inPixel;
    v[c] = convert(conversion, load_bits(in, at, size), c, finite);
  }
  store_pixel(to, out, outPixel, outCount, v);
}
}  // namespace acm
