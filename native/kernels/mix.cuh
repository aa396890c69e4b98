// The patch copy: every output byte of an image from its source or its background, by cells or by one box.
#pragma once
#include "attend.cuh"
#include "pixels.cuh"

namespace acm {
// Which pixels of an h×w image are the source's.
struct Region {
  enum Kind { kAll, kCells, kBox } kind;
  int h, w, grid;
  int left, top, right, bottom;
  const int *tops, *lefts;  // shared, (G + 1) boundaries of grid rows and columns
  const uint32_t *cells;    // shared, the mask

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
    const int y = static_cast<int>(p / static_cast<uint32_t>(w)), x = static_cast<int>(p - static_cast<uint32_t>(y) * w);
    if (kind == kBox) {
      const bool rows = y >= top && y < bottom, source = rows && x >= left && x < right;
      *length = source ? right - x : rows && x < left ? left - x : w - x;
      return source;
    }
    const int r = cell_of(y, h, tops);
    int c = cell_of(x, w, lefts);
    const bool source = selected(r, c);
    while (c + 1 < grid && selected(r, c + 1) == source) c++;
    *length = lefts[c + 1] - x;
    return source;
  }
  // Whether pixels p to p + n - 1 are all of one kind, and which.
  __device__ __forceinline__ bool uniform(uint32_t p, uint32_t n, bool *source) const {
    uint32_t length;
    *source = at(p, &length);
    for (uint32_t done = length; done < n; done += length) {
      if (at(p + done, &length) != *source) return false;
    }
    return true;
  }

 private:
  // The j with boundary(j) <= pixel < boundary(j + 1): an estimate, put right by the boundaries themselves.
  __device__ __forceinline__ int cell_of(int pixel, int size, const int *boundaries) const {
    int j = min(static_cast<int>(static_cast<float>(pixel) / static_cast<float>(size) * grid), grid - 1);
    while (pixel < boundaries[j]) j--;
    while (pixel >= boundaries[j + 1]) j++;
    return j;
  }
};

struct MixShared {
  uint32_t table[3 * 256];
  int tops[kMostGrid + 1], lefts[kMostGrid + 1];
  uint32_t cells[kMostCells / 32];
};

// Bytes from one of two images into a third of the same form, in units of W bytes that are aligned in the output.
template <int W> struct Unit;
template <> struct Unit<16> { using Type = uint4; };
template <> struct Unit<4> { using Type = uint32_t; };
template <> struct Unit<1> { using Type = uint8_t; };

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

// Bytes [begin, begin + W) one by one: those that exist, each from its own image.
template <int W>
__device__ __forceinline__ void copy_bytes(const unsigned char *source, const unsigned char *background, unsigned char *out,
                                           int64_t bytes, int pixelBytes, const Region &region, int64_t begin) {
  ACM_NO_UNROLL
  for (int64_t b = max(begin, int64_t{0}); b < min(begin + W, bytes); b++) {
    uint32_t length;
    out[b] = region.at(pixel_of(b, pixelBytes), &length) ? source[b] : background[b];
  }
}
template <int W>
__device__ __forceinline__ void copy_plane(const unsigned char *source, const unsigned char *background, unsigned char *out,
                                           int64_t bytes, int pixelBytes, const Region &region, int64_t first, int64_t step) {
  using Type = typename Unit<W>::Type;
  constexpr int kFlight = 4;  // loads on their way before the first store
  const int64_t lead = reinterpret_cast<uintptr_t>(out) % W, units = (lead + bytes + W - 1) / W;
  for (int64_t u = first; u < units; u += kFlight * step) {
    Type values[kFlight];
    bool whole[kFlight];
    ACM_UNROLL
    for (int i = 0; i < kFlight; i++) {
      const int64_t begin = (u + i * step) * W - lead, end = begin + W;
      bool fromSource = false;
      whole[i] = begin >= 0 && end <= bytes;
      if (whole[i]) {
        const uint32_t p = pixel_of(begin, pixelBytes), last = pixel_of(end - 1, pixelBytes);
        whole[i] = region.uniform(p, last - p + 1, &fromSource);
      }
      if (whole[i]) {
        const unsigned char *from = (fromSource ? source : background) + begin;
        if constexpr (W == 16) {
          values[i] = load16_streaming(from);
        } else {
          values[i] = __ldg(reinterpret_cast<const Type *>(from));
        }
      }
    }
    ACM_UNROLL
    for (int i = 0; i < kFlight; i++) {
      const int64_t begin = (u + i * step) * W - lead;
      if (whole[i]) {
        *reinterpret_cast<Type *>(out + begin) = values[i];
      } else {
        copy_bytes<W>(source, background, out, bytes, pixelBytes, region, begin);
      }
    }
  }
}

inline bool same_form(const acm_images &in, const acm_images &out) {
  return in.type == out.type && in.layout == out.layout && in.channels == out.channels;
}

