// The patch copy: every output byte of an image from its source or its background, by cells or by one box.
#pragma once
#include "attend.cuh"
#include "pixels.cuh"

namespace acm {
__device__ __forceinline__ uint32_t pixel_of(int64_t byte, int pixelBytes) {
  switch (pixelBytes) {
    case 1: return static_cast<uint32_t>(byte);
    case 2: return static_cast<uint32_t>(byte >> 1);
    case 3: return static_cast<uint32_t>(byte / 3);
    case 4: return static_cast<uint32_t>(byte >> 2);
    case 6: return static_cast<uint32_t>(byte / 6);
    default: return static_cast<uint32_t>(byte / 12);
  }
}

// Which pixels of an image are the source's. All of it lies in shared memory, where it takes no registers.
struct Region {
  enum Kind { kAll, kCells, kBox };
  int kind, h, w, grid;
  int left, top, right, bottom;
  int tops[kMostGrid + 1], lefts[kMostGrid + 1];  // boundaries of grid rows and columns
  uint32_t cells[kMostCells / 32];                // the mask

  __device__ __forceinline__ bool selected(int r, int c) const {
    const int cell = r * grid + c;
    return cells[cell >> 5] >> (cell & 31) & 1;
  }
  // Whether pixel p is the source's, and for how many pixels from p on, within its row, that stays so.
  __device__ __forceinline__ bool at(uint32_t p, uint32_t *length) const {
    if (kind == kAll) {
      *length = 0x40000000;
      return true;
    }
    const int y = static_cast<int>(p / static_cast<uint32_t>(w)),
              x = static_cast<int>(p - static_cast<uint32_t>(y) * w);
    if (kind == kBox) {
      const bool rows = y >= top && y < bottom, source = rows && x >= left && x < right;
      *length = source ? right - x : rows && x < left ? left - x : w - x;
      return source;
    }
    const int r = cell_of(y, h, tops);
    int c = cell_of(x, w, lefts);
    const bool source = selected(r, c);
    ACM_NO_UNROLL
    while (c + 1 < grid && selected(r, c + 1) == source) c++;
    *length = lefts[c + 1] - x;
    return source;
  }
  // Bit i: unit `begin` + i is the source's, for kUnits units of which a pixel has `perPixel`.
  template <int kUnits> __device__ __forceinline__ uint32_t mask(int64_t begin, int perPixel) const {
    if (kind == kAll) return (1u << kUnits) - 1;
    uint32_t p = pixel_of(begin, perPixel), bits = 0;
    ACM_NO_UNROLL
    for (int done = 0; done < kUnits;) {
      uint32_t length;
      const bool source = at(p, &length);
      p += length;
      const int64_t end = static_cast<int64_t>(p) * perPixel - begin;
      const int until = static_cast<int>(min(end, int64_t{kUnits}));
      if (source) bits |= (1u << until) - (1u << done);
      done = until;
    }
    return bits;
  }

