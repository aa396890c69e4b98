// The stem in one kernel, on tensor cores; its 112×112 map lives in shared memory only.
//
// Fused, in this order: 1 normalise uint8 and round to the type, 2 convolution 7×7, stride 2, padding 3, 3 + bias, 4
// ReLU, 5 round to the type, 6 max-pool 3×3, stride 2, padding 1. Minimal traffic: N·H·W·3 bytes (uint8) or N·H·W·8
// (packed) read, N·PH·PW·128 written; unfused, the map between costs 16 times the output.
//
// No im2col. A tile of 35×40 input pixels of 4 channels lies in shared memory; row r of the filter, with 8 taps of
// which the first has weight 0, reads the 8 pixels from 2·ox − 4 on: 64 bytes that move by 16 per output pixel. So K =
// 7·8·4 = 224 is 14 steps of ldmatrix over shifted rows, aligned and free of bank conflicts.
// A block makes 15×17 pixels of the map, rounded, in shared memory, and pools them to 7×8. Outside the map they are 0,
// which changes no maximum after a ReLU, and bits of values that are not negative sort as unsigned integers, NaN
// (0x7fff) above all: the pool is a maximum of integers. The result is, bit for bit, that of convolution, rounding and
// pool one after the other.
//
// Bytes of uint8 images come in aligned vectors wherever a row begins, each once per tile, to a buffer beside the tile;
// from there a table makes pixels of them, by words shifted to where a pixel begins.
//
// Weights lie in the order of the B fragments (acm_stem_pack), 16 bytes a lane; channels are permuted in groups of 32
// so that a lane owns 8 neighbouring ones. Blocks stay and walk over tiles; weights are loaded once per block, and the
// next tile's bytes are on their way while this one is multiplied and pooled, packed pixels while it is pooled.
#include "images.cuh"

