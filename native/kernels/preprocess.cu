// Resize, normalise and lay out a batch: the extractor's input, resized pixels for a mix, and conversions of form.
//
// Fused, in this order: 1 resize as Pillow does it, 2 normalise, 3 round to the output's type, 4 pad channels, 5 lay
// out. Minimal traffic: every input byte once, every output byte once; the tables of weights are a few KB per size.
//
// - No image changes its size: `convert_kernel`, groups of 16 pixels through 16-byte accesses.
// - A filter: `tables_kernel` computes first position, number of taps and weights of every output row and column, once
//   per size; `resample_kernel` then makes tiles of 32×8 output pixels. The first pass of a tile (along the direction
//   that Pillow takes first) goes to shared memory in slabs of 32 positions, the second adds each slab into registers,
//   so any ratio fits. Neighbouring tiles repeat the first pass of the few positions they share.
// - Nearest: `tables_kernel` runs Pillow's running sum, `nearest_kernel` gathers.
#include "pixels.cuh"
#include "resample.cuh"

namespace acm {
constexpr int kThreads = 256;

// dynamic shared bytes: 3072
template <int kFrom>
__global__ void __launch_bounds__(256, 2)
    convert_kernel(acm_images in, acm_images out, Normalisation normalisation, int normalised, uint8_t *spoiled) {
  ACM_DYNAMIC_SHARED(shared);
  uint32_t *table = reinterpret_cast<uint32_t *>(shared);
  fill_table(table, in.type, out.type, normalisation, kThreads);
  __syncthreads();
  const Conversion conversion = {in.type, out.type, in.type != ACM_UINT8 && normalised != 0, table, normalisation};
  constexpr int kPixels = group_of(kFrom);
  const int64_t count = static_cast<int64_t>(in.height) * in.width, groups = (count + kPixels - 1) / kPixels;
  const int64_t total = in.count * groups;
  for (int64_t at = int64_t(blockIdx.x) * kThreads + threadIdx.x; at < total; at += int64_t(gridDim.x) * kThreads) {
    const int64_t image = at / groups, p = (at - image * groups) * kPixels;
    const unsigned char *from = image_at(in, image);
    unsigned char *to = image_at(out, image);
    Finite finite;
    if (in.channels == 3 && group_inside(in, from, count, p)) {
      if (in.layout == ACM_NCHW) {
        move_group<kFrom, true, true>(conversion, from, from, 0xffff, out, to, count, p, finite);
      } else {
        move_group<kFrom, false, true>(conversion, from, from, 0xffff, out, to, count, p, finite);
      }
    } else {
      for (int64_t q = p; q < p + kPixels && q < count; q++) {
        move_pixel(conversion, in, from, q, count, out, to, q, count, finite);
      }
    }
    if (spoiled != nullptr && !finite.all()) raise_flag(spoiled + image);
  }
}

// dynamic shared bytes: 0
template <typename W>
__global__ void __launch_bounds__(128, 4) tables_kernel(acm_images in, acm_images out, int filter, Tables tables) {
  const int64_t image = blockIdx.x / 2;
  const int direction = blockIdx.x % 2;
  const Size from = size_at(in, image), to = size_at(out, image);
  const int inSize = direction == 0 ? from.w : from.h, outSize = direction == 0 ? to.w : to.h;
  const Axis axis = axis_of(tables, image, direction);
  if (filter == ACM_NEAREST) {
    if (threadIdx.x != 0) return;
    const double step = static_cast<double>(inSize) / outSize;
    double at = 0.5 * step;
    for (int i = 0; i < outSize; i++, at += step) axis.first[i] = static_cast<int>(at);
    return;
  }
  for (int i = threadIdx.x; i < outSize; i += 128) fill_position<W>(axis, inSize, outSize, i, filter);
}

// dynamic shared bytes: 3072
__global__ void __launch_bounds__(256, 4) nearest_kernel(acm_images in, acm_images out, Normalisation normalisation,
                                                         int normalised, uint8_t *spoiled, Tables tables) {
  ACM_DYNAMIC_SHARED(shared);
  uint32_t *table = reinterpret_cast<uint32_t *>(shared);
  fill_table(table, in.type, out.type, normalisation, kThreads);
  __syncthreads();
  const Conversion conversion = {in.type, out.type, in.type != ACM_UINT8 && normalised != 0, table, normalisation};
  const int64_t room = static_cast<int64_t>(out.height) * out.width, total = in.count * room;
  for (int64_t at = int64_t(blockIdx.x) * kThreads + threadIdx.x; at < total; at += int64_t(gridDim.x) * kThreads) {
    const int64_t image = at / room, p = at - image * room;
    const Size from = size_at(in, image), to = size_at(out, image);
    const int64_t count = static_cast<int64_t>(to.h) * to.w;
    if (p >= count) continue;
    const int y = static_cast<int>(p / to.w), x = static_cast<int>(p - static_cast<int64_t>(y) * to.w);
    const int fromX = axis_of(tables, image, 0).first[x], fromY = axis_of(tables, image, 1).first[y];
    Finite finite;
    move_pixel(conversion, in, image_at(in, image), static_cast<int64_t>(fromY) * from.w + fromX,
               static_cast<int64_t>(from.h) * from.w, out, image_at(out, image), p, count, finite);
    if (spoiled != nullptr && !finite.all()) raise_flag(spoiled + image);
  }
}

// A tile is 32 positions of the first direction by 8 of the second, one thread each.
constexpr int kAcross = 32, kDown = 8, kSlab = 32;

// uint8 pixels as Pillow's mode RGB: fixed point, each pass rounded and clamped.
struct Bytes {
  using Weight = int32_t;
  using Sum = int32_t;
  using Value = uint8_t;
  static __device__ __forceinline__ Value load(const unsigned char *image, int64_t at, int) { return image[at]; }
  static __device__ __forceinline__ Sum zero() { return 1 << (kWeightBits - 1); }
  static __device__ __forceinline__ Value round(Sum s) {
    const int v = s >> kWeightBits;
    return static_cast<Value>(v < 0 ? 0 : v > 255 ? 255 : v);
  }
  static __device__ __forceinline__ float normal(Value v, const Normalisation &n, int, int c) {
    return normalise_byte(v, n, c);
  }
  static __device__ __forceinline__ uint32_t raw(Value v) { return v; }
};
// Floating pixels as Pillow's mode F: sums in double, each pass rounded to float.
struct Floats {
  using Weight = double;
  using Sum = double;
  using Value = float;
  static __device__ __forceinline__ Value load(const unsigned char *image, int64_t at, int type) {
    return float_of(load_bits(image, at, size_of(type)), type);
  }
  static __device__ __forceinline__ Sum zero() { return 0; }
  static __device__ __forceinline__ Value round(Sum s) { return static_cast<float>(s); }
  static __device__ __forceinline__ float normal(Value v, const Normalisation &n, int normalised, int c) {
    return normalised ? normalise(v, n, c) : v;
  }
  static __device__ __forceinline__ uint32_t raw(Value v) { return __float_as_uint(v); }
};

// dynamic shared bytes: 12288
template <typename K>
__global__ void __launch_bounds__(256, 2)
    resample_kernel(acm_images in, acm_images out, int filter, int normalised, Normalisation normalisation,
                    uint8_t *spoiled, Tables tables, int64_t tiles) {
  ACM_DYNAMIC_SHARED(shared);
  typename K::Value *slab = reinterpret_cast<typename K::Value *>(shared);  // (kSlab, kAcross, 3)
  const int across = threadIdx.x % kAcross, down = threadIdx.x / kAcross;
  const int64_t total = in.count * tiles;
  for (int64_t at = blockIdx.x; at < total; at += gridDim.x) {
    const int64_t image = at / tiles;
    int64_t tile = at - image * tiles;
    const Size from = size_at(in, image), to = size_at(out, image);
    // Direction 1 is the one of the first pass: x, or y where columns come first.
    const bool swapped = columns_first(from, to);
    const int in1 = swapped ? from.h : from.w, in2 = swapped ? from.w : from.h;
    const int out1 = swapped ? to.h : to.w, out2 = swapped ? to.w : to.h;
    const int tiles1 = (out1 + kAcross - 1) / kAcross, tiles2 = (out2 + kDown - 1) / kDown;
    if (tile >= static_cast<int64_t>(tiles1) * tiles2) continue;
    const int begin1 = static_cast<int>(tile % tiles1) * kAcross, begin2 = static_cast<int>(tile / tiles1) * kDown;
    const bool same1 = in1 == out1, same2 = in2 == out2;
    const Axis axis1 = axis_of(tables, image, swapped ? 1 : 0), axis2 = axis_of(tables, image, swapped ? 0 : 1);
    const int stride1 = stride_of(in1, out1, filter), stride2 = stride_of(in2, out2, filter);
    const int64_t fromCount = static_cast<int64_t>(from.h) * from.w;
    const bool planes = in.layout == ACM_NCHW;
    const int64_t stepX = planes ? 1 : 3, stepY = from.w * stepX, stepC = planes ? fromCount : 1;
    const int64_t step1 = swapped ? stepY : stepX, step2 = swapped ? stepX : stepY;
    const unsigned char *source = image_at(in, image);

    const int last2 = min(begin2 + kDown, out2) - 1;
    const int low = same2 ? begin2 : axis2.first[begin2];
    const int high = same2 ? last2 + 1 : axis2.first[last2] + axis2.taps[last2];
    const int own1 = begin1 + across, own2 = begin2 + down;
    const bool inside = own1 < out1 && own2 < out2;
    const int first2 = !inside ? 0 : same2 ? own2 : axis2.first[own2];
    const int taps2 = !inside ? 0 : same2 ? 1 : axis2.taps[own2];
    const typename K::Weight *weights2 =
        static_cast<const typename K::Weight *>(axis2.weights) + static_cast<int64_t>(own2) * stride2;
    typename K::Sum sum[3] = {K::zero(), K::zero(), K::zero()};
    typename K::Value result[3] = {};
    for (int base = low; base < high; base += kSlab) {
      const int rows = min(kSlab, high - base);
      for (int item = threadIdx.x; item < rows * kAcross; item += kThreads) {
        const int position1 = begin1 + item % kAcross;
        if (position1 >= out1) continue;
        const int64_t line = (base + item / kAcross) * step2;
        typename K::Value *mid = slab + item * 3;
        if (same1) {
          ACM_UNROLL
          for (int c = 0; c < 3; c++) mid[c] = K::load(source, line + position1 * step1 + c * stepC, in.type);
          continue;
        }
        const int taps1 = axis1.taps[position1];
        const typename K::Weight *weights1 =
            static_cast<const typename K::Weight *>(axis1.weights) + static_cast<int64_t>(position1) * stride1;
        int64_t pixel = line + axis1.first[position1] * step1;
        typename K::Sum mids[3] = {K::zero(), K::zero(), K::zero()};
        ACM_NO_UNROLL
        for (int t = 0; t < taps1; t++, pixel += step1) {
          const typename K::Weight weight = weights1[t];
          ACM_UNROLL
          for (int c = 0; c < 3; c++) mids[c] += K::load(source, pixel + c * stepC, in.type) * weight;
        }
        ACM_UNROLL
        for (int c = 0; c < 3; c++) mid[c] = K::round(mids[c]);
      }
      __syncthreads();
      const int begin = max(first2, base), end = min(first2 + taps2, base + rows);
      ACM_NO_UNROLL
      for (int position = begin; position < end; position++) {
        const typename K::Value *mid = slab + ((position - base) * kAcross + across) * 3;
        if (same2) {
          ACM_UNROLL
          for (int c = 0; c < 3; c++) result[c] = mid[c];
        } else {
          const typename K::Weight weight = weights2[position - first2];
          ACM_UNROLL
          for (int c = 0; c < 3; c++) sum[c] += mid[c] * weight;
        }
      }
      __syncthreads();
    }
    if (!inside) continue;
    uint32_t bits[3];
    Finite finite;
    ACM_UNROLL
    for (int c = 0; c < 3; c++) {
      const typename K::Value v = same2 ? result[c] : K::round(sum[c]);
      if (out.type == ACM_UINT8) {
        bits[c] = K::raw(v);
      } else {
        const float value = K::normal(v, normalisation, normalised, c);
        finite.see(value);
        bits[c] = bits_of(value, out.type);
      }
    }
    if (spoiled != nullptr && !finite.all()) raise_flag(spoiled + image);
    const int x = swapped ? own2 : own1, y = swapped ? own1 : own2;
    store_pixel(out, image_at(out, image), static_cast<int64_t>(y) * to.w + x, static_cast<int64_t>(to.h) * to.w, bits);
  }
}

inline bool same_sizes(const acm_images &in, const acm_images &out) {
  return in.sizes == nullptr && out.sizes == nullptr && in.height == out.height && in.width == out.width;
}

inline int64_t tables_bytes(const acm_images &in, const acm_images &out, int filter, Tables *t) {
  const int mostIn = max(in.height, in.width), mostOut = max(out.height, out.width);
  const int weight = filter == ACM_NEAREST ? 0 : in.type == ACM_UINT8 ? 4 : 8;
  t->room = mostOut;
  t->perImage = in.sizes != nullptr || out.sizes != nullptr;
  t->axisBytes = axis_bytes(mostIn, mostOut, weight);
  return product(t->perImage ? in.count : 1, 2 * t->axisBytes);
}

inline int check_preprocess(const acm_images *in, const acm_images *out, int32_t filter, bool memory) {
  int status = check_images(in, memory);
  if (status == ACM_OK) status = check_images(out, memory);
  if (status != ACM_OK) return status;
  if (filter < ACM_BICUBIC || filter > ACM_NEAREST) return ACM_BAD_VALUE;
  if (in->count != out->count) return ACM_BAD_SIZE;
  if (in->channels == 1 || out->channels == 1) {
    if (in->channels != out->channels || in->type != out->type) return ACM_UNSUPPORTED;
    return filter == ACM_NEAREST || same_sizes(*in, *out) ? ACM_OK : ACM_UNSUPPORTED;
  }
  if (in->channels != 3) return ACM_BAD_VALUE;
  if (out->type == ACM_UINT8 && (in->type != ACM_UINT8 || out->channels != 3)) return ACM_UNSUPPORTED;
  return ACM_OK;
}

inline int tiles_of(int a, int b) { return (a + kAcross - 1) / kAcross * ((b + kDown - 1) / kDown); }
}  // namespace acm