 private:
  // The j with boundary(j) <= pixel < boundary(j + 1): an estimate, put right by the boundaries themselves.
  __device__ __forceinline__ int cell_of(int pixel, int size, const int *boundaries) const {
    int j = min(static_cast<int>(static_cast<float>(pixel) / static_cast<float>(size) * grid), grid - 1);
    ACM_NO_UNROLL
    while (pixel < boundaries[j]) j--;
    ACM_NO_UNROLL
    while (pixel >= boundaries[j + 1]) j++;
    return j;
  }
};

struct MixShared {
  Region region;
  uint32_t table[3 * 256];
};

// Bytes [begin, begin + 16) one by one: those that exist, each from its own image.
__device__ __forceinline__ void copy_bytes(const unsigned char *source, const unsigned char *background,
                                           unsigned char *out, int64_t bytes, int pixelBytes, const Region &region,
                                           int64_t begin) {
  ACM_NO_UNROLL
  for (int64_t b = max(begin, int64_t{0}); b < min(begin + 16, bytes); b++) {
    uint32_t length;
    out[b] = region.at(pixel_of(b, pixelBytes), &length) ? source[b] : background[b];
  }
}

// 16 bytes; kShifted: from anywhere, through the aligned words around them.
template <bool kShifted> __device__ __forceinline__ uint4 load_unit(const unsigned char *from) {
  if (!kShifted) return load16_streaming(from);
  const uint32_t m = static_cast<uint32_t>(reinterpret_cast<uintptr_t>(from) & 15);
  const uint4 low = load16(from - m);
  return m == 0 ? low : shifted(low, load16(from - m + 16), m);
}
__device__ __forceinline__ uint32_t chosen_bits(uint32_t mask, int word) {
  return ((mask >> (4 * word) & 15) * 0x00204081u & 0x01010101u) * 0xffu;
}
// Bytes from one of two images into a third of the same form, in vectors that are aligned in the output. kShifted: an
// input lies otherwise to 16 bytes than the output does; then a vector takes two loads, of which the second is its
// neighbour's first.
template <bool kShifted>
__device__ __forceinline__ void copy_plane(const unsigned char *source, const unsigned char *background,
                                           unsigned char *out, int64_t bytes, int pixelBytes, const Region &region,
                                           int64_t first, int64_t step) {
  constexpr int kFlight = kShifted ? 1 : 4;       // vectors on their way before the first store
  constexpr int64_t kMargin = kShifted ? 16 : 0;  // the aligned words around a vector stay inside the image
  const int64_t lead = reinterpret_cast<uintptr_t>(out) % 16, units = (lead + bytes + 15) / 16;
  for (int64_t u = first; u < units; u += kFlight * step) {
    uint4 values[kFlight];
    ACM_UNROLL
    for (int i = 0; i < kFlight; i++) {
      const int64_t begin = (u + i * step) * 16 - lead;
      if (begin < kMargin || begin + 16 + kMargin > bytes) continue;
      const uint32_t mask = region.mask<16>(begin, pixelBytes);
      values[i] = load_unit<kShifted>((mask != 0 ? source : background) + begin);
      if (mask != 0 && mask != 0xffff) {  // a cell's edge: both, byte by byte
        const uint4 other = load_unit<kShifted>(background + begin);
        const uint32_t x = chosen_bits(mask, 0), y = chosen_bits(mask, 1), z = chosen_bits(mask, 2),
                       w = chosen_bits(mask, 3);
        values[i] = make_uint4((values[i].x & x) | (other.x & ~x), (values[i].y & y) | (other.y & ~y),
                               (values[i].z & z) | (other.z & ~z), (values[i].w & w) | (other.w & ~w));
      }
    }
    ACM_UNROLL
    for (int i = 0; i < kFlight; i++) {
      const int64_t begin = (u + i * step) * 16 - lead;
      if (begin >= kMargin && begin + 16 + kMargin <= bytes) {
        store16(out + begin, values[i]);
      } else {
        copy_bytes(source, background, out, bytes, pixelBytes, region, begin);
      }
    }
  }
}

// One channel has one layout.
inline bool same_form(const acm_images &in, const acm_images &out) {
  return in.type == out.type && (in.layout == out.layout || in.channels == 1) && in.channels == out.channels;
}

// Thread `first` of `step` threads that share the image. kFrom: bytes of an input value, 0 where output and inputs have
// one form.
template <int kFrom>
__device__ __forceinline__ void mix_pixels(const acm_images &in, const unsigned char *source,
                                           const unsigned char *background, const acm_images &form, unsigned char *out,
                                           const Region &region, const Conversion &conversion, int64_t first,
                                           int64_t step) {
  const int64_t count = static_cast<int64_t>(region.h) * region.w;
  if constexpr (kFrom == 0) {
    const bool planes = in.layout == ACM_NCHW;
    const int pixelBytes = size_of(in.type) * (planes ? 1 : in.channels);
    const int64_t bytes = count * pixelBytes;
    ACM_NO_UNROLL
    for (int c = 0; c < (planes ? in.channels : 1); c++) {
      const unsigned char *s = source + c * bytes, *b = background + c * bytes;
      unsigned char *o = out + c * bytes;
      const uintptr_t apart = (reinterpret_cast<uintptr_t>(s) - reinterpret_cast<uintptr_t>(o)) |
                              (reinterpret_cast<uintptr_t>(b) - reinterpret_cast<uintptr_t>(o));
      if (apart % 16 == 0) {
        copy_plane<false>(s, b, o, bytes, pixelBytes, region, first, step);
      } else {
        copy_plane<true>(s, b, o, bytes, pixelBytes, region, first, step);
      }
    }
  } else {
    constexpr int kPixels = group_of(kFrom);
    Finite unused;
    // An image has less than 2^29 pixels, and the launchers let less than 2^24 threads share it.
    const uint32_t most = static_cast<uint32_t>(count), stride = static_cast<uint32_t>(step) * kPixels;
    ACM_NO_UNROLL
    for (uint32_t p = static_cast<uint32_t>(first) * kPixels; p < most; p += stride) {
      const int64_t n = opaque(count);
      if (group_inside(in, source, n, p) && group_inside(in, background, n, p)) {
        const uint32_t mask = region.mask<kPixels>(p, 1);
        if (in.layout == ACM_NCHW) {
          move_group<kFrom, true, false>(conversion, source, background, mask, form, out, n, p, unused);
        } else {
          move_group<kFrom, false, false>(conversion, source, background, mask, form, out, n, p, unused);
        }
        continue;
      }
      ACM_NO_UNROLL
      for (uint32_t q = p; q < p + kPixels && q < most; q++) {
        uint32_t length;
        const bool own = region.at(q, &length);
        move_pixel(conversion, in, own ? source : background, q, n, form, out, q, n, unused);
      }
    }
  }
}

// Image i by this block and those that share it. The mask is in s.region.cells; the rest of `s` is written here.
template <int kFrom>
__device__ __forceinline__ void mix_image(const acm_images &source, const acm_images &background, const acm_images &out,
                                          const acm_regions &regions, const Normalisation &normalisation, int64_t image,
                                          MixShared &s, int threads, int64_t first, int64_t step) {
  const bool mixed = regions.mixed == nullptr || regions.mixed[image] != 0;
  const Size size = size_at(out, image);
  const int grid = regions.grid;
  if (kFrom == 1) fill_table(s.table, source.type, out.type, normalisation, threads);
  if (threadIdx.x <= static_cast<unsigned>(grid)) {
    s.region.tops[threadIdx.x] = static_cast<int>(static_cast<int64_t>(threadIdx.x) * size.h / grid);
    s.region.lefts[threadIdx.x] = static_cast<int>(static_cast<int64_t>(threadIdx.x) * size.w / grid);
  }
  if (threadIdx.x == 0) {
    s.region.kind = !mixed ? Region::kAll : regions.boxes != nullptr ? Region::kBox : Region::kCells;
    s.region.h = size.h;
    s.region.w = size.w;
    s.region.grid = grid;
    if (mixed && regions.boxes != nullptr) {
      const int32_t *box = regions.boxes + 4 * image;
      s.region.left = box[0];
      s.region.top = box[1];
      s.region.right = box[2];
      // An empty box takes nothing, wherever its edges are.
      s.region.bottom = box[2] <= box[0] ? box[1] : box[3];
    }
  }
  __syncthreads();
  const unsigned char *own = image_at(source, image);
  const unsigned char *other = mixed ? image_at(background, regions.partner[image]) : own;
  const Conversion conversion = {source.type, out.type, false, s.table, normalisation};
  mix_pixels<kFrom>(source, own, other, out, image_at(out, image), s.region, conversion, first, step);
}

inline int check_mix(const acm_images *source, const acm_images *background, const acm_images *out,
                     const acm_regions *regions, bool needsCells, Normalisation *normalisation) {
  int status = check_images(source);
  if (status == ACM_OK) status = check_images(background);
  if (status == ACM_OK) status = check_images(out);
  if (status != ACM_OK) return status;
  if (regions == nullptr) return ACM_NULL_POINTER;
  if (regions->grid < 1) return ACM_BAD_SIZE;
  if (regions->grid > kMostGrid) return ACM_TOO_LARGE;
  if (source->count != out->count || (out->count > 0 && background->count == 0)) return ACM_BAD_SIZE;
  if (source->type != background->type || source->layout != background->layout ||
      source->channels != background->channels || source->channels != out->channels) {
    return ACM_UNSUPPORTED;
  }
  if (source->channels != 1 && source->channels != 3) return ACM_BAD_VALUE;
  if (source->channels == 1 && source->type != out->type) return ACM_UNSUPPORTED;
  if (out->type == ACM_UINT8 && source->type != ACM_UINT8) return ACM_UNSUPPORTED;
  const bool oneSize = source->sizes == nullptr && background->sizes == nullptr && out->sizes == nullptr;
  if (oneSize) {
    if (source->height != background->height || source->width != background->width || source->height != out->height ||
        source->width != out->width) {
      return ACM_BAD_SIZE;
    }
    if (out->height < regions->grid || out->width < regions->grid) return ACM_BAD_SIZE;
  }
  status = read_normalisation(regions->normalisation, normalisation);
  if (status != ACM_OK || out->count == 0) return status;
  if (regions->partner == nullptr) return ACM_NULL_POINTER;
  if (needsCells && regions->cells == nullptr && regions->boxes == nullptr) return ACM_NULL_POINTER;
  if (!aligned(regions->cells, 8) || !aligned(regions->partner, 4) || !aligned(regions->boxes, 4))
    return ACM_MISALIGNED;
  const int64_t n = out->count;
  if (images_overlap(*source, *out) || images_overlap(*background, *out) ||
      range_overlaps(*out, regions->partner, n * 4) || range_overlaps(*out, regions->mixed, n) ||
      range_overlaps(*out, regions->boxes, n * 16) ||
      (needsCells && range_overlaps(*out, regions->cells, n * mask_words(regions->grid) * 8))) {
    return ACM_OVERLAP;
  }
  return ACM_OK;
}

// How many blocks share an image: few images or large ones still fill the card.
inline int slices_of(const acm_images &out, int threads, int64_t blocksWanted, int64_t most) {
  const int64_t bytes = static_cast<int64_t>(out.height) * out.width * out.channels * size_of(out.type);
  const int64_t useful = (bytes / 16 + threads - 1) / threads, wanted = (blocksWanted + out.count - 1) / out.count;
  const int64_t slices = min(min(useful, wanted), most);
  return static_cast<int>(slices < 1 ? 1 : slices);
}
}  // namespace acm