namespace acm {
constexpr int kChannels = 64, kSteps = 14;
// A tile: 7×8 pooled pixels from 15×17 of the map, 255 rows of the product, so 16 tiles of 16 for 8 warps with one row
// to spare; and 56×56 is made of whole tiles.
constexpr int kPooledH = 7, kPooledW = 8, kConvH = 2 * kPooledH + 1, kConvW = 2 * kPooledW + 1, kRows = kConvH * kConvW;
constexpr int kInH = 2 * kConvH + 5, kInW = 2 * kConvW + 6;
constexpr int kPitch = 24;  // 16-byte chunks of two pixels from row to row: 20 hold pixels, see input_offset
constexpr int kWarps = 8, kStemThreads = 32 * kWarps;
constexpr int kWeightBytes = kSteps * 4 * 512, kInputBytes = kInH * kPitch * 16, kMapBytes = (kRows + 1) * 128;
// A row's bytes as the aligned vectors that hold them.
constexpr int kRawVectors = (kInW * 3 + 15 + 15) / 16, kRawPitch = kRawVectors * 16;
constexpr int kTable = kWeightBytes + kInputBytes + kMapBytes, kBias = kTable + 3 * 256 * 2;
constexpr int kRaw = kBias + kChannels * 4, kStemShared = kRaw + kInH * kRawPitch;
static_assert((kRows + 15) / 16 == 2 * kWarps, "a warp makes two tiles of 16 rows");

// Where chunk c of a row of the input lies. Row tiles read neighbouring chunks, the column tile every other row: both
// spread over all banks.
__device__ __forceinline__ int input_offset(int row, int chunk) {
  return (row * kPitch + (chunk ^ (row >> 1 & 7))) * 16;
}
// Row m of the product is a pixel of the map: tile i of 16 rows is columns 0 to 15 of row i, the last tile is column
// 16.
struct MapPixel {
  int y, x;
};
__device__ __forceinline__ MapPixel map_pixel(int tile, int row) {
  return tile < kConvH ? MapPixel{tile, row} : MapPixel{row, 16};
}

// Where 16-byte chunk c of row m of the map lies: spread so that fragments are stored without bank conflicts.
__device__ __forceinline__ int map_offset(int m, int chunk) {
  return m * 128 + (chunk ^ ((m & 1) << 2 | (m >> 1 & 3))) * 16;
}

template <typename T>
__device__ __forceinline__ void multiply(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1);
template <>
__device__ __forceinline__ void multiply<Half>(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  mma_f16(c, a, b0, b1);
}
template <>
__device__ __forceinline__ void multiply<Brain>(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  mma_bf16(c, a, b0, b1);
}
// Rounds to the type; every NaN becomes the one that sorts above all.
template <typename T> __device__ __forceinline__ uint32_t rounded(float v);
template <> __device__ __forceinline__ uint32_t rounded<Half>(float v) { return float_to_half(v); }
template <> __device__ __forceinline__ uint32_t rounded<Brain>(float v) { return float_to_brain(v); }

struct StemTile {
  int image, y, x;  // first pooled row and column
};
// Computed by the launcher: as kernel arguments they take no registers.
struct StemShape {
  int mapH, mapW, outH, outW, tilesX, tilesPerImage, tiles;
};
__device__ __forceinline__ StemTile tile_at(const StemShape &s, int index) {
  const int image = index / s.tilesPerImage, rest = index - image * s.tilesPerImage;
  return {image, rest / s.tilesX * kPooledH, rest % s.tilesX * kPooledW};
}

// Where the input of a tile begins; multiples of 4 less 5 and 6, so x is even.
struct Corner {
  int y, x;
};
__device__ __forceinline__ Corner corner_of(const StemTile &tile) { return {4 * tile.y - 5, 4 * tile.x - 6}; }
// The first byte of a tile's row in its image, which has less than 2^31; and that byte's place in its aligned vector.
__device__ __forceinline__ int row_begin(const acm_images &in, int y, int left) { return (y * in.width + left) * 3; }
__device__ __forceinline__ int row_shift(const unsigned char *image, int begin) {
  return static_cast<int>(reinterpret_cast<uintptr_t>(image) + static_cast<uint32_t>(begin)) & 15;
}

// Bytes of a tile to shared memory as they lie in memory. Only the vectors at an image's two ends may reach out of it.
__device__ __forceinline__ void fetch_bytes(const acm_images &in, const StemTile &tile, unsigned char *raw) {
  const unsigned char *image = image_at(in, tile.image);
  const Corner corner = corner_of(tile);
  const int size = in.height * in.width * 3, right = min(corner.x + kInW, in.width);
  ACM_NO_UNROLL
  for (int item = threadIdx.x; item < kInH * kRawVectors; item += kStemThreads) {
    const int row = item / kRawVectors, y = corner.y + row;
    if (y < 0 || y >= in.height) continue;
    const int begin = row_begin(in, y, corner.x), at = begin - row_shift(image, begin) + item % kRawVectors * 16;
    const int from = row_begin(in, y, max(corner.x, 0)), to = row_begin(in, y, right);
    if (at >= to || at + 16 <= from) continue;
    unsigned char *vector = raw + item * 16;
    if (at >= 0 && at + 16 <= size) {
      copy_async16(vector, image + at, 16);
    } else {
      ACM_NO_UNROLL
      for (int i = max(from - at, 0); i < min(to - at, 16); i++) vector[i] = image[at + i];
    }
  }
  copy_async_commit();
}
// Pixels of a tile from its bytes: normalised, rounded, 0 outside the image.
__device__ __forceinline__ void convert_bytes(const acm_images &in, const StemTile &tile, const unsigned char *raw,
                                              const uint16_t *table, unsigned char *input) {
  const unsigned char *image = image_at(in, tile.image);
  const Corner corner = corner_of(tile);
  ACM_NO_UNROLL
  for (int item = threadIdx.x; item < kInH * kInW / 2; item += kStemThreads) {
    const int row = item / (kInW / 2), chunk = item % (kInW / 2), y = corner.y + row, x = corner.x + 2 * chunk;
    uint4 pixels = make_uint4(0, 0, 0, 0);
    if (y >= 0 && y < in.height && x < in.width) {
      const int at = row_shift(image, row_begin(in, y, corner.x)) + 6 * chunk;
      const uint32_t *words = reinterpret_cast<const uint32_t *>(raw + row * kRawPitch) + at / 4, bits = at % 4 * 8;
      const uint32_t low = __funnelshift_r(words[0], words[1], bits), high = __funnelshift_r(words[1], words[2], bits);
      if (x >= 0) {  // x is even, so both are
        pixels.x = table[low & 0xff] | static_cast<uint32_t>(table[256 + (low >> 8 & 0xff)]) << 16;
        pixels.y = table[512 + (low >> 16 & 0xff)];
        if (x + 1 < in.width) {
          pixels.z = table[low >> 24] | static_cast<uint32_t>(table[256 + (high & 0xff)]) << 16;
          pixels.w = table[512 + (high >> 8 & 0xff)];
        }
      }
    }
    *reinterpret_cast<uint4 *>(input + input_offset(row, chunk)) = pixels;
  }
}
// Packed pixels of a tile, two by two.
__device__ __forceinline__ void fetch_pixels(const acm_images &in, const StemTile &tile, unsigned char *input) {
  const unsigned char *image = image_at(in, tile.image);
  const Corner corner = corner_of(tile);
  ACM_NO_UNROLL  // asynchronous: nothing is gained by more in flight, and registers are short
  for (int item = threadIdx.x; item < kInH * kInW / 2; item += kStemThreads) {
    const int row = item / (kInW / 2), chunk = item % (kInW / 2), y = corner.y + row, x = corner.x + 2 * chunk;
    const bool inside = y >= 0 && y < in.height && x >= 0 && x < in.width;
    const int64_t at = inside ? (static_cast<int64_t>(y) * in.width + x) * 8 : 0;
    copy_async16(input + input_offset(row, chunk), image + at, inside ? 16 : 0);
  }
  copy_async_commit();
}

// dynamic shared bytes: 81712
template <typename T, bool kBytes>
__global__ void __launch_bounds__(256, 2)
    stem_kernel(acm_images in, Normalisation normalisation, const uint16_t *__restrict__ weights,
                const float *__restrict__ bias, uint16_t *__restrict__ out, StemShape shape) {
  ACM_DYNAMIC_SHARED(shared);
  unsigned char *const input = shared + kWeightBytes, *const map = input + kInputBytes, *const raw = shared + kRaw;
  uint16_t *const table = reinterpret_cast<uint16_t *>(shared + kTable);
  float *const biases = reinterpret_cast<float *>(shared + kBias);
  const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
  if (kBytes) {
    fetch_bytes(in, tile_at(shape, blockIdx.x), raw);
  } else {
    fetch_pixels(in, tile_at(shape, blockIdx.x), input);
  }
  for (int i = thread; i < kWeightBytes / 16; i += kStemThreads) {
    *reinterpret_cast<uint4 *>(shared + i * 16) = load16(reinterpret_cast<const unsigned char *>(weights) + i * 16);
  }
  if (thread < kChannels) biases[thread] = bias[thread];
  if (kBytes) {
    for (int v = thread; v < 256; v += kStemThreads) {
      ACM_UNROLL
      for (int c = 0; c < 3; c++) table[c * 256 + v] = from_float<T>(normalise_byte(v, normalisation, c)).bits;
    }
  }
  // This lane gives the address of row lane % 16 of each of the warp's two tiles; the lanes above 15 those of k + 8.
  // The spare row of the last tile repeats its last.
  MapPixel from[2];
  ACM_UNROLL
  for (int i = 0; i < 2; i++) {
    from[i] = map_pixel(warp + i * kWarps, lane % 16);
    from[i].y = min(from[i].y, kConvH - 1);
    from[i].x += lane / 16;
  }

  for (int index = blockIdx.x; index < shape.tiles; index += gridDim.x) {
    copy_async_wait<0>();
    __syncthreads();  // the input is there, weights too, and the map has been pooled
    const int next = index + static_cast<int>(gridDim.x);
    if (kBytes) {
      convert_bytes(in, tile_at(shape, index), raw, table, input);
      __syncthreads();  // pixels are made, and their bytes are not needed any more
      if (next < shape.tiles) fetch_bytes(in, tile_at(shape, next), raw);
    }
    float sum[2][8][4];
    ACM_UNROLL
    for (int i = 0; i < 2; i++) {
      ACM_UNROLL
      for (int j = 0; j < 8; j++) {
        ACM_UNROLL
        for (int e = 0; e < 4; e++) sum[i][j][e] = 0.f;
      }
    }
    ACM_NO_UNROLL
    for (int step = 0; step < kSteps; step++) {
      uint32_t a[2][4];
      ACM_UNROLL
      for (int i = 0; i < 2; i++) {
        ldmatrix_x4(a[i], input + input_offset(2 * from[i].y + step / 2, from[i].x + step % 2 * 2));
      }
      ACM_UNROLL
      for (int p = 0; p < 4; p++) {
        const uint4 b = load_shared16(shared + ((step * 4 + p) * 32 + lane) * 16);
        multiply<T>(sum[0][2 * p], a[0], b.x, b.y);
        multiply<T>(sum[0][2 * p + 1], a[0], b.z, b.w);
        multiply<T>(sum[1][2 * p], a[1], b.x, b.y);
        multiply<T>(sum[1][2 * p + 1], a[1], b.z, b.w);
      }
    }
    const StemTile tile = tile_at(shape, index);  // here, not earlier: registers are full of sums until now
    ACM_UNROLL
    for (int i = 0; i < 2; i++) {
      ACM_UNROLL
      for (int half = 0; half < 2; half++) {
        const MapPixel at = map_pixel(warp + i * kWarps, lane / 4 + 8 * half);
        const int y = 2 * tile.y - 1 + at.y, x = 2 * tile.x - 1 + at.x,
                  m = at.y < kConvH ? at.y * kConvW + at.x : kRows;
        const bool inside = y >= 0 && y < shape.mapH && x >= 0 && x < shape.mapW;
        ACM_UNROLL
        for (int q = 0; q < 2; q++) {  // groups of 32 channels: this lane's are q·32 + 8·(lane % 4) and the 7 after it
          const float *add = biases + q * 32 + lane % 4 * 8;
          uint32_t words[4];
          ACM_UNROLL
          for (int j = 0; j < 4; j++) {
            const float low = relu(sum[i][q * 4 + j][2 * half] + add[2 * j]);
            const float high = relu(sum[i][q * 4 + j][2 * half + 1] + add[2 * j + 1]);
            words[j] = inside ? rounded<T>(low) | rounded<T>(high) << 16 : 0;
          }
          store_shared16(map + map_offset(m, q * 4 + lane % 4), make_uint4(words[0], words[1], words[2], words[3]));
        }
      }
    }
    __syncthreads();  // the map is complete, and the input free
    if (!kBytes && next < shape.tiles) fetch_pixels(in, tile_at(shape, next), input);
    ACM_NO_UNROLL
    for (int item = thread; item < kPooledH * kPooledW * 8; item += kStemThreads) {
      const int chunk = item % 8, pixel = item / 8, y = pixel / kPooledW, x = pixel % kPooledW;
      uint4 most = make_uint4(0, 0, 0, 0);
      ACM_UNROLL
      for (int tap = 0; tap < 9; tap++) {
        const uint4 v = load_shared16(map + map_offset((2 * y + tap / 3) * kConvW + 2 * x + tap % 3, chunk));
        most = make_uint4(__vmaxu2(most.x, v.x), __vmaxu2(most.y, v.y), __vmaxu2(most.z, v.z), __vmaxu2(most.w, v.w));
      }
      const int oy = tile.y + y, ox = tile.x + x;
      if (oy < shape.outH && ox < shape.outW) {
        store16(out + ((static_cast<int64_t>(tile.image) * shape.outH + oy) * shape.outW + ox) * kChannels + chunk * 8,
                most);
      }
    }
  }
}
static_assert(kStemShared == 81712, "the figure above the kernel");

template <typename T>
int stem(const acm_images &in, const Normalisation &n, const uint16_t *weights, const float *bias, void *out,
         const StemShape &shape, acm_stream stream) {
  int blocks = 0;
  const int status = stride_blocks(shape.tiles, 1, 2, &blocks);
  if (status != ACM_OK) return status;
  return launch(in.type == ACM_UINT8 ? stem_kernel<T, true> : stem_kernel<T, false>, dim3(blocks), kStemThreads,
                kStemShared, stream, in, n, weights, bias, static_cast<uint16_t *>(out), shape);
}
}  // namespace acm

