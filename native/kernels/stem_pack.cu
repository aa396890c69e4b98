// The stem's weights in the order of its B fragments; runs on the host, once per network.
//
// Step s takes row s/2 of the filter and pixels 4·(s%2) to 4·(s%2) + 3 of its 8-pixel window, 4 channels each; pixel p
// of the window is tap p − 1, and tap −1 and channel 3 have weight 0. Lane l = 4·g + t of n-tile j holds, for i = 0 to
// 3, the weight of k = 2·t + i%2 + 8·(i/2) and of channel 32·(j/4) + 8·(g/2) + 2·(j%4) + g%2.
#include <string.h>

#include "launch.cuh"

namespace acm {
inline uint32_t float_bits(float f) {
  uint32_t u;
  memcpy(&u, &f, sizeof u);
  return u;
}
inline float bits_float(uint32_t u) {
  float f;
  memcpy(&f, &u, sizeof f);
  return f;
}
// Nearest, ties to even, as Java's HalfFloats and the instructions do.
inline uint16_t host_half(float v) {
  const uint32_t bits = float_bits(v), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return static_cast<uint16_t>(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
  if (magnitude >= 0x47800000) return static_cast<uint16_t>(sign | 0x7c00);
  if (magnitude < 0x38800000) {
    // 0.5's last place is 2^-24, the smallest step of a half: the addition does the rounding.
    return static_cast<uint16_t>(sign | (float_bits(bits_float(magnitude) + 0.5f) - 0x3f000000));
  }
  return static_cast<uint16_t>(sign | (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13);
}
inline uint16_t host_brain(float v) {
  const uint32_t bits = float_bits(v);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
}  // namespace acm

extern "C" int acm_stem_pack(const float *weights, int32_t type, uint16_t *packed) {
  using namespace acm;
  if (type != ACM_FLOAT16 && type != ACM_BFLOAT16) return ACM_BAD_VALUE;
  if (weights == nullptr || packed == nullptr) return ACM_NULL_POINTER;
  if (overlap(weights, 64 * 147 * 4, packed, 14336 * 2)) return ACM_OVERLAP;
  for (int at = 0; at < 14336; at++) {
    const int value = at % 8, lane = at / 8 % 32, pair = at / 256 % 4, step = at / 1024;
    const int i = value % 4, j = 2 * pair + value / 4, g = lane / 4, t = lane % 4;
    const int k = 2 * t + i % 2 + 8 * (i / 2), tap = 4 * (step % 2) + k / 4 - 1, input = k % 4;
    const int channel = 32 * (j / 4) + 8 * (g / 2) + 2 * (j % 4) + g % 2;
    const float w = tap < 0 || input == 3 ? 0.f : weights[((channel * 3 + input) * 7 + step / 2) * 7 + tap];
    packed[at] = type == ACM_FLOAT16 ? host_half(w) : host_brain(w);
  }
  return ACM_OK;
}