extern "C" int acm_preprocess_workspace(const acm_images *in, const acm_images *out, int32_t filter, int64_t *bytes) {
  using namespace acm;
  const int status = check_preprocess(in, out, filter, false);
  if (status != ACM_OK) return status;
  if (bytes == nullptr) return ACM_NULL_POINTER;
  Tables tables;
  *bytes = in->count == 0 || same_sizes(*in, *out) ? 0 : tables_bytes(*in, *out, filter, &tables);
  return *bytes < 0 ? ACM_TOO_LARGE : ACM_OK;
}

extern "C" int acm_preprocess(const acm_images *in, const acm_images *out, int32_t filter, int32_t normalise,
                              const float *normalisation, uint8_t *spoiled, void *workspace, int64_t workspace_bytes,
                              acm_stream stream) {
  using namespace acm;
  int status = check_preprocess(in, out, filter, true);
  if (status != ACM_OK) return status;
  if (normalise != 0 && normalisation == nullptr) return ACM_NULL_POINTER;
  Normalisation n;
  status = read_normalisation(normalise != 0 ? normalisation : nullptr, &n);
  if (status != ACM_OK || in->count == 0) return status;
  if (images_overlap(*in, *out)) return ACM_OVERLAP;
  const uint8_t *const flags = spoiled;
  if (spoiled != nullptr) {
    if (range_overlaps(*in, spoiled, in->count) || range_overlaps(*out, spoiled, in->count)) return ACM_OVERLAP;
    if (in->type == ACM_UINT8 || in->channels == 1) spoiled = nullptr;
  }
  int blocks = 0;
  if (same_sizes(*in, *out)) {
    const int size = size_of(in->type);
    const int64_t groups = (static_cast<int64_t>(in->height) * in->width + group_of(size) - 1) / group_of(size);
    status = stride_blocks(in->count * groups, kThreads, 8, &blocks);
    if (status != ACM_OK) return status;
    return launch(size == 1   ? convert_kernel<1>
                  : size == 2 ? convert_kernel<2>
                              : convert_kernel<4>,
                  dim3(blocks), kThreads, kTableBytes, stream, *in, *out, n, normalise, spoiled);
  }
  Tables tables;
  const int64_t needed = tables_bytes(*in, *out, filter, &tables);
  if (needed < 0 || in->count > 0x3fffffff) return ACM_TOO_LARGE;
  if (workspace == nullptr) return ACM_NULL_POINTER;
  if (!aligned(workspace, 16)) return ACM_MISALIGNED;
  if (workspace_bytes < needed) return ACM_WORKSPACE_TOO_SMALL;
  if (range_overlaps(*in, workspace, needed) || range_overlaps(*out, workspace, needed) ||
      (flags != nullptr && overlap(workspace, needed, flags, in->count))) {
    return ACM_OVERLAP;
  }
  tables.base = static_cast<unsigned char *>(workspace);
  const bool bytes = in->type == ACM_UINT8;
  const int sets = tables.perImage ? static_cast<int>(in->count) : 1;
  status = launch(bytes ? tables_kernel<int32_t> : tables_kernel<double>, dim3(2 * sets), 128, 0, stream, *in, *out,
                  filter, tables);
  if (status != ACM_OK) return status;
  if (filter == ACM_NEAREST) {
    status = stride_blocks(product(in->count, static_cast<int64_t>(out->height) * out->width), kThreads, 8, &blocks);
    if (status != ACM_OK) return status;
    return launch(nearest_kernel, dim3(blocks), kThreads, kTableBytes, stream, *in, *out, n, normalise, spoiled,
                  tables);
  }
  const int64_t tiles = max(tiles_of(out->width, out->height), tiles_of(out->height, out->width));
  const int64_t total = product(in->count, tiles);
  if (total < 0) return ACM_TOO_LARGE;
  const dim3 grid(static_cast<unsigned>(min(total, int64_t{1} << 30)));
  if (bytes) {
    return launch(resample_kernel<Bytes>, grid, kThreads, kSlab * kAcross * 3, stream, *in, *out, filter, normalise, n,
                  spoiled, tables, tiles);
  }
  return launch(resample_kernel<Floats>, grid, kThreads, kSlab * kAcross * 3 * sizeof(float), stream, *in, *out, filter,
                normalise, n, spoiled, tables, tiles);
}
