// Groups of 16 or 8 neighbouring pixels of three channels: aligned 16-byte loads wherever the images begin, conversion
// in registers, 16-byte stores where the output is aligned and 4-byte stores where it is not. Every output byte is
// stored once.
#pragma once
#include "images.cuh"

namespace acm {
// Pixels of a group whose values take S bytes: whole vectors in every layout, and few enough registers.
__host__ __device__ constexpr int group_of(int size) { return size == 1 ? 16 : 8; }

__device__ __forceinline__ uint32_t word_of(const uint4 &v, int i) {
  return i == 0 ? v.x : i == 1 ? v.y : i == 2 ? v.z : v.w;
}

// Bytes m to m + 15 (m is 1 to 15) of the 32 bytes of two vectors.
__device__ __forceinline__ uint4 shifted(const uint4 &low, const uint4 &high, uint32_t m) {
  uint32_t w[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
  ACM_UNROLL
  for (int i = 0; i < 6; i++) w[i] = m & 8 ? w[i + 2] : w[i];
  ACM_UNROLL
  for (int i = 0; i < 5; i++) w[i] = m & 4 ? w[i + 1] : w[i];
  const uint32_t bits = (m & 3) * 8;
  return make_uint4(__funnelshift_r(w[0], w[1], bits), __funnelshift_r(w[1], w[2], bits),
                    __funnelshift_r(w[2], w[3], bits), __funnelshift_r(w[3], w[4], bits));
}

// Bytes from anywhere, 16 after 16. Reads the aligned words that hold them, each once.
struct ReadRun {
  const unsigned char *at;
  uint32_t shift;
  uint4 held;
  __device__ __forceinline__ explicit ReadRun(const unsigned char *from)
      : at(from), shift(static_cast<uint32_t>(reinterpret_cast<uintptr_t>(from) & 15)), held(make_uint4(0, 0, 0, 0)) {
    if (shift != 0) {
      at -= shift;
      held = load16(at);
      at += 16;
    }
  }
  __device__ __forceinline__ uint4 next() {
    const uint4 v = load16(at);
    at += 16;
    if (shift == 0) return v;
    const uint4 result = shifted(held, v, shift);
    held = v;
    return result;
  }
};

// Bytes to anywhere, 16 after 16: vectors where they are aligned, else whole words and single bytes at the two ends.
struct WriteRun {
  unsigned char *at;
  uint32_t apart;  // bytes from the last aligned word to `at`
  uint32_t held = 0;
  __device__ __forceinline__ explicit WriteRun(unsigned char *to)
      : at(to), apart(static_cast<uint32_t>(reinterpret_cast<uintptr_t>(to) & 3)) {}
  // `first` and `last`: whether these are the first and the last 16 bytes of the run.
  __device__ __forceinline__ void put(const uint4 &v, bool first, bool last) {
    if (reinterpret_cast<uintptr_t>(at) % 16 == 0) {
      store16(at, v);
    } else if (apart == 0) {
      ACM_UNROLL
      for (int i = 0; i < 4; i++) reinterpret_cast<uint32_t *>(at)[i] = word_of(v, i);
    } else {
      ACM_UNROLL
      for (int i = 0; i < 4; i++) {
        const uint32_t w = word_of(v, i);
        if (first && i == 0) {
          ACM_UNROLL
          for (uint32_t b = 0; b < 3; b++) {
            if (b < 4 - apart) at[b] = static_cast<unsigned char>(w >> (8 * b));
          }
        } else {
          *reinterpret_cast<uint32_t *>(at + 4 * i - apart) = __funnelshift_l(held, w, 8 * apart);
        }
        held = w;
      }
      if (last) {
        ACM_UNROLL
        for (uint32_t b = 0; b < 3; b++) {
          if (b < apart) at[16 - apart + b] = static_cast<unsigned char>(held >> (8 * (4 - apart + b)));
        }
      }
    }
    at += 16;
  }
};

// Raw values of a group in the order in which the image has them: (pixels, 3) or, kPlanes, (3, pixels), S bytes each.
template <int S, bool kPlanes> struct Group {
  static constexpr int kPixels = group_of(S), kVectors = kPixels * 3 * S / 16;
  uint32_t words[4 * kVectors];

  __device__ __forceinline__ uint32_t raw(int c, int i) const {
    const int at = (kPlanes ? c * kPixels + i : 3 * i + c) * S;
    const uint32_t w = words[at / 4] >> (at % 4 * 8);
    return S == 1 ? w & 0xffu : S == 2 ? w & 0xffffu : w;
  }
  // Pixels p and after it of an image of `count` pixels: from `a` where the mask's bit is set, from `b` elsewhere.
  __device__ __forceinline__ void load(const unsigned char *a, const unsigned char *b, uint32_t mask, int64_t count,
                                       int64_t p) {
    constexpr int runs = kPlanes ? 3 : 1, vectors = kVectors / runs;
    ACM_UNROLL
    for (uint32_t &w : words) w = 0;
    ACM_NO_UNROLL  // one image at a time: registers are short
    for (int turn = 0; turn < 2; turn++) {
      const uint32_t own = turn == 0 ? mask : ((1u << kPixels) - 1) & ~mask;
      if (own == 0) continue;
      ACM_UNROLL
      for (int r = 0; r < runs; r++) {
        ReadRun run((turn == 0 ? a : b) + (kPlanes ? (r * count + p) * S : p * 3 * S));
        ACM_UNROLL
        for (int q = 0; q < vectors; q++) {
          const uint4 v = run.next();
          ACM_UNROLL
          for (int j = 0; j < 4; j++) {
            const int at = (r * vectors + q) * 4 + j;
            words[at] |= word_of(v, j) & bits(own, at);
          }
        }
      }
    }
  }
  __device__ __forceinline__ void load(const unsigned char *image, int64_t count, int64_t p) {
    constexpr int runs = kPlanes ? 3 : 1, vectors = kVectors / runs;
    ACM_UNROLL
    for (int r = 0; r < runs; r++) {
      ReadRun run(image + (kPlanes ? (r * count + p) * S : p * 3 * S));
      ACM_UNROLL
      for (int q = 0; q < vectors; q++) {
        const uint4 v = run.next();
        ACM_UNROLL
        for (int j = 0; j < 4; j++) words[(r * vectors + q) * 4 + j] = word_of(v, j);
      }
    }
  }

 private:
  // The bits of a word that belong to pixels of the mask.
  static __device__ __forceinline__ uint32_t bits(uint32_t mask, int word) {
    constexpr int perWord = 4 / S;
    uint32_t chosen = 0;
    ACM_UNROLL
    for (int i = 0; i < perWord; i++) {
      const int e = word * perWord + i, pixel = kPlanes ? e % kPixels : e / 3;
      const uint32_t all = S == 1 ? 0xffu : S == 2 ? 0xffffu : 0xffffffffu;
      chosen |= mask >> pixel & 1 ? all << (i * 8 * S % 32) : 0;
    }
    return chosen;
  }
};

// Writes C values of U bytes for P pixels; `value(channel, pixel)` gives the raw bits of channels 0 to 2, the others
// are 0.
template <int P, int U, int C, typename V>
__device__ __forceinline__ void store_interleaved(unsigned char *to, V value) {
  constexpr int perWord = 4 / U, vectors = P * C * U / 16;
  WriteRun run(to);
  ACM_UNROLL
  for (int q = 0; q < vectors; q++) {
    uint32_t words[4];
    ACM_UNROLL
    for (int j = 0; j < 4; j++) {
      words[j] = 0;
      ACM_UNROLL
      for (int i = 0; i < perWord; i++) {
        const int e = (q * 4 + j) * perWord + i;
        if (e % C < 3) words[j] |= value(e % C < 3 ? e % C : 0, e / C) << (i * 8 * U % 32);
      }
    }
    run.put(make_uint4(words[0], words[1], words[2], words[3]), q == 0, q == vectors - 1);
  }
}
template <int P, int U, typename V>
__device__ __forceinline__ void store_planes(unsigned char *to, int64_t planeBytes, V value) {
  constexpr int perWord = 4 / U, vectors = P * U / 16;
  ACM_UNROLL
  for (int c = 0; c < 3; c++) {
    WriteRun run(to + c * planeBytes);
    ACM_UNROLL
    for (int q = 0; q < vectors; q++) {
      uint32_t words[4];
      ACM_UNROLL
      for (int j = 0; j < 4; j++) {
        words[j] = 0;
        ACM_UNROLL
        for (int i = 0; i < perWord; i++) words[j] |= value(c, (q * 4 + j) * perWord + i) << (i * 8 * U % 32);
      }
      run.put(make_uint4(words[0], words[1], words[2], words[3]), q == 0, q == vectors - 1);
    }
  }
}

// Whether the aligned words of group p lie inside the image, so that nothing outside it is read. Only an image's first
// and last groups may not.
__device__ __forceinline__ bool group_inside(const acm_images &form, const unsigned char *image, int64_t count,
                                             int64_t p) {
  const int64_t size = size_of(form.type), first = reinterpret_cast<uintptr_t>(image) & 15;
  const int64_t pixels = group_of(static_cast<int>(size));
  const bool planes = form.layout == ACM_NCHW;
  const int64_t begin = p * (planes ? size : 3 * size),
                end = planes ? (2 * count + p + pixels) * size : (p + pixels) * 3 * size;
  const int64_t low = (first + begin) / 16 * 16 - first, high = (first + end + 15) / 16 * 16 - first;
  return p + pixels <= count && low >= 0 && high <= 3 * count * size;
}

// How raw bits become the output's: a table for uint8, arithmetic for the floating types, nothing between equal types.
struct Conversion {
  int from, to;
  bool normalised;        // floating values only; the table of uint8 holds normalised ones
  const uint32_t *table;  // shared, (3, 256) output bits of every byte
  Normalisation normalisation;
};
constexpr int kTableBytes = 3 * 256 * 4;

// Fills the table with all threads of the block; a barrier must follow.
__device__ __forceinline__ void fill_table(uint32_t *table, int from, int to, const Normalisation &n, int threads) {
  if (from != ACM_UINT8 || to == ACM_UINT8) return;
  ACM_NO_UNROLL
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
// The same where the sizes of the types are known.
template <int S, int U>
__device__ __forceinline__ uint32_t convert_sized(const Conversion &c, uint32_t bits, int channel, Finite &finite) {
  if constexpr (S == 1) {
    return U == 1 ? bits : c.table[channel * 256 + bits];
  } else {
    float v = S == 4 ? __uint_as_float(bits) : float_of(bits, c.from);
    if (c.normalised) v = normalise(v, c.normalisation, channel);
    finite.see(v);
    if (S == U && c.from == c.to && !c.normalised) return bits;
    return U == 4 ? __float_as_uint(v) : bits_of(v, c.to);
  }
}

// A group: pixels of the mask from `a`, the others from `b`; the output has 3 channels, or 4 or 8 where kPadded.
template <int S, bool kPlanes, int U, bool kPadded>
__device__ __forceinline__ void store_group(const Conversion &conversion, const Group<S, kPlanes> &g,
                                            const acm_images &form, unsigned char *out, int64_t count, int64_t p,
                                            Finite &finite) {
  constexpr int P = group_of(S);
  const auto value = [&](int c, int i) { return convert_sized<S, U>(conversion, g.raw(c, i), c, finite); };
  if (form.layout == ACM_NCHW) {
    store_planes<P, U>(out + p * U, count * U, value);
  } else if (!kPadded || form.channels == 3) {
    store_interleaved<P, U, 3>(out + p * 3 * U, value);
  } else if constexpr (kPadded && U != 1) {
    if (form.channels == 4) {
      store_interleaved<P, U, 4>(out + p * 4 * U, value);
    } else {
      store_interleaved<P, U, 8>(out + p * 8 * U, value);
    }
  }
}
template <int S, bool kPlanes, bool kPadded>
__device__ __forceinline__ void move_group(const Conversion &conversion, const unsigned char *a, const unsigned char *b,
                                           uint32_t mask, const acm_images &form, unsigned char *out, int64_t count,
                                           int64_t p, Finite &finite) {
  Group<S, kPlanes> g;
  if (kPadded) {  // what pads does not mix
    g.load(a, count, p);
  } else {
    g.load(a, b, mask, count, p);
  }
  if (S == 1 && form.type == ACM_UINT8) {
    store_group<S, kPlanes, 1, kPadded>(conversion, g, form, out, count, p, finite);
  } else if (form.type == ACM_FLOAT32) {
    store_group<S, kPlanes, 4, kPadded>(conversion, g, form, out, count, p, finite);
  } else {
    store_group<S, kPlanes, 2, kPadded>(conversion, g, form, out, count, p, finite);
  }
}
// One pixel of three values, or of one where images have one channel.
__device__ __forceinline__ void move_pixel(const Conversion &conversion, const acm_images &from,
                                           const unsigned char *in, int64_t inPixel, int64_t inCount,
                                           const acm_images &to, unsigned char *out, int64_t outPixel, int64_t outCount,
                                           Finite &finite) {
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
