// The tensor-core, ldmatrix, cp.async and conversion instructions of device.cuh, by their published lane maps
// (PTX ISA 9.0, "Matrix fragments for mma.m16n8k16" and "ldmatrix"). Lane l is row group g = l/4, column pair t = l%4.
#pragma once
#include "cuda_emu.h"

namespace emu {
inline float fromHalf(uint16_t h) {
  const uint32_t sign = uint32_t(h & 0x8000) << 16, magnitude = h & 0x7fff;
  if (magnitude >= 0x7c00) return magnitude > 0x7c00 ? value<float>(0x7fffffffu) : value<float>(sign | 0x7f800000u);
  if (magnitude < 0x400) return (sign ? -1.f : 1.f) * float(magnitude) * 0x1p-24f;
  return value<float>(sign | ((magnitude << 13) + (112u << 23)));
}
inline uint16_t toHalf(float f) {
  const uint32_t u = uint32_t(bits(f)), sign = u >> 16 & 0x8000, magnitude = u & 0x7fffffff;
  if (magnitude > 0x7f800000) return 0x7fff;  // the instruction's one NaN
  if (magnitude >= 0x47800000) return uint16_t(sign | 0x7c00);
  if (magnitude < 0x38800000) { return uint16_t(sign | (uint32_t(bits(value<float>(magnitude) + 0.5f)) - 0x3f000000)); }
  return uint16_t(sign | (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13);
}
inline float fromBrain(uint16_t h) { return value<float>(uint32_t(h) << 16); }
inline uint16_t toBrain(float f) {
  const uint32_t u = uint32_t(bits(f));
  if ((u & 0x7fffffff) > 0x7f800000) return 0x7fff;
  return uint16_t((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

// Extra cycles of a 16-byte shared access: eight lanes at a time go over 32 banks of 4 bytes.
EMU_INTERNAL inline long conflicts(Slots s) {
  long extra = 0;
  for (int phase = 0; phase < 4; phase++) {
    int use[8] = {}, most = 0;
    for (int i = 0; i < 8; i++) {
      const uint64_t at = s[8 * phase + i][0] - reinterpret_cast<uint64_t>(block->shared);
      if (at & 15) die("a 16-byte shared access is not aligned");
      bool again = false;  // the same address is one access
      for (int j = 0; j < i; j++) again |= s[8 * phase + j][0] == s[8 * phase + i][0];
      if (!again) most = std::max(most, ++use[at / 16 & 7]);
    }
    extra += most - 1;
  }
  return extra;
}
EMU_INTERNAL inline void countConflicts(Slots s, long &n, long &extra) {
  if ((current().rank & 31) == 0) {
    n++;
    extra += conflicts(s);
  }
}

// D = A·B + C of m16n8k16: products and the sum of 16 of them are exact in double, rounded to float once.
template <bool brain> EMU_INTERNAL void mma(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  Slots s =
      exchange(~0u, a[0] | uint64_t(a[1]) << 32, a[2] | uint64_t(a[3]) << 32, b0 | uint64_t(b1) << 32, "mma", false);
  const int lane = current().rank & 31, g = lane >> 2, t = lane & 3;
  if (lane == 0) counters.mma++;
  auto half = [&](uint64_t word, int i) {
    const uint16_t h = uint16_t(word >> (16 * i));
    return brain ? fromBrain(h) : fromHalf(h);
  };
  for (int i = 0; i < 4; i++) {
    const int row = g + 8 * (i >> 1), column = 2 * t + (i & 1);
    double sum = c[i];
    for (int k = 0; k < 16; k++) {
      // A: register (row >= 8) + 2·(k >= 8) of lane 4·(row % 8) + (k % 8)/2, half k & 1.
      const uint64_t wordA = s[4 * (row & 7) + ((k & 7) >> 1)][k >> 3];
      const uint64_t wordB = s[4 * column + ((k & 7) >> 1)][2];
      sum += double(half(wordA, 2 * (row >> 3) + (k & 1))) * half(wordB, 2 * (k >> 3) + (k & 1));
    }
    c[i] = float(sum);
  }
}
}  // namespace emu

namespace acm {
inline void mma_f16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) { emu::mma<false>(c, a, b0, b1); }
inline void mma_bf16(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) { emu::mma<true>(c, a, b0, b1); }

// Every lane gives the address of one row; the reads are the reading lane's own, so that sanitizers see them as such.
inline void ldmatrix_x4(uint32_t (&r)[4], const void *row) {
  emu::Slots s = emu::exchange(~0u, reinterpret_cast<uint64_t>(row), 0, 0, "ldmatrix", false);
  emu::countConflicts(s, emu::counters.ldmatrix, emu::counters.ldmatrixConflicts);
  const int lane = emu::current().rank & 31;
  for (int m = 0; m < 4; m++) {
    r[m] = reinterpret_cast<const uint32_t *>(emu::word(s, 8 * m + (lane >> 2), 0))[lane & 3];
  }
}
inline uint4 load_shared16(const void *p) {
  emu::Slots s = emu::exchange(~0u, reinterpret_cast<uint64_t>(p), 0, 0, "load_shared16", false);
  emu::countConflicts(s, emu::counters.shared16, emu::counters.shared16Conflicts);
  return *static_cast<const uint4 *>(p);
}
inline void store_shared16(void *p, uint4 v) {
  emu::Slots s = emu::exchange(~0u, reinterpret_cast<uint64_t>(p), 0, 0, "store_shared16", false);
  emu::countConflicts(s, emu::counters.shared16, emu::counters.shared16Conflicts);
  *static_cast<uint4 *>(p) = v;
}

}  // namespace acm
namespace emu {
EMU_INTERNAL inline void countAsyncCopy() { counters.asyncCopies++; }
}  // namespace emu
namespace acm {
// The destination is poisoned until the issuing thread has waited: a missing wait, and a buffer reused too early, show.
inline void copy_async16(void *shared, const void *global, int bytes) {
  if ((reinterpret_cast<uintptr_t>(shared) | reinterpret_cast<uintptr_t>(global)) & 15) {
    emu::die("cp.async is not aligned");
  }
  memset(shared, 0xFF, 16);
  emu::current().open.push_back(
      {static_cast<unsigned char *>(shared), static_cast<const unsigned char *>(global), bytes, 16 - bytes});
  emu::countAsyncCopy();
}
inline void copy_async_commit() {
  emu::Fiber &f = emu::current();
  f.groups.push_back(std::move(f.open));
  f.open.clear();
}
template <int pending> void copy_async_wait() {
  emu::Fiber &f = emu::current();
  while (int(f.groups.size()) > pending) {
    for (const emu::AsyncCopy &c : f.groups.front()) {
      for (int i = 0; i < c.bytes; i++) c.to[i] = c.from[i];
      memset(c.to + c.bytes, 0, size_t(c.zeros));
    }
    f.groups.erase(f.groups.begin());
  }
}
inline float half_to_float(uint16_t h) { return emu::fromHalf(h); }
inline uint16_t float_to_half(float f) { return emu::toHalf(f); }
inline uint16_t float_to_brain(float f) { return emu::toBrain(f); }
inline int64_t opaque(int64_t v) { return v; }
inline uint4 load16(const void *p) { return *static_cast<const uint4 *>(p); }
inline uint4 load16_streaming(const void *p) { return *static_cast<const uint4 *>(p); }
inline void store16(void *p, uint4 v) { *static_cast<uint4 *>(p) = v; }
inline void raise_flag(uint8_t *p) { __atomic_store_n(p, uint8_t(1), __ATOMIC_RELAXED); }
}  // namespace acm

#define ACM_DYNAMIC_SHARED(name) unsigned char *const name = emu::block->shared