// Thread `first` of `step` threads that share the image. kSame: output and inputs have one form.
template <bool kSame>
__device__ __forceinline__ void mix_pixels(const acm_images &in, const unsigned char *source,
                                           const unsigned char *background, const acm_images &form, unsigned char *out,
                                           const Region &region, const Conversion &conversion, int64_t first, int64_t step) {
  const int64_t count = static_cast<int64_t>(region.h) * region.w;
  if constexpr (kSame) {
    const bool planes = in.layout == ACM_NCHW;
    const int pixelBytes = size_of(in.type) * (planes ? 1 : in.channels);
    const int64_t bytes = count * pixelBytes;
    for (int c = 0; c < (planes ? in.channels : 1); c++) {
      const unsigned char *s = source + c * bytes, *b = background + c * bytes;
      unsigned char *o = out + c * bytes;
      const uintptr_t apart = (reinterpret_cast<uintptr_t>(s) - reinterpret_cast<uintptr_t>(o)) |
                              (reinterpret_cast<uintptr_t>(b) - reinterpret_cast<uintptr_t>(o));
      if (apart % 16 == 0) {
        copy_plane<16>(s, b, o, bytes, pixelBytes, region, first, step);
      } else if (apart % 4 == 0) {
        copy_plane<4>(s, b, o, bytes, pixelBytes, region, first, step);
      } else {
        copy_plane<1>(s, b, o, bytes, pixelBytes, region, first, step);
      }
    }
  } else {
    const int64_t groups = (count + kGroup - 1) / kGroup;
    const bool vectors = grouped(in, source, count) && grouped(in, background, count) && grouped(form, out, count);
    Finite unused;
    for (int64_t g = first; g < groups; g += step) {
      const int64_t p = g * kGroup;
      bool fromSource;
      if (vectors && p + kGroup <= count && region.uniform(static_cast<uint32_t>(p), kGroup, &fromSource)) {
        Group values;
        load_group(in, fromSource ? source : background, count, p, values);
        convert_group(conversion, values, unused);
        store_group(form, out, count, p, values);
        continue;
      }
      for (int64_t q = p; q < p + kGroup && q < count; q++) {
        uint32_t length;
        const bool own = region.at(static_cast<uint32_t>(q), &length);
        move_pixel(conversion, in, own ? source : background, q, count, form, out, q, count, unused);
      }
    }
  }
}

// Image i by this block and those that share it. The mask is in `cells` (shared); s.tops and s.lefts are written here.
template <bool kSame>
__device__ __forceinline__ void mix_image(const acm_images &source, const acm_images &background, const acm_images &out,
                                          const acm_regions &regions, const Normalisation &normalisation, int64_t image,
                                          MixShared &s, const uint32_t *cells, int threads, int64_t first, int64_t step) {
  const Size size = size_at(out, image);
  const int grid = regions.grid;
  const bool mixed = regions.mixed == nullptr || regions.mixed[image] != 0;
  if (!kSame) fill_table(s.table, source.type, out.type, normalisation, threads);
  if (threadIdx.x <= static_cast<unsigned>(grid)) {
    s.tops[threadIdx.x] = static_cast<int>(static_cast<int64_t>(threadIdx.x) * size.h / grid);
    s.lefts[threadIdx.x] = static_cast<int>(static_cast<int64_t>(threadIdx.x) * size.w / grid);
  }
  __syncthreads();
  Region region = {!mixed                   ? Region::kAll
                   : regions.boxes != nullptr ? Region::kBox
                                              : Region::kCells,
                   size.h, size.w, grid, 0, 0, 0, 0, s.tops, s.lefts, cells};
  if (region.kind == Region::kBox) {
    region.left = regions.boxes[4 * image];
    region.top = regions.boxes[4 * image + 1];
    region.right = regions.boxes[4 * image + 2];
    region.bottom = regions.boxes[4 * image + 3];
    // An empty box takes nothing, wherever its edges are.
    if (region.right <= region.left) region.bottom = region.top;
  }
  const unsigned char *own = image_at(source, image);
  const unsigned char *other = mixed ? image_at(background, regions.partner[image]) : own;
  const Conversion conversion = {source.type, out.type, false, s.table, normalisation};
  mix_pixels<kSame>(source, own, other, out, image_at(out, image), region, conversion, first, step);
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
  if (source->count != background->count || source->count != out->count) return ACM_BAD_SIZE;
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
  if (!aligned(regions->cells, 8) || !aligned(regions->partner, 4) || !aligned(regions->boxes, 4)) return ACM_MISALIGNED;
  return images_overlap(*source, *out) || images_overlap(*background, *out) ? ACM_OVERLAP : ACM_OK;
}

// How many blocks share an image: few images or large ones still fill the card.
inline int slices_of(const acm_images &out, int threads, int64_t blocksWanted, int64_t most) {
  const int64_t bytes = static_cast<int64_t>(out.height) * out.width * out.channels * size_of(out.type);
  const int64_t useful = (bytes / 16 + threads - 1) / threads, wanted = (blocksWanted + out.count - 1) / out.count;
  const int64_t slices = min(min(useful, wanted), most);
  return static_cast<int>(slices < 1 ? 1 : slices);
}
}  // namespace acm