extern "C" int acm_stem(const acm_images *in, const float *normalisation, const uint16_t *weights, const float *bias,
                        int32_t type, void *out, acm_stream stream) {
  using namespace acm;
  int status = check_images(in);
  if (status != ACM_OK) return status;
  if (type != ACM_FLOAT16 && type != ACM_BFLOAT16) return ACM_BAD_VALUE;
  const bool bytes = in->type == ACM_UINT8;
  if (in->layout != ACM_NHWC || in->channels != (bytes ? 3 : 4) || (!bytes && in->type != type)) return ACM_UNSUPPORTED;
  if (in->sizes != nullptr || in->offsets != nullptr) return ACM_UNSUPPORTED;
  if (!bytes && in->width % 2 != 0) return ACM_BAD_SIZE;
  Normalisation n;
  status = read_normalisation(normalisation, &n);
  if (status != ACM_OK || in->count == 0) return status;
  if (weights == nullptr || bias == nullptr || out == nullptr) return ACM_NULL_POINTER;
  if (!aligned(weights, 16) || !aligned(bias, 4) || !aligned(out, 16) || (!bytes && !aligned(in->pixels, 16))) {
    return ACM_MISALIGNED;
  }
  StemShape shape;
  shape.mapH = (in->height + 1) / 2;
  shape.mapW = (in->width + 1) / 2;
  shape.outH = (shape.mapH + 1) / 2;
  shape.outW = (shape.mapW + 1) / 2;
  shape.tilesX = (shape.outW + kPooledW - 1) / kPooledW;
  shape.tilesPerImage = shape.tilesX * ((shape.outH + kPooledH - 1) / kPooledH);
  const int64_t tiles = product(in->count, shape.tilesPerImage);
  const int64_t outBytes = product(in->count, static_cast<int64_t>(shape.outH) * shape.outW * 128);
  // Below 2^31 with room for one more step of the grid.
  if (outBytes < 0 || tiles < 0 || tiles > 0x3fffffff) return ACM_TOO_LARGE;
  shape.tiles = static_cast<int>(tiles);
  if (overlap(in->pixels, bytes_of(*in), out, outBytes) || overlap(weights, kWeightBytes, out, outBytes) ||
      overlap(bias, kChannels * 4, out, outBytes)) {
    return ACM_OVERLAP;
  }
  return type == ACM_FLOAT16 ? stem<Half>(*in, n, weights, bias, out, shape, stream)
                             : stem<Brain>(*in, n, weights, bias, out, shape, stream);
}
